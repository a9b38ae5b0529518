"""The pictures whose detections are shown: the best and the worst by a measure of each picture."""

from collections.abc import Sequence

import numpy as np

from googlenet.detection.mean_ap import NEUTRAL, TRUE_POSITIVE, Detections, Objects, counted


def f1_percent(
    detections: Detections, objects: Objects, flags: np.ndarray, classes: int, images: int, score: float
) -> np.ndarray:
    """Return the F1 of each picture at a score, in percent, float64 [images]: 2 hits / (detections + objects).

    Detections of at least `score` count, and neither neutral ones nor objects that are not sought. NaN for a
    picture with neither: nothing was asked of it, and nothing said.
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
    hits, found, sought = each
    with np.errstate(invalid="ignore"):
        return 100 * 2 * hits / (found + sought)


def best_and_worst(measure: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the `count` best and the `count` worst pictures, of equal ones the first; none in both, none of NaN.

    Of fewer than two times `count` pictures the better half, and the rest.
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
    settings: dict,
) -> dict:
    """Return the score, and the best and the worst pictures by F1 at settings["example_score"], settings["examples"] of each.

    A row: name, index, f1_percent, objects and the detections from that score on; a detection is `correct` or
    not, or None when it counts neither way. flags: of the match of all detections.
    """
    score = settings["example_score"]
    measure = f1_percent(detections, objects, flags, len(classes), len(names), score)

    def row(image: int) -> dict:
        truth = np.flatnonzero(objects.image == image)
        found = np.flatnonzero((detections.image == image) & (detections.score >= score))
        return {
            "name": names[image],
            "index": int(image),
            "f1_percent": float(measure[image]),
            "ground_truth": [
                {"box": objects.box[i].tolist(), "class": classes[objects.label[i]]} for i in truth
            ],
            "detections": [
                {
                    "box": detections.box[i].tolist(),
                    "class": classes[detections.label[i]],
                    "score": float(detections.score[i]),
                    "correct": None if flags[i] == NEUTRAL else bool(flags[i] == TRUE_POSITIVE),
                }
                for i in found
            ],
        }

    best, worst = best_and_worst(measure, settings["examples"])
    return {"score": score, "best": [row(image) for image in best], "worst": [row(image) for image in worst]}
