"""The images whose detections are shown: the best and the worst by a measure of each image."""

from collections.abc import Sequence

import numpy as np

from googlenet.config.schema.detection import EvaluateDetection
from googlenet.detection.mean_ap import NEUTRAL, TRUE_POSITIVE, Detections, Objects, counted
from googlenet.metrics.detection import DetectedBox, DetectionExample, DetectionExamples
from googlenet.metrics.proposals import LabelledBox


def f1_percent(
    detections: Detections, objects: Objects, flags: np.ndarray, classes: int, images: int, score: float
) -> np.ndarray:
    """Return the F1 of each image at a score, in percent, float64 [images]: 2 hits / (detections + objects).

    Detections of at least `score` count, and neither neutral ones nor objects that are not sought. NaN for a
    image with neither: nothing was asked of it, and nothing said.
    """
    shown = (np.asarray(detections.score) >= score) & (flags != NEUTRAL)
    each = [
        np.bincount(np.asarray(images_of)[rows], minlength=images)
        for images_of, rows in (
            (detections.image, shown & (flags == TRUE_POSITIVE)),
            (detections.image, shown),
            (objects.image, counted(objects, classes)),
        )
    ]
    hits, detected, sought = each
    with np.errstate(invalid="ignore"):
        return 100 * 2 * hits / (detected + sought)


def best_and_worst(measure: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the `count` best and the `count` worst images, of equal ones the first; none in both, none of NaN.

    Of fewer than two times `count` images the better half, and the rest.
    """
    known = np.flatnonzero(~np.isnan(measure))
    best = known[np.argsort(-measure[known], kind="stable")][: min(count, (len(known) + 1) // 2)]
    others = known[~np.isin(known, best)]
    return best, others[np.argsort(measure[others], kind="stable")][:count]


def examples(
    detections: Detections,
    objects: Objects,
    flags: np.ndarray,
    names: Sequence[str],
    classes: Sequence[str],
    settings: EvaluateDetection,
) -> DetectionExamples:
    """Return the best and the worst images by F1 at example_score, with their objects and the detections from it on.

    names, classes: of images and classes. flags: of the match of all detections.
    """
    score = settings.example_score
    measure = f1_percent(detections, objects, flags, len(classes), len(names), score)

    def example(image: int) -> DetectionExample:
        truth = np.flatnonzero(objects.image == image)
        shown = np.flatnonzero((detections.image == image) & (detections.score >= score))
        return DetectionExample(
            name=names[image],
            index=int(image),
            f1_percent=float(measure[image]),
            ground_truth=tuple(
                LabelledBox(box=objects.box[i].tolist(), class_name=classes[objects.label[i]]) for i in truth
            ),
            detections=tuple(
                DetectedBox(
                    box=detections.box[i].tolist(),
                    class_name=classes[detections.label[i]],
                    score=float(detections.score[i]),
                    correct=None if flags[i] == NEUTRAL else bool(flags[i] == TRUE_POSITIVE),
                )
                for i in shown
            ),
        )

    best, worst = best_and_worst(measure, settings.examples)
    return DetectionExamples(score=score, best=tuple(map(example, best)), worst=tuple(map(example, worst)))
