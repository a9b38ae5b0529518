"""Forward selection of crops on validation pictures: which one, two, three, ... of them to keep."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from googlenet.classification.aggregations import LEAST
from googlenet.classification.kept_crops import KeptCrops, in_parts


class Chosen(NamedTuple):
    """Crops in the order of their selection: their places among the kept ones, and the loss with the first 1, 2, ..."""

    order: list[int]
    nll_nats: list[float]

    def best_of(self, budgets: Sequence[int]) -> int:
        """The budget of the least validation loss; of equal ones the smallest."""
        return min(budgets, key=lambda budget: (self.nll_nats[budget - 1], budget))


def select(own: np.ndarray, places: np.ndarray) -> Chosen:
    """Greedy forward selection: at each step the crop with which the mean's negative log-likelihood is least.

    own: probability of the label [pictures, crops]; places: the crops to choose from. Of equal ones the first is taken.
    """
    total, left = np.zeros(len(own)), [int(place) for place in places]
    order: list[int] = []
    losses: list[float] = []
    while left:
        means = (total[:, None] + own[:, left]) / (len(order) + 1)
        with_each = -np.log(np.maximum(means, LEAST)).mean(0)
        best = int(with_each.argmin())
        losses.append(float(with_each[best]))
        order.append(left.pop(best))
        total += own[:, order[-1]]
    return Chosen(order, losses)


def selections(kept: Mapping[str, KeptCrops], labels: np.ndarray, places: np.ndarray) -> dict[str, Chosen]:
    """The selection for each member alone, and for the "ensemble" of all. labels: of the kept pictures."""
    parts = [
        np.take_along_axis(p, labels[some][None, :, None, None], axis=3)[..., 0] for some, p in in_parts(kept)
    ]
    own = np.concatenate(parts, axis=1).astype(np.float64)
    found = {name: select(mine, places) for name, mine in zip(kept, own, strict=True)}
    return found | {"ensemble": select(own.mean(0), places)}
