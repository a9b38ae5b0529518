"""The history that detectors and MultiBox keep while they train."""

import math

from torch.optim import Optimizer

from googlenet.errors import UserError
from googlenet.metrics.proposals import Epoch


def epoch_of(stage: str, loss: float, steps_done: int, per_epoch: int, opt: Optimizer) -> Epoch:
    """What every row of a history has: epoch, step, rate, mean loss.

    Raises UserError, naming the stage's key and what to change, when the loss was no number.
    """
    epoch = steps_done // per_epoch
    if not math.isfinite(loss):
        raise UserError(
            f"{stage}.learning_rate: the loss was no number in epoch {epoch}; lower it, or lengthen warmup_steps"
        )
    return Epoch(epoch=epoch, step=steps_done, learning_rate=opt.param_groups[0]["lr"], train_loss=loss)
