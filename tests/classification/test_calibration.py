"""Calibration error, likelihood and Brier score against cases worked by hand, and their intervals."""

import numpy as np
import pytest

from googlenet.classification.calibration import Terms, bins_of, calibration, interval_of, measures, reliability, terms
from settings import settings_of

SETTINGS = settings_of(
    "evaluate_ensemble", resamples=400, confidence_percent=95, seed=1, calibration={"bins": 2, "binning": "equal_width"}
)
# First classes 0, 1, 0, 2 with probabilities 0.4, 0.6, 0.8, 1: right, wrong, right, right.
SCORES = np.array([[0.4, 0.3, 0.3], [0.25, 0.6, 0.15], [0.8, 0.2, 0.0], [0.0, 0.0, 1.0]])
LABELS = np.array([0, 0, 0, 2])


def measured(systems, bins=2, binning="equal_width"):
    return measures(systems, bins, binning)(np.ones((1, len(systems[0][0].nll))))[0]


def test_terms_by_hand():
    each = terms(SCORES, LABELS)
    assert each.confidence == pytest.approx([0.4, 0.6, 0.8, 1]) and each.correct.tolist() == [1, 0, 1, 1]
    assert each.nll == pytest.approx(-np.log([0.4, 0.25, 0.8, 1]))
    # 0.36 + 0.09 + 0.09; 0.5625 + 0.36 + 0.0225; 0.04 + 0.04; 0
    assert each.brier == pytest.approx([0.54, 0.945, 0.08, 0])
    impossible = terms(np.array([[1.0, 0.0]]), np.array([1]))
    assert np.isfinite(impossible.nll[0]) and impossible.nll[0] > 80 and impossible.brier[0] == 2


def test_the_three_measures_by_hand():
    one = terms(SCORES, LABELS)
    ece, nll, brier = measured([[one]])[0]
    # 0.4 right: 0.6 off; 2.4 of three with two right: 0.4 off.
    assert ece == pytest.approx(100 * (0.6 + 0.4) / 4)
    assert nll == pytest.approx(-np.log(0.4 * 0.25 * 0.8) / 4) and brier == pytest.approx(1.565 / 4)
    # Bins of equal mass: {0.4, 0.6} with one right, {0.8, 1} with two.
    assert measured([[one]], binning="equal_mass")[0, 0] == pytest.approx(100 * (0 + 0.2) / 4)
    # One bin: the mean probability 0.7 against three of four.
    assert measured([[one]], bins=1)[0, 0] == pytest.approx(5)


def test_a_system_of_several_is_the_mean_of_their_figures():
    one, sure = terms(SCORES, LABELS), terms(np.eye(3)[LABELS], LABELS)
    both, first, second = measured([[one, sure], [one], [sure]])
    assert both == pytest.approx((first + second) / 2) and second == pytest.approx([0, 0, 0])


def test_bins_hold_their_upper_edge():
    confidence = np.array([0.01, 0.25, 0.26, 0.5, 0.75, 0.76, 1.0])
    assert bins_of(confidence, 4, "equal_width").tolist() == [0, 0, 1, 1, 2, 3, 3]
    even = bins_of(np.random.default_rng(0).random(1000), 15, "equal_mass")
    assert set(np.bincount(even)) <= {66, 67, 68}
    assert bins_of(np.full(9, 0.5), 3, "equal_mass").tolist() == [0] * 9  # equal ones stay together


def test_weights_count_images_as_often_as_they_say():
    one = terms(SCORES, LABELS)
    counts = np.array([[2.0, 0, 1, 1]])
    again = terms(SCORES[[0, 0, 2, 3]], LABELS[[0, 0, 2, 3]])
    assert measures([[one]], 2, "equal_width")(counts)[0] == pytest.approx(measured([[again]]))


def test_reliability_pools_systems_and_leaves_empty_bins_out():
    rows = reliability([terms(SCORES, LABELS), terms(SCORES[1:2], LABELS[1:2])], 4, "equal_width")
    assert [(row.bin, row.predictions) for row in rows] == [(1, 1), (2, 2), (3, 2)]
    assert [row.confidence_percent for row in rows] == pytest.approx([40, 60, 90])
    assert [row.correct_percent for row in rows] == pytest.approx([100, 0, 100])


