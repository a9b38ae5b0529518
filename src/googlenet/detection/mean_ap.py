"""Mean average precision by the rules of ILSVRC's own program, eval_detection.m, and its uncertainty."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from googlenet.detection.boxes import object_threshold, paired_iou
from googlenet.detection.nms import best_first
from googlenet.errors import UserError

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
    difficult: np.ndarray | None = None  # bool [m]: counts neither way; None: no object is difficult
    blacklist: np.ndarray = np.zeros((0, 2), np.int64)  # (image, label) whose objects are not all known: none counts


@dataclass(frozen=True)
class Evaluation:
    """The quality of detections, with the detections and the objects that they were matched with."""

    detections: Detections
    objects: Objects
    mean_ap_percent: float
    ap_percent: tuple[float | None, ...]  # per class; None without objects, left out of the mean
    recall: list[np.ndarray]  # per class, float64, after each detection in descending order of score
    precision: list[np.ndarray]
    flags: np.ndarray  # with `took`, the result of `assigned`
    took: np.ndarray


def evaluate(detections: Detections, objects: Objects, classes: int, small: bool = True) -> Evaluation:
    """Match, order and average. `small`: see needed_iou. Raises UserError for invalid input, or without any object."""
    flags, took = assigned(detections, objects, classes, small)
    total = count_objects(objects, classes)
    if not total.any():
        raise UserError(NO_OBJECT)
    recall, precision, ap = [], [], []
    for rows, sought in zip(rows_per_class(detections, flags, classes), total, strict=True):
        hits = np.cumsum(flags[rows] == TRUE_POSITIVE)
        recall.append(hits / max(sought, 1))
        precision.append(hits / np.arange(1, len(hits) + 1))
        ap.append(100 * average_precision(recall[-1], precision[-1]) if sought else None)
    mean = float(np.mean([value for value in ap if value is not None]))
    return Evaluation(detections, objects, mean, tuple(ap), recall, precision, flags, took)


def average_precision(recall: np.ndarray, precision: np.ndarray) -> float:
    """Return the area, 0 to 1, under the monotone envelope: at each recall the best precision at or beyond it."""
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * envelope))


def count_objects(objects: Objects, classes: int) -> np.ndarray:
    """Return how many objects of each class are to be found, int64 [classes]."""
    return np.bincount(objects.label[counted(objects, classes)], minlength=classes)


def needed_iou(objects: Objects, small: bool) -> np.ndarray:
    """Return the IoU that a detection needs with each object, float64 [m]; small: ILSVRC's rule, else 0.5 for all."""
    return object_threshold(objects.box) if small else np.full(len(objects.label), 0.5)


