"""How many objects any proposal covers: the most that the classifier behind it can find (section 8)."""

from collections.abc import Sequence

import numpy as np

from googlenet.detection.boxes import iou, object_threshold
from googlenet.detection.proposals import counts_of
from googlenet.errors import UserError
from googlenet.metrics.proposals import ClassCoverage, Coverage, CurvePoint

NEVER = np.iinfo(np.int64).max


def first_cover(
    proposals: np.ndarray, objects: np.ndarray, iou_threshold: float = 0.5, small: bool = False
) -> np.ndarray:
    """Return the index of the first proposal that covers each object of an image, int64 [m]; else NEVER.

    `proposals` [n, 4], `objects` [m, 4]. Covered is IoU at or over `iou_threshold`; with `small` at or over
    ILSVRC's threshold of the object, where that is lower.
    """
    objects = np.asarray(objects).reshape(-1, 4)
    wanted = np.full(len(objects), float(iou_threshold))
    if small:
        wanted = np.minimum(wanted, object_threshold(objects))
    covers = iou(objects, proposals) >= wanted[:, None]
    first = np.full(len(objects), NEVER)
    if covers.shape[1]:
        first = np.where(covers.any(axis=1), covers.argmax(axis=1), first)
    return first


def coverage(
    proposals: Sequence[np.ndarray],
    objects: Sequence[np.ndarray],
    labels: Sequence[np.ndarray],
    classes: Sequence[str],
    iou_threshold: float = 0.5,
    small: bool = False,
) -> Coverage:
    """Return boxes per image and the percent of objects covered, overall and per class, over all images.

    One array per image in each sequence: proposals [n, 4], objects [m, 4], their labels [m] (0-based). A
    class with no object has None. Raises UserError when there is no object at all.
    """
    covered = _first_covers(proposals, objects, iou_threshold, small) != NEVER
    label = np.concatenate([np.asarray(one, np.int64) for one in labels])
    if len(label) != len(covered):
        raise ValueError(f"{len(covered)} objects, but {len(label)} labels")
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
    proposals: Sequence[np.ndarray],
    objects: Sequence[np.ndarray],
    counts: Sequence[int],
    iou_threshold: float = 0.5,
    small: bool = False,
    rng: np.random.Generator | None = None,
) -> tuple[CurvePoint, ...]:
    """Return the coverage, in percent, of the first `count` proposals of every image, for each of the counts.

    Stored proposals are sorted by place, not by worth: with `rng` each image's are shuffled first.
    """
    if rng is not None:
        proposals = [np.asarray(boxes)[rng.permutation(len(boxes))] for boxes in proposals]
    first = _first_covers(proposals, objects, iou_threshold, small)
    return tuple(CurvePoint(boxes=int(n), coverage_percent=float(100 * (first < n).mean())) for n in counts)


def _first_covers(
    proposals: Sequence[np.ndarray], objects: Sequence[np.ndarray], iou_threshold: float, small: bool
) -> np.ndarray:
    if not sum(len(boxes) for boxes in objects):
        raise UserError("coverage: the images have no object; give a split that has boxes")
    return np.concatenate(
        [
            first_cover(proposed, boxes, iou_threshold, small)
            for proposed, boxes in zip(proposals, objects, strict=True)
        ]
    )
