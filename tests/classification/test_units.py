"""Clusters of units: correlation, clustering, chance and branches, against cases worked by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from classification.tiny import images, network, spec
from googlenet.classification import units
from googlenet.errors import UserError
from googlenet.models.network import Network
from googlenet.models.table_1 import module_above
from settings import settings_of

SETTINGS = settings_of("analyse_units", experiment="demo", clusters=3, permutations=200, seed=1)


def families(count=(5, 4, 3), images=40, side=4, noise=0.3, seed=0):
    """Maps whose units follow one signal for each family: [images, units, side, side], and the families."""
    rng = np.random.default_rng(seed)
    family = np.repeat(np.arange(len(count)), count)
    signals = rng.normal(size=(images, len(count), side, side))
    maps = signals[:, family] + noise * rng.normal(size=(images, len(family), side, side))
    return maps.astype(np.float32), family


def test_correlation_by_hand():
    # Two images of 1 x 2 positions: unit 0 is 0, 2, 4, 2; unit 1 its mirror image about the mean; unit 2 alternates.
    maps = np.array([[[[0, 2]], [[4, 2]], [[1, 3]]], [[[4, 2]], [[0, 2]], [[1, 3]]]], np.float32)
    assert units.correlation(units.standardised(maps)) == pytest.approx(
        np.array([[1, -1, 0], [-1, 1, 0], [0, 0, 1]]), abs=1e-12
    )
    one_right = units.correlation(units.standardised(maps), 0, 1)
    # Unit 2 one to the right of itself: -1 with +1, both times.
    assert one_right[2, 2] == pytest.approx(-1) and one_right[0, 0] == pytest.approx(0)


def test_correlation_equals_numpys_and_looks_the_right_way():
    maps = units.standardised(np.random.default_rng(1).normal(size=(30, 5, 4, 3)))
    flat = maps.transpose(1, 0, 2, 3).reshape(5, -1)
    assert units.correlation(maps) == pytest.approx(np.corrcoef(flat))
    shifted = maps.copy()
    shifted[:, 1, :, 1:] = maps[:, 0, :, :-1]  # unit 1 at x + 1 equals unit 0 at x
    assert units.correlation(shifted, 0, 1)[0, 1] > 0.95 > 0.3 > abs(units.correlation(shifted, 0, -1)[0, 1])
    below = maps.copy()
    below[:, 1, 1:] = maps[:, 0, :-1]
    assert units.correlation(below, 1, 0)[0, 1] > 0.95 > 0.3 > abs(units.correlation(below, -1, 0)[0, 1])


def test_families_are_found_whatever_the_order_of_the_units():
    maps, family = families()
    shuffled = np.random.default_rng(3).permutation(len(family))
    cluster, order = units.clustered(units.correlation(units.standardised(maps[:, shuffled])), 3)
    assert cluster.tolist() == family[shuffled].tolist()  # families fall in size, as clusters do
    assert sorted(order) == list(range(12)) and cluster[order].tolist() == sorted(cluster)
    again = units.clustered(units.correlation(units.standardised(maps[:, shuffled])), 3)
    assert np.array_equal(again[0], cluster) and np.array_equal(again[1], order)


def test_fewer_units_than_clusters():
    cluster, order = units.clustered(np.eye(2), 8)
    assert sorted(cluster.tolist()) == [0, 1] and sorted(order.tolist()) == [0, 1]


def test_chance_by_hand():
    # Four units in two clusters; the first cluster's are all of the first kind.
    values = np.eye(2)[[0, 0, 1, 1]]
    test = units.against_chance("ab", values, np.array([0, 0, 1, 1]), permutations=3000, seed=1)
    assert test.branches == ("a", "b")
    assert test.over_chance == ((2, 0), (0, 2)) and test.explained == pytest.approx(1)
    # Of the 6 ways to choose two of four, 2 explain all and 4 nothing.
    assert test.p == pytest.approx(1 / 3, abs=0.03)
    assert test.explained_by_chance == pytest.approx(1 / 3, abs=0.03)
    assert test.beyond == ((False, False),) * 2  # as far as a third of the permutations
    even = units.against_chance("ab", values, np.array([0, 1, 0, 1]), permutations=500, seed=1)
    assert even.over_chance == ((1, 1), (1, 1)) and (even.explained, even.p) == (0, 1)


def test_a_clear_pattern_is_beyond_chance_and_noise_is_not():
    cluster = np.repeat([0, 1, 2], 20)
    clear = units.against_chance("abc", np.eye(3)[cluster], cluster, 500, 1)
    assert clear.p == pytest.approx(1 / 501) and np.array(clear.beyond).all()
    assert clear.explained_by_chance_95 < 0.2
    rng = np.random.default_rng(0)
    kinds = [np.eye(3)[rng.integers(3, size=60)] for _ in range(40)]
    tests = [units.against_chance("abc", values, cluster, 200, 1) for values in kinds]
    # Under chance p is uniform, and 5 % of the tables have any cell beyond.
    assert 0.3 < np.mean([one.p for one in tests]) < 0.7
    assert np.mean([np.any(one.beyond) for one in tests]) <= 0.15


def test_a_column_that_is_nowhere_says_nothing():
    test = units.against_chance("abc", np.eye(3)[[0, 1, 0, 1]], np.array([0, 0, 1, 1]), 100, 1)
    assert [row[2] for row in test.over_chance] == [1, 1] and not np.array(test.beyond)[:, 2].any()


def test_correlation_falls_with_distance_where_maps_are_smooth():
    maps, family = families(images=60, side=5)
    smooth = (maps + np.roll(maps, 1, 3) + np.roll(maps, -1, 3) + np.roll(maps, 1, 2) + np.roll(maps, -1, 2)) / 5
    rows = units.by_distance(units.standardised(smooth), family)
    assert [row.distance for row in rows] == [0, 1, 2, 3]
    same = [row.same_cluster for row in rows]
    assert same[0] > 0.8 and same[0] > same[1] + 0.2 > same[3] + 0.2
    assert max(abs(row.other_clusters) for row in rows) < 0.1
    (alone,) = units.by_distance(units.standardised(smooth[:, :3, :1, :1]), np.array([0, 1, 2]))
    assert alone.distance == 0 and alone.same_cluster is None and alone.other_clusters is not None


@pytest.mark.parametrize("inception", ["reduced", "naive"])
@pytest.mark.parametrize("kind", ["paper", "batch_norm"])
def test_branches_of_units_and_what_they_feed(inception, kind):
    made = network(replace(spec(), network=kind).with_architecture(width=0.25, inception=inception))
    below, above = made.model.inception_4a, made.model.inception_4b
    n_in = below.branch_1x1[0].in_channels
    sizes = [48, 52, 12, 16] if inception == "reduced" else [48, 52, 12, n_in]
    assert np.bincount(units.branch_of_units(made, "4a", below.n_out)).tolist() == sizes
    assert sum(sizes) == below.n_out
    with torch.no_grad():
        for name in units.BRANCHES:
            for layer in getattr(above, f"branch_{name}").modules():
                if isinstance(layer, torch.nn.Conv2d):
                    layer.weight.fill_(0.1 if name == "1x1" else -0.3 if name == "3x3" else 0.05)
                    break
        above.branch_1x1[0].weight[:, 7] = 0.0
    names, shares = units.fed_branches(made, "4b")
    total = 0.5 if inception == "reduced" else 0.45
    last = [0.05] if inception == "reduced" else []
    assert names == ["1x1", "3x3", "5x5", "pool"][: len(names)] and len(names) == 3 + len(last)
    assert shares[0] == pytest.approx(np.array([0.1, 0.3, 0.05, *last]) / total)
    assert shares[7] == pytest.approx(np.array([0, 0.3, 0.05, *last]) / (total - 0.1))


@pytest.mark.long
def test_a_network_without_these_modules_is_refused():
    other = Network(torch.nn.Linear(2, 2), replace(spec(), network="torchvision_bn"))
    with pytest.raises(UserError, match="torchvision_bn: has other modules than the paper's network"):
        units.activations(other, images([(40, 40)]), "4a", "cpu")


@pytest.fixture
def small():
    """A small network in evaluation mode."""
    made = network()
    made.model.eval()
    return made


def test_activations_are_the_modules_output_on_centre_crops(small):
    three = images([(40, 50), (64, 33), (45, 45)])
    maps = units.activations(small, three, "4a", "cpu")
    module = small.model.inception_4a
    assert maps.shape == (3, module.n_out, 2, 2) and maps.dtype == np.float32
    assert not module._forward_hooks and (maps >= 0).all()
    alone = units.activations(small, three[1:2], "4a", "cpu")
    assert maps[1:2] == pytest.approx(alone, abs=1e-5)


def test_the_whole_analysis_of_a_small_network(small):
    maps = units.activations(small, images([(40, 40)] * 12), "4a", "cpu")
    measured = units.analyse(small, maps, "4a", "4b", SETTINGS)
    assert measured == units.analyse(small, maps, "4a", "4b", SETTINGS)
    live = measured.units - measured.left_out
    assert sum(cluster.units for cluster in measured.clusters) == live == len(measured.shown.cluster)
    by_branch = np.sum([cluster.units_by_branch for cluster in measured.clusters], axis=0)
    assert by_branch.tolist() == np.bincount(measured.shown.branch, minlength=4).tolist()
    assert np.diag(measured.shown.correlation_percent) == pytest.approx(100)
    sizes = [cluster.units for cluster in measured.clusters]
    for test in (measured.out_of, measured.feeds):
        weighted = np.average(test.over_chance, axis=0, weights=sizes)
        assert weighted == pytest.approx(np.ones(4)) and 0 < test.p <= 1
    feeds = units.analyse(network(seed=9), maps, "4a", "4b", SETTINGS).feeds
    assert feeds.over_chance != measured.feeds.over_chance


def test_units_that_never_vary_are_left_out_or_reported(small):
    maps = units.activations(small, images([(40, 40)] * 12), "4a", "cpu")
    before = units.analyse(small, maps, "4a", "4b", SETTINGS).left_out
    varies = np.flatnonzero(np.ptp(maps[::2], axis=(0, 2, 3)) * np.ptp(maps[1::2], axis=(0, 2, 3)))[:3]
    # The rounded deviation of 0.3, which a branch of dead reductions can show, is 3e-8.
    maps[:, varies[0]], maps[1::2, varies[1]], maps[:, varies[2]] = 0.0, 2.0, 0.3
    assert units.analyse(small, maps, "4a", "4b", SETTINGS).left_out == before + 3
    with pytest.raises(UserError, match=r"analyse_units\.module: fewer than two units of 4a vary"):
        units.analyse(small, maps * 0, "4a", "4b", SETTINGS)


def test_the_module_above():
    assert module_above("4a", [], "k") == "4b" and module_above("3b", [], "k") == "4a"
    assert module_above("4a", ["4a"], "k") == "4a_2" and module_above("5b", ["5b"], "k") == "5b_2"
    with pytest.raises(UserError, match=r"analyse_units\.module: no module '5b' with a module above it"):
        module_above("5b", [], "analyse_units.module")
