"""Mean average precision by the rules of ILSVRC's own program, eval_detection.m, and its uncertainty."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from googlenet.detection.boxes import object_threshold, paired_iou, sides
from googlenet.detection.nms import best_first
from googlenet.errors import UserError
from googlenet.tracking.progress import counted

TRUE_POSITIVE, FALSE_POSITIVE, NEUTRAL = 1, 0, -1
PAIRS_AT_ONCE = 2_000_000
CELLS_AT_ONCE = 4_000_000
NO_OBJECT = "mean AP: no object to find in any image; give a split that has boxes"


class Detections(NamedTuple):
    """One row per detection: image int [n], label int [n] (0-based class), score float [n], box [n, 4]."""

    image: np.ndarray
    label: np.ndarray
    score: np.ndarray
    box: np.ndarray


class Objects(NamedTuple):
    """One row per object to find: image int [m], label int [m], box [m, 4]."""

    image: np.ndarray
    label: np.ndarray
    box: np.ndarray
    difficult: np.ndarray  # bool [m]: counts neither way
    blacklist: np.ndarray = np.zeros((0, 2), np.int64)  # (image, label) whose objects are not all known: ignored
    order: np.ndarray | None = None  # [images]: at equal scores the lower ranks first, like ILSVRC's image numbers


@dataclass(frozen=True)
class Evaluation:
    """The result of matching detections with objects, and their quality."""

    detections: Detections
    objects: Objects
    required: np.ndarray  # bool [m]: the objects to find, neither difficult nor blacklisted
    needed_iou: np.ndarray  # float64 [m]: the IoU that a detection needs with each object
    flags: np.ndarray  # int8 [n]: TRUE_POSITIVE, FALSE_POSITIVE or NEUTRAL
    matched: np.ndarray  # int64 [n]: the row of the object that a detection matches, -1 for none
    rows: list[np.ndarray]  # per class, its detections that are not neutral, best first

    @cached_property
    def object_counts(self) -> np.ndarray:
        """Number of objects to find of each class, int64 [classes]."""
        return np.bincount(self.objects.label[self.required], minlength=len(self.rows))

    def curve(self, label: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a class's recall and precision, float64, after each detection in descending order of score."""
        hits = np.cumsum(self.flags[self.rows[label]] == TRUE_POSITIVE)
        return hits / max(self.object_counts[label], 1), hits / np.arange(1, len(hits) + 1)

    @cached_property
    def ap_percent(self) -> tuple[float | None, ...]:
        """AP of each class; None for classes without objects, which the mean omits."""
        counts = enumerate(self.object_counts)
        return tuple(100 * average_precision(*self.curve(label)) if count else None for label, count in counts)

    @property
    def mean_ap_percent(self) -> float:
        """Mean AP of the classes that have objects."""
        return float(np.mean([value for value in self.ap_percent if value is not None]))


def evaluate(detections: Detections, objects: Objects, classes: int, small: bool = True) -> Evaluation:
    """Match detections with objects. small: ILSVRC's lower threshold for small objects applies, else 0.5 for all.

    In descending order of score (ties: in the given order), a detection matches the unmatched object of its class and
    image with the highest IoU (ties: the first) among those whose threshold it reaches. Without such an object it is a
    false positive, unless it reaches the threshold of a difficult object, to which any number may be assigned: then it
    is neutral. So is every detection of a blacklisted class of an image. Raises UserError for invalid input, or without
    any object to find.
    """
    _check(detections, objects, classes)
    # One number for each pair of image and class.
    blacklist, key, object_key = (
        image.astype(np.int64) * classes + label.astype(np.int64)
        for image, label in (objects.blacklist.T, detections[:2], objects[:2])
    )
    ignored = np.isin(key, blacklist)
    required = ~(objects.difficult | np.isin(object_key, blacklist))
    if not required.any():
        raise UserError(NO_OBJECT)
    needed_iou = object_threshold(objects.box) if small else np.full(len(objects.label), 0.5)
    key[ignored] = -1  # matches no object
    matched = _match(detections, objects, key, object_key, needed_iou)
    flags = np.full(len(key), FALSE_POSITIVE, np.int8)
    hit = matched >= 0
    flags[hit] = np.where(objects.difficult[matched[hit]], NEUTRAL, TRUE_POSITIVE)
    flags[ignored] = NEUTRAL
    # Best first; ties: the lower image in `objects.order`, as in eval_detection.m; then the given order.
    counted = np.flatnonzero(flags != NEUTRAL)
    label, image = detections.label[counted], detections.image[counted]
    order = np.lexsort((image if objects.order is None else objects.order[image], -detections.score[counted], label))
    rows = np.split(counted[order], np.searchsorted(label[order], np.arange(1, classes)))
    return Evaluation(detections, objects, required, needed_iou, flags, matched, rows)


def average_precision(recall: np.ndarray, precision: np.ndarray) -> float:
    """Return the area, 0 to 1, under the monotone envelope: at each recall, the best precision from there on."""
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * envelope))


