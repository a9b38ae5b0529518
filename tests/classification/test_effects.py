"""What leaving a part out does to a class, and which of many such effects stand."""

import numpy as np
import pytest

from googlenet.classification.effects import effects_of_leaving_out, holm, sign_test

SETTINGS = {"resamples": 500, "confidence_percent": 95, "seed": 1, "effects_shown": 3}


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


def test_sign_test_of_very_many_pictures():
    assert sign_test(2600, 2400) == pytest.approx(0.0049, abs=0.0002)  # two standard deviations and 0.8
    assert sign_test(5000, 0) == 0


def test_holm_by_hand():
    assert holm([0.03, 0.01, 0.04], 95) == [False, True, False]  # 0.01 < 0.05 / 3; 0.03 > 0.05 / 2
    assert holm([0.03, 0.01, 0.02], 95) == [True, True, True]  # 0.02 < 0.05 / 2; 0.03 < 0.05
    assert holm([0.04], 95) == [True] and holm([], 95) == []
    assert holm([0.02, 0.001], 99) == [False, True]


def test_effects_by_hand():
    labels = np.repeat([0, 1, 3], 20)
    whole = np.zeros(60, bool)
    whole[20:25] = True  # five of class 1 are wrong with all
    without = {name: whole.copy() for name in ("useful", "harmful", "idle")}
    without["useful"][:12] = True  # twelve of class 0 are right thanks to it
    without["harmful"][20:23] = False  # three of class 1 are wrong because of it
    found = effects_of_leaving_out(without, whole, labels, list("abcd"), SETTINGS)
    useful, harmful, idle = found["overall"]
    assert (useful["gained"], useful["lost"], useful["difference"]) == (12, 0, 20)
    assert useful["stands"] and useful["low"] > 0
    assert (harmful["difference"], harmful["p_value"], harmful["stands"]) == (-5, 0.25, False)
    assert (idle["difference"], idle["low"], idle["high"], idle["p_value"]) == (0, 0, 0, 1)
    by_class = found["by_class"]
    assert by_class["comparisons"] == 9  # three parts and three classes: class c has no picture
    assert (by_class["alone_significant"], by_class["standing"]) == (1, 1)
    assert [(row["left_out"], row["class"]) for row in by_class["largest"]] == [
        ("useful", "a"),
        ("harmful", "b"),
    ]
    first = by_class["largest"][0]
    assert first["images"] == 20 and first["difference"] == 60 and 35 < first["low"] < 60 < first["high"] < 85
    assert by_class["largest"][1]["difference"] == -15


def test_no_more_are_shown_than_asked_for():
    rng = np.random.default_rng(1)
    whole, labels = rng.random(200) < 0.3, rng.integers(0, 10, 200)
    without = {name: rng.random(200) < 0.3 for name in "abcde"}
    found = effects_of_leaving_out(without, whole, labels, [str(i) for i in range(10)], SETTINGS)
    largest = found["by_class"]["largest"]
    assert len(largest) == 3 and found["by_class"]["comparisons"] == 50
    assert [row["p_value"] for row in largest] == sorted(row["p_value"] for row in largest)
    assert effects_of_leaving_out({}, whole, labels, ["a"] * 10, SETTINGS)["overall"] == []
