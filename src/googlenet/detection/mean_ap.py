"""Mean average precision by the rules of the ILSVRC detection task, and how sure one may be of it.

The rules are those of the competition's own program (eval_detection.m of its development kit), to the letter; what
it leaves open is said where it is decided: `assigned`, `evaluate`, `rows_per_class`.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from googlenet.detection.boxes import object_threshold, paired_iou
from googlenet.detection.nms import best_first
from googlenet.errors import UserError

TRUE_POSITIVE, FALSE_POSITIVE, NEUTRAL = 1, 0, -1
PAIRS_AT_ONCE = 2_000_000
CELLS_AT_ONCE = 4_000_000


class Detections(NamedTuple):
    """One row per detection: image int [n], label int [n] (0-based class), score float [n], box [n, 4]."""

    image: np.ndarray
    label: np.ndarray
    score: np.ndarray
    box: np.ndarray


class Objects(NamedTuple):
    """One row per object to find: image int [m], label int [m], box [m, 4], difficult bool [m] or None.

    `blacklist`: int [k, 2] of (image, label), or None. In that image nobody knows all objects of that class: its
    detections and objects of the class count neither way.
    """

    image: np.ndarray
    label: np.ndarray
    box: np.ndarray
    difficult: np.ndarray | None = None
    blacklist: np.ndarray | None = None


@dataclass(frozen=True)
class Evaluation:
    """`ap_percent`: one per class, None for a class without objects, which the mean leaves out.

    `recall`, `precision`: per class, float64, after each detection of that class in falling order of score.
    `flags`: int8 per detection, in the order given: true positive 1, false positive 0, neutral -1.
    `took`: int64 per detection: the row of the object that it took, -1 for none.
    """

    mean_ap_percent: float
    ap_percent: list[float | None]
    recall: list[np.ndarray]
    precision: list[np.ndarray]
    flags: np.ndarray
    took: np.ndarray


def evaluate(
    detections: Detections, objects: Objects, classes: int, difficult_neutral: bool = True, small: bool = True
) -> Evaluation:
    """Match, order and average: mAP over the classes that have an object that counts, in percent.

    `small`: ILSVRC's lower threshold for small objects (else 0.5 for all). `difficult_neutral`: difficult
    objects count neither way (else they are objects like any other). Raises UserError for NaN scores, images or
    labels that cannot be, boxes without area, or no object at all.
    """
    flags, took = assigned(detections, objects, classes, difficult_neutral, small)
    total = count_objects(objects, classes, difficult_neutral)
    if not total.any():
        raise UserError("mean AP: no object to find in any image; give a split that has boxes")
    ap: list[float | None] = []
    curves: list[tuple[np.ndarray, np.ndarray]] = []
    for rows in rows_per_class(detections, flags, classes):
        hits = np.cumsum(flags[rows] == TRUE_POSITIVE)
        curves.append((hits / max(total[len(curves)], 1), hits / np.arange(1, len(hits) + 1)))
        ap.append(100 * average_precision(*curves[-1]) if total[len(ap)] else None)
    mean = float(np.mean([value for value in ap if value is not None]))
    return Evaluation(mean, ap, [curve[0] for curve in curves], [curve[1] for curve in curves], flags, took)


def average_precision(recall: np.ndarray, precision: np.ndarray) -> float:
    """Return the area, 0 to 1, under the monotone envelope: at each recall the best precision from it on."""
    envelope = np.maximum.accumulate(np.asarray(precision, np.float64)[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * envelope))


def count_objects(objects: Objects, classes: int, difficult_neutral: bool = True) -> np.ndarray:
    """Return how many objects of each class are to be found, int64 [classes]."""
    sought = counted(objects, classes, difficult_neutral)
    return np.bincount(np.asarray(objects.label, np.int64)[sought], minlength=classes)


def match(
    detections: Detections, objects: Objects, classes: int, difficult_neutral: bool = True, small: bool = True
) -> np.ndarray:
    """Return what each detection is, int8 [n]: the flags of `assigned`."""
    return assigned(detections, objects, classes, difficult_neutral, small)[0]


def assigned(
    detections: Detections, objects: Objects, classes: int, difficult_neutral: bool = True, small: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Return what each detection is, int8 [n], TRUE_POSITIVE, FALSE_POSITIVE or NEUTRAL, and the object it took.

    In the order given; the objects are int64 [n] rows, -1 for none. In falling order of score (equal scores: as
    given), a detection takes the still-unmatched object of its class and image that it overlaps most (equal
    overlaps: the first) among those at or over the object's threshold. One that finds none is a false positive,
    so that a second detection of an object is; unless a difficult object, which any number may share, is at or
    over its threshold: then it is neutral. So is every detection of a blacklisted class of an image.
    """
    _check(detections, objects, classes)
    order = best_first(detections.score)
    key, object_key = _keys(detections, classes)[order], _keys(objects, classes)
    neutral = _blacklisted(key, objects, classes)
    by_key = np.argsort(object_key, kind="stable")
    first = np.searchsorted(object_key[by_key], key, side="left")
    count = np.searchsorted(object_key[by_key], key, side="right") - first
    # Most detections have no object of their class in their image: they need no more work.
    some = np.flatnonzero((count > 0) & ~neutral)
    box = np.asarray(detections.box).reshape(-1, 4)
    flags = np.full(len(order), FALSE_POSITIVE, np.int8)
    flags[order[neutral]] = NEUTRAL
    taken, took = bytearray(len(by_key)), np.full(len(order), -1)
    hard = _difficult(objects, difficult_neutral)
    threshold = object_threshold(objects.box) if small else np.full(len(by_key), 0.5)
    pairs = np.cumsum(count[some])
    chunks = np.searchsorted(pairs, np.arange(PAIRS_AT_ONCE, pairs[-1] if len(pairs) else 0, PAIRS_AT_ONCE))
    for part in np.split(some, chunks):
        repeats = count[part]
        who = np.repeat(part, repeats)
        within = np.arange(len(who)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
        which = by_key[first[who] + within]
        overlap = paired_iou(box[order[who]], np.asarray(objects.box).reshape(-1, 4)[which])
        close = np.flatnonzero(overlap >= threshold[which])
        ranked = close[np.lexsort((which[close], -overlap[close], hard[which[close]], who[close]))]
        rows = order[who[ranked]].tolist(), which[ranked].tolist(), hard[which[ranked]].tolist()
        _take(*rows, taken, flags, took)
    return flags, took


def _take(
    who: list[int],
    which: list[int],
    hard: list[bool],
    taken: bytearray,
    flags: np.ndarray,
    took: np.ndarray,
) -> None:
    """Walk the close pairs in order of score and, per detection, of preference; each takes one object."""
    done = -1
    for detection, target, neutral in zip(who, which, hard, strict=True):
        if detection == done or (taken[target] and not neutral):
            continue
        done = detection
        taken[target], took[detection] = 1, target
        flags[detection] = NEUTRAL if neutral else TRUE_POSITIVE


def resampled(
    detections: Detections,
    objects: Objects,
    flags: np.ndarray,
    classes: int,
    weight: np.ndarray,
    difficult_neutral: bool = True,
) -> np.ndarray:
    """Return the mAP, in percent, of each resample, float64 [resamples]; weight: of metrics/bootstrap.draws.

    Matching is within an image, so `flags` (of `match`) serve all resamples; an image drawn twice counts
    twice. A class that a resample has no object of is left out of that resample's mean; one with no object at
    all is NaN.
    """
    resamples = len(weight)
    there_to_find = counted(objects, classes, difficult_neutral)
    image, object_image = np.asarray(detections.image), np.asarray(objects.image)
    total, used = np.zeros(resamples), np.zeros(resamples)
    for label, rows in enumerate(rows_per_class(detections, flags, classes)):
        image_of = object_image[there_to_find & (np.asarray(objects.label) == label)]
        sought = weight[:, image_of].sum(axis=1) if len(image_of) else np.zeros(resamples)
        there = sought > 0
        total[there] += _weighted_ap(weight[there], image[rows], flags[rows] == TRUE_POSITIVE) / sought[there]
        used += there
    if not used.any():
        raise UserError("mean AP: no object to find in any image; give a split that has boxes")
    means = np.full(resamples, np.nan)
    np.divide(100 * total, used, out=means, where=used > 0)
    return means


def _weighted_ap(weight: np.ndarray, image: np.ndarray, hit: np.ndarray) -> np.ndarray:
    """Areas under the envelope times the number of objects, [resamples], of one class, best score first.

    Copies of an image stand next to each other in the order of score, so a detection of weight w is w steps
    of one kind, over which the envelope is level: precision rises within a run of hits. Only hits add area.
    """
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
    """The rows of each class that count (not the neutral ones), best first.

    Equal scores: the lower image first, and within an image as given, as the competition's program has them. So
    the order of the images in a file makes no difference.
    """
    rows = np.flatnonzero(flags != NEUTRAL)
    label = np.asarray(detections.label, np.int64)[rows]
    order = np.lexsort((np.asarray(detections.image)[rows], -np.asarray(detections.score)[rows], label))
    return np.split(rows[order], np.searchsorted(label[order], np.arange(1, classes)))


def _keys(table: Detections | Objects, classes: int) -> np.ndarray:
    """One number for the image and class of each row, int64."""
    return np.asarray(table.image, np.int64) * classes + np.asarray(table.label, np.int64)


def _blacklisted(keys: np.ndarray, objects: Objects, classes: int) -> np.ndarray:
    """Which of the keys are those of blacklisted pairs, bool."""
    if objects.blacklist is None:
        return np.zeros(len(keys), bool)
    pairs = np.asarray(objects.blacklist, np.int64).reshape(-1, 2)
    return np.isin(keys, pairs[:, 0] * classes + pairs[:, 1])


def counted(objects: Objects, classes: int, difficult_neutral: bool = True) -> np.ndarray:
    """Which objects are to be found, bool [m]: neither difficult nor blacklisted."""
    hard = _difficult(objects, difficult_neutral)
    sought: np.ndarray = ~hard & ~_blacklisted(_keys(objects, classes), objects, classes)
    return sought


def _difficult(objects: Objects, neutral: bool) -> np.ndarray:
    if objects.difficult is None or not neutral:
        return np.zeros(len(objects.label), bool)
    return np.asarray(objects.difficult, bool)


def _check(detections: Detections, objects: Objects, classes: int) -> None:
    for name, table in (("detections", detections), ("objects", objects)):
        labels, images = np.asarray(table.label), np.asarray(table.image)
        if len(labels) and not (labels.min() >= 0 and labels.max() < classes):
            raise UserError(
                f"{name}: labels {labels.min()} to {labels.max()} are not in 0 to {classes - 1}; mend them"
            )
        if len(images) and images.min() < 0:
            raise UserError(f"{name}: image {images.min()} cannot be; images count from 0")
    nan = int(np.isnan(np.asarray(detections.score, np.float64)).sum())
    if nan:
        raise UserError(f"detections: {nan} scores are NaN; the detector has diverged, retrain it")
    for name, table in (("detections", detections), ("objects", objects)):
        sides = np.asarray(table.box, np.float64).reshape(-1, 4)
        bad = ~((sides[:, 2:] - sides[:, :2] + 1 > 0).all(axis=1))
        if bad.any():
            raise UserError(f"{name}: {bad.sum()} boxes have no area; leave them out when preparing the data")