def pairs_of(first: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pair every row i with each of the numbers first[i], ..., first[i] + count[i] - 1: two int64 arrays."""
    row = np.repeat(np.arange(len(count)), count)
    return row, np.arange(len(row)) + np.repeat(first - (np.cumsum(count) - count), count)


def assigned(
    detections: Detections, objects: Objects, classes: int, small: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Return each detection's flag, int8 [n], and the row of the object that it matches, int64 [n], -1 for none.

    In descending order of score (ties: in the given order), a detection matches the still-unmatched object of its class
    and image that it overlaps most (ties: the first) among those at or over the object's threshold. Without such an
    object it is a false positive, unless a difficult object, which any number may share, is at or over its threshold:
    then it is neutral. So is every detection of a blacklisted class of an image.
    """
    _check(detections, objects, classes)
    order = best_first(detections.score)
    key, object_key = _keys(detections, classes)[order], _keys(objects, classes)
    neutral = _blacklisted(key, objects, classes)
    by_key = np.argsort(object_key, kind="stable")
    first, end = (np.searchsorted(object_key[by_key], key, side) for side in ("left", "right"))
    count = end - first
    # Most detections have no object of their class in their image: they need no further work.
    some = np.flatnonzero((count > 0) & ~neutral)
    flags = np.full(len(order), FALSE_POSITIVE, np.int8)
    flags[order[neutral]] = NEUTRAL
    taken, took = bytearray(len(by_key)), np.full(len(order), -1)
    hard, threshold = _difficult(objects), needed_iou(objects, small)
    shared = hard.tolist()  # plain values, since the loop is in Python
    pairs = np.cumsum(count[some])
    chunks = np.searchsorted(pairs, np.arange(PAIRS_AT_ONCE, pairs[-1] if len(pairs) else 0, PAIRS_AT_ONCE))
    for part in np.split(some, chunks):
        row, place = pairs_of(first[part], count[part])
        who, which = part[row], by_key[place]
        overlap = paired_iou(detections.box[order[who]], objects.box[which])
        close = np.flatnonzero(overlap >= threshold[which])
        ranked = close[np.lexsort((which[close], -overlap[close], hard[which[close]], who[close]))]
        done = -1  # pairs are in order of score, then of the detection's preference; each detection takes one object
        for detection, target in zip(order[who[ranked]].tolist(), which[ranked].tolist(), strict=True):
            if detection != done and (shared[target] or not taken[target]):
                done = detection
                taken[target], took[detection] = 1, target
                flags[detection] = NEUTRAL if shared[target] else TRUE_POSITIVE
    return flags, took


def resampled(evaluation: Evaluation, weight: np.ndarray) -> np.ndarray:
    """mAP, in percent, of each resample, float64 [resamples]; NaN without any object. weight: from bootstrap.draws.
    Matching is per image, so the evaluation's flags hold for all. The mean leaves out a class without an object."""
    objects, flags, classes = evaluation.objects, evaluation.flags, len(evaluation.ap_percent)
    there_to_find = counted(objects, classes)
    total, used = np.zeros(len(weight)), np.zeros(len(weight))
    for label, rows in enumerate(rows_per_class(evaluation.detections, flags, classes)):
        sought = weight[:, objects.image[there_to_find & (objects.label == label)]].sum(axis=1)
        there, image = sought > 0, evaluation.detections.image[rows]
        total[there] += _weighted_ap(weight[there], image, flags[rows] == TRUE_POSITIVE) / sought[there]
        used += there
    if not used.any():
        raise UserError(NO_OBJECT)
    means = np.full(len(weight), np.nan)
    np.divide(100 * total, used, out=means, where=used > 0)
    return means


def _weighted_ap(weight: np.ndarray, image: np.ndarray, hit: np.ndarray) -> np.ndarray:
    """Areas under one class's envelope times its number of objects, [resamples]; best score first. A detection of
    weight w counts as w equal steps, over which the envelope is flat: precision rises within a run of hits."""
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


def rows_per_class(detections: Detections, flags: np.ndarray, classes: int) -> list[np.ndarray]:
    """Rows of each class that are not neutral, best first; ties: the lower image first (ILSVRC's), then as given."""
    rows = np.flatnonzero(flags != NEUTRAL)
    label = detections.label[rows]
    order = np.lexsort((detections.image[rows], -detections.score[rows], label))
    return np.split(rows[order], np.searchsorted(label[order], np.arange(1, classes)))


def counted(objects: Objects, classes: int) -> np.ndarray:
    """Return which objects are to be found, bool [m]: neither difficult nor blacklisted."""
    return np.asarray(~(_difficult(objects) | _blacklisted(_keys(objects, classes), objects, classes)))


def _difficult(objects: Objects) -> np.ndarray:
    return np.zeros(len(objects.label), bool) if objects.difficult is None else objects.difficult


def _keys(table: Detections | Objects, classes: int) -> np.ndarray:
    """Return one number per row for its image and class, int64."""
    return table.image.astype(np.int64) * classes + table.label.astype(np.int64)


def _blacklisted(keys: np.ndarray, objects: Objects, classes: int) -> np.ndarray:
    """Return which of the keys belong to blacklisted pairs, bool."""
    return np.isin(keys, objects.blacklist[:, 0].astype(np.int64) * classes + objects.blacklist[:, 1])


def _check(detections: Detections, objects: Objects, classes: int) -> None:
    """Raise UserError for invalid input."""
    tables = (("detections", detections), ("objects", objects))
    for name, table in tables:
        labels, images = table.label, table.image
        if len(labels) and not (labels.min() >= 0 and labels.max() < classes):
            raise UserError(f"{name}: labels {labels.min()} to {labels.max()} are not in 0 to {classes - 1}; mend them")
        if len(images) and images.min() < 0:
            raise UserError(f"{name}: image {images.min()} cannot be; images count from 0")
    if nan := int(np.isnan(detections.score).sum()):
        raise UserError(f"detections: {nan} scores are NaN; the detector has diverged, retrain it")
    for name, table in tables:
        corners = np.asarray(table.box, np.float64)
        bad = ~(corners[:, 2:] - corners[:, :2] + 1 > 0).all(axis=1)
        if bad.any():
            raise UserError(f"{name}: {bad.sum()} boxes have no area; leave them out when preparing the data")
