"""The ensemble of detectors (section 8): mean of the region scores; detections, mean AP, errors, coverage."""

from collections.abc import Mapping, Sequence

import numpy as np

from googlenet.detection.boxes import GroundTruth
from googlenet.detection.coverage import coverage
from googlenet.detection.error_types import error_types
from googlenet.detection.examples import examples
from googlenet.detection.mean_ap import Evaluation, Objects, draws, interval
from googlenet.detection.rating import Mean, Rating, compared, difference, rate, resampled_singles
from googlenet.rows import Ranges
from googlenet.switches import by_prefix

CURVE_POINTS = 101


def gathered(objects: Sequence[GroundTruth]) -> Objects:
    """Objects of every picture as one row per object.

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


def precisions(main: Rating, singles: np.ndarray, confidence: float) -> dict:
    """Mean APs of the main setting with their intervals: the ensemble's, each detector's, one against all together.

    singles: the mean over the detectors in each resample.
    """
    together = main.ensemble
    return {
        "table_4": {
            "ensemble_mean_ap_percent": together.mean_ap_percent,
            "detectors": len(main.single),
            "interval": list(interval(main.resampled, confidence)),
            "confidence_percent": confidence,
        },
        "detectors": {
            name: {"mean_ap_percent": e.mean_ap_percent, "ap_percent": e.ap_percent}
            for name, e in main.single.items()
        },
        "single_mean_ap_percent": main.single_mean,
        "single_std": main.single_std,
        "single_interval": list(interval(singles, confidence)),
        "ensemble_minus_single": difference(
            together.mean_ap_percent - main.single_mean, main.resampled - singles, confidence
        ),
        "ensemble": {
            "mean_ap_percent": together.mean_ap_percent,
            "ap_percent": together.ap_percent,
            "detections": len(main.together.image),
        },
    }


def evaluate(
    scores: Mapping[str, Mapping[str, Ranges]],
    boxes: Sequence[np.ndarray],
    truth: Sequence[GroundTruth],
    names: Sequence[str],
    classes: Sequence[str],
    settings: dict,
) -> dict:
    """Everything that evaluate_detection reports: each detector alone, their mean, its errors, settings compared, coverage.

    scores: by detector, the arrays of score_regions, or what gives them in ranges.
    """
    objects = gathered(truth)
    rng = np.random.Generator(np.random.Philox(settings["seed"]))
    weight = draws(len(truth), rng, settings["resamples"])
    wanted = by_prefix(settings["switches"], settings["compare"])
    rated = {
        prefix: rate(scores, prefix, boxes, objects, len(classes), weight, settings) for prefix in wanted
    }
    main, confidence = rated[""], settings["confidence_percent"]
    singles = resampled_singles(main, objects, len(classes), weight)
    boxes_of, labels_of = [t[0] for t in truth], [t[1] for t in truth]
    return {
        "images": len(truth),
        "classes": list(classes),
        "objects": len(objects.image),
        "coverage": coverage(boxes, boxes_of, labels_of, classes),
        **precisions(main, singles, confidence),
        "switches": {
            "on": list(settings["switches"]),
            "compared": [
                compared(switches, rated[prefix], main, confidence)
                for prefix, switches in wanted.items()
                if prefix
            ],
        },
        "precision_recall": {name: curve(main.ensemble, label) for label, name in enumerate(classes)},
        "error_types": error_types(
            main.together,
            main.ensemble,
            objects,
            boxes,
            Mean([arrays["probabilities"] for arrays in scores.values()]),
            classes,
            settings,
        ),
        "examples": examples(main.together, objects, main.ensemble.flags, names, classes, settings),
    }