def grouped(keys: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the rows of `keys` in order of key, and where in it each wanted key begins and how many rows it has."""
    order = np.argsort(keys, kind="stable")
    first, end = (np.searchsorted(keys[order], wanted, side) for side in ("left", "right"))
    return order, first, end - first


def pairs_of(first: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pair every row i with each of the numbers first[i], ..., first[i] + count[i] - 1: two int64 arrays."""
    row = np.repeat(np.arange(len(count)), count)
    return row, np.arange(len(row)) + np.repeat(first - (np.cumsum(count) - count), count)


def _match(
    detections: Detections, objects: Objects, key: np.ndarray, object_key: np.ndarray, needed_iou: np.ndarray
) -> np.ndarray:
    """Return Evaluation.matched; a detection and an object of the same key may match."""
    order = best_first(detections.score)
    by_key, first, count = grouped(object_key, key[order])
    some = np.flatnonzero(count)  # most detections have no object of their class in their image
    taken, matched = bytearray(len(by_key)), np.full(len(order), -1)
    shared = objects.difficult.tolist()  # plain values, since the loop is in Python
    pairs = np.cumsum(count[some])
    chunks = np.searchsorted(pairs, np.arange(PAIRS_AT_ONCE, pairs[-1] if len(pairs) else 0, PAIRS_AT_ONCE))
    for part in np.split(some, chunks):
        row, place = pairs_of(first[part], count[part])
        rank, target = part[row], by_key[place]
        overlap = paired_iou(detections.box[order[rank]], objects.box[target])
        close = np.flatnonzero(overlap >= needed_iou[target])
        rank, target, overlap = rank[close], target[close], overlap[close]
        # By score, then by the detection's preference; each detection takes one object.
        preferred = np.lexsort((target, -overlap, objects.difficult[target], rank))
        done = -1
        for detection, wanted in zip(order[rank[preferred]].tolist(), target[preferred].tolist(), strict=True):
            if detection != done and (shared[wanted] or not taken[wanted]):
                done = detection
                taken[wanted], matched[detection] = 1, wanted
    return matched


def resampled(evaluation: Evaluation, weight: np.ndarray) -> np.ndarray:
    """mAP, in percent, of each resample, float64 [resamples]; NaN without any object. weight: from bootstrap.draws.
    Matching is per image, so the evaluation's flags hold in every resample. The mean omits classes without objects."""
    objects = evaluation.objects
    total, used = np.zeros(len(weight)), np.zeros(len(weight))
    for label, rows in enumerate(counted(evaluation.rows, "classes resampled")):
        count = weight[:, objects.image[evaluation.required & (objects.label == label)]].sum(axis=1)
        present, image = count > 0, evaluation.detections.image[rows]
        hit = evaluation.flags[rows] == TRUE_POSITIVE
        total[present] += _weighted_ap(weight[present], image, hit) / count[present]
        used += present
    if not used.any():
        raise UserError(NO_OBJECT)
    means = np.full(len(weight), np.nan)
    np.divide(100 * total, used, out=means, where=used > 0)
    return means


def _weighted_ap(weight: np.ndarray, image: np.ndarray, hit: np.ndarray) -> np.ndarray:
    """Areas under one class's envelope times its number of objects, [resamples]; best score first. A detection of
    weight w counts as w equal steps, over which the envelope is flat, as precision rises within a run of hits."""
    last = int(np.flatnonzero(hit)[-1]) + 1 if hit.any() else 0
    at = np.flatnonzero(hit[:last])
    area = np.zeros(len(weight))
    step = max(CELLS_AT_ONCE // max(last, 1), 1)
    for start in range(0, len(weight) if last else 0, step):
        drawn = weight[start : start + step][:, image[:last]]
        seen = np.cumsum(drawn, axis=1)[:, at]
        gain = drawn[:, at]
        precision = np.divide(np.cumsum(gain, axis=1), seen, out=np.zeros_like(seen), where=seen > 0)
        envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        area[start : start + step] = (gain * envelope).sum(axis=1)
    return area


def _check(detections: Detections, objects: Objects, classes: int) -> None:
    """Raise UserError for invalid input."""
    for name, table in (("detections", detections), ("objects", objects)):
        labels, images = table.label, table.image
        if len(labels) and not (labels.min() >= 0 and labels.max() < classes):
            raise UserError(
                f"{name}: labels {labels.min()} to {labels.max()} are not in 0 to {classes - 1}; correct them"
            )
        if len(images) and images.min() < 0:
            raise UserError(f"{name}: image {images.min()} is negative; images count from 0")
    if nan := int(np.isnan(detections.score).sum()):
        raise UserError(f"detections: {nan} scores are NaN; the detector has diverged, retrain it")
    for name, table in (("detections", detections), ("objects", objects)):
        bad = ~(sides(table.box) > 0).all(axis=1)
        if bad.any():
            raise UserError(f"{name}: {bad.sum()} boxes have no area; leave them out when preparing the data")
