"""How gradients are applied, one way per module: `start` begins one (see `Updates`).

`train_classifier.update` in the settings names the module; of this folder only that one counts in the job's code digest.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any, Protocol, cast

from torch import Tensor

from googlenet.config.schema.classification import UPDATES, TrainClassifier
from googlenet.models.training import TrainState


class Updates(Protocol):
    """The way in which a training applies its gradients to the weights of its state."""

    @property
    def staleness(self) -> tuple[int, ...] | None:
        """How many updates had which staleness, by staleness; None where no gradient can be stale."""

    def computing(self) -> AbstractContextManager[None]:
        """Within the block, the next gradient is computed."""

    def apply(self) -> None:
        """Hand in the gradient that was computed, and count a step as done."""

    def saved(self) -> tuple[dict[str, Tensor], Any]:
        """The state of the training."""

    def finish(self) -> None:
        """Apply the gradients that are under way: no other will be computed."""


def started(state: TrainState[Any], settings: TrainClassifier, rate: Callable[[int], float]) -> Updates:
    """Begin a training's updates as the settings say, or continue them from its state. rate: of an update, by its number."""
    return cast(Updates, import_module(UPDATES.module(settings.update)).start(state, settings, rate))
