"""Kinds of detection errors, reasons for misses (after Hoiem et al., Diagnosing Error in Object Detectors, 2012).

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
from googlenet.detection import Boxes, mean_ap
from googlenet.detection.boxes import iou, paired_iou
from googlenet.detection.mean_ap import FALSE_POSITIVE, TRUE_POSITIVE, Evaluation, needed_iou
from googlenet.detection.proposals import counts_of
from googlenet.metrics.detection import ClassErrorCounts, ErrorCounts, ErrorTable, ErrorTypes
from googlenet.storage.rows import Ranges

KINDS = ("correct", "duplicate", "localisation", "confusion", "background")
REASONS = ("not_proposed", "outdone", "other_class", "scored_low")
NEAR = 0.1  # Hoiem's: below it, a detection has little to do with an object
NOT_MISSED = -1


def error_types(
    evaluation: Evaluation, boxes: Boxes, scores: Ranges, classes: Sequence[str], settings: EvaluateDetection
) -> ErrorTypes:
    """Count KINDS and REASONS, by class and overall. boxes: proposals by image; scores [all proposals, 1 + classes]."""
    objects, small = evaluation.objects, settings.small_object_threshold
    sought = mean_ap.count_objects(objects, len(classes))
    ranked = mean_ap.rows_per_class(evaluation.detections, evaluation.flags, len(classes))
    kind = [kinds(evaluation, rows[:n], small) for rows, n in zip(ranked, sought, strict=True)]
    reason = reasons(evaluation, boxes, scores, settings.min_score, small)
    missed = [reason[(objects.label == label) & (reason != NOT_MISSED)] for label in range(len(classes))]
    false_positives, of_missed = _table(KINDS, kind, classes, sought), _table(REASONS, missed, classes, sought)
    return ErrorTypes(near_iou=NEAR, false_positives=false_positives, missed=of_missed)


def kinds(evaluation: Evaluation, rows: np.ndarray, small: bool = True) -> np.ndarray:
    """Return the kinds of some detections, as indices into KINDS, int64 [n]. rows: their rows; none is neutral."""
    detections, objects = evaluation.detections, evaluation.objects
    by_image = np.argsort(objects.image, kind="stable")
    image = detections.image[rows]
    first, end = (np.searchsorted(objects.image[by_image], image, side) for side in ("left", "right"))
    who, place = mean_ap.pairs_of(first, end - first)
    which = by_image[place]
    same = detections.label[rows[who]] == objects.label[which]
    overlap = paired_iou(detections.box[rows[who]], objects.box[which])
    on_it, near = overlap >= needed_iou(objects, small)[which], overlap >= NEAR
    holds = [np.bincount(who[pairs], minlength=len(rows)) > 0 for pairs in (same & on_it, same & near, near)]
    return np.select([evaluation.flags[rows] == TRUE_POSITIVE, *holds], range(4), 4)


def reasons(
    evaluation: Evaluation, proposals: Boxes, scores: Ranges, min_score: float, small: bool = True
) -> np.ndarray:
    """Return why each object is missed, as an index into REASONS, int64 [m]; NOT_MISSED if detected or not sought."""
    detections, objects = evaluation.detections, evaluation.objects
    missed = mean_ap.counted(objects, len(evaluation.ap_percent))
    missed[evaluation.took[evaluation.flags == TRUE_POSITIVE]] = False
    needed, first = needed_iou(objects, small), np.cumsum([0, *counts_of(proposals)])
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


def _table(names: Sequence[str], codes: Sequence[np.ndarray], classes: Sequence[str], sought: np.ndarray) -> ErrorTable:
    """Count how often each name occurs, by class and overall; codes: for each class, indices into names."""
    counts = np.array([np.bincount(of_class, minlength=len(names)) for of_class in codes])
    every, *by_class = [dict(zip(names, row, strict=True)) for row in [counts.sum(axis=0).tolist(), *counts.tolist()]]
    rows = zip(classes, sought.tolist(), by_class, strict=True)
    return ErrorTable(
        all=ErrorCounts(objects=int(sought.sum()), counts=every),
        per_class=tuple(ClassErrorCounts(class_name=name, objects=n, counts=row) for name, n, row in rows),
    )
