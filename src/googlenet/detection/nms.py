"""Greedy non-maximum suppression as in R-CNN: of two boxes that overlap too much, the higher-scoring one is kept."""

from collections.abc import Callable

import numpy as np

from googlenet.detection.boxes import iou
from googlenet.errors import UserError


def nms(boxes: np.ndarray, scores: np.ndarray, iou_threshold: float) -> np.ndarray:
    """Indices of the kept boxes [n, 4], int64, best first: none overlaps a better one above the threshold."""
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    return _greedy(best_first(scores), lambda index: iou(boxes[index], boxes)[0] <= iou_threshold, len(boxes))


def per_class_nms(
    boxes: np.ndarray, probabilities: np.ndarray, iou_threshold: float, min_score: float, max_per_image: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Suppress within each class; return (boxes [k, 4], labels int64 [k], scores [k]), best score first.

    `boxes` are [n, 4], or [n, classes, 4] if regressed per class; `probabilities` [n, 1 + classes]. Scores under
    `min_score` are dropped first; at most `max_per_image` (0: all) are kept. Ties: lower class, then lower box index.
    Raises UserError for scores that are NaN: as no score reaches a threshold, they would vanish.
    """
    boxes, probabilities = np.asarray(boxes), np.asarray(probabilities)
    if probabilities.ndim != 2 or len(probabilities) != len(boxes):
        raise ValueError(f"{len(boxes)} boxes, but probabilities of shape {probabilities.shape}")
    if np.isnan(probabilities).any():
        raise UserError(
            "detections: scores are NaN; the detector has diverged: train it again with a lower learning rate"
        )
    classes = probabilities.shape[1] - 1
    per_class = boxes.ndim == 3
    if per_class and boxes.shape[1] != classes:
        raise ValueError(f"boxes of {boxes.shape[1]} classes, but probabilities of {classes}")
    used = np.flatnonzero((probabilities[:, 1:] >= min_score).any(axis=1))
    # Computed once if classes share the boxes: most of 200 classes use the same ones.
    apart = np.zeros((0, 0), bool) if per_class else iou(boxes[used], boxes[used]) <= iou_threshold
    kept_of = []
    for label in range(classes):
        scores = probabilities[used, label + 1]
        order = best_first(scores)
        order = order[scores[order] >= min_score]
        if per_class:
            stay = order[nms(boxes[used[order], label], scores[order], iou_threshold)]
        else:
            stay = _greedy(order, apart.__getitem__, len(used))
        kept_of.append(used[stay])
    kept = np.concatenate(kept_of)
    labels = np.repeat(np.arange(classes), [len(rows) for rows in kept_of])
    scores = probabilities[kept, labels + 1]
    order = best_first(scores)[: max_per_image or None]
    kept, labels = kept[order], labels[order]
    return boxes[kept, labels] if per_class else boxes[kept], labels, scores[order]


def best_first(scores: np.ndarray) -> np.ndarray:
    """Return the order of descending score, int64; equal scores keep their order."""
    return np.argsort(-np.asarray(scores), kind="stable")


def _greedy(order: np.ndarray, apart_from: Callable[[int], np.ndarray], size: int) -> np.ndarray:
    """Go through `order`, keeping boxes that no kept box suppresses; `apart_from(i)`: those not suppressed by i."""
    alive, kept = np.ones(size, bool), []
    for index in order.tolist():
        if alive[index]:
            kept.append(index)
            alive &= apart_from(index)
    return np.array(kept, np.int64)
