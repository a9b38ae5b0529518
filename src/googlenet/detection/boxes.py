"""Box arithmetic, (xmin, ymin, xmax, ymax) in pixels, both ends inclusive."""

import numpy as np


def sides(boxes: np.ndarray) -> np.ndarray:
    """Return the (width, height) in pixels, float64 [..., 2], of boxes [..., 4]; width = xmax - xmin + 1."""
    boxes = np.asarray(boxes, np.float64)
    return np.asarray(boxes[..., 2:] - boxes[..., :2] + 1)


def area(boxes: np.ndarray) -> np.ndarray:
    """Return the areas in pixels, float64 [...], of boxes [..., 4]."""
    side = sides(boxes)
    return np.asarray(side[..., 0] * side[..., 1])


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the intersection over union of each of a [n, 4] with each of b [m, 4]: float64 [n, m]."""
    return paired_iou(np.asarray(a).reshape(-1, 1, 4), np.asarray(b).reshape(1, -1, 4))


def paired_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the intersection over union of a[i] with b[i], both [..., 4]: float64 [...]."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    shared = _overlap(a, b, 0)
    shared *= _overlap(a, b, 1)
    union = area(a) + area(b)
    union -= shared
    shared /= union
    return shared


def clip(boxes: np.ndarray, width_px: int, height_px: int) -> np.ndarray:
    """Return the boxes [n, 4] with every corner moved into the image, in the same dtype."""
    last = np.array([width_px - 1, height_px - 1] * 2, boxes.dtype)
    return np.asarray(np.clip(boxes, np.zeros(4, boxes.dtype), last))


def object_threshold(boxes: np.ndarray) -> np.ndarray:
    """The IoU that ILSVRC requires with each object, float64 [n]: 0.5, less for objects under about 25 x 25 pixels."""
    width, height = sides(boxes).T
    return np.asarray(np.minimum(0.5, width * height / ((width + 10) * (height + 10))))


def _overlap(a: np.ndarray, b: np.ndarray, axis: int) -> np.ndarray:
    """Return the length of the boxes' overlap along an axis (0: x, 1: y), not below zero. In place, to save memory."""
    shared: np.ndarray = np.minimum(a[..., axis + 2], b[..., axis + 2]) - np.maximum(a[..., axis], b[..., axis])
    shared += 1
    np.maximum(shared, 0, out=shared)
    return shared
