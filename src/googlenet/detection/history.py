"""The rows that detectors and MultiBox report of their epochs."""

import math
from typing import Any

from torch.optim import Optimizer

from googlenet.errors import UserError


def epoch_of(stage: str, loss: float, steps_done: int, per_epoch: int, opt: Optimizer) -> dict[str, Any]:
    """Return the fields of metrics' Epoch. Raises UserError, naming the stage's key, when the loss is not finite."""
    epoch = steps_done // per_epoch
    if not math.isfinite(loss):
        mend = "lower it, or lengthen warmup_steps"
        raise UserError(f"{stage}.learning_rate: the loss was not finite in epoch {epoch}; {mend}")
    return {"epoch": epoch, "step": steps_done, "learning_rate": opt.param_groups[0]["lr"], "train_loss": loss}
