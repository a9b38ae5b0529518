"""The ensemble of detectors (section 8): mean region scores, detections, mean AP, errors, coverage."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from googlenet.config.schema.detection import EvaluateDetection, Switches
from googlenet.data.ground_truth import Truth, to_find
from googlenet.detection import Boxes
from googlenet.detection.coverage import coverage
from googlenet.detection.error_types import error_types
from googlenet.detection.examples import examples
from googlenet.detection.mean_ap import Detections, Evaluation, Objects, resampled
from googlenet.detection.mean_ap import evaluate as mean_ap
from googlenet.detection.nms import per_class_nms
from googlenet.detection.switches import by_prefix
from googlenet.metrics import detection as metrics
from googlenet.metrics.bootstrap import centred_interval, draws, generator
from googlenet.metrics.interval import Difference, Interval
from googlenet.storage.rows import Ranges
from googlenet.tracking.progress import counted

CURVE_POINTS = 101
DIGITS = 9  # of a difference in percent that is more than rounding
Scores = Mapping[str, Mapping[str, Ranges]]  # detector -> the arrays of score_regions


class Rating(NamedTuple):
    """Evaluations of the ensemble and each detector; resampled: the ensemble's mAP, percent, float64 [resamples]."""

    ensemble: Evaluation
    resampled: np.ndarray
    single: dict[str, Evaluation]

    @property
    def single_mean_and_std(self) -> tuple[float, float]:
        """Mean and sample standard deviation of the detectors' mAP, in percent; no deviation for one."""
        each = [one.mean_ap_percent for one in self.single.values()]
        return float(np.mean(each)), float(np.std(each, ddof=1)) if len(each) > 1 else 0.0


class Mean:
    """The mean of the detectors' arrays [n, ...], float64, computed only for the requested rows: mean[a:b]."""

    def __init__(self, arrays: Sequence[Ranges]):
        self.arrays = arrays

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, rows: slice) -> np.ndarray:
        return np.asarray(np.mean([array[rows] for array in self.arrays], axis=0, dtype=np.float64))


def detect(boxes: Boxes, scores: Ranges, settings: EvaluateDetection, moved: Ranges | None = None) -> Detections:
    """Apply NMS per image and class. scores [all boxes, 1 + classes]; moved [all boxes, classes, 4]: regressed."""
    limits = settings.nms_iou, settings.min_score, settings.max_per_image
    detected, end = [], 0
    for number, of_image in enumerate(counted(boxes, "images")):
        rows = slice(end, end := end + len(of_image))
        kept = per_class_nms(of_image if moved is None else moved[rows], scores[rows], *limits)
        detected.append((np.full(len(kept[0]), number), *kept))
    image, box, label, score = (np.concatenate(column) for column in zip(*detected, strict=True))
    return Detections(image, label, score, box)


def rate(
    scores: Scores,
    prefix: str,
    boxes: Boxes,
    objects: Objects,
    classes: int,
    weight: np.ndarray,
    settings: EvaluateDetection,
) -> Rating:
    """Evaluate each detector's arrays under `prefix` and the ensemble, their mean; weight: from bootstrap.draws."""

    def rated(probabilities: Ranges, moved: Ranges | None) -> Evaluation:
        detections = detect(boxes, probabilities, settings, moved)
        return mean_ap(detections, objects, classes, settings.small_object_threshold)

    each = {name: (one[f"{prefix}probabilities"], one.get(f"{prefix}boxes")) for name, one in scores.items()}
    regressed = [moved for _, moved in each.values() if moved is not None]
    mean = Mean([probabilities for probabilities, _ in each.values()])
    ensemble = rated(mean, Mean(regressed) if regressed else None)
    single = {name: rated(*arrays) for name, arrays in counted(each.items(), "detectors")}
    return Rating(ensemble, resampled(ensemble, weight), single)


def resampled_singles(rating: Rating, weight: np.ndarray) -> np.ndarray:
    """Return the mean of the detectors' mAP, in percent, in each resample: float64 [resamples]."""
    return np.asarray(np.mean([resampled(one, weight) for one in rating.single.values()], axis=0))


def difference(percent: float, resampled_differences: np.ndarray, confidence_percent: float) -> Difference:
    """Return a difference with its paired interval: both systems use the same images in each resample. Rounded, since the
    residue of a mean of equal figures would be a difference, with an interval that excludes zero."""
    percent, resampled_differences = round(percent, DIGITS), resampled_differences.round(DIGITS)
    return Difference(difference=percent, interval=centred_interval(percent, resampled_differences, confidence_percent))


def interval_of(percent: float, resampled: np.ndarray, confidence_percent: float) -> Interval:
    """Return the interval of a mAP, both in percent; centred, since a resample repeats images, which raises AP."""
    interval = centred_interval(percent, resampled, confidence_percent)
    return interval.model_copy(update={"low": max(0.0, interval.low), "high": min(100.0, interval.high)})


