"""Differences to the reference: the interval against values worked by hand, what it covers, and whose trainings are taken."""

import numpy as np
import pytest

from googlenet.classification.ablations import compare, crossed_interval
from googlenet.errors import UserError

T_2 = 4.302653  # Student's t, two degrees of freedom, 97.5 %


def test_an_interval_by_hand():
    """Seeds and pictures each move the difference by 2, with no residual: variances of the mean 1 and 1, each of one degree."""
    low, high, degrees = crossed_interval(np.array([[0.0, 2.0], [2.0, 4.0]]), 95)
    assert degrees == pytest.approx(2)  # (1 + 1)**2 / (1/1 + 1/1)
    assert (low, high) == pytest.approx((2 - T_2 * 2**0.5, 2 + T_2 * 2**0.5))


def test_a_residual_alone_is_the_noise_of_the_mean():
    low, high, degrees = crossed_interval(np.array([[1.0, -1.0], [-1.0, 1.0]]), 95)
    assert degrees == 1  # 1 / (1 + 1 + 1), but never fewer than the seeds have
    assert (low, high) == pytest.approx((-12.7062, 12.7062))  # t of one degree, times 1


def test_no_difference_anywhere_has_no_width():
    assert crossed_interval(np.zeros((3, 9)), 95) == (0.0, 0.0, 2.0)


def test_where_pictures_alone_differ_the_seeds_do_not_count():
    per_picture = np.random.default_rng(1).normal(0.1, 1, 400)
    low, high, degrees = crossed_interval(np.tile(per_picture, (3, 1)), 95)
    half = 1.966 * per_picture.std(ddof=1) / 20  # the usual interval over 400 pictures
    assert degrees == pytest.approx(399)
    assert (low, high) == pytest.approx((per_picture.mean() - half, per_picture.mean() + half), abs=1e-3)


def test_the_intervals_of_three_seeds_hold_the_truth():
    """Of 300 tables whose seeds and pictures both matter, 95 in 100 must; a bootstrap of three seeds reaches about 75."""
    rng, held = np.random.default_rng(2), 0
    for _ in range(300):
        table = rng.normal(0, 1, (3, 1)) + rng.normal(0, 5, 60) + rng.normal(0, 5, (3, 60))
        low, high, _ = crossed_interval(table, 95)
        held += low <= 0 <= high
    assert 278 <= held <= 297


CONFIG = {
    "confidence_percent": 95,
    "seeds": [1, 2],
    "rows": [
        {"name": "last_weights", "weights": "last"},
        {"name": "no_lrn", "about": "No LRN", "changes": {"model": {"lrn": False}}},
        {"name": "same"},
    ],
    "sources": {
        "reference_1": "train_classifier/m1",
        "reference_2": "train_ablation/reference_2",
        "last_weights_1": "train_classifier/m1",
        "last_weights_2": "train_ablation/reference_2",
        "no_lrn_1": "train_ablation/no_lrn_1",
        "no_lrn_2": "train_classifier/m2",
        "same_1": "train_classifier/m1",
        "same_2": "train_ablation/reference_2",
    },
}


def wrong(averaged, last):
    """Outcomes on four pictures, the same for both splits and measures but for top-5, where nothing is wrong."""
    by_weights = {"averaged": averaged, "last": last}
    found = {}
    for split in ("validation", "test"):
        for weights, values in by_weights.items():
            found[f"{split}/{weights}/top1"] = np.array(values, np.uint8)
            found[f"{split}/{weights}/top5"] = np.zeros(4, np.uint8)
    return found


OUTCOMES = {
    "train_classifier/m1": wrong([1, 0, 0, 0], [1, 1, 0, 0]),
    "train_ablation/reference_2": wrong([0, 1, 0, 0], [1, 1, 1, 0]),
    "train_ablation/no_lrn_1": wrong([1, 1, 1, 1], [0, 0, 0, 0]),
    "train_classifier/m2": wrong([0, 0, 0, 0], [1, 1, 1, 1]),
}
TRAININGS = {name: {"stalled": name.endswith("no_lrn_1"), "parameters": 7} for name in OUTCOMES}


def test_a_table_by_hand():
    found = compare(CONFIG, OUTCOMES, TRAININGS)
    last, no_lrn, same = found["rows"]
    assert found["reference"]["test"]["top1"]["error_percent"] == 25
    assert found["reference"]["test"]["top1"]["difference_points"] == 0
    assert last["test"]["top1"]["error_percent_by_seed"] == [50, 75]
    assert last["test"]["top1"]["difference_points_by_seed"] == [25, 50]
    assert last["test"]["top1"]["difference_points"] == 37.5
    assert no_lrn["test"]["top1"]["difference_points_by_seed"] == [
        75,
        -25,
    ]  # averaged weights, also of the member
    low, high = (no_lrn["test"]["top1"][f"{end}_points"] for end in ("low", "high"))
    assert low < 0 < 25 < high and low + high == pytest.approx(50)
    assert same["test"]["top1"]["difference_points"] == same["test"]["top1"]["high_points"] == 0
    assert no_lrn["validation"]["top5"]["error_percent"] == 0
    assert (no_lrn["stalled"], last["stalled"]) == (1, 0)
    assert (no_lrn["about"], last["about"]) == ("No LRN", "last weights")
    assert found["trainings"] == 4 and found["pictures"] == {"validation": 4, "test": 4}
    assert no_lrn["sources"] == ["train_ablation/no_lrn_1", "train_classifier/m2"]


def test_a_training_that_is_not_there_is_named():
    fewer = {name: found for name, found in OUTCOMES.items() if name != "train_classifier/m2"}
    with pytest.raises(
        UserError, match=r"no results of train_classifier/m2; run `snakemake --cores N ablations`"
    ):
        compare(CONFIG, fewer, TRAININGS)
