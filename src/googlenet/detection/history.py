"""The end of an epoch when training detectors and MultiBox."""

import math
from collections.abc import Callable

from googlenet.errors import UserError
from googlenet.models.training import RowT, TrainState


def end_epoch(
    state: TrainState[RowT], stage: str, epoch: int, on_epoch: Callable[[RowT], None], loss: float, **figures: float
) -> None:
    """Append an epoch's row with its mean loss. Raises UserError, naming the stage's key, for a non-finite loss."""
    if not math.isfinite(loss):
        remedy = "lower it, or lengthen warmup_steps"
        raise UserError(f"{stage}.learning_rate: the loss was not finite in epoch {epoch}; {remedy}")
    row = state.row.model_validate(
        {"epoch": epoch, "step": state.step, "learning_rate": state.descent.rate, "train_loss": loss} | figures
    )
    state.rows.append(row)
    for values in state.seen.values():
        values.clear()
    on_epoch(row)
