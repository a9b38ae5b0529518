"""The ensemble of detectors (section 8): mean of the region scores; detections, mean AP, errors, coverage."""

from collections.abc import Mapping, Sequence

import numpy as np

from googlenet.detection.coverage import coverage
from googlenet.detection.error_types import error_types
from googlenet.detection.examples import examples
from googlenet.detection.mean_ap import Detections, Evaluation, Objects, bootstrap_interval
from googlenet.detection.mean_ap import evaluate as mean_ap
from googlenet.detection.nms import per_class_nms

CURVE_POINTS = 101


def detect(boxes: Sequence[np.ndarray], scores: np.ndarray, settings: dict) -> Detections:
    """Suppress within each class of each picture. scores [all boxes, 1 + classes], pictures in order."""
    ends = np.cumsum([len(mine) for mine in boxes])
    found = []
    for image, (mine, part) in enumerate(zip(boxes, np.split(scores, ends[:-1]), strict=True)):
        kept = per_class_nms(
            mine, part, settings["nms_iou"], settings["min_score"], settings["max_per_image"]
        )
        found.append((np.full(len(kept[0]), image), *kept))
    image, box, label, score = (np.concatenate(column) for column in zip(*found, strict=True))
    return Detections(image, label, score, box)


def gathered(objects: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]) -> Objects:
    """Objects of every picture, (boxes, labels, difficult, partial classes) each, as one row per object.

    A picture that may have objects of a class without a box can show neither hit nor miss of it: blacklisted.
    """
    image, boxless = (
        np.concatenate([np.full(len(row[column]), i) for i, row in enumerate(objects)]) for column in (0, 3)
    )
    boxes, labels, difficult, partial = (np.concatenate(column) for column in zip(*objects, strict=True))
    return Objects(image, labels, boxes, difficult, np.stack([boxless, partial], axis=1))


def curve(evaluation: Evaluation, label: int) -> dict[str, list[float]]:
    """At most CURVE_POINTS points of a class's precision over recall, evenly along the detections."""
    recall, precision = evaluation.recall[label], evaluation.precision[label]
    at = np.unique(np.linspace(0, max(0, len(recall) - 1), CURVE_POINTS).round().astype(int))[: len(recall)]
    return {"recall": [float(recall[i]) for i in at], "precision": [float(precision[i]) for i in at]}


def evaluate(
    scores: Mapping[str, np.ndarray],
    boxes: Sequence[np.ndarray],
    truth: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]],
    names: Sequence[str],
    classes: Sequence[str],
    settings: dict,
) -> dict:
    """Everything that evaluate_detection reports: each detector alone, their mean, its errors, and the proposals' coverage.

    scores: by detector, [all boxes, 1 + classes]; truth: (boxes, labels, difficult, partial classes) of every picture.
    """
    objects, small = gathered(truth), settings["small_object_threshold"]
    single = {
        name: mean_ap(detect(boxes, own, settings), objects, len(classes), small=small)
        for name, own in scores.items()
    }
    averaged = np.mean(list(scores.values()), axis=0, dtype=np.float64)
    together = detect(boxes, averaged, settings)
    found = mean_ap(together, objects, len(classes), small=small)
    rng = np.random.Generator(np.random.Philox(settings["seed"]))
    low, high = bootstrap_interval(
        together,
        objects,
        found.flags,
        len(classes),
        len(truth),
        rng,
        settings["resamples"],
        settings["confidence_percent"],
    )
    singles = [evaluation.mean_ap_percent for evaluation in single.values()]
    boxes_of, labels_of = [t[0] for t in truth], [t[1] for t in truth]
    return {
        "images": len(truth),
        "classes": list(classes),
        "objects": len(objects.image),
        "coverage": coverage(boxes, boxes_of, labels_of, classes),
        "table_4": {
            "ensemble_mean_ap_percent": found.mean_ap_percent,
            "detectors": len(scores),
            "interval": [low, high],
            "confidence_percent": settings["confidence_percent"],
        },
        "detectors": {
            name: {"mean_ap_percent": e.mean_ap_percent, "ap_percent": e.ap_percent}
            for name, e in single.items()
        },
        "single_mean_ap_percent": float(np.mean(singles)),
        "single_std": float(np.std(singles)),
        "ensemble": {
            "mean_ap_percent": found.mean_ap_percent,
            "ap_percent": found.ap_percent,
            "detections": len(together.image),
        },
        "precision_recall": {name: curve(found, label) for label, name in enumerate(classes)},
        "error_types": error_types(together, found, objects, boxes, averaged, classes, settings),
        "examples": examples(together, objects, found.flags, names, classes, settings),
    }
