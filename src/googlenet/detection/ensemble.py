"""The ensemble of detectors (section 8): mean of the region scores; detections, mean AP, errors, coverage."""

from collections.abc import Mapping, Sequence

import numpy as np

from googlenet.config.schema.detection import EvaluateDetection, Switches
from googlenet.data.ground_truth import GroundTruth
from googlenet.detection.coverage import coverage
from googlenet.detection.error_types import error_types
from googlenet.detection.examples import examples
from googlenet.detection.mean_ap import Evaluation, Objects
from googlenet.detection.rating import Mean, Rating, compared, difference, rate, resampled_singles
from googlenet.detection.switches import by_prefix
from googlenet.metrics.bootstrap import draws, generator, percentile_interval
from googlenet.metrics.detection import (
    DetectionMetrics,
    EnsemblePrecision,
    Precision,
    PrecisionRecall,
    SwitchesCompared,
    Table4,
)
from googlenet.storage.rows import Ranges

CURVE_POINTS = 101


def gathered(truth: Sequence[GroundTruth]) -> Objects:
    """Objects of every image as one row per object.

    An image that may have objects of a class without a box can show neither hit nor miss of it: blacklisted.
    """
    image = np.concatenate([np.full(len(one.boxes), i) for i, one in enumerate(truth)])
    incomplete = np.concatenate([np.full(len(one.partial), i) for i, one in enumerate(truth)])
    boxes, labels, difficult, partial = (np.concatenate(column) for column in zip(*truth, strict=True))
    return Objects(image, labels, boxes, difficult, np.stack([incomplete, partial], axis=1))


def curve(evaluation: Evaluation, label: int) -> PrecisionRecall:
    """At most CURVE_POINTS points of a class's precision over recall, evenly along the detections."""
    recall, precision = evaluation.recall[label], evaluation.precision[label]
    at = np.unique(np.linspace(0, max(0, len(recall) - 1), CURVE_POINTS).round().astype(int))[: len(recall)]
    return PrecisionRecall(
        recall=tuple(float(recall[i]) for i in at), precision=tuple(float(precision[i]) for i in at)
    )


def of_switches(
    rated: Mapping[str, Rating], wanted: Mapping[str, Switches], confidence: float
) -> SwitchesCompared:
    """The settings of the switches, of which "" is the prefix of the main one."""
    return SwitchesCompared(
        on=wanted[""],
        compared=tuple(
            compared(switches, rated[prefix], rated[""], confidence)
            for prefix, switches in wanted.items()
            if prefix
        ),
    )


def evaluate(
    scores: Mapping[str, Mapping[str, Ranges]],
    boxes: Sequence[np.ndarray],
    truth: Sequence[GroundTruth],
    names: Sequence[str],
    classes: Sequence[str],
    settings: EvaluateDetection,
) -> DetectionMetrics:
    """Everything that evaluate_detection reports: each detector alone, their mean, its errors, settings compared, coverage.

    scores: by detector, the arrays of score_regions, or what gives them in ranges. names: of the images.
    """
    objects = gathered(truth)
    weight = draws(len(truth), settings.resamples, generator(settings.seed))
    wanted = by_prefix(settings.switches, settings.compare)
    rated = {
        prefix: rate(scores, prefix, boxes, objects, len(classes), weight, settings) for prefix in wanted
    }
    main, confidence = rated[""], settings.confidence_percent
    together = main.ensemble
    mean_ap, ap = together.mean_ap_percent, tuple(together.ap_percent)
    singles = resampled_singles(main, objects, len(classes), weight)
    mean_scores = Mean([arrays["probabilities"] for arrays in scores.values()])
    return DetectionMetrics(
        images=len(truth),
        classes=tuple(classes),
        objects=len(objects.image),
        coverage=coverage(boxes, [one.boxes for one in truth], [one.labels for one in truth], classes),
        table_4=Table4(
            ensemble_mean_ap_percent=mean_ap,
            detectors=len(main.single),
            interval=percentile_interval(main.resampled, confidence),
        ),
        detectors={
            name: Precision(mean_ap_percent=one.mean_ap_percent, ap_percent=tuple(one.ap_percent))
            for name, one in main.single.items()
        },
        single_mean_ap_percent=main.single_mean,
        single_std=main.single_std,
        single_interval=percentile_interval(singles, confidence),
        ensemble_minus_single=difference(mean_ap - main.single_mean, main.resampled - singles, confidence),
        switches=of_switches(rated, wanted, confidence),
        ensemble=EnsemblePrecision(
            mean_ap_percent=mean_ap, ap_percent=ap, detections=len(main.together.image)
        ),
        precision_recall={name: curve(together, label) for label, name in enumerate(classes)},
        error_types=error_types(main.together, together, objects, boxes, mean_scores, classes, settings),
        examples=examples(main.together, objects, together.flags, names, classes, settings),
    )
