"""Hard negatives: the background that a detector, as it is so far, takes most for an object (as in R-CNN's SVMs)."""

from collections.abc import Sequence

import numpy as np

from googlenet.config.schema.detection import RegionView, TrainDetector
from googlenet.detection.region_vectors import softmax_of
from googlenet.detection.regions import BACKGROUND, Pool
from googlenet.errors import UserError
from googlenet.models.network import Network
from googlenet.models.runtime import Runtime

STREAM = 2**40  # before every epoch random numbers come from a key beyond those of all steps


def find(
    background: Pool,
    network: Network,
    images: Sequence[np.ndarray],
    boxes: Sequence[np.ndarray],
    epoch: int,
    settings: TrainDetector,
    runtime: Runtime,
) -> np.ndarray:
    """The hardest of the background's rows (image, region) before an epoch, int64 [n, 2], hardest first.

    What is scored depends on the seed and the epoch alone; the network is left in the mode that it was in. Raises UserError
    when there is none.
    """
    if not len(background):
        raise UserError(
            "regions: no background region in any image; set train_detector.hard_negatives.enabled to false"
        )
    rng = np.random.Generator(np.random.Philox(key=[settings.detector.order_seed, STREAM + epoch]))
    rows = drawn(rng, background, settings.hard_negatives.scored)
    numbers, first = np.unique(rows[:, 0], return_index=True)
    parts = zip(numbers, np.split(rows[:, 1], first[1:]), strict=True)
    scored = [boxes[number][regions] for number, regions in parts]
    view = RegionView(batch_size=settings.positives + settings.negatives, context_px=settings.context_px)
    training = network.model.training
    network.model.eval()
    probabilities = softmax_of(network, (images[number] for number in numbers), scored, view, runtime)
    network.model.train(training)
    return hardest(rows, probabilities, settings.hard_negatives.hardest)


def drawn(rng: np.random.Generator, background: Pool, count: int) -> np.ndarray:
    """At most `count` of the background's rows (image, region), each once, in the pool's order: by image."""
    order = np.arange(len(background), dtype=np.min_scalar_type(len(background)))
    rng.shuffle(order)
    return background[np.sort(order[:count])]


def hardest(rows: np.ndarray, probabilities: np.ndarray, count: int) -> np.ndarray:
    """The `count` rows with the least probability of background; at a tie the first."""
    order = np.argsort(probabilities[:, BACKGROUND], kind="stable")
    return rows[order[:count]]
