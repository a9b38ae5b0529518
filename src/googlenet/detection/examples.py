"""Select the images whose detections are shown: the best and the worst by a per-image measure."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from googlenet.config.schema.detection import EvaluateDetection
from googlenet.detection.mean_ap import NEUTRAL, TRUE_POSITIVE, Detections, Evaluation, Objects
from googlenet.metrics.detection import DetectedBox, DetectionExample, DetectionExamples
from googlenet.metrics.proposals import LabelledBox


def f1_percent(evaluation: Evaluation, images: int, score: float) -> np.ndarray:
    """Return each image's F1 at a score threshold, in percent, float64 [images]; NaN where nothing counts."""
    detections, objects, flags = evaluation.detections, evaluation.objects, evaluation.flags
    shown = (detections.score >= score) & (flags != NEUTRAL)
    hits = np.bincount(detections.image[shown & (flags == TRUE_POSITIVE)], minlength=images)
    detected = np.bincount(detections.image[shown], minlength=images)
    required = np.bincount(objects.image[evaluation.required], minlength=images)
    with np.errstate(invalid="ignore"):
        return 100 * 2 * hits / (detected + required)


def best_and_worst(measure: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the `count` best and worst images, ignoring NaN, first at ties; if too few, the better half and rest."""
    known = np.flatnonzero(~np.isnan(measure))
    best = known[np.argsort(-measure[known], kind="stable")][: min(count, (len(known) + 1) // 2)]
    others = known[~np.isin(known, best)]
    return best, others[np.argsort(measure[others], kind="stable")][:count]


def examples(
    evaluation: Evaluation, names: Sequence[str], classes: Sequence[str], settings: EvaluateDetection
) -> DetectionExamples:
    """The best and the worst images by F1 at example_score, with their objects and detections at or above it."""
    detections, objects, score = evaluation.detections, evaluation.objects, settings.example_score
    measure = f1_percent(evaluation, len(names), score)

    def labelled(table: Detections | Objects, row: int) -> dict[str, Any]:
        return {"box": table.box[row].tolist(), "class_name": classes[table.label[row]]}

    def detected(row: int) -> DetectedBox:
        correct = {NEUTRAL: None, TRUE_POSITIVE: True}.get(int(evaluation.flags[row]), False)
        return DetectedBox(**labelled(detections, row), score=float(detections.score[row]), correct=correct)

    def example(image: int) -> DetectionExample:
        shown = np.flatnonzero((detections.image == image) & (detections.score >= score)).tolist()
        truth = np.flatnonzero(objects.image == image).tolist()
        return DetectionExample(
            name=names[image],
            index=int(image),
            f1_percent=float(measure[image]),
            ground_truth=tuple(LabelledBox(**labelled(objects, row)) for row in truth),
            detections=tuple(map(detected, shown)),
        )

    best, worst = best_and_worst(measure, settings.examples)
    return DetectionExamples(score=score, best=tuple(map(example, best)), worst=tuple(map(example, worst)))
