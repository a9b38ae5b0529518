"""Ways to apply gradients, one per module: `start` begins one (see `Updates`).

`train_classifier.update` in the settings names the module; of this folder only that one enters the job's code digest.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Protocol, cast

import numpy as np
from torch import Tensor, nn

from googlenet.config.schema.classification import UPDATES, TrainClassifier
from googlenet.metrics.training import AsynchronousTraining
from googlenet.models.training import TrainState


class Gradient(Protocol):
    """Computes the gradient of a batch into the parameters of `model`; returns the values that the state keeps."""

    @property
    def model(self) -> nn.Module:
        """The network's modules."""

    def __call__(self, crops: np.ndarray, labels: np.ndarray) -> Sequence[Tensor]: ...


class Updates(Protocol):
    """The way in which a training computes gradients and applies them to the weights of its state."""

    def step(self, crops: np.ndarray, labels: np.ndarray) -> None:
        """Compute and apply the gradient of a batch, at once or later, and count the step."""

    def end_epoch(self) -> None:
        """Bring the state's weights, averages and seen values up to date, as far as this way of updating waits."""

    def saved(self) -> tuple[dict[str, Tensor], Any]:
        """The state of the training."""

    def finish(self) -> AsynchronousTraining | None:
        """Apply the gradients in flight; no more will be computed. Returns the metrics of asynchronous updates."""


def started(
    state: TrainState[Any], settings: TrainClassifier, rate: Callable[[int], float], gradient: Gradient
) -> Updates:
    """Begin a training's updates as set, or resume them from its state. rate: of an update, by its index."""
    return cast(Updates, import_module(UPDATES.module(settings.update)).start(state, settings, rate, gradient))
