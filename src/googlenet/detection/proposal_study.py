"""The study of proposals: coverage over the number of boxes, of each source on the same pictures (section 8)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from googlenet.detection.coverage import NEVER, coverage, coverage_by_count, first_cover
from googlenet.detection.merge import Merged
from googlenet.detection.priors import k_means, rescale

STEPS = (1, 2, 5)  # of the curves, at every power of ten
DRAWN_SEARCHED, DRAWN_MULTIBOX = 40, 20  # boxes of an example

Boxes = Sequence[np.ndarray]  # one array [n, 4] per picture


def fixed_boxes(objects: Boxes, sizes: Sequence[tuple[int, int]], count: int, seed: int) -> np.ndarray:
    """Return `count` boxes, float64 [count, 4], in parts of a picture's sides: k-means of training boxes, per picture.

    sizes: (width, height) of the pictures of `objects`. The most populous first.
    """
    every = [rescale(mine, 1 / w, 1 / h) for mine, (w, h) in zip(objects, sizes, strict=True)]
    return k_means(np.concatenate([np.zeros((0, 4)), *every]), count, seed)[0]


def ranked(boxes: np.ndarray, first: int, rng: np.random.Generator) -> np.ndarray:
    """The boxes with those after the `first` shuffled: these have no rank."""
    return np.concatenate([boxes[:first], boxes[first:][rng.permutation(len(boxes) - first)]])


def points(most: int) -> list[int]:
    """Numbers of boxes to draw a curve at: 1, 2, 5, 10, ... and at last all that any picture has."""
    series = [step * 10**power for power in range(len(str(most))) for step in STEPS]
    return [n for n in series if n < most] + [most] * (most > 0)


class Counts:
    """How many objects of every class each picture has, and a bootstrap over the pictures that all figures share."""

    def __init__(self, labels: Sequence[np.ndarray], classes: int, settings: dict):
        """labels: of every picture's objects. settings: {resamples, confidence_percent, seed}."""
        self.labels, self.classes = labels, classes
        self.objects = self.per_picture([np.ones(len(mine)) for mine in labels])
        rng = np.random.Generator(np.random.Philox(settings["seed"]))
        n, tail = len(labels), (100 - settings["confidence_percent"]) / 2
        self.weights = rng.multinomial(n, np.full(n, 1 / n), settings["resamples"]).astype(np.float64)
        self.tails = [tail, 100 - tail]

    def per_picture(self, values: Sequence[np.ndarray]) -> np.ndarray:
        """Sums of the objects' values: float64 [pictures, classes]."""
        rows = zip(self.labels, values, strict=True)
        return np.stack([np.bincount(label, value, self.classes) for label, value in rows])

    def interval(self, values: np.ndarray, label: int | None = None) -> list[float]:
        """Percentiles of the percentage that values [pictures, classes] are of the objects, all or of one class."""
        mine = slice(None) if label is None else slice(label, label + 1)
        objects = self.weights @ self.objects[:, mine].sum(axis=1)
        hits = self.weights @ values[:, mine].sum(axis=1)
        there = objects > 0  # a resample may miss all objects of a class
        return np.percentile(100 * hits[there] / objects[there], self.tails).tolist()

    def difference(self, values: np.ndarray) -> dict[str, Any]:
        """The percentage that values, a difference of two sums, are of all objects, with its paired interval."""
        percent = float(100 * values.sum() / self.objects.sum())
        return {"coverage_percent": percent, "interval": self.interval(values)}

    def per_class(self, values: np.ndarray, names: Sequence[str]) -> list[dict[str, Any]]:
        """`difference` by class; a class without object has None."""
        rows = []
        for label, name in enumerate(names):
            total = self.objects[:, label].sum()
            percent = float(100 * values[:, label].sum() / total) if total else None
            bounds = self.interval(values, label) if total else None
            rows.append({"class": name, "coverage_percent": percent, "interval": bounds})
        return rows


def study(
    sources: Mapping[str, Boxes],
    ranks: Mapping[str, Sequence[int]],
    objects: Boxes,
    labels: Sequence[np.ndarray],
    classes: Sequence[str],
    settings: dict,
) -> dict[str, Any]:
    """Everything that study_proposals reports but the pictures' names.

    sources: boxes of every picture by the source's name; ranks: how many of them, at the head, have a rank (none where
    the source is not named). objects, labels: of every picture. settings: {iou, resamples, confidence_percent, seed}.
    """
    counts, threshold = Counts(labels, len(classes), settings), settings["iou"]
    hits, rows, curves = {}, {}, {}
    for name, boxes in sources.items():
        rows[name] = coverage(boxes, objects, labels, classes, threshold)
        del rows[name]["objects"]
        found = [
            first_cover(mine, truth, threshold) != NEVER for mine, truth in zip(boxes, objects, strict=True)
        ]
        hits[name] = counts.per_picture(found)
        rows[name]["interval"] = counts.interval(hits[name])
        rng = np.random.Generator(np.random.Philox(settings["seed"]))
        heads = ranks.get(name, [0] * len(boxes))
        order = [ranked(mine, head, rng) for mine, head in zip(boxes, heads, strict=True)]
        curves[name] = coverage_by_count(order, objects, points(max(map(len, boxes))), threshold)
    gained = hits["multibox"] - hits["priors"]
    share = rows["merged"]["boxes_per_image"] / rows["selective_search_full"]["boxes_per_image"]
    return {
        "objects": int(counts.objects.sum()),
        "classes": list(classes),
        "iou": threshold,
        "confidence_percent": settings["confidence_percent"],
        "sources": rows,
        "curves": curves,
        "share_of_boxes_percent": 100 * share,
        "differences": {
            "merged_minus_full": counts.difference(hits["merged"] - hits["selective_search_full"]),
            "multibox_minus_priors": counts.difference(gained)
            | {"per_class": counts.per_class(gained, classes)},
        },
    }


def example(
    searched: np.ndarray, merged: Merged, objects: np.ndarray, names: Sequence[str]
) -> dict[str, list]:
    """What is drawn onto one picture: its objects, some of selective search's boxes drawn evenly, MultiBox's best."""
    some = min(len(searched), DRAWN_SEARCHED)
    drawn = [searched[i * len(searched) // some] for i in range(some)]
    shown = min(merged.multibox, DRAWN_MULTIBOX)
    best = zip(merged.boxes[:shown], merged.confidence[:shown], strict=True)
    return {
        "ground_truth": [
            {"box": box.tolist(), "class": name} for box, name in zip(objects, names, strict=True)
        ],
        "selective_search": [box.tolist() for box in drawn],
        "multibox": [{"box": box.tolist(), "confidence": float(sure)} for box, sure in best],
    }
