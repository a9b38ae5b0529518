"""The history that detectors and MultiBox keep while they train."""

import math

from torch.optim import Optimizer

from googlenet.errors import UserError


def epoch_head(stage: str, loss: float, steps_done: int, per_epoch: int, opt: Optimizer) -> dict:
    """What every row of a history begins with: epoch, step, rate, mean loss.

    Raises UserError, naming the stage's key and what to change, when the loss was no number.
    """
    epoch = steps_done // per_epoch
    if not math.isfinite(loss):
        raise UserError(
            f"{stage}.learning_rate: the loss was no number in epoch {epoch}; lower it, or lengthen warmup_steps"
        )
    return {
        "epoch": epoch,
        "step": steps_done,
        "learning_rate": opt.param_groups[0]["lr"],
        "train_loss": loss,
    }
