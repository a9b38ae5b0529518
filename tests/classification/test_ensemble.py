"""Table 3, the subsets and the intervals, on predictions made by hand."""

import numpy as np
import pytest

from googlenet.classification.ensemble import (
    evaluate,
    interval,
    mean_of,
    per_class,
    resampled_means,
    subsets,
    table_3,
)

SETTINGS = {"resamples": 500, "confidence_percent": 95, "seed": 1}
LABELS = np.array([0, 1, 2, 0])


def rng(seed=0):
    return np.random.Generator(np.random.Philox(seed))


def scores(*classes, sure=0.8):
    """Predictions of six classes: `sure` for the given class of each picture, the rest even."""
    rows = np.full((len(classes), 6), (1 - sure) / 5, np.float32)
    rows[np.arange(len(classes)), classes] = sure
    return rows


# Three members; each is wrong on one other picture of the first three. With all crops only m3 is wrong, on one.
PREDICTIONS = {
    "m1": {1: scores(5, 1, 2, 0), 10: scores(5, 1, 2, 0), 144: scores(0, 1, 2, 0)},
    "m2": {1: scores(0, 5, 2, 0), 10: scores(0, 5, 2, 0), 144: scores(0, 1, 2, 0)},
    "m3": {1: scores(0, 1, 5, 5), 10: scores(0, 1, 2, 0), 144: scores(0, 1, 2, 5, sure=0.5)},
}


def test_mean_is_over_members():
    mean = mean_of(PREDICTIONS, ("m1", "m2"), 1)
    assert mean.dtype == np.float64 and mean[0, [0, 5]] == pytest.approx([0.42, 0.42])


def test_every_subset_once():
    rows = subsets(PREDICTIONS, LABELS)
    assert [(row["models"], row["crops"], row["subsets"]) for row in rows] == [
        (size, crops, count) for crops in (1, 10, 144) for size, count in ((1, 3), (2, 3), (3, 1))
    ]
    assert all(
        sum(row["subsets"] for row in rows if row["crops"] == crops) == 2**3 - 1 for crops in (1, 10, 144)
    )
    single = rows[0]["top1_error_percent"]  # 25, 25, 50
    assert single["mean"] == pytest.approx(100 / 3) and (single["min"], single["max"]) == (25, 50)
    assert single["std"] == pytest.approx(np.sqrt((2 * (25 / 3) ** 2 + (50 / 3) ** 2) / 3))
    # m1 and m2 tie between the label and class 5 on two pictures: the lower class, the label, comes first.
    pairs = rows[1]["top1_error_percent"]
    assert (pairs["mean"], pairs["max"]) == (0, 0)


def test_seven_members_have_127_subsets():
    many = {f"m{i}": {1: scores(0, 1, 2, 0)} for i in range(7)}
    assert sum(row["subsets"] for row in subsets(many, LABELS)) == 127


def test_table_3_in_the_papers_order():
    table = table_3(subsets(PREDICTIONS, LABELS), 3)
    assert [(row["models"], row["crops"], row["cost"]) for row in table] == [
        (1, 1, 1),
        (1, 10, 10),
        (1, 144, 144),
        (3, 1, 3),
        (3, 10, 30),
        (3, 144, 432),
    ]
    assert [row["top1_error_percent"] for row in table] == pytest.approx([100 / 3, 50 / 3, 25 / 3, 0, 0, 0])
    assert table[0]["top1_std"] > 0 and [row["top1_std"] for row in table[3:]] == [0, 0, 0]
    assert table[0]["top5_error_percent"] == pytest.approx(0)


def test_one_member_gives_no_row_twice():
    assert len(table_3(subsets({"m1": PREDICTIONS["m1"]}, LABELS), 1)) == 3


def test_evaluate_by_hand():
    found = evaluate(PREDICTIONS, LABELS, list("abcdef"), SETTINGS)
    assert (found["images"], found["classes"], found["largest_class_error_percent"]) == (4, 6, 50)
    assert found["members"]["m3"]["144"]["top1_error_percent"] == 25
    paired = found["paired"]["single_1_minus_ensemble_144"]
    assert paired["difference"] == pytest.approx(100 / 3)
    assert 0 < paired["low"] <= paired["difference"] <= paired["high"] <= 100
    assert found["intervals"]["ensemble_144"]["top1_error_percent"] == [0, 0]
    assert found["per_class"][0] == {"class": "a", "images": 2, "top1_error_percent": 0}
    assert found == evaluate(PREDICTIONS, LABELS, list("abcdef"), SETTINGS)


def test_a_worse_ensemble_has_a_difference_below_zero():
    """One member, sure and wrong, outweighs two that are right: singles err on a third, the mean on all."""
    labels = np.zeros(30, int)
    right, wrong = scores(*labels, sure=0.3), scores(*(labels + 1), sure=0.95)
    found = evaluate({"a": {1: right}, "b": {1: right}, "c": {1: wrong}}, labels, list("abcdef"), SETTINGS)
    paired = found["paired"]["single_1_minus_ensemble_1"]
    assert paired["difference"] == pytest.approx(-200 / 3)
    assert paired["low"] == paired["high"] == pytest.approx(-200 / 3)  # every picture says the same


def test_pairing_tells_apart_what_two_intervals_cannot():
    """The ensemble mends 6 of the 60 errors that both make on 200 pictures, and makes none of its own."""
    single = np.zeros(200)
    single[:60] = 1
    together = single.copy()
    together[:6] = 0
    low, high = interval(single - together, 2000, 95, rng())
    assert 0 < low < 3 < high < 6
    apart = [interval(values, 2000, 95, rng()) for values in (together, single)]
    assert apart[0][1] > apart[1][0]


def test_interval_covers_the_truth_as_often_as_it_says():
    draws = rng(3)
    hits = 0
    for trial in range(200):
        low, high = interval((draws.random(100) < 0.3).astype(float), 300, 95, rng(trial))
        hits += low <= 30 <= high
    assert 180 <= hits <= 199


def test_a_lower_confidence_is_a_narrower_interval():
    values = (rng(5).random(300) < 0.5).astype(float)
    wide, narrow = interval(values, 1000, 99, rng()), interval(values, 1000, 50, rng())
    assert wide[0] < narrow[0] < 100 * values.mean() < narrow[1] < wide[1]


def test_resamples_are_as_many_as_asked_and_by_the_generator():
    values = rng().random(20)
    means = resampled_means(values, 450, rng(1))
    assert len(means) == 450 and np.array_equal(means, resampled_means(values, 450, rng(1)))
    assert means.mean() == pytest.approx(values.mean(), abs=0.02)
    assert means.std() == pytest.approx(values.std() / np.sqrt(20), rel=0.2)


def test_per_class_by_hand():
    rows = per_class(scores(5, 1, 2, 0), LABELS, ["a", "b", "c", "d", "e", "f"])
    assert [row["images"] for row in rows] == [2, 1, 1, 0, 0, 0]
    assert [row["top1_error_percent"] for row in rows] == [50, 0, 0, None, None, None]
