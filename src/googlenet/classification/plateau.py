"""The plateau on which training begins: no better than answering with the classes' shares."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from googlenet.config.schema.classification import Stall, TrainClassifier
from googlenet.errors import UserError


class Plateau(NamedTuple):
    """The loss of a network that knows only how frequent the classes are, and how long training may stay there.

    level: the loss below which the plateau is left.
    """

    chance: float
    level: float
    stall: Stall

    @classmethod
    def of(cls, labels: np.ndarray, settings: TrainClassifier, heads: int) -> "Plateau":
        """From the training labels; heads: how many auxiliary ones.

        The main classifier's chance level is the entropy of the labels, ln(classes) where all are as frequent; every auxiliary head
        adds aux_weight times as much. The margin is a share of the whole.
        """
        shares = np.bincount(labels) / len(labels)
        entropy = -sum(share * np.log(share) for share in shares if share)
        chance = float(entropy * (1 + settings.aux_weight * heads))
        return cls(chance, chance * (1 - settings.stall.margin), settings.stall)

    def left(self, loss: float) -> bool:
        """Whether a training loss is better than chance."""
        return loss < self.level

    def check(self, losses: Sequence[float], name: str) -> None:
        """Raise UserError, naming the member and what to change, when none of the last epochs' losses is better than chance."""
        epochs = self.stall.epochs
        last = losses[-epochs:]
        if self.stall.enabled and len(last) == epochs and not any(map(self.left, last)):
            raise UserError(
                f"train_classifier: the training of {name} stalls: no loss of the last {epochs} epochs is below"
                f" {self.level:.4g} (chance is {self.chance:.4g}, the best was {min(last):.4g}); change learning_rate,"
                f" warmup_steps or the member's init_seed, or allow more epochs (stall.epochs; any number with"
                f" stall.enabled: false)"
            )
