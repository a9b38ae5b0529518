"""The share of objects that any proposal covers: an upper bound on what the classifier can find (section 8)."""

from collections.abc import Sequence

import numpy as np

from googlenet.data.ground_truth import Truth
from googlenet.detection import Boxes
from googlenet.detection.boxes import iou
from googlenet.detection.proposals import counts_of
from googlenet.errors import UserError
from googlenet.metrics.proposals import ClassCoverage, Coverage, CurvePoint

NEVER = np.iinfo(np.int64).max


def first_cover(proposals: np.ndarray, objects: np.ndarray, iou_threshold: float = 0.5) -> np.ndarray:
    """Return the index of the first proposal [n, 4] that covers each object [m, 4], int64 [m]; NEVER if none does."""
    covers = iou(objects, proposals) >= iou_threshold
    if not covers.size:
        return np.full(len(covers), NEVER)
    return np.where(covers.any(axis=1), covers.argmax(axis=1), NEVER)


def first_covers(proposals: Boxes, truth: Truth, iou_threshold: float) -> np.ndarray:
    """Return `first_cover` of all images' objects, concatenated. Raises UserError when there is no object at all."""
    if not any(len(one.boxes) for one in truth):
        raise UserError("coverage: the images have no object; give a split that has boxes")
    images = zip(proposals, truth, strict=True)
    return np.concatenate([first_cover(boxes, one.boxes, iou_threshold) for boxes, one in images])


def coverage(proposals: Boxes, truth: Truth, classes: Sequence[str], iou_threshold: float = 0.5) -> Coverage:
    """Return boxes per image and the percentage of objects covered, in all and per class. UserError without objects."""
    covered = first_covers(proposals, truth, iou_threshold) != NEVER
    label = np.concatenate([one.labels for one in truth])
    per_class = []
    for index, name in enumerate(classes):
        of_class = covered[label == index]
        percent = float(100 * of_class.mean()) if len(of_class) else None
        per_class.append(ClassCoverage(class_name=name, objects=len(of_class), coverage_percent=percent))
    return Coverage(
        boxes_per_image=int(counts_of(proposals).sum()) / len(proposals),
        objects=len(covered),
        coverage_percent=float(100 * covered.mean()),
        per_class=tuple(per_class),
    )


def coverage_by_count(
    proposals: Boxes, truth: Truth, counts: Sequence[int], iou_threshold: float = 0.5
) -> tuple[CurvePoint, ...]:
    """Return the coverage, in percent, of the first `count` proposals of every image, for each of the counts."""
    first = first_covers(proposals, truth, iou_threshold)
    return tuple(CurvePoint(boxes=n, coverage_percent=float(100 * (first < n).mean())) for n in counts)
