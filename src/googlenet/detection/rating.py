"""One setting of the switches, rated: every detector alone, their mean, and both on resampled images."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from googlenet.config.schema.detection import EvaluateDetection, Switches
from googlenet.detection.mean_ap import Detections, Evaluation, Objects, resampled
from googlenet.detection.mean_ap import evaluate as mean_ap
from googlenet.detection.nms import per_class_nms
from googlenet.metrics.bootstrap import percentile_interval
from googlenet.metrics.detection import ComparedSwitches
from googlenet.metrics.interval import Difference
from googlenet.storage.rows import Ranges


class Rating(NamedTuple):
    """together, alone: detections of the ensemble and by detector; ensemble, single: how good they are; resampled
    float64 [resamples]: mAP, in percent, of the ensemble on resampled images.
    """

    together: Detections
    ensemble: Evaluation
    resampled: np.ndarray
    alone: dict[str, Detections]
    single: dict[str, Evaluation]

    @property
    def single_mean(self) -> float:
        """Mean over the detectors of their mAP, in percent."""
        return float(np.mean([one.mean_ap_percent for one in self.single.values()]))

    @property
    def single_std(self) -> float:
        """Standard deviation over the detectors, in percent."""
        return float(np.std([one.mean_ap_percent for one in self.single.values()]))


class Mean:
    """The mean of the detectors' arrays [n, ...], float64, made for the rows that are asked for: mean[a:b]."""

    def __init__(self, arrays: Sequence[Ranges]):
        self.arrays = arrays

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, rows: slice) -> np.ndarray:
        return np.asarray(np.mean([array[rows] for array in self.arrays], axis=0, dtype=np.float64))


def detect(
    boxes: Sequence[np.ndarray], scores: Ranges, settings: EvaluateDetection, moved: Ranges | None = None
) -> Detections:
    """Suppress within each class of each image. scores [all boxes, 1 + classes], images in order.

    moved [all boxes, classes, 4]: where the boxes lie for each class, when they have been regressed.
    """
    detected, end = [], 0
    for number, of_image in enumerate(boxes):
        rows = slice(end, end := end + len(of_image))
        kept = per_class_nms(
            of_image if moved is None else moved[rows],
            scores[rows],
            settings.nms_iou,
            settings.min_score,
            settings.max_per_image,
        )
        detected.append((np.full(len(kept[0]), number), *kept))
    image, box, label, score = (np.concatenate(column) for column in zip(*detected, strict=True))
    return Detections(image, label, score, box)


def rate(
    scores: Mapping[str, Mapping[str, Ranges]],
    prefix: str,
    boxes: Sequence[np.ndarray],
    objects: Objects,
    classes: int,
    weight: np.ndarray,
    settings: EvaluateDetection,
) -> Rating:
    """Rate the arrays of one setting: those of every detector whose names begin with `prefix`.

    The ensemble averages probabilities, and regressed boxes where there are some. weight: of metrics/bootstrap.draws.
    """
    small = settings.small_object_threshold
    alone = {
        name: detect(boxes, arrays[f"{prefix}probabilities"], settings, arrays.get(f"{prefix}boxes"))
        for name, arrays in scores.items()
    }
    single = {name: mean_ap(by_one, objects, classes, small=small) for name, by_one in alone.items()}
    probabilities = Mean([arrays[f"{prefix}probabilities"] for arrays in scores.values()])
    regressed = [arrays[f"{prefix}boxes"] for arrays in scores.values() if f"{prefix}boxes" in arrays]
    together = detect(boxes, probabilities, settings, Mean(regressed) if regressed else None)
    ensemble = mean_ap(together, objects, classes, small=small)
    of_resamples = resampled(together, objects, ensemble.flags, classes, weight)
    return Rating(together, ensemble, of_resamples, alone, single)


def resampled_singles(rating: Rating, objects: Objects, classes: int, weight: np.ndarray) -> np.ndarray:
    """The mean over the detectors of their mAP, in percent, in each resample: float64 [resamples]."""
    each = [
        resampled(by_one, objects, rating.single[name].flags, classes, weight)
        for name, by_one in rating.alone.items()
    ]
    mean: np.ndarray = np.mean(each, axis=0)
    return mean


def difference(percent: float, resampled_differences: np.ndarray, confidence_percent: float) -> Difference:
    """A difference with its paired interval: both sides of each resample saw the same images."""
    interval = percentile_interval(resampled_differences, confidence_percent)
    return Difference(difference=float(percent), interval=interval)


def compared(switches: Switches, rating: Rating, main: Rating, confidence_percent: float) -> ComparedSwitches:
    """What evaluate_detection reports of a setting that is measured beside the main one."""
    gain = rating.ensemble.mean_ap_percent - main.ensemble.mean_ap_percent
    return ComparedSwitches(
        switches=switches,
        single_mean_ap_percent=rating.single_mean,
        single_std=rating.single_std,
        ensemble_mean_ap_percent=rating.ensemble.mean_ap_percent,
        ensemble_interval=percentile_interval(rating.resampled, confidence_percent),
        difference=difference(gain, rating.resampled - main.resampled, confidence_percent),
        ap_percent=tuple(rating.ensemble.ap_percent),
    )