def test_calibration_before_and_after_averaging():
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 4, 300)
    right = 0.25 + 0.75 * (np.arange(4) == labels[:, None])
    members = {f"m{i}": {1: one(rng, right), 144: one(rng, right)} for i in range(3)}
    measured = calibration(members, labels, SETTINGS)
    assert (measured.bins, measured.binning) == (2, "equal_width")
    rows = measured.systems
    assert [(row.models, row.crops) for row in rows] == [(1, 1), (3, 1), (1, 144), (3, 144)]
    for row in rows:
        for figure in (row.nll_nats, row.brier):
            assert figure.interval.low < figure.value < figure.interval.high
            assert figure.interval.confidence_percent == figure.fall.interval.confidence_percent == 95
        fall = rows[0].nll_nats.value - row.nll_nats.value
        assert row.nll_nats.fall.difference == pytest.approx(fall)
        assert (row.of("ece_percent"), row.of("brier")) == (row.ece_percent, row.brier)
    none = rows[0].nll_nats.fall
    assert (none.difference, none.interval.low, none.interval.high) == (0, 0, 0)
    assert rows[1].nll_nats.fall.interval.low > 0  # averaging never raises the mean likelihood loss
    assert sum(row.predictions for row in rows[0].reliability) == 900
    mean = np.mean([members[m][1] for m in members], axis=0)
    assert rows[1].brier.value == pytest.approx(terms(mean, labels).brier.mean())
    assert measured == calibration(members, labels, SETTINGS)


def test_the_interval_of_a_calibration_error_ends_at_zero():
    """Of a calibrated network: the resamples' bias, which is taken off, is larger than their lowest."""
    rng = np.random.default_rng(5)
    confidence = rng.uniform(0.5, 1, 60)
    labels = (rng.random(60) > confidence).astype(int)
    scores = np.stack([confidence, 1 - confidence], 1).astype(np.float32)
    row = calibration({"m1": {1: scores}}, labels, SETTINGS).systems[0].ece_percent
    assert row.interval.low == 0 < row.value < row.interval.high


def test_no_difference_between_calibration_errors_is_judged():
    """Both systems are perfectly calibrated, but the error of the less certain one is larger by chance."""
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 2, 382)
    certain, unsure = (np.full((382, 2), share) for share in (0.988, 0.96))
    for scores, wrong in ((certain, 0.012), (unsure, 0.04)):
        at = np.where(rng.random(382) < wrong, 1 - labels, labels)
        scores[np.arange(382), 1 - at] = wrong
    first, last = calibration({"m1": {1: unsure, 144: certain}}, labels, SETTINGS).systems
    assert first.ece_percent.fall is None and last.ece_percent.fall is None
    assert last.nll_nats.fall.difference > 0 and last.brier.fall.difference > 0


def one(rng, right):
    """Probabilities of a network that leans to the right class."""
    raw = rng.gamma(1.0, size=right.shape) * right
    return (raw / raw.sum(1, keepdims=True)).astype(np.float32)


def ends(measure, figure, resampled):
    """The two ends of the 95 % interval."""
    interval = interval_of(measure, figure, resampled, 95)
    return interval.low, interval.high


def test_the_interval_of_a_calibration_error_holds_the_figure():
    """A calibrated network's error is above zero by chance alone, and resampling lifts it once more."""
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.3, 1, 400)
    correct = (rng.random(400) < confidence).astype(float)
    system = [[Terms(confidence, correct, correct, correct)]]
    take = measures(system, 15, "equal_width")
    figure = take(np.ones((1, 400)))[0, 0, 0]
    drawn = take(rng.multinomial(400, np.full(400, 1 / 400), 500).astype(float))[:, 0, 0]
    assert figure > 2 and np.percentile(drawn, 20) > figure
    low, high = ends("ece_percent", figure, drawn)
    assert low < figure < high and high - low == pytest.approx(np.ptp(np.percentile(drawn, [2.5, 97.5])))
    assert (low + high) / 2 < np.median(drawn)
    low, high = ends("nll_nats", figure, drawn)
    assert (low, high) == tuple(np.percentile(drawn, [2.5, 97.5]))
