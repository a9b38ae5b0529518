"""Differences to the reference: the interval against values worked by hand, what it covers, and whose trainings are taken."""

import numpy as np
import pytest

from googlenet.classification.ablations import compare, crossed_interval
from googlenet.config.schema.classification import AblationRow, CompareAblations
from googlenet.errors import UserError
from googlenet.metrics.classification_studies import HeldOut
from googlenet.metrics.error_rates import TopErrors
from googlenet.metrics.training import TrainingMetrics, WeightErrors
from settings import settings_of

T_2 = 4.302653  # Student's t, two degrees of freedom, 97.5 %


def crossed(differences):
    """The two ends of the 95 % interval, and the degrees of freedom."""
    interval, degrees = crossed_interval(differences, 95)
    assert interval.confidence_percent == 95
    return interval.low, interval.high, degrees


def test_an_interval_by_hand():
    """Seeds and images each move the difference by 2, with no residual: variances of the mean 1 and 1, each of one degree."""
    low, high, degrees = crossed(np.array([[0.0, 2.0], [2.0, 4.0]]))
    assert degrees == pytest.approx(2)  # (1 + 1)**2 / (1/1 + 1/1)
    assert (low, high) == pytest.approx((2 - T_2 * 2**0.5, 2 + T_2 * 2**0.5))
    in_points, _ = crossed_interval(np.array([[0.0, 2.0], [2.0, 4.0]]), 95, 100)
    assert (in_points.low, in_points.high) == (100 * low, 100 * high)


def test_a_residual_alone_is_the_noise_of_the_mean():
    low, high, degrees = crossed(np.array([[1.0, -1.0], [-1.0, 1.0]]))
    assert degrees == 1  # 1 / (1 + 1 + 1), but never fewer than the seeds have
    assert (low, high) == pytest.approx((-12.7062, 12.7062))  # t of one degree, times 1


def test_no_difference_anywhere_has_no_width():
    assert crossed(np.zeros((3, 9))) == (0.0, 0.0, 2.0)


def test_where_images_alone_differ_the_seeds_do_not_count():
    per_image = np.random.default_rng(1).normal(0.1, 1, 400)
    low, high, degrees = crossed(np.tile(per_image, (3, 1)))
    half = 1.966 * per_image.std(ddof=1) / 20  # the usual interval over 400 images
    assert degrees == pytest.approx(399)
    assert (low, high) == pytest.approx((per_image.mean() - half, per_image.mean() + half), abs=1e-3)


def test_the_intervals_of_three_seeds_hold_the_truth():
    """Of 300 tables whose seeds and images both matter, 95 in 100 must; a bootstrap of three seeds reaches about 75."""
    rng, held = np.random.default_rng(2), 0
    for _ in range(300):
        table = rng.normal(0, 1, (3, 1)) + rng.normal(0, 5, 60) + rng.normal(0, 5, (3, 60))
        low, high, _ = crossed(table)
        held += low <= 0 <= high
    assert 278 <= held <= 297


def row(name, about="", weights="averaged", changes=()):
    return AblationRow(name=name, about=about, weights=weights, changes=dict(changes))


SETTINGS = CompareAblations(
    confidence_percent=95,
    about="",
    seeds=(1, 2),
    rows=(
        row("last_weights", weights="last"),
        row("no_lrn", about="No LRN", changes={"model": {"lrn": False}}),
        row("same"),
    ),
    sources={
        "reference_1": "train_classifier/m1",
        "reference_2": "train_ablation/reference_2",
        "last_weights_1": "train_classifier/m1",
        "last_weights_2": "train_ablation/reference_2",
        "no_lrn_1": "train_ablation/no_lrn_1",
        "no_lrn_2": "train_classifier/m2",
        "same_1": "train_classifier/m1",
        "same_2": "train_ablation/reference_2",
    },
)


def wrong(averaged, last):
    """Outcomes on four images, the same for both splits and measures but for top-5, where nothing is wrong."""
    by_weights = {"averaged": averaged, "last": last}
    outcomes = {}
    for split in ("validation", "test"):
        for weights, values in by_weights.items():
            outcomes[f"{split}/{weights}/top1"] = np.array(values, np.uint8)
            outcomes[f"{split}/{weights}/top5"] = np.zeros(4, np.uint8)
    return outcomes


def training(stalled):
    """What a training measured, of which a comparison takes no error."""
    none = TopErrors(top1_error_percent=0, top5_error_percent=0)
    errors = WeightErrors(averaged=none, last=none)
    return TrainingMetrics(
        member=settings_of("train_classifier").member,
        parameters=7,
        epochs=(),
        images_seen=0,
        stalled=stalled,
        validation=errors,
        test=errors,
    )


OUTCOMES = {
    "train_classifier/m1": wrong([1, 0, 0, 0], [1, 1, 0, 0]),
    "train_ablation/reference_2": wrong([0, 1, 0, 0], [1, 1, 1, 0]),
    "train_ablation/no_lrn_1": wrong([1, 1, 1, 1], [0, 0, 0, 0]),
    "train_classifier/m2": wrong([0, 0, 0, 0], [1, 1, 1, 1]),
}
TRAININGS = {name: training(stalled=name.endswith("no_lrn_1")) for name in OUTCOMES}


def test_a_table_by_hand():
    compared = compare(SETTINGS, OUTCOMES, TRAININGS, 10)
    last, no_lrn, same = compared.rows
    assert compared.reference.test.top1.error_percent == 25
    assert compared.reference.test.top1.difference_points == 0
    assert last.test.top1.error_percent_by_seed == (50, 75)
    assert last.test.top1.difference_points_by_seed == (25, 50)
    assert last.test.top1.difference_points == 37.5
    # Averaged weights, also of the member.
    assert no_lrn.test.top1.difference_points_by_seed == (75, -25)
    low, high = no_lrn.test.top1.interval.low, no_lrn.test.top1.interval.high
    assert low < 0 < 25 < high and low + high == pytest.approx(50)
    assert same.test.top1.difference_points == same.test.top1.interval.high == 0
    assert no_lrn.validation.top5.error_percent == 0
    assert (no_lrn.stalled, last.stalled, no_lrn.parameters) == (1, 0, 7)
    assert (no_lrn.about, last.about) == ("No LRN", "last weights")
    assert compared.trainings == 4 and compared.images == HeldOut[int](validation=4, test=4)
    assert no_lrn.sources == ("train_ablation/no_lrn_1", "train_classifier/m2")
    assert no_lrn.changes == {"model": {"lrn": False}} and compared.classes == 10


def test_a_training_that_is_not_there_is_named():
    fewer = {name: outcomes for name, outcomes in OUTCOMES.items() if name != "train_classifier/m2"}
    with pytest.raises(UserError, match=r"no results of train_classifier/m2; run `snakemake --cores N ablations`"):
        compare(SETTINGS, fewer, TRAININGS, 10)


def test_no_row_depends_on_those_before_it():
    shuffled = SETTINGS.model_copy(update={"rows": SETTINGS.rows[::-1]})
    outcomes = dict(reversed(OUTCOMES.items()))
    assert compare(shuffled, outcomes, TRAININGS, 10).rows == compare(SETTINGS, OUTCOMES, TRAININGS, 10).rows[::-1]
