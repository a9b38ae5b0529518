"""Clusters of correlated units, and how far the correlation in each extends on the map (section 3; Arora et al. 2014).

A unit is a channel. Its correlations, over images and positions, are with every unit at the same position and in the
5x5 neighbourhood. Units that are highly correlated anywhere in it form a cluster; a cluster whose correlation is
concentrated at one position is covered by 1x1 convolutions, a spread-out one by 3x3 or 5x5.
"""

from collections.abc import Iterable
from math import ceil
from typing import NamedTuple

import numpy as np

RADIUS = 2  # positions: 5x5 is the largest kernel
STEPS = range(-RADIUS, RADIUS + 1)
# Half of the offsets, the position itself first: the others give the same pairs in reverse.
OFFSETS = [(dy, dx) for dy in STEPS for dx in STEPS if (dy, dx) >= (0, 0)]
RINGS = np.array([max(abs(dy), abs(dx)) for dy, dx in OFFSETS])
KERNELS = (1, 3, 5)


class Cluster(NamedTuple):
    """Correlated units, the kernel that covers them, and the shares of their squared correlation at the same position,
    one position away and two positions away."""

    units: np.ndarray  # their indices
    kernel: int
    mass: np.ndarray


class Sums:
    """Running sums over images and positions that give the correlations, batch by batch, so that no map is kept."""

    def __init__(self, units: int):
        self.products = np.zeros((len(OFFSETS), units, units))
        self.moments = np.zeros((len(OFFSETS), 2, 2, units))  # of both positions: values, squares
        self.counts = np.zeros(len(OFFSETS))

    def add(self, maps: np.ndarray) -> None:
        """Add the maps of some images, [images, units, h, w]."""
        maps = maps.astype(np.float64).transpose(1, 0, 2, 3)
        h, w = maps.shape[2:]
        for number, (dy, dx) in enumerate(OFFSETS):
            here = maps[:, :, : max(0, h - dy), max(0, -dx) : max(0, w - max(0, dx))].reshape(len(maps), -1)
            there = maps[:, :, dy:, max(0, dx) : max(0, w - max(0, -dx))].reshape(len(maps), -1)
            self.products[number] += here @ there.T
            for side, values in enumerate((here, there)):
                self.moments[number, side] += values.sum(1), (values**2).sum(1)
            self.counts[number] += here.shape[1]

    def correlations(self) -> np.ndarray:
        """Correlation of unit u at a position with unit v at an offset from it: [offsets, units, units]; 0 where one of
        them never varies, or the map is too small for the offset."""
        counts = np.maximum(self.counts, 1)[:, None, None]
        means, squares = self.moments[:, :, 0] / counts, self.moments[:, :, 1] / counts  # [offsets, 2, units]
        deviations = np.sqrt(np.maximum(squares - means**2, 0))
        deviations[deviations <= 1e-6 * np.sqrt(np.maximum(squares, 1e-12))] = 0
        covariance = self.products / counts - means[:, 0, :, None] * means[:, 1, None, :]
        scale = deviations[:, 0, :, None] * deviations[:, 1, None, :]
        return np.asarray(np.divide(covariance, scale, out=np.zeros_like(covariance), where=scale > 0))


def correlations(batches: Iterable[np.ndarray], units: int) -> np.ndarray:
    """Correlations of `units` units over batches of maps (see `Sums`)."""
    sums = Sums(units)
    for maps in batches:
        sums.add(maps)
    return sums.correlations()


def clustered(correlations: np.ndarray, least: float, units_per_cluster: float, mass: float) -> list[Cluster]:
    """Cluster all units by average linkage; clusters are ordered by their first units. The tree is cut where the pairs'
    mean highest correlation in the 5x5 falls below `least`, or before clusters exceed `units_per_cluster` on average:
    units with a common cause, such as contrast, would otherwise form a single cluster. mass: see `kernel_of`."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    units = correlations.shape[1]
    highest = correlations.max(0)
    distance = np.clip(1 - np.maximum(highest, highest.T), 0, 2)  # rounding may leave a correlation above 1
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average")
    most = units - int(np.searchsorted(tree[:, 2], 1 - least, "right"))  # clusters; the tree's merges are sorted
    found = fcluster(tree, max(most, ceil(units / units_per_cluster)), "maxclust")
    members = [np.flatnonzero(found == number) for number in dict.fromkeys(found.tolist())]
    return [Cluster(each, *kernel_of(correlations[:, each][:, :, each], mass)) for each in members]


def kernel_of(correlations: np.ndarray, mass: float) -> tuple[int, np.ndarray]:
    """The smallest kernel that covers the share `mass` of a cluster's squared correlation in the 5x5, all pairs of
    units weighted equally; and the shares of the three rings. correlations: [offsets, units, units] of these units."""
    squares = (correlations**2).mean((1, 2))
    rings = np.array([squares[ring == RINGS].sum() * (2 if ring else 1) for ring in range(RADIUS + 1)])
    shares = rings / rings.sum()
    return KERNELS[int(np.argmax(np.cumsum(shares) >= mass - 1e-12))], shares


def components(correlations: np.ndarray, share: float) -> int:
    """The number of principal components that explain a share of the variance of standardised units. correlations:
    [units, units], at the same position."""
    values = np.sort(np.linalg.eigvalsh(correlations))[::-1]
    return int(np.argmax(np.cumsum(values) >= share * values.sum() - 1e-9)) + 1
