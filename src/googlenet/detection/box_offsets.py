"""Box offsets relative to another box, as in R-CNN's regression (Girshick et al. 2014, appendix C)."""

import numpy as np

from googlenet.detection.boxes import sides

LARGEST = np.log(1000.0)  # limit on a side's offset: a network's extreme output must not become infinite


def encode(boxes: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return offsets from boxes[i] to targets[i], float64 [n, 4]: centre shifts in sides, log ratios of sides."""
    (centre, side), (target_centre, target_side) = _centres(boxes), _centres(targets)
    return np.concatenate([(target_centre - centre) / side, np.log(target_side / side)], axis=1)


def decode(boxes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return boxes [n, 4] moved by offsets [n, 4], float64; a side grows at most a thousandfold."""
    offsets = np.asarray(offsets, np.float64).reshape(-1, 4)
    centre, side = _centres(boxes)
    centre = centre + offsets[:, :2] * side
    half = side * np.exp(np.minimum(offsets[:, 2:], LARGEST)) / 2
    return np.concatenate([centre - half, centre + half - 1], axis=1)


def _centres(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return centres and sides, (x, y) and (width, height), float64 [n, 2] each."""
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    side = sides(boxes)
    return boxes[:, :2] + side / 2, side
