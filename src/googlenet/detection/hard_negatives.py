"""Hard negatives: the background that a detector, as it is so far, takes most for an object (as in R-CNN's SVMs)."""

from collections.abc import Sequence

import numpy as np
from torch import nn

from googlenet.detection.region_vectors import softmax_of
from googlenet.detection.regions import BACKGROUND, Pool
from googlenet.errors import UserError
from googlenet.trained import Description

STREAM = 2**40  # before every epoch random numbers come from a key beyond those of all steps


def find(
    background: Pool,
    model: nn.Module,
    description: Description,
    pictures: Sequence[np.ndarray],
    boxes: Sequence[np.ndarray],
    epoch: int,
    settings: dict,
    compute: dict,
) -> np.ndarray:
    """The hardest of the background's rows (image, region) before an epoch, int64 [n, 2], hardest first.

    settings: {hard_negatives: {scored, hardest}, positives, negatives, context_px, detector}. What is scored depends on
    the seed and the epoch alone; the network is left in the mode that it was in. Raises UserError when there is none.
    """
    if not len(background):
        raise UserError(
            "regions: no background region in any image; set train_detector.hard_negatives.share to 0"
        )
    rng = np.random.Generator(np.random.Philox(key=[settings["detector"]["order_seed"], STREAM + epoch]))
    rows = drawn(rng, background, settings["hard_negatives"]["scored"])
    images, first = np.unique(rows[:, 0], return_index=True)
    mine = [boxes[i][regions] for i, regions in zip(images, np.split(rows[:, 1], first[1:]), strict=True)]
    size = settings["positives"] + settings["negatives"]
    scoring = {"batch_size": size, "context_px": settings["context_px"]}
    training = model.training
    model.eval()
    shown = (pictures[i] for i in images)
    probabilities = softmax_of(model, description, shown, mine, scoring, compute)
    model.train(training)
    return hardest(rows, probabilities, settings["hard_negatives"]["hardest"])


def drawn(rng: np.random.Generator, background: Pool, count: int) -> np.ndarray:
    """At most `count` of the background's rows (image, region), each once, in the pool's order: by image."""
    order = np.arange(len(background), dtype=np.min_scalar_type(len(background)))
    rng.shuffle(order)
    return background[np.sort(order[:count])]


def hardest(rows: np.ndarray, probabilities: np.ndarray, count: int) -> np.ndarray:
    """The `count` rows with the least probability of background; at a tie the first."""
    order = np.argsort(probabilities[:, BACKGROUND], kind="stable")
    return rows[order[:count]]