def compared(switches: Switches, rating: Rating, main: Rating, confidence_percent: float) -> metrics.ComparedSwitches:
    """Return what evaluate_detection reports on switch settings that are compared with the main ones."""
    mean_ap, (single_mean, single_std) = rating.ensemble.mean_ap_percent, rating.single_mean_and_std
    gain, resampled_gain = mean_ap - main.ensemble.mean_ap_percent, rating.resampled - main.resampled
    return metrics.ComparedSwitches(
        switches=switches,
        single_mean_ap_percent=single_mean,
        single_std=single_std,
        ensemble_mean_ap_percent=mean_ap,
        ensemble_interval=interval_of(mean_ap, rating.resampled, confidence_percent),
        difference=difference(gain, resampled_gain, confidence_percent),
        ap_percent=rating.ensemble.ap_percent,
    )


def stack_objects(truth: Truth) -> Objects:
    """All images' objects, one per row. A class is blacklisted in images where its objects may lack a box."""
    image = np.concatenate([np.full(len(one.boxes), i) for i, one in enumerate(truth)])
    incomplete = np.concatenate([np.full(len(one.partial), i) for i, one in enumerate(truth)])
    boxes, labels, difficult, partial = (np.concatenate(column) for column in zip(*truth, strict=True))
    return Objects(image, labels, boxes, difficult, np.stack([incomplete, partial], axis=1))


def thinned_curve(recall: np.ndarray, precision: np.ndarray) -> metrics.PrecisionRecall:
    """Return at most CURVE_POINTS points of a class's precision-recall curve: hits, spaced evenly, and the last one."""
    hits = np.flatnonzero(np.diff(recall, prepend=0.0) > 0)  # the envelope changes nowhere else
    even = np.linspace(0, max(0, len(hits) - 1), CURVE_POINTS - 1).round().astype(int)
    some = hits[np.unique(even)[: len(hits)]]
    at = np.unique(np.append(some, len(recall) - 1)) if len(recall) else some
    return metrics.PrecisionRecall(recall=tuple(recall[at].tolist()), precision=tuple(precision[at].tolist()))


def evaluate(
    scores: Scores,
    boxes: Boxes,
    truth: Truth,
    names: Sequence[str],
    classes: Sequence[str],
    settings: EvaluateDetection,
) -> metrics.DetectionMetrics:
    """Return everything that evaluate_detection reports; names: of the images."""
    # ILSVRC numbers images in the order of their names; the order of a list must not matter.
    objects = stack_objects(truth)._replace(order=np.argsort(np.argsort(np.array(names, object), kind="stable")))
    weight = draws(len(truth), settings.resamples, generator(settings.seed))
    wanted = by_prefix(settings.switches, settings.compare)
    rated = {prefix: rate(scores, prefix, boxes, objects, len(classes), weight, settings) for prefix in wanted}
    main, confidence = rated.pop(""), settings.confidence_percent
    ensemble, (single_mean, single_std) = main.ensemble, main.single_mean_and_std
    mean_ap, singles = ensemble.mean_ap_percent, resampled_singles(main, weight)
    mean_scores = Mean([arrays["probabilities"] for arrays in scores.values()])
    interval = interval_of(mean_ap, main.resampled, confidence)
    curves = {name: thinned_curve(*ensemble.curve(label)) for label, name in enumerate(classes)}
    others = tuple(compared(wanted[prefix], one, main, confidence) for prefix, one in rated.items())
    return metrics.DetectionMetrics(
        images=len(truth),
        classes=tuple(classes),
        objects=int(ensemble.required.sum()),
        coverage=coverage(boxes, to_find(truth), classes),
        table_4=metrics.Table4(ensemble_mean_ap_percent=mean_ap, detectors=len(main.single), interval=interval),
        detectors={
            name: metrics.Precision(mean_ap_percent=one.mean_ap_percent, ap_percent=one.ap_percent)
            for name, one in main.single.items()
        },
        single_mean_ap_percent=single_mean,
        single_std=single_std,
        single_interval=interval_of(single_mean, singles, confidence),
        ensemble_minus_single=difference(mean_ap - single_mean, main.resampled - singles, confidence),
        switches=metrics.SwitchesCompared(on=settings.switches, compared=others),
        ensemble=metrics.EnsemblePrecision(
            mean_ap_percent=mean_ap, ap_percent=ensemble.ap_percent, detections=len(ensemble.flags)
        ),
        precision_recall=curves,
        error_types=error_types(ensemble, boxes, mean_scores, classes, settings),
        examples=examples(ensemble, names, classes, settings),
    )
