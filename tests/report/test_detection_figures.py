"""Figures of detection: they follow their values, and stay readable with three, ten and two hundred classes."""

import warnings

import numpy as np
import pytest

from googlenet.metrics.detection import (
    DetectedBox,
    DetectionExample,
    ErrorCounts,
    ErrorTypes,
    Precision,
    PrecisionRecall,
)
from googlenet.metrics.proposals import ClassCoverage
from googlenet.metrics.results import Results
from googlenet.report import detection_figures, image_figures
from report import sample, sample_detection
from report.reading import decoded
from settings import changed
from tables import quick


@pytest.mark.parametrize("count", quick([3, 1, 200], 1))
def test_any_number_of_classes_is_drawn_within_bounds(count):
    names = [f"class {number}" for number in range(count)]
    results = Results(sample_detection.jobs(names))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a layout that does not fit is a fault
        made = detection_figures.from_metrics(results)
    assert len(made) == 5
    for png in made.values():
        height, width = decoded(png).shape[:2]
        assert 600 < width < 1800 and 200 < height < 1800


def curve(recall, precision):
    return PrecisionRecall(recall=recall, precision=precision)


def curves(count):
    named = {f"class {number:03d}": number for number in range(count)}
    lines = {name: curve([0.5, 1.0], [1.0, number / 200]) for name, number in named.items()}
    return lines, {name: 50 + number / 4 for name, number in named.items()}


def test_at_most_twelve_classes_have_a_chart_best_and_worst_among_them(monkeypatch):
    titles = []
    monkeypatch.setattr(detection_figures, "clipped", lambda name, *_: titles.append(name) or name)
    detection_figures.precision_recall(*curves(200))
    assert len(titles) == 12 and (titles[0], titles[-1]) == ("class 199", "class 000")
    titles.clear()
    detection_figures.precision_recall(*curves(3))
    assert titles == ["class 002", "class 001", "class 000"]


def test_classes_without_objects_are_left_out():
    whole = {"a": curve([1.0], [1.0]), "b": curve([], [])}
    assert detection_figures.precision_recall(whole, {"a": 100.0, "b": None}) == (
        detection_figures.precision_recall({"a": whole["a"]}, {"a": 100.0})
    )
    decoded(detection_figures.precision_recall({"b": whole["b"]}, {"b": None}))
    both = Precision(mean_ap_percent=50, ap_percent=(None, 50.0))
    alone = {"d1": Precision(mean_ap_percent=40, ap_percent=(None, 40.0))}
    decoded(detection_figures.average_precision_by_class(["a", "b"], both, alone))
    row = ClassCoverage(class_name="a", objects=3, coverage_percent=50.0)
    empty = ClassCoverage(class_name="b", objects=0, coverage_percent=None)
    assert detection_figures.coverage_by_class([row, empty]) == detection_figures.coverage_by_class([row])


def test_error_types_are_percentages_of_detections_and_of_objects():
    """Nothing wrong and nothing missed is drawn as well, and so is a class that has no detection."""
    some, none = (ErrorTypes.model_validate(sample_detection.error_types(names)) for names in (["a", "b"], ["a"]))
    assert detection_figures.error_types(some) != detection_figures.error_types(none)
    kinds = ("correct", "duplicate")
    row = ErrorCounts(objects=8, counts={"correct": 3, "duplicate": 1})
    assert detection_figures._shares(row, kinds) == [75, 25]
    assert detection_figures._shares(row, kinds, row.objects) == [37.5, 12.5]
    nothing = ErrorCounts(objects=0, counts={"correct": 0, "duplicate": 0})
    assert detection_figures._shares(nothing, kinds) == detection_figures._shares(nothing, kinds, 0) == [0, 0]


def test_precision_recall_envelope_by_hand():
    grid = np.array([0, 0.25, 0.5, 0.75, 1.0])
    reached = detection_figures.envelope([0.25, 0.25, 0.5, 0.75], [1.0, 0.5, 0.6, 0.7], grid)
    assert reached.tolist() == [1.0, 1.0, 0.7, 0.7, 0.0]


def test_outlines_are_drawn_where_the_boxes_are():
    image = np.full((100, 100, 3), 255, np.uint8)
    empty = DetectionExample(name="x.jpg", index=0, f1_percent=0.0, ground_truth=(), detections=())
    box = DetectedBox(box=(20, 60, 80, 90), class_name="a", score=0.9, correct=True)
    bare, right, wrong = (
        decoded(image_figures.detections([image], [changed(empty, detections=shown)], 0.5))
        for shown in ([], [box], [changed(box, correct=False)])
    )
    rows, columns = np.where((bare != right).any(axis=-1))
    height, width = bare.shape[:2]
    assert rows.min() > 0.4 * height and 0.1 * width < columns.min() < 0.35 * width
    assert (right != wrong).any()


@pytest.mark.long
def test_proposals_are_drawn_in_two_panels_and_only_where_there_are_some():
    detection = sample_detection.evaluate_detection(sample.CLASSES)
    study = sample_detection.study_proposals(sample.CLASSES)
    seen = []

    def image(index):
        seen.append(index)
        return sample.photograph(160, 160)

    made = image_figures.from_metrics(Results([("", detection), ("", study)]), image)
    assert set(made) == {"detections_best", "detections_worst", "proposals"}
    assert seen == [*range(12), 0, 1]
    assert decoded(made["proposals"]).shape[1] > 1000
    no_worst = Results([("", changed(detection, examples={"worst": []}))])
    assert set(image_figures.from_metrics(no_worst, image)) == {"detections_best"}
    assert image_figures.from_metrics(Results([]), image) == {}
