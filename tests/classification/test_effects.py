"""What leaving a part out does to a class, and which of many such effects are significant."""

import numpy as np
import pytest

from googlenet.classification.effects import effects_of_leaving_out, holm, intervals_of, sign_test
from googlenet.classification.error_rates import ErrorMask
from googlenet.config.schema.shared import Bootstrap
from googlenet.metrics.bootstrap import Bounds

BOUNDS = Bounds(Bootstrap(resamples=500, confidence_percent=95, seed=1))


@pytest.mark.parametrize(
    ("gained", "lost", "probability"),
    [
        *[(0, 0, 1), (1, 0, 1), (3, 3, 1), (6, 0, 2 / 64), (0, 8, 2 / 256)],
        (5, 1, 2 * (1 + 6) / 64),
        (2, 8, 2 * (1 + 10 + 45) / 1024),
    ],
)
def test_sign_test_by_hand(gained, lost, probability):
    assert sign_test(gained, lost) == pytest.approx(probability) == sign_test(lost, gained)


def test_sign_test_of_very_many_images():
    assert sign_test(2600, 2400) == pytest.approx(0.0049, abs=0.0002)  # two standard deviations and 0.8
    assert sign_test(5000, 0) == 0


def test_holm_by_hand():
    assert holm([0.03, 0.01, 0.04], 95) == [False, True, False]  # 0.01 < 0.05 / 3; 0.03 > 0.05 / 2
    assert holm([0.03, 0.01, 0.02], 95) == [True, True, True]  # 0.02 < 0.05 / 2; 0.03 < 0.05
    assert holm([0.02, 0.03, 0.03], 95) == [False] * 3  # 0.02 > 0.05 / 3 ends it, though 0.03 < 0.05 / 1
    assert holm([0.04], 95) == [True] and holm([], 95) == []
    assert holm([0.02, 0.001], 99) == [False, True]


def test_the_interval_of_an_error_is_exact():
    """With one wrong image of 382 it reaches further than with none."""

    def interval(wrong):
        mask = np.arange(382) < wrong
        top1, top5 = dict(intervals_of(ErrorMask(mask, mask), BOUNDS)).values()
        assert top1 == top5 and top1.confidence_percent == 95
        return top1.low, top1.high

    assert interval(0) == pytest.approx((0, 100 * (1 - 0.025 ** (1 / 382))))
    assert interval(1) == pytest.approx((0.0066, 1.450), abs=0.001)
    assert interval(5) == pytest.approx((0.426, 3.028), abs=0.001)
    assert interval(382) == pytest.approx((100 * 0.025 ** (1 / 382), 100))


def test_the_interval_of_a_mean_over_members_is_the_bootstraps():
    mean = np.where(np.arange(382) < 40, 0.25, 0)
    assert intervals_of(ErrorMask(mean, mean), BOUNDS).top1_error_percent == BOUNDS.of(mean)


def test_the_kind_of_interval_does_not_depend_on_the_errors():
    """Members that agree on every image still have a mean over members; one member has a network's errors."""
    same = ErrorMask(np.arange(382) < 5, np.zeros(382, bool))
    both, alone = (intervals_of(ErrorMask.mean_of([same] * members), BOUNDS) for members in (2, 1))
    assert both.top1_error_percent == BOUNDS.of(same.top1.astype(float))
    assert alone == intervals_of(same, BOUNDS) != both


def test_effects_by_hand():
    labels = np.repeat([0, 1, 3], 20)
    whole = np.zeros(60, bool)
    whole[20:25] = True  # five of class 1 are wrong with all
    without = {name: whole.copy() for name in ("useful", "harmful", "idle")}
    without["useful"][:12] = True  # twelve of class 0 are right thanks to it
    without["harmful"][20:23] = False  # three of class 1 are wrong because of it
    effects = effects_of_leaving_out(without, whole, labels, list("abcd"), BOUNDS, 3)
    useful, harmful, idle = effects.overall
    assert (useful.gained, useful.lost, useful.difference, useful.images) == (12, 0, 20, 60)
    assert useful.stands and useful.interval.low > 0 and useful.class_name is None
    assert (harmful.difference, harmful.p_value, harmful.stands) == (-5, 0.25, False)
    assert (idle.difference, idle.interval.low, idle.interval.high, idle.p_value) == (0, 0, 0, 1)
    by_class = effects.by_class
    assert by_class.comparisons == 9  # three parts and three classes: class c has no image
    assert (by_class.alone_significant, by_class.standing) == (1, 1)
    assert [(row.left_out, row.class_name) for row in by_class.largest] == [("useful", "a"), ("harmful", "b")]
    first, second = by_class.largest
    assert first.images == 20 and first.difference == 60
    assert 35 < first.interval.low < 60 < first.interval.high < 85
    assert second.difference == -15


def test_two_classes_of_one_name_each_have_their_images():
    """ILSVRC has two cranes: the bird and the machine."""
    labels = np.repeat([0, 1], 20)
    whole, without = np.zeros(40, bool), {"m1": np.zeros(40, bool)}
    without["m1"][:12] = True
    largest = effects_of_leaving_out(without, whole, labels, ["crane", "crane"], BOUNDS, 3).by_class.largest
    assert [(row.class_name, row.images, row.gained, row.difference) for row in largest] == [("crane", 20, 12, 60)]


def test_no_more_are_shown_than_asked_for():
    rng = np.random.default_rng(1)
    whole, labels = rng.random(200) < 0.3, rng.integers(0, 10, 200)
    without = {name: rng.random(200) < 0.3 for name in "abcde"}
    effects = effects_of_leaving_out(without, whole, labels, [str(i) for i in range(10)], BOUNDS, 3)
    largest = effects.by_class.largest
    assert len(largest) == 3 and effects.by_class.comparisons == 50
    assert [row.p_value for row in largest] == sorted(row.p_value for row in largest)
    assert effects_of_leaving_out({}, whole, labels, ["a"] * 10, BOUNDS, 3).overall == ()
