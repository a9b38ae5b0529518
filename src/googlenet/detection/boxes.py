"""Arithmetic of boxes: (xmin, ymin, xmax, ymax), 0-based pixels, both ends inclusive, as ILSVRC counts."""

import numpy as np


def area(boxes: np.ndarray) -> np.ndarray:
    """Return the areas in pixels, float64 [n], of boxes [n, 4]; width = xmax - xmin + 1."""
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    areas: np.ndarray = (boxes[:, 2] - boxes[:, 0] + 1) * (boxes[:, 3] - boxes[:, 1] + 1)
    return areas


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the intersection over union of each of a [n, 4] with each of b [m, 4]: float64 [n, m]."""
    a = np.asarray(a, np.float64).reshape(-1, 4)
    b = np.asarray(b, np.float64).reshape(-1, 4)
    shared = _side(a[:, None, 0], a[:, None, 2], b[None, :, 0], b[None, :, 2])
    shared *= _side(a[:, None, 1], a[:, None, 3], b[None, :, 1], b[None, :, 3])
    union = area(a)[:, None] + area(b)[None, :]
    union -= shared
    shared /= union
    return shared


def paired_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the intersection over union of a[i] with b[i], both [n, 4]: float64 [n]."""
    a = np.asarray(a, np.float64).reshape(-1, 4)
    b = np.asarray(b, np.float64).reshape(-1, 4)
    shared = _side(a[:, 0], a[:, 2], b[:, 0], b[:, 2])
    shared *= _side(a[:, 1], a[:, 3], b[:, 1], b[:, 3])
    overlap: np.ndarray = shared / (area(a) + area(b) - shared)
    return overlap


def clip(boxes: np.ndarray, width_px: int, height_px: int) -> np.ndarray:
    """Return the boxes [n, 4] with every corner moved into the image; the type is kept."""
    boxes = np.asarray(boxes).reshape(-1, 4)
    last = np.array([width_px - 1, height_px - 1] * 2, boxes.dtype)
    inside: np.ndarray = np.clip(boxes, np.zeros(4, boxes.dtype), last)
    return inside


def object_threshold(boxes: np.ndarray) -> np.ndarray:
    """Return the IoU that a detection needs with each object, float64 [n] (ILSVRC's rule for small objects).

    min(0.5, w * h / ((w + 10) * (h + 10))): a detection may be off by about 5 pixels on each side; 0.5 from
    25 x 25 on.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    width = boxes[:, 2] - boxes[:, 0] + 1
    height = boxes[:, 3] - boxes[:, 1] + 1
    threshold: np.ndarray = np.minimum(0.5, width * height / ((width + 10) * (height + 10)))
    return threshold


def _side(low_a: np.ndarray, high_a: np.ndarray, low_b: np.ndarray, high_b: np.ndarray) -> np.ndarray:
    """The length that two ranges of pixels share, never below zero."""
    shared: np.ndarray = np.minimum(high_a, high_b) - np.maximum(low_a, low_b)
    shared += 1
    np.maximum(shared, 0, out=shared)
    return shared
