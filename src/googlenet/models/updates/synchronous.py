"""Synchronous updates: every gradient is computed at the newest weights."""

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor

from googlenet.config.schema.classification import TrainClassifier
from googlenet.models.training import TrainState
from googlenet.models.updates import Gradient


class Synchronous:
    """Applies each gradient before the next one is computed."""

    def __init__(self, state: TrainState[Any], rate: Callable[[int], float], gradient: Gradient):
        self.state, self.rate, self.gradient = state, rate, gradient

    def step(self, crops: np.ndarray, labels: np.ndarray) -> None:
        """Compute the gradient of a batch and apply it."""
        losses = self.gradient(crops, labels)
        self.state.descend_gradient(self.rate(self.state.step))
        self.state.see(losses)

    def end_epoch(self) -> None:
        """Do nothing: the state is up to date."""

    def saved(self) -> tuple[dict[str, Tensor], Any]:
        """The state of the training."""
        return self.state.state()

    def finish(self) -> None:
        """Do nothing: no gradient is in flight."""


def start(
    state: TrainState[Any], settings: TrainClassifier, rate: Callable[[int], float], gradient: Gradient
) -> Synchronous:
    """Begin or continue."""
    return Synchronous(state, rate, gradient)
