"""MultiBox's priors, boxes in input coordinates: k-means of training boxes (Erhan 2014), or shapes on a grid."""

import numpy as np

from googlenet.detection.boxes import sides
from googlenet.tracking.progress import counted

ROWS_AT_ONCE = 65536


def rescale(boxes: np.ndarray, x: float, y: float) -> np.ndarray:
    """Return boxes [n, 4] of an image resized by the factors x and y: float64. Scales edges, not pixel indices."""
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    edges = np.array([0.0, 0.0, 1.0, 1.0])
    return np.asarray((boxes + edges) * np.array([x, y, x, y]) - edges)


def k_means(points: np.ndarray, k: int, seed: int, iterations: int = 100) -> np.ndarray:
    """At most k centres of points [n, d], float64, largest first (k-means++); too few points are their own centres."""
    points = np.asarray(points, np.float64)
    distinct, counts = np.unique(points, axis=0, return_counts=True)
    if len(distinct) > k > 0:
        centres = _spread(points, k, np.random.Generator(np.random.Philox(seed)))
        owner = np.full(len(points), -1)
        for _ in counted(range(iterations), "rounds of k-means, at most"):
            before, owner = owner, _nearest(points, centres)
            if np.array_equal(before, owner):
                break
            counts = np.bincount(owner, minlength=k)
            sums = np.stack([np.bincount(owner, column, minlength=k) for column in points.T], axis=1)
            used = counts > 0
            centres[used] = sums[used] / counts[used, None]
        distinct, counts = centres, np.bincount(_nearest(points, centres), minlength=k)
    return np.asarray(distinct[np.argsort(-counts, kind="stable")[:k]])


def shapes(boxes: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return widths and heights, float64 [count, 2]: k-means of their logarithms, so that all sizes count equally."""
    return np.asarray(np.exp(k_means(np.log(sides(boxes)), count, seed)))


def on_grid(shapes: np.ndarray, cells: int, px: int) -> np.ndarray:
    """Return a box of every shape [a, 2] centred on every cell: float64 [cells * cells * a, 4], cells row by row."""
    at = (np.arange(cells) + 0.5) * px / cells
    y, x = np.meshgrid(at, at, indexing="ij")
    centre = np.stack([x, y], axis=2)[:, :, None]
    half = np.asarray(shapes, np.float64) / 2
    return np.concatenate([centre - half, centre + half - 1], axis=3).reshape(-1, 4)


def _spread(points: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Draw k starting points, each in proportion to its squared distance to the nearest earlier one (k-means++)."""
    chosen = [int(rng.integers(len(points)))]
    distance = np.full(len(points), np.inf)
    while len(chosen) < k:
        distance = np.minimum(distance, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
        reach = np.cumsum(distance)
        chosen.append(int(np.searchsorted(reach, rng.random() * reach[-1], side="right")))
    return points[chosen].copy()


def _nearest(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return the index of the centre nearest to each point; the lower one at a tie."""
    parts = (points[start : start + ROWS_AT_ONCE] for start in range(0, len(points), ROWS_AT_ONCE))
    squares = (centres**2).sum(axis=1)
    return np.concatenate([(squares - 2 * part @ centres.T).argmin(axis=1) for part in parts])
