"""The objects of an image, in the form used for both training and evaluating detectors."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from googlenet.data.store import Split
from googlenet.tracking.progress import counted


class GroundTruth(NamedTuple):
    """An image's objects: boxes float32 [n, 4], 0-based inclusive px; labels int64 [n], 0-based; difficult bool [n].

    partial, int32 [k]: classes of which the image may hold objects without a box.
    """

    boxes: np.ndarray
    labels: np.ndarray
    difficult: np.ndarray
    partial: np.ndarray

    @property
    def complete(self) -> bool:
        """Whether every object has a box; otherwise no region of the image is certain to be background."""
        return len(self.partial) == 0


Truth = Sequence[GroundTruth]  # the objects of every image


def to_find(truth: Truth) -> list[GroundTruth]:
    """Return the objects that a detector has to find: neither difficult nor of a class of which boxes may be lacking."""
    found = []
    for one in truth:
        rows = ~(one.difficult | np.isin(one.labels, one.partial))
        found.append(GroundTruth(one.boxes[rows], one.labels[rows], one.difficult[rows], one.partial))
    return found


def ground_truth(split: Split) -> list[GroundTruth]:
    """Return the objects of every image of a split."""
    return with_sizes(split, range(len(split)))[0]


def with_sizes(split: Split, rows: Iterable[int]) -> tuple[list[GroundTruth], list[tuple[int, int]]]:
    """Return the objects of some images of a split, and the images' (width, height)."""
    truth, sizes = [], []
    for row in counted(rows, f"images of {split.split} whose objects are read"):
        record = split.without_image(row)
        truth.append(GroundTruth(record.boxes, record.box_labels, record.difficult, record.partial))
        sizes.append((record.width, record.height))
    return truth, sizes
