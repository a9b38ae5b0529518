"""How gradients are applied, one way per module: `start` begins one (see `Updates`).

`train_classifier.update` in the settings names the module; of this folder only that one counts in the job's code digest.
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
    """Computes the gradient of a batch: leaves it in the parameters of `model`, and returns what the state keeps of a step."""

    @property
    def model(self) -> nn.Module:
        """The network's modules."""

    def __call__(self, crops: np.ndarray, labels: np.ndarray) -> Sequence[Tensor]: ...


class Updates(Protocol):
    """The way in which a training computes gradients and applies them to the weights of its state."""

    def step(self, crops: np.ndarray, labels: np.ndarray) -> None:
        """Have the gradient of a batch computed and applied, at once or later, and count the step."""

    def end_epoch(self) -> None:
        """Bring the state's weights, averages and what it has seen up to date, as far as this way of updating waits for it."""

    def saved(self) -> tuple[dict[str, Tensor], Any]:
        """The state of the training."""

    def finish(self) -> AsynchronousTraining | None:
        """Apply the gradients that are under way: no other will be computed. Returns what synchronous updates do not have."""


def started(
    state: TrainState[Any], settings: TrainClassifier, rate: Callable[[int], float], gradient: Gradient
) -> Updates:
    """Begin a training's updates as the settings say, or continue them from its state. rate: of an update, by its number."""
    return cast(Updates, import_module(UPDATES.module(settings.update)).start(state, settings, rate, gradient))
