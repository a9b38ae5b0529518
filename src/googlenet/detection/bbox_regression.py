"""Bounding-box regression as in R-CNN (appendix C): ridge regression, per class, from network features to better boxes.

The paper omitted it for lack of time (section 8). Its input is a small grid: global average pooling loses positions.
"""

from operator import itemgetter

import numpy as np

from googlenet.config.schema.detection import BboxRegression
from googlenet.detection import Arrays
from googlenet.detection.box_offsets import decode, encode
from googlenet.detection.boxes import clip, paired_iou
from googlenet.detection.region_sample import Sample
from googlenet.detection.regions import BACKGROUND
from googlenet.metrics.detection import BeforeAfter, RegressionErrors, RegressionFit
from googlenet.tracking.progress import counted

WEIGHTS, BIAS = "bbox_regression.weights", "bbox_regression.bias"
MEAN_NORM = 20.0  # R-CNN scales its features to this norm, and its lambda assumes it


def ridge(x: np.ndarray, targets: np.ndarray, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """Ridge regression of targets [n, outputs] on x [n, f]: weights [outputs, f], unpenalised intercept; float64."""
    mean, target_mean = x.mean(axis=0), targets.mean(axis=0)
    centred, wanted = x - mean, targets - target_mean
    count, features = x.shape
    if features <= count:
        weights = np.linalg.solve(centred.T @ centred + strength * np.eye(features), centred.T @ wanted)
    else:  # the same solution from the smaller matrix
        weights = centred.T @ np.linalg.solve(centred @ centred.T + strength * np.eye(count), wanted)
    return weights.T, target_mean - mean @ weights


def fit(maps: np.ndarray, sample: Sample, classes: int, settings: BboxRegression) -> tuple[Arrays, RegressionFit]:
    """Fit to the sample's proposals near objects; maps float32 [n, cells]. Uses the lambda with the lowest squared
    error on held-out images, or the first if there are none. Boxes of a class without such proposals stay unchanged."""
    near = (sample.label > BACKGROUND) & ~sample.of_object & (sample.overlap >= settings.iou)
    fitted, held_out = near & ~sample.held_out, near & sample.held_out
    wanted = encode(sample.box, sample.target)
    norm = np.linalg.norm(maps[fitted].astype(np.float64), axis=1).mean() if fitted.any() else 1.0
    scale = MEAN_NORM / max(norm, np.finfo(np.float32).tiny)

    def candidate(strength: float) -> tuple[float, float, Arrays, np.ndarray]:
        weights, bias = np.zeros((classes, 4, maps.shape[1])), np.zeros((classes, 4))
        for index in counted(range(classes), f"classes with a regression (lambda {strength:g})"):
            rows = np.flatnonzero(fitted & (sample.label == index + 1))
            if len(rows):
                scaled, bias[index] = ridge(maps[rows].astype(np.float64) * scale, wanted[rows], strength)
                weights[index] = scaled * scale
        arrays = {WEIGHTS: weights.astype(np.float32), BIAS: bias.astype(np.float32)}
        offsets = offsets_of(maps, arrays)[np.arange(len(maps)), np.maximum(sample.label - 1, 0)]
        return float(((wanted - offsets)[held_out] ** 2).sum()), strength, arrays, offsets

    _, strength, arrays, offsets = min(map(candidate, settings.lambdas), key=itemgetter(0))
    of_fitted, of_held_out = (_errors(sample, offsets, wanted, rows) for rows in (fitted, held_out))
    return arrays, RegressionFit(ridge=strength, fitted=of_fitted, held_out=of_held_out)


def offsets_of(maps: np.ndarray, heads: Arrays) -> np.ndarray:
    """Return the offsets of every region and class, float32 [n, classes, 4], from maps [n, cells]."""
    weights = heads[WEIGHTS]
    return np.asarray((maps @ weights.reshape(-1, weights.shape[2]).T).reshape(len(maps), -1, 4) + heads[BIAS])


def of_mirrored(offsets: np.ndarray) -> np.ndarray:
    """Convert offsets [..., 4] of a mirrored region to those of the region itself, swapping left and right."""
    return np.asarray(offsets * np.array([-1, 1, 1, 1], offsets.dtype))


def moved(boxes: np.ndarray, offsets: np.ndarray, width_px: int, height_px: int) -> np.ndarray:
    """Move an image's boxes [n, 4] by every class's offsets and clip them to the image: float32 [n, classes, 4]."""
    boxes_per_class = decode(np.repeat(boxes, offsets.shape[1], axis=0), offsets.reshape(-1, 4))
    return clip(boxes_per_class, width_px, height_px).astype(np.float32).reshape(offsets.shape)


def _errors(sample: Sample, offsets: np.ndarray, wanted: np.ndarray, rows: np.ndarray) -> RegressionErrors:
    """Mean squared residual offset and mean IoU with the object, before and after. None if there is no region."""
    if not rows.any():
        return RegressionErrors(regions=0, squared_error=None, iou=None)
    boxes, targets, offsets, wanted = sample.box[rows], sample.target[rows], offsets[rows], wanted[rows]
    left = [float(((wanted - moves) ** 2).mean()) for moves in (0.0 * wanted, offsets)]
    overlap = [float(paired_iou(places, targets).mean()) for places in (boxes, decode(boxes, offsets))]
    squared_error, overlaps = (BeforeAfter(before=before, after=after) for before, after in (left, overlap))
    return RegressionErrors(regions=len(boxes), squared_error=squared_error, iou=overlaps)
