"""Table 3, the subsets and the intervals, on predictions made by hand."""

import numpy as np
import pytest

from googlenet.classification import ensemble
from googlenet.classification.ensemble import (
    compared_systems,
    evaluate,
    per_class,
    subset_masks,
    subsets_by_size,
    table_3,
)
from googlenet.config.schema.shared import Bootstrap
from googlenet.metrics.bootstrap import Bounds, drawn_counts, resampled_means
from googlenet.metrics.classification import ClassError
from settings import settings_of

SETTINGS = settings_of(
    "evaluate_ensemble",
    resamples=500,
    confidence_percent=95,
    seed=1,
    effects_shown=5,
    examples=3,
    calibration={"bins": 15, "binning": "equal_width"},
)
CLASSES = list("abcdef")
LABELS = np.array([0, 1, 2, 0])


def rng(seed=0):
    return np.random.Generator(np.random.Philox(seed))


def scores(*classes, sure=0.8):
    """Predictions of six classes: `sure` for the given class of each image, the rest even."""
    rows = np.full((len(classes), 6), (1 - sure) / 5, np.float32)
    rows[np.arange(len(classes)), classes] = sure
    return rows


# Three members; each is wrong on one other image of the first three. With all crops only m3 is wrong, on one.
PREDICTIONS = {
    "m1": {1: scores(5, 1, 2, 0), 10: scores(5, 1, 2, 0), 144: scores(0, 1, 2, 0)},
    "m2": {1: scores(0, 5, 2, 0), 10: scores(0, 5, 2, 0), 144: scores(0, 1, 2, 0)},
    "m3": {1: scores(0, 1, 5, 5), 10: scores(0, 1, 2, 0), 144: scores(0, 1, 2, 5, sure=0.5)},
}


def test_a_subset_has_wrong_what_its_mean_has(monkeypatch):
    draws = rng(7)
    many = {name: {1: draws.dirichlet(np.ones(9), 50).astype(np.float32)} for name in ("a", "b", "c", "d")}
    labels = draws.integers(0, 9, 50)
    masks = subset_masks(many, labels)
    assert len(masks) == 15
    for (members, policy), wrong in masks.items():
        mean = np.mean([many[name][policy] for name in members], axis=0, dtype=np.float64)
        order = np.argsort(-mean, axis=1, kind="stable")
        assert np.array_equal(wrong.top1, order[:, 0] != labels)
        assert np.array_equal(wrong.top5, (order[:, :5] != labels[:, None]).all(1))
    monkeypatch.setattr(ensemble, "WORKING_MB", 0.01)  # eight images at a time
    again = subset_masks(many, labels)
    assert all(np.array_equal(again[key], masks[key]) for key in masks)


def test_every_subset_once():
    rows = subsets_by_size(subset_masks(PREDICTIONS, LABELS))
    assert [(row.models, row.crops, row.subsets) for row in rows] == [
        (size, crops, count) for crops in (1, 10, 144) for size, count in ((1, 3), (2, 3), (3, 1))
    ]
    assert all(sum(row.subsets for row in rows if row.crops == crops) == 2**3 - 1 for crops in (1, 10, 144))
    single = rows[0].top1_error_percent  # 25, 25, 50
    assert single.mean == pytest.approx(100 / 3) and (single.min, single.max) == (25, 50)
    assert single.std == pytest.approx(np.sqrt((2 * (25 / 3) ** 2 + (50 / 3) ** 2) / 3))
    # m1 and m2 tie between the label and class 5 on two images: the lower class, the label, comes first.
    pairs = rows[1].top1_error_percent
    assert (pairs.mean, pairs.max) == (0, 0)


def test_seven_members_have_127_subsets():
    many = {f"m{i}": {1: scores(0, 1, 2, 0)} for i in range(7)}
    assert sum(row.subsets for row in subsets_by_size(subset_masks(many, LABELS))) == 127


