"""Settings compared: paired differences by hand, and what the report is given."""

import numpy as np
import pytest

from detection.plain_scores import BOXES, CLASSES, NAMES, RIGHT, SETTINGS, TRUTH
from googlenet.detection.ensemble import (
    detect,
    difference,
    evaluate,
    interval_of,
    rate,
    resampled_singles,
    stack_objects,
)
from googlenet.detection.mean_ap import evaluate as mean_ap
from googlenet.detection.mean_ap import resampled
from googlenet.metrics.bootstrap import percentile_interval
from googlenet.metrics.detection import ComparedSwitches, SwitchesCompared
from googlenet.metrics.interval import Difference, Interval
from settings import changed

SURE = changed(SETTINGS, min_score=0.5)
WRONG = RIGHT[:, [0, 2, 1]]


def at(difference):
    """A difference that is the same in all resamples."""
    interval = Interval(low=difference, high=difference, confidence_percent=95)
    return Difference(difference=difference, interval=interval)


def test_a_paired_difference_is_taken_resample_by_resample():
    """Both swing by 20, together: the difference does not."""
    one, other = np.array([40.0, 50, 60, np.nan]), np.array([38.0, 48, 58, np.nan])
    assert difference(2.0, one - other, 95) == at(2.0)
    assert percentile_interval(one, 50) == Interval(low=45, high=55, confidence_percent=50)


def test_equal_detectors_differ_by_nothing():
    """The mean of six equal figures is not that figure, to the last bit."""
    figure, resampled = 100 / 3 * 1.1, np.random.default_rng(0).uniform(20, 60, 50)
    mean, means = np.mean([figure] * 6), np.mean([resampled] * 6, axis=0)
    assert (means != resampled).any()
    assert difference(figure - mean, resampled - means, 95) == at(0.0)


def test_an_interval_lies_around_its_figure_and_within_0_and_100():
    """Half the resamples lie 5 from their mean, 50, which the figure need not be."""
    resampled = np.array([40.0, 50, 60, np.nan])
    assert interval_of(47.0, resampled, 50) == Interval(low=42, high=52, confidence_percent=50)
    assert interval_of(97.0, resampled, 50) == Interval(low=92, high=100, confidence_percent=50)
    assert interval_of(3.0, resampled, 50) == Interval(low=0, high=8, confidence_percent=50)
    assert difference(3.0, resampled, 50).interval == Interval(low=-2, high=8, confidence_percent=50)


def test_resamples_by_hand():
    """A cat and a dog in image 0, a dog in image 1, nothing in image 2; the detector misses the dog of image 1."""
    scores = RIGHT.copy()
    scores[3:5] = [0.98, 0.01, 0.01]
    objects = stack_objects(TRUTH)
    result = detect(BOXES, scores, SURE)
    evaluation = mean_ap(result, objects, 2)
    weight = np.array([[1, 1, 1], [3, 0, 0], [0, 2, 1], [0, 0, 3], [1, 2, 0]], float)
    # Cats: all or none to find. Dogs: 1 of 2, all, 0 of 2, none to find, 1 of 3.
    expected = [75, 100, 0, np.nan, (100 + 100 / 3) / 2]
    assert resampled(evaluation, weight) == pytest.approx(expected, nan_ok=True)


def two_detectors(prefix=""):
    """One is right, one swaps the classes of image 1."""
    swapped = RIGHT.copy()
    swapped[3:5] = WRONG[3:5]
    return {"d1": {f"{prefix}probabilities": RIGHT}, "d2": {f"{prefix}probabilities": swapped}}


def test_single_detectors_and_their_mean_on_the_same_images():
    objects, weight = stack_objects(TRUTH), np.array([[1.0, 1, 1], [1, 0, 2]])
    rated = rate(two_detectors(), "", BOXES, objects, 2, weight, SURE)
    # d2 finds the cat, and the dog of image 0; its cat in image 1 is wrong, at a score no lower than the right one's.
    d2 = rated.single["d2"].mean_ap_percent
    assert rated.single["d1"].mean_ap_percent == 100 and 50 <= d2 < 100
    assert rated.single_mean_and_std == pytest.approx(((100 + d2) / 2, (100 - d2) / 2**0.5))
    assert resampled_singles(rated, weight) == pytest.approx([(100 + d2) / 2, 100])
    result = evaluate(two_detectors(), BOXES, TRUTH, NAMES, CLASSES, SURE)
    gain = result.ensemble.mean_ap_percent - result.single_mean_ap_percent
    assert result.ensemble_minus_single.difference == pytest.approx(gain)
    assert result.single_interval.low <= result.single_mean_ap_percent <= result.single_interval.high


def test_compared_settings_are_reported_beside_the_main_one():
    settings = changed(SURE, compare=(("svm",), ("mirror", "bbox_regression")))
    moved = np.repeat(np.concatenate(BOXES)[:, None], 2, axis=1).astype(np.float32)
    arrays = {
        "probabilities": RIGHT,
        "compare.svm.probabilities": WRONG,
        "compare.mirror+bbox_regression.probabilities": RIGHT,
        "compare.mirror+bbox_regression.boxes": moved,
    }
    result = evaluate({"d1": arrays}, BOXES, TRUTH, NAMES, CLASSES, settings)
    assert result.switches.on == () and result.ensemble.mean_ap_percent == 100
    machine, same = result.switches.compared
    assert machine == ComparedSwitches(
        switches=("svm",),
        single_mean_ap_percent=0,
        single_std=0,
        ensemble_mean_ap_percent=0,
        ensemble_interval=Interval(low=0, high=0, confidence_percent=95),
        difference=at(-100),
        ap_percent=(0, 0),
    )
    assert same.switches == ("mirror", "bbox_regression")
    assert same.difference == at(0)


def test_regressed_boxes_decide_in_the_main_setting_as_well():
    """The detectors' boxes miss by 20 pixels to either side of the right place: alone they find nothing, their mean does."""
    right = np.repeat(np.concatenate(BOXES)[:, None], 2, axis=1).astype(np.float32)
    aside = np.array([25, 0, 25, 0], np.float32)
    scores = {
        "d1": {"probabilities": RIGHT, "boxes": right + aside},
        "d2": {"probabilities": RIGHT, "boxes": right - aside},
    }
    result = evaluate(scores, BOXES, TRUTH, NAMES, CLASSES, changed(SURE, switches=("bbox_regression",)))
    assert result.switches == SwitchesCompared(on=("bbox_regression",), compared=())
    assert result.single_mean_ap_percent == 0 and result.ensemble.mean_ap_percent == 100
    assert result.ensemble_minus_single == at(100)
    assert result.coverage.coverage_percent == 100  # of the proposals, as they were
