"""Types of detection errors and reasons for misses (after Hoiem et al., Diagnosing Error in Object Detectors, 2012).

The paper has no such analysis. A class is judged by its first n detections, n being the number of its objects: if all
were correct, every object of the class would be found. The "needed IoU" is the one that mean AP uses, including
ILSVRC's lower one for small objects.

Each of these detections is the first of KINDS that applies:
  correct       it matches an object of its class;
  duplicate     it has the needed IoU with an object of its class that a better detection has matched;
  localisation  it overlaps an object of its class by NEAR or more, but by less than needed;
  confusion     it overlaps an object of another class by NEAR or more;
  background    none of these.
Each missed object, one that no detection matched, has the first of REASONS that applies:
  not_proposed  no proposal has the needed IoU with it: no classifier could have found it;
  outdone       a proposal covering it had at least min_score for its class, but was suppressed by a better detection,
                matched a neighbour, exceeded the limit per image, or moved off when its box was regressed;
  other_class   a false detection of another class covers it;
  scored_low    every proposal covering it had less than min_score for its class.
"""

from collections.abc import Sequence

import numpy as np

from googlenet.config.schema.detection import EvaluateDetection
from googlenet.detection import Boxes
from googlenet.detection.boxes import iou, paired_iou
from googlenet.detection.mean_ap import FALSE_POSITIVE, TRUE_POSITIVE, Evaluation, grouped, pairs_of
from googlenet.detection.proposals import counts_of
from googlenet.metrics.detection import ClassErrorCounts, ErrorCounts, ErrorTable, ErrorTypes
from googlenet.storage.rows import Ranges

KINDS = ("correct", "duplicate", "localisation", "confusion", "background")
REASONS = ("not_proposed", "outdone", "other_class", "scored_low")
NEAR = 0.1  # as in Hoiem et al.: below it, a detection is unrelated to the object
NOT_MISSED = -1


def error_types(
    evaluation: Evaluation, boxes: Boxes, scores: Ranges, classes: Sequence[str], settings: EvaluateDetection
) -> ErrorTypes:
    """Count KINDS and REASONS, by class and overall. boxes: proposals by image; scores [all proposals, 1 + classes]."""
    label, counts = evaluation.objects.label, evaluation.object_counts
    kind = [kinds(evaluation, rows[:n]) for rows, n in zip(evaluation.rows, counts, strict=True)]
    reason = reasons(evaluation, boxes, scores, settings.min_score)
    missed = [reason[(label == of_class) & (reason != NOT_MISSED)] for of_class in range(len(classes))]
    false_positives, of_missed = _table(KINDS, kind, classes, counts), _table(REASONS, missed, classes, counts)
    return ErrorTypes(near_iou=NEAR, false_positives=false_positives, missed=of_missed)


def kinds(evaluation: Evaluation, rows: np.ndarray) -> np.ndarray:
    """Return the kinds of some detections, as indices into KINDS, int64 [n]. rows: their rows, none neutral."""
    detections, objects = evaluation.detections, evaluation.objects
    by_image, first, count = grouped(objects.image, detections.image[rows])
    index, place = pairs_of(first, count)
    row, target = rows[index], by_image[place]
    same = detections.label[row] == objects.label[target]
    overlap = paired_iou(detections.box[row], objects.box[target])
    covers, near = overlap >= evaluation.needed_iou[target], overlap >= NEAR
    holds = [np.bincount(index[pairs], minlength=len(rows)) > 0 for pairs in (same & covers, same & near, near)]
    return np.select([evaluation.flags[rows] == TRUE_POSITIVE, *holds], range(4), 4)


def reasons(evaluation: Evaluation, proposals: Boxes, scores: Ranges, min_score: float) -> np.ndarray:
    """Return why each object is missed, as an index into REASONS, int64 [m]; NOT_MISSED if detected or not required."""
    detections, objects, needed = evaluation.detections, evaluation.objects, evaluation.needed_iou
    missed = evaluation.required.copy()
    missed[evaluation.matched[evaluation.flags == TRUE_POSITIVE]] = False
    first = np.cumsum([0, *counts_of(proposals)])
    wrong = np.flatnonzero(evaluation.flags == FALSE_POSITIVE)
    by_image = wrong[np.argsort(detections.image[wrong], kind="stable")]
    reason = np.full(len(missed), NOT_MISSED)
    for image in np.unique(objects.image[missed]):
        proposed, scored = proposals[image], scores[first[image] : first[image + 1]] >= min_score
        false = by_image[slice(*np.searchsorted(detections.image[by_image], [image, image + 1]))]
        for row in np.flatnonzero(missed & (objects.image == image)):
            label, box = objects.label[row], objects.box[row]
            covers = iou(box, proposed)[0] >= needed[row]
            confused = (iou(box, detections.box[false])[0] >= needed[row]) & (detections.label[false] != label)
            holds = (not covers.any(), (covers & scored[:, 1 + label]).any(), confused.any(), True)
            reason[row] = holds.index(True)
    return reason


def _table(
    names: Sequence[str], codes: Sequence[np.ndarray], classes: Sequence[str], objects: np.ndarray
) -> ErrorTable:
    """Count how often each name occurs, by class and overall; codes: for each class, indices into names."""
    counts = np.array([np.bincount(of_class, minlength=len(names)) for of_class in codes])
    overall, *by_class = [dict(zip(names, row, strict=True)) for row in [counts.sum(axis=0).tolist(), *counts.tolist()]]
    rows = zip(classes, objects.tolist(), by_class, strict=True)
    return ErrorTable(
        all=ErrorCounts(objects=int(objects.sum()), counts=overall),
        per_class=tuple(ClassErrorCounts(class_name=name, objects=n, counts=row) for name, n, row in rows),
    )