def test_table_3_in_the_papers_order():
    table = table_3(subsets_by_size(subset_masks(PREDICTIONS, LABELS)), 3)
    assert [(row.models, row.crops, row.cost) for row in table] == [
        (1, 1, 1),
        (1, 10, 10),
        (1, 144, 144),
        (3, 1, 3),
        (3, 10, 30),
        (3, 144, 432),
    ]
    assert [row.top1_error_percent for row in table] == pytest.approx([100 / 3, 50 / 3, 25 / 3, 0, 0, 0])
    assert table[0].top1_std == pytest.approx(np.std([25, 25, 50], ddof=1))
    assert [row.top1_std for row in table[3:]] == [0, 0, 0]
    assert table[0].top5_error_percent == pytest.approx(0)
    (alone,) = table_3(subsets_by_size(subset_masks({"m1": {1: PREDICTIONS["m1"][1]}}, LABELS)), 1)
    assert alone.top1_std == 0


def test_one_member_gives_no_row_twice():
    assert len(table_3(subsets_by_size(subset_masks({"m1": PREDICTIONS["m1"]}, LABELS)), 1)) == 3


def test_evaluate_by_hand():
    metrics = evaluate(PREDICTIONS, LABELS, CLASSES, SETTINGS, mirrored=False)
    assert (metrics.images, metrics.classes, metrics.largest_class_error_percent) == (4, 6, 50)
    assert metrics.members["m3"]["144"].top1_error_percent == 25
    paired = metrics.paired["single_1_minus_ensemble_144"]
    assert paired.difference == pytest.approx(100 / 3)
    assert 0 < paired.interval.low <= paired.difference <= paired.interval.high <= 100
    assert (paired.metric, paired.resamples, paired.interval.confidence_percent) == ("top1_error_percent", 500, 95)
    interval = metrics.intervals["ensemble_144"].top1_error_percent
    assert (interval.low, interval.high) == pytest.approx((0, 100 * (1 - 0.025 ** (1 / 4))))
    falls = {name: fall.top1_error_percent.difference for name, fall in metrics.over_members.items()}
    assert falls == {name: errors["144"].top1_error_percent for name, errors in metrics.members.items()}  # all: 0
    assert metrics.per_class[0] == ClassError(class_name="a", images=2, top1_error_percent=0)
    # Without m3 the two others tie on images 0 and 1, where the label comes first, so nothing changes without it.
    assert [row.difference for row in metrics.left_out.overall] == [0, 0, 0]
    assert not metrics.mirrored and metrics.baseline is None
    assert metrics == evaluate(PREDICTIONS, LABELS, CLASSES, SETTINGS, mirrored=False)


def test_the_baseline_is_so_many_times_as_wrong():
    one_wrong = {"m1": {1: scores(5, 1, 2, 0)}}
    baseline = evaluate(one_wrong, LABELS, CLASSES, SETTINGS, baseline_percent=40.0).baseline
    assert (baseline.top1_error_percent, baseline.times_as_wrong) == (40, 1.6)
    assert evaluate(PREDICTIONS, LABELS, CLASSES, SETTINGS, baseline_percent=40.0).baseline.times_as_wrong is None


def test_every_row_has_an_interval_and_every_step_a_paired_difference():
    metrics = evaluate(PREDICTIONS, LABELS, CLASSES, SETTINGS)
    systems = [f"{kind}_{crops}" for crops in (1, 10, 144) for kind in ("single", "ensemble")]
    assert sorted(metrics.intervals) == sorted(systems)
    assert len(metrics.table_3) == len(systems)
    pairs = compared_systems([1, 10, 144], 3)
    assert len(pairs) == len(set(pairs)) == 3 + 6 + 1 and ("single_10", "single_144") in pairs
    for paired in (metrics.paired, metrics.paired_top5):
        assert set(paired) == {f"{before}_minus_{after}" for before, after in pairs}
    fall = metrics.paired["single_10_minus_single_144"].difference  # 50 / 3 - 25 / 3
    assert fall == pytest.approx(25 / 3) and metrics.paired_top5["single_1_minus_ensemble_1"].difference == 0


