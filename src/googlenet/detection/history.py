"""The history that detectors and MultiBox keep while they train."""

import math
from typing import Any

from torch.optim import Optimizer

from googlenet.errors import UserError


def epoch_of(stage: str, loss: float, steps_done: int, per_epoch: int, opt: Optimizer) -> dict[str, Any]:
    """The fields of Epoch, which every row has. Raises UserError, naming the stage's key, when the loss was no number."""
    epoch = steps_done // per_epoch
    if not math.isfinite(loss):
        raise UserError(
            f"{stage}.learning_rate: the loss was no number in epoch {epoch}; lower it, or lengthen warmup_steps"
        )
    rate = opt.param_groups[0]["lr"]
    return {"epoch": epoch, "step": steps_done, "learning_rate": rate, "train_loss": loss}
