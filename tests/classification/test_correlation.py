"""Clusters of correlated units: planted ones are found, with the kernel that covers them, and no others."""

import numpy as np
import pytest

from googlenet.classification.correlation import OFFSETS, clustered, components, correlations, kernel_of

SIDE = 8
LEAST, MASS = 0.3, 0.65  # as in conf/derive_structure.yaml


def smooth(maps, radius):
    """The sum over the positions up to `radius` away of maps with a margin of as many: neighbours share their noise."""
    size = 2 * radius + 1
    windows = np.lib.stride_tricks.sliding_window_view(maps, (size, size), (-2, -1))
    return windows.sum((-2, -1)) / size


def planted(groups, images=150, noise=0.4, seed=0, side=SIDE):
    """Maps of groups of units, each group around a source of its own that is the same over so many positions."""
    rng = np.random.default_rng(seed)
    layers = []
    for units, radius in groups:
        padded = side + 2 * radius
        source = smooth(rng.normal(size=(images, padded, padded)), radius)
        layers += [source + noise * rng.normal(size=source.shape) for _ in range(units)]
    return np.stack(layers, 1)


def found(maps, units_per_cluster=100):
    return clustered(correlations([maps], maps.shape[1]), LEAST, units_per_cluster, MASS)


def test_planted_clusters_are_found_with_the_kernels_that_cover_them():
    maps = planted([(6, 0), (5, 1), (4, 2), (7, 0)])
    order = np.random.default_rng(1).permutation(maps.shape[1])  # the units of a cluster need not lie side by side
    clusters = found(maps[:, order])
    sets = {frozenset(order[one.units].tolist()): one.kernel for one in clusters}
    expected = {range(6): 1, range(6, 11): 3, range(11, 15): 5, range(15, 22): 1}
    assert sets == {frozenset(units): kernel for units, kernel in expected.items()}


def test_units_without_correlation_are_clusters_of_their_own_and_local():
    clusters = found(planted([(1, 0)] * 12))
    assert [len(one.units) for one in clusters] == [1] * 12 and {one.kernel for one in clusters} == {1}


def test_positions_shuffled_within_the_images_are_no_longer_spread():
    maps = planted([(4, 2)], images=20, side=24)
    assert [one.kernel for one in found(maps)] == [5]
    rng = np.random.default_rng(1)
    flat = [
        image.reshape(4, -1)[:, rng.permutation(24 * 24)] for image in maps
    ]  # alike for all units: they stay a cluster
    shuffled = np.stack(flat).reshape(maps.shape)
    assert [(len(one.units), one.kernel) for one in found(shuffled)] == [(4, 1)]


def test_units_that_agree_only_at_a_neighbouring_position_are_a_spread_cluster():
    rng = np.random.default_rng(0)
    source = rng.normal(size=(150, SIDE, SIDE + 1))
    beside = np.stack([source[:, :, 1:], source[:, :, :-1]], 1)  # the second has at x what the first has at x - 1
    related = correlations([beside], 2)
    assert abs(related[0, 0, 1]) < 0.05 and related[OFFSETS.index((0, 1)), 0, 1] == pytest.approx(1)
    (cluster,) = clustered(related, LEAST, 2, MASS)
    assert cluster.units.tolist() == [0, 1] and cluster.kernel == 3


def test_units_with_a_cause_in_common_are_told_apart_by_what_they_share_beside_it():
    rng = np.random.default_rng(0)
    maps = planted([(2, 0), (2, 0), (2, 0)]) + 2 * rng.normal(size=(150, 1, SIDE, SIDE))
    assert len(found(maps)) == 1
    assert [one.units.tolist() for one in found(maps, units_per_cluster=2)] == [[0, 1], [2, 3], [4, 5]]
    assert len(found(planted([(1, 0)] * 12), units_per_cluster=2)) == 12  # it joins nothing that is not correlated


def test_units_that_are_copies_are_one_cluster():
    maps = np.repeat(planted([(1, 0), (1, 0)]), 3, 1) * np.array([1, 3, 7e3, 1, 0.1, 1e-3])[:, None, None]
    assert [one.units.tolist() for one in found(maps)] == [[0, 1, 2], [3, 4, 5]]


def test_opposite_units_are_not_joined():
    maps = planted([(2, 0)])
    maps[:, 1] *= -1
    assert len(found(maps)) == 2


def test_correlations_are_those_of_numpy_whatever_the_batches():
    maps = planted([(2, 1), (2, 0)], images=30).astype(np.float32)
    maps[:, 1] = 5  # a unit that never varies
    related = correlations([maps[:7], maps[7:8], maps[8:]], 4)
    np.testing.assert_allclose(related, correlations([maps], 4), atol=1e-12)
    for number, (dy, dx) in enumerate(OFFSETS):
        here = maps[:, :, : SIDE - dy, max(0, -dx) : SIDE - max(0, dx)]
        there = maps[:, :, dy:, max(0, dx) : SIDE - max(0, -dx)]
        for u, v in ((0, 2), (2, 0), (3, 3)):
            expected = np.corrcoef(here[:, u].ravel(), there[:, v].ravel())[0, 1]
            assert related[number, u, v] == pytest.approx(expected, abs=1e-6)
    assert not related[:, 1].any() and not related[:, :, 1].any()


def test_maps_smaller_than_the_window_ask_for_no_larger_kernel_than_they_are():
    maps = planted([(3, 2)])[:, :, :2, :2]
    related = correlations([maps], 3)
    assert not related[OFFSETS.index((2, 0))].any() and kernel_of(related, 0.99)[0] == 3
    assert kernel_of(correlations([maps[:, :, :1, :1]], 3), 0.99)[0] == 1


def test_a_higher_share_of_the_mass_asks_for_larger_kernels():
    related = correlations([planted([(5, 1)])], 5)
    kernels = [kernel_of(related, mass)[0] for mass in (0.1, 0.7, 0.999)]
    assert kernels == [1, 3, 5]


def test_a_reduction_has_as_many_units_as_there_are_directions():
    maps = planted([(6, 0), (6, 0), (6, 0)], noise=0.05)
    related = correlations([maps], 18)[0]
    assert components(related, 0.95) == 3
    assert components(np.eye(10), 0.8) == 8 and components(np.eye(10), 0.999) == 10
