"""What is wrong with detections, and why objects are missed (after Hoiem et al., Diagnosing Error in Object Detectors, 2012).

The paper has no such analysis. A class is judged by its first n detections, n being the number of its objects: with
all of them right the class would be found whole. "At the needed IoU" is the rule that the mean AP goes by, ILSVRC's
lower one for small objects included.

Each of these detections is the first of KINDS that holds:
  correct       it takes an object of its class;
  duplicate     it lies at the needed IoU on an object of its class, which a better detection has taken;
  localisation  it overlaps an object of its class by NEAR or more, but by less than needed;
  confusion     it overlaps an object of another class by NEAR or more;
  background    none of these.
Each missed object, one that no detection took, has the first of REASONS that holds:
  not_proposed  no proposal lies on it at the needed IoU: no classifier could have found it;
  outdone       a proposal on it had at least min_score for its class, but a better detection suppressed it, or
                it took a neighbour, was over the limit of an image, or moved off when its box was regressed;
  other_class   a false detection of another class lies on it;
  scored_low    every proposal on it had less than min_score for its class.
"""

from collections.abc import Sequence

import numpy as np

from googlenet.config.schema.detection import EvaluateDetection
from googlenet.detection.boxes import iou, object_threshold, paired_iou
from googlenet.detection.mean_ap import (
    FALSE_POSITIVE,
    TRUE_POSITIVE,
    Detections,
    Evaluation,
    Objects,
    count_objects,
    counted,
    rows_per_class,
)
from googlenet.detection.proposals import counts_of
from googlenet.metrics.detection import ClassErrorCounts, ErrorCounts, ErrorTable, ErrorTypes
from googlenet.storage.rows import Ranges

KINDS = ("correct", "duplicate", "localisation", "confusion", "background")
REASONS = ("not_proposed", "outdone", "other_class", "scored_low")
NEAR = 0.1  # Hoiem's: under it, a detection has not much to do with an object
NOT_MISSED = -1


def error_types(
    detections: Detections,
    evaluation: Evaluation,
    objects: Objects,
    proposals: Sequence[np.ndarray],
    scores: Ranges,
    classes: Sequence[str],
    settings: EvaluateDetection,
) -> ErrorTypes:
    """Count KINDS among each class's first detections and REASONS among its missed objects, and over all classes.

    evaluation: of `detections`, which were made by these settings; proposals [n, 4] of each image, scores [all proposals, 1 + classes].
    """
    small = settings.small_object_threshold
    sought = count_objects(objects, len(classes))
    flags = evaluation.flags
    ranked = rows_per_class(detections, flags, len(classes))
    kind = [
        kinds(Detections(*(column[rows[:n]] for column in detections)), objects, flags[rows[:n]], small)
        for rows, n in zip(ranked, sought, strict=True)
    ]
    reason = reasons(detections, evaluation, objects, proposals, scores, settings.min_score, small)
    missed = [reason[(objects.label == label) & (reason != NOT_MISSED)] for label in range(len(classes))]
    return ErrorTypes(
        near_iou=NEAR,
        false_positives=_table(KINDS, kind, classes, sought),
        missed=_table(REASONS, missed, classes, sought),
    )


def kinds(detections: Detections, objects: Objects, flags: np.ndarray, small: bool = True) -> np.ndarray:
    """Return what each detection is, as an index of KINDS, int64 [n]. flags: of the match; none is neutral."""
    who, which = _pairs(np.asarray(detections.image), np.asarray(objects.image))
    same = np.asarray(detections.label)[who] == np.asarray(objects.label)[which]
    overlap = paired_iou(np.asarray(detections.box)[who], np.asarray(objects.box)[which])
    on_it = overlap >= _needed(objects, small)[which]

    def some(pairs: np.ndarray) -> np.ndarray:
        return np.bincount(who[pairs], minlength=len(flags)) > 0

    near = overlap >= NEAR
    holds = [flags == TRUE_POSITIVE, some(same & on_it), some(same & near), some(~same & near)]
    return np.select(holds, range(4), 4)


def reasons(
    detections: Detections,
    evaluation: Evaluation,
    objects: Objects,
    proposals: Sequence[np.ndarray],
    scores: Ranges,
    min_score: float,
    small: bool = True,
) -> np.ndarray:
    """Return why each object is missed, as an index of REASONS, int64 [m]; NOT_MISSED if it is detected or not sought."""
    missed = counted(objects, len(evaluation.ap_percent))
    missed[evaluation.took[evaluation.flags == TRUE_POSITIVE]] = False
    needed, first = _needed(objects, small), np.cumsum([0, *counts_of(proposals)])
    wrong = np.flatnonzero(evaluation.flags == FALSE_POSITIVE)
    by_image = wrong[np.argsort(detections.image[wrong], kind="stable")]
    reason = np.full(len(missed), NOT_MISSED)
    for image in np.unique(objects.image[missed]):
        proposed, scored = proposals[image], scores[first[image] : first[image + 1]] >= min_score
        false = by_image[slice(*np.searchsorted(detections.image[by_image], [image, image + 1]))]
        for row in np.flatnonzero(missed & (objects.image == image)):
            label, box = objects.label[row], objects.box[row]
            on_it = iou(box, proposed)[0] >= needed[row]
            taken_for = iou(box, detections.box[false])[0] >= needed[row]
            other = taken_for & (detections.label[false] != label)
            holds = (not on_it.any(), (on_it & scored[:, 1 + label]).any(), other.any(), True)
            reason[row] = holds.index(True)
    return reason


def _needed(objects: Objects, small: bool) -> np.ndarray:
    return object_threshold(objects.box) if small else np.full(len(objects.label), 0.5)


def _pairs(image: np.ndarray, object_image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each detection with each object of its image, as two arrays of rows."""
    order = np.argsort(object_image, kind="stable")
    first, end = (np.searchsorted(object_image[order], image, side) for side in ("left", "right"))
    count = end - first
    who = np.repeat(np.arange(len(image)), count)
    within = np.arange(len(who)) - np.repeat(np.cumsum(count) - count, count)
    return who, order[np.repeat(first, count) + within]


def _table(
    names: Sequence[str], codes: Sequence[np.ndarray], classes: Sequence[str], sought: np.ndarray
) -> ErrorTable:
    """How often each name occurs, by class and over all; codes: for each class, indices of names."""
    counts = np.array([np.bincount(of_class, minlength=len(names)) for of_class in codes])

    def by_name(row: np.ndarray) -> dict[str, int]:
        return dict(zip(names, map(int, row), strict=True))

    return ErrorTable(
        all=ErrorCounts(objects=int(sought.sum()), counts=by_name(counts.sum(axis=0))),
        per_class=tuple(
            ClassErrorCounts(class_name=name, objects=int(objects), counts=by_name(row))
            for name, row, objects in zip(classes, counts, sought, strict=True)
        ),
    )
