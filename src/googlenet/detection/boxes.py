"""Box arithmetic, (xmin, ymin, xmax, ymax) in pixels, both ends inclusive."""

import numpy as np


def area(boxes: np.ndarray) -> np.ndarray:
    """Return the areas in pixels, float64 [...], of boxes [..., 4]; width = xmax - xmin + 1."""
    boxes = np.asarray(boxes, np.float64)
    return np.asarray((boxes[..., 2] - boxes[..., 0] + 1) * (boxes[..., 3] - boxes[..., 1] + 1))


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the intersection over union of each of a [n, 4] with each of b [m, 4]: float64 [n, m]."""
    return paired_iou(np.asarray(a).reshape(-1, 1, 4), np.asarray(b).reshape(1, -1, 4))


def paired_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the intersection over union of a[i] with b[i], both [..., 4]: float64 [...]."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    shared = _side(a[..., 0], a[..., 2], b[..., 0], b[..., 2])
    shared *= _side(a[..., 1], a[..., 3], b[..., 1], b[..., 3])
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
    corners = np.asarray(boxes, np.float64).reshape(-1, 4)
    width, height = (corners[:, 2:] - corners[:, :2] + 1).T
    return np.asarray(np.minimum(0.5, width * height / ((width + 10) * (height + 10))))


def _side(low_a: np.ndarray, high_a: np.ndarray, low_b: np.ndarray, high_b: np.ndarray) -> np.ndarray:
    """Return the length of the overlap of two pixel ranges, never below zero."""
    shared: np.ndarray = np.minimum(high_a, high_b) - np.maximum(low_a, low_b)
    shared += 1
    np.maximum(shared, 0, out=shared)
    return shared