def test_one_model_has_no_pair_with_itself():
    assert compared_systems([1, 10], 1) == [("single_1", "single_10"), ("single_1", "ensemble_10")]
    assert compared_systems([144], 1) == []
    alone = {"m1": PREDICTIONS["m1"]}
    metrics = evaluate(alone, LABELS, CLASSES, SETTINGS)
    assert metrics.left_out.overall == () and len(metrics.calibration.systems) == 2
    assert metrics.over_members == {}


def test_a_worse_ensemble_has_a_difference_below_zero():
    """One member, sure and wrong, outweighs two that are right: singles err on a third, the mean on all."""
    labels = np.zeros(30, int)
    right, wrong = scores(*labels, sure=0.3), scores(*(labels + 1), sure=0.95)
    metrics = evaluate({"a": {1: right}, "b": {1: right}, "c": {1: wrong}}, labels, CLASSES, SETTINGS)
    paired = metrics.paired["single_1_minus_ensemble_1"]
    assert paired.difference == pytest.approx(-200 / 3)
    assert paired.interval.low == paired.interval.high == pytest.approx(-200 / 3)  # the same on every image


def interval(values, resamples=2000, confidence_percent=95, seed=0):
    """The two ends of the interval of a mean, in percent."""
    settings = Bootstrap(resamples=resamples, confidence_percent=confidence_percent, seed=seed)
    bounds = Bounds(settings).of(values)
    return bounds.low, bounds.high


def test_pairing_tells_apart_what_two_intervals_cannot():
    """The ensemble corrects 6 of a single model's 60 errors on 200 images, and adds none."""
    single = np.zeros(200)
    single[:60] = 1
    together = single.copy()
    together[:6] = 0
    low, high = interval(single - together)
    assert 0 < low < 3 < high < 6
    apart = [interval(values) for values in (together, single)]
    assert apart[0][1] > apart[1][0]


def test_interval_covers_the_truth_as_often_as_it_says():
    draws = rng(3)
    hits = 0
    for trial in range(200):
        low, high = interval((draws.random(100) < 0.3).astype(float), 300, seed=trial)
        hits += low <= 30 <= high
    assert 180 <= hits <= 199


def test_a_lower_confidence_is_a_narrower_interval():
    values = (rng(5).random(300) < 0.5).astype(float)
    wide, narrow = interval(values, 1000, 99), interval(values, 1000, 50)
    assert wide[0] < narrow[0] < 100 * values.mean() < narrow[1] < wide[1]


def test_resamples_are_as_many_as_asked_and_by_the_generator():
    values = rng().random(20)
    means = resampled_means(values, 450, rng(1))
    assert len(means) == 450 and np.array_equal(means, resampled_means(values, 450, rng(1)))
    assert means.mean() == pytest.approx(values.mean(), abs=0.02)
    assert means.std() == pytest.approx(values.std() / np.sqrt(20), rel=0.2)


@pytest.mark.parametrize("values", [np.arange(40) % 2, np.arange(40) / 40])  # few values, and many
def test_both_ways_of_resampling_have_the_spread_of_a_mean(values):
    means = resampled_means(values, 4000, rng(2))
    assert means.mean() == pytest.approx(values.mean(), abs=0.01)
    assert means.std() == pytest.approx(values.std() / np.sqrt(40), rel=0.05)


def test_shared_resamples_draw_as_many_images_as_there_are():
    counts = np.concatenate(list(drawn_counts(30, 250, rng(4))))
    assert counts.shape == (250, 30) and np.all(counts.sum(1) == 30)
    assert np.abs(counts.mean(0) - 1).max() < 0.3 and not np.array_equal(counts[0], counts[1])


def test_per_class_by_hand():
    wrong = np.array([True, False, False, False])
    rows = per_class(wrong, LABELS, ["a", "b", "c", "d", "e", "f"])
    assert [row.images for row in rows] == [2, 1, 1, 0, 0, 0]
    assert [row.top1_error_percent for row in rows] == [50, 0, 0, None, None, None]
