"""The plateau: its level by hand, and when staying on it is a stall."""

import math

import numpy as np
import pytest

from googlenet.classification.train import Plateau
from googlenet.errors import UserError
from settings import changed, settings_of

SETTINGS = settings_of("train_classifier", aux_weight=0.3, stall={"enabled": True, "epochs": 3, "margin": 0.01})


def plateau(labels=(0, 1, 2, 3), initialisation="replica", **stall):
    return Plateau.of(np.array(labels), changed(SETTINGS, stall=stall, model={"initialisation": initialisation}))


def test_chance_by_hand():
    assert plateau().chance == pytest.approx(math.log(4))
    assert plateau().level == pytest.approx(0.99 * math.log(4))
    # Three of one class to one of another: knowing the shares alone is better than an even guess.
    assert plateau([0, 0, 0, 1]).chance == pytest.approx(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))
    assert plateau([5, 5, 7, 7]).chance == pytest.approx(math.log(2))  # a class without images counts nothing


CHANCE = math.log(4)


@pytest.mark.parametrize(
    ("losses", "stalls"),
    [
        ([CHANCE, CHANCE], False),  # three epochs are allowed
        ([CHANCE, CHANCE, CHANCE], True),
        ([CHANCE, CHANCE, 0.995 * CHANCE], True),  # within the margin
        ([CHANCE, CHANCE, 0.98 * CHANCE], False),
        ([CHANCE, 0.5, CHANCE, CHANCE], False),
        ([0.5, CHANCE, CHANCE, CHANCE], True),  # left, and fallen back
    ],
)
def test_a_stall_is_so_many_epochs_at_chance(losses, stalls):
    if not stalls:
        plateau().check(losses, "m3")
        return
    with pytest.raises(UserError) as raised:
        plateau().check(losses, "m3")
    assert str(raised.value).startswith(
        "train_classifier: the training of m3 stalls: no main loss of the last 3 epochs"
    )
    assert "chance is 1.386" in str(raised.value) and "learning_rate" in str(raised.value)


@pytest.mark.parametrize(
    ("initialisation", "remedy"),
    [
        ("replica", "; set model.initialisation: he, or else change the member's init_seed"),
        ("he", "; change the member's init_seed"),
    ],
)
def test_a_stall_names_the_initialisation_unless_it_is_set(initialisation, remedy):
    with pytest.raises(UserError) as raised:
        plateau(initialisation=initialisation).check([CHANCE] * 3, "m3")
    assert remedy in str(raised.value) and "\n" not in str(raised.value)


def test_none_is_a_stall_where_none_is_asked_for():
    plateau(enabled=False).check([9.0] * 50, "m3")
    assert not plateau(enabled=False).left(9.0) and plateau(enabled=False).left(1.0)
