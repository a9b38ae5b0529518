"""The predicted time left of recorded runs of the demo, replayed."""

from pathlib import Path

import pytest
from time_left import FROM, SECONDS, SHARE, Prediction, replayed

from googlenet.progress.timeline import read

# Of the predictions, the share that is right. While `changing` ran, other work began on the machine: that is not foreseen.
RIGHT = {"busy": 1.0, "changing": 0.85, "early": 1.0, "quiet": 1.0, "slow": 1.0, "unseen": 1.0}
RECORDED = {path.stem.removeprefix("demo_"): path for path in Path(__file__).parent.glob("demo_*.jsonl")}


@pytest.mark.parametrize("run", RECORDED)
def test_from_a_third_on_it_is_within_a_quarter_of_the_truth_or_15_s(run):
    assert (FROM, SHARE, SECONDS) == (1 / 3, 0.25, 15.0)
    predictions = list(replayed(read(RECORDED[run])))
    assert len(predictions) > 70 and predictions[-1].truth < 10
    right = sum(each.error <= 1 for each in predictions)
    assert RIGHT[run] * len(predictions) <= right


def test_an_error_counts_in_units_of_what_is_allowed():
    assert Prediction(300.0, 330.0, 300.0).error == 0.4 and Prediction(300.0, 40.0, 10.0).error == 2
    assert Prediction(300.0, None, 300.0).error == float("inf")
