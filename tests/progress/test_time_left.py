"""The predicted time left of two recorded runs of the demo, replayed: one on a quiet machine, one beside other work."""

from pathlib import Path

import pytest
from time_left import FROM, SECONDS, SHARE, Prediction, replayed

from googlenet.progress.timeline import read

RECORDED = Path(__file__).parent


@pytest.mark.parametrize("run", ["quiet", "busy"])
def test_from_a_third_on_it_is_within_a_quarter_of_the_truth_or_15_s(run):
    assert (FROM, SHARE, SECONDS) == (1 / 3, 0.25, 15.0)
    predictions = list(replayed(read(RECORDED / f"demo_{run}.jsonl")))
    assert len(predictions) > 70 and predictions[-1].truth < 10
    assert [each for each in predictions if each.error > 1] == []


def test_an_error_counts_in_units_of_what_is_allowed():
    assert Prediction(300.0, 330.0, 300.0).error == 0.4 and Prediction(300.0, 40.0, 10.0).error == 2
    assert Prediction(300.0, None, 300.0).error == float("inf")
