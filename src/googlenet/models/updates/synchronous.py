"""Synchronous updates: every gradient is of the newest weights."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from torch import Tensor

from googlenet.config.schema.classification import TrainClassifier
from googlenet.models.training import TrainState


class Synchronous:
    """Descends each gradient before the next one is computed."""

    staleness = None

    def __init__(self, state: TrainState[Any], rate: Callable[[int], float]):
        self.state, self.rate = state, rate

    def computing(self) -> AbstractContextManager[None]:
        """Within the block, the next gradient is computed."""
        return nullcontext()

    def apply(self) -> None:
        """Descend the gradient that was computed."""
        self.state.descend_gradient(self.rate(self.state.step))

    def saved(self) -> tuple[dict[str, Tensor], Any]:
        """The state of the training."""
        return self.state.state()

    def finish(self) -> None:
        """Do nothing: no gradient is under way."""


def start(state: TrainState[Any], settings: TrainClassifier, rate: Callable[[int], float]) -> Synchronous:
    """Begin or continue."""
    return Synchronous(state, rate)
