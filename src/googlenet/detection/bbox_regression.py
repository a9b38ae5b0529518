"""Bounding-box regression as in R-CNN (appendix C): ridge regression, per class, from the network to better boxes.

The paper's authors ran out of time for it (section 8). R-CNN regresses from its last pooled map, 6x6 places; the mean over
all places, GoogLeNet's vector, has lost most of where things are, so the last map is averaged to a small grid.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from googlenet.config.schema.detection import BboxRegression
from googlenet.detection.box_offsets import decode, encode
from googlenet.detection.boxes import clip, paired_iou
from googlenet.detection.region_sample import Sample
from googlenet.detection.regions import BACKGROUND
from googlenet.metrics.detection import BeforeAfter, RegressionErrors, RegressionFit

WEIGHTS, BIAS = "bbox_regression.weights", "bbox_regression.bias"
MEAN_NORM = 20.0  # what R-CNN scales its features to, and its lambda is for


def ridge(x: np.ndarray, targets: np.ndarray, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """Ridge regression with an unpunished intercept: (weights [outputs, features], intercept [outputs]), float64.

    x [n, features], targets [n, outputs]: the least sum of squared errors + strength * |weights|^2.
    """
    mean, target_mean = x.mean(axis=0), targets.mean(axis=0)
    centred, wanted = x - mean, targets - target_mean
    count, features = x.shape
    if features <= count:
        weights = np.linalg.solve(centred.T @ centred + strength * np.eye(features), centred.T @ wanted)
    else:  # the same by way of the smaller matrix
        weights = centred.T @ np.linalg.solve(centred @ centred.T + strength * np.eye(count), wanted)
    return weights.T, target_mean - mean @ weights


class Fitted(NamedTuple):
    """One lambda of the ridge: its arrays, each region's offsets for its class [n, 4], squared error on held-out images."""

    strength: float
    arrays: dict[str, np.ndarray]
    offsets: np.ndarray
    error: float


def fit(
    maps: np.ndarray, sample: Sample, classes: int, settings: BboxRegression
) -> tuple[dict[str, np.ndarray], RegressionFit]:
    """Fit to the sample's proposals near their objects, those that are not held out; returns (arrays, errors).

    maps float32 [n, cells]. Of the lambdas, the one is taken that leaves the least squared error on the held-out images; the
    first, where those have no such proposal.
    """
    near = (sample.label > BACKGROUND) & ~sample.of_object & (sample.overlap >= settings.iou)
    fitted, held_out = near & ~sample.held_out, near & sample.held_out
    wanted = encode(sample.box, sample.target)

    def candidates() -> Iterator[Fitted]:
        for strength in settings.lambdas:
            arrays = fit_one(maps, sample.label, fitted, wanted, classes, strength)
            offsets = offsets_of(maps, arrays)[np.arange(len(maps)), np.maximum(sample.label - 1, 0)]
            yield Fitted(strength, arrays, offsets, float(((wanted - offsets)[held_out] ** 2).sum()))

    best = min(candidates(), key=lambda one: one.error)  # one by one: the arrays are large
    return best.arrays, RegressionFit(
        ridge=best.strength,
        fitted=_errors(sample, best.offsets, wanted, fitted),
        held_out=_errors(sample, best.offsets, wanted, held_out),
    )


def fit_one(
    maps: np.ndarray, label: np.ndarray, rows: np.ndarray, wanted: np.ndarray, classes: int, strength: float
) -> dict[str, np.ndarray]:
    """The arrays of one lambda, from those of the regions that `rows`, bool [n], names; wanted: offsets [n, 4].

    A class without any keeps its boxes as they are.
    """
    norm = np.linalg.norm(maps[rows].astype(np.float64), axis=1).mean() if rows.any() else 1.0
    scale = MEAN_NORM / max(norm, np.finfo(np.float32).tiny)
    weights, bias = np.zeros((classes, 4, maps.shape[1])), np.zeros((classes, 4))
    for index in range(classes):
        of_class = np.flatnonzero(rows & (label == index + 1))
        if len(of_class):
            scaled, bias[index] = ridge(maps[of_class].astype(np.float64) * scale, wanted[of_class], strength)
            weights[index] = scaled * scale
    return {WEIGHTS: weights.astype(np.float32), BIAS: bias.astype(np.float32)}


def offsets_of(maps: np.ndarray, heads: Mapping[str, np.ndarray]) -> np.ndarray:
    """Offsets of every region and class, float32 [n, classes, 4], of maps [n, cells]."""
    weights, bias = heads[WEIGHTS], heads[BIAS]
    offsets: np.ndarray = (maps @ weights.reshape(-1, weights.shape[2]).T).reshape(len(maps), -1, 4) + bias
    return offsets


def of_mirrored(offsets: np.ndarray) -> np.ndarray:
    """Offsets [..., 4] of a mirrored region, as they are for the region itself: right is left."""
    turned: np.ndarray = offsets * np.array([-1, 1, 1, 1], offsets.dtype)
    return turned


def moved(boxes: np.ndarray, offsets: np.ndarray, width_px: int, height_px: int) -> np.ndarray:
    """The boxes [n, 4] of an image moved for every class and clipped to it: float32 [n, classes, 4]."""
    count, classes, _ = offsets.shape
    every = decode(np.repeat(boxes, classes, axis=0), offsets.reshape(-1, 4))
    return clip(every, width_px, height_px).astype(np.float32).reshape(count, classes, 4)


def _errors(sample: Sample, offsets: np.ndarray, wanted: np.ndarray, rows: np.ndarray) -> RegressionErrors:
    """Before and after: mean squared offset that is left, mean IoU with the object. None where there is no region."""
    if not rows.any():
        return RegressionErrors(regions=0, squared_error=None, iou=None)

    def left(done: np.ndarray) -> float:
        return float(((wanted[rows] - done) ** 2).mean())

    def mean_iou(boxes: np.ndarray) -> float:
        return float(paired_iou(boxes, sample.target[rows]).mean())

    better = decode(sample.box[rows], offsets[rows])
    return RegressionErrors(
        regions=int(rows.sum()),
        squared_error=BeforeAfter(before=left(0.0 * wanted[rows]), after=left(offsets[rows])),
        iou=BeforeAfter(before=mean_iou(sample.box[rows]), after=mean_iou(better)),
    )
