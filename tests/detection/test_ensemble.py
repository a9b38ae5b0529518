"""The detectors' mean, on regions where right and wrong are obvious."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from detection.plain_scores import BOXES, CLASSES, NAMES, RIGHT, SETTINGS, TRUTH
from detection.samples import truth_of
from googlenet.detection.ensemble import detect, evaluate, stack_objects, thinned_curve
from googlenet.detection.mean_ap import average_precision
from googlenet.metrics.detection import Precision, PrecisionRecall
from googlenet.report.detection_figures import envelope
from googlenet.stages import evaluate_detection
from settings import changed


def evaluated(scores, **change):
    return evaluate(arrays(scores), BOXES, TRUTH, NAMES, CLASSES, changed(SETTINGS, **change))


def arrays(scores):
    return {name: {"probabilities": rows} for name, rows in scores.items()}


def test_perfect_scores_have_100_percent():
    result = evaluated({"d1": RIGHT, "d2": RIGHT})
    assert result.table_4.ensemble_mean_ap_percent == 100 and result.table_4.detectors == 2
    assert result.ensemble.ap_percent == (100, 100)
    assert (result.single_mean_ap_percent, result.single_std) == (100, 0)
    assert result.detectors["d2"] == Precision(mean_ap_percent=100, ap_percent=(100, 100))
    assert (result.images, result.objects, result.classes) == (3, 3, tuple(CLASSES))
    assert result.coverage.coverage_percent == 100 and result.coverage.boxes_per_image == 2
    assert result.table_4.interval.low == result.table_4.interval.high == 100
    assert result.table_4.interval.confidence_percent == 95
    surest, missed = result.error_types.false_positives.all, result.error_types.missed.all
    assert surest.counts["correct"] == surest.objects == 3
    assert sum(missed.counts.values()) == 0 and missed.objects == 3
    assert [row.name for row in result.examples.best] == ["one"]


def test_swapped_labels_have_0_percent():
    result = evaluated({"d1": RIGHT[:, [0, 2, 1]]}, min_score=0.5)
    assert result.table_4.ensemble_mean_ap_percent == 0
    assert result.ensemble.ap_percent == (0, 0)


def test_the_ensemble_is_the_mean_of_the_scores():
    """Each of three detectors gives one object the wrong class with a high score; the mean of all three is right."""
    scores = {f"d{i}": RIGHT.copy() for i in range(3)}
    for name, rows in (("d0", [0]), ("d1", [1]), ("d2", [3, 4])):
        scores[name][rows] = RIGHT[rows][:, [0, 2, 1]]
    result = evaluated(scores, min_score=0.5)
    assert result.ensemble.mean_ap_percent == 100
    singles = [row.mean_ap_percent for row in result.detectors.values()]
    assert max(singles) < 100
    assert result.single_mean_ap_percent == pytest.approx(np.mean(singles))
    assert result.single_std == pytest.approx(np.std(singles, ddof=1))
    assert evaluated({"d0": RIGHT}).single_std == 0
    assert result.single_interval.low <= result.single_mean_ap_percent <= result.single_interval.high < 100
    assert result.table_4.interval.low == 100


def test_equal_scores_count_by_the_names_of_the_images_in_whatever_order_these_are_listed():
    """One image has a hit and another a miss, both of one score: the name that comes first counts first."""
    boxes, settings = [BOXES[0][:1], BOXES[0][:1]], changed(SETTINGS, min_score=0.5)
    scores = {"d1": {"probabilities": RIGHT[[0, 0]]}}

    def mean_ap(names, truth):
        return evaluate(scores, boxes, truth, names, CLASSES, settings).ensemble.mean_ap_percent

    hit, miss = truth_of(BOXES[0][:1], [0]), truth_of()
    assert mean_ap(["a", "b"], [hit, miss]) == mean_ap(["b", "a"], [miss, hit]) == 100
    assert mean_ap(["a", "b"], [miss, hit]) == mean_ap(["b", "a"], [hit, miss]) == 50


def test_detections_are_each_images_own():
    result = detect(BOXES, RIGHT, changed(SETTINGS, min_score=0.5))
    assert result.image.tolist() == [0, 0, 1] and result.label.tolist() == [0, 1, 1]
    assert result.box.tolist() == [BOXES[0][0].tolist(), BOXES[0][1].tolist(), BOXES[1][0].tolist()]
    both = detect(BOXES, RIGHT, changed(SETTINGS, min_score=0.5, nms_iou=0.95))
    assert both.image.tolist() == [0, 0, 1, 1] and both.score[2] == 0.8 and both.score[3] == 0.6
    few = detect(BOXES, RIGHT, changed(SETTINGS, max_per_image=1))
    assert few.image.tolist() == [0, 1, 2]


def test_an_image_without_regions_has_no_detections():
    boxes = [np.zeros((0, 4), np.int32), BOXES[0], np.zeros((0, 4), np.int32)]
    result = detect(boxes, RIGHT[:3], changed(SETTINGS, min_score=0.5))
    assert result.image.tolist() == [1, 1]


def test_objects_are_stacked_with_their_images():
    objects = stack_objects(TRUTH)
    assert objects.image.tolist() == [0, 0, 1] and objects.label.tolist() == [0, 1, 1]
    assert objects.box.shape == (3, 4) and objects.difficult.tolist() == [False] * 3
    assert objects.blacklist.shape == (0, 2)


def test_a_class_of_an_image_that_may_lack_boxes_counts_neither_way():
    """The stray region of the third image, a cat at a high score, is a false positive, unless cats may lack boxes there."""
    scores = RIGHT.copy()
    scores[5] = [0.04, 0.95, 0.01]
    partial = [*TRUTH[:2], truth_of(partial=[0])]
    assert stack_objects(partial).blacklist.tolist() == [[2, 0]]
    for truth, ap in ((TRUTH, 50), (partial, 100)):
        settings = changed(SETTINGS, min_score=0.5)
        result = evaluate(arrays({"d1": scores}), BOXES, truth, NAMES, CLASSES, settings)
        assert result.ensemble.ap_percent == (ap, 100)
        assert result.objects == result.coverage.objects == 3
    several = TRUTH[0]._replace(partial=np.array([1, 2]))
    assert stack_objects([several, TRUTH[1]]).blacklist.tolist() == [[0, 1], [0, 2]]


def test_difficult_objects_are_none_to_cover():
    far = [[80, 80, 89, 89], [60, 60, 69, 69]]
    truth = [*TRUTH[:2], truth_of(far, [0, 1], difficult=[True, False], partial=[1])]
    result = evaluate(arrays({"d1": RIGHT}), BOXES, truth, NAMES, CLASSES, SETTINGS)
    assert (result.objects, result.coverage.objects, result.coverage.coverage_percent) == (3, 3, 100)
    assert [row.objects for row in result.coverage.per_class] == [1, 2]


def test_a_thinned_curve_has_the_area_of_the_whole_one():
    hit = np.zeros(20_000)
    hit[:200], hit[300:20_000:400] = np.arange(200) % 3 > 0, 1  # most hits lie in the first hundredth
    recall, precision = np.cumsum(hit) / hit.sum(), np.cumsum(hit) / np.arange(1, 20_001)
    drawn = thinned_curve(recall, precision)
    grid = np.linspace(0, 1, 1001)
    area = envelope(drawn.recall, drawn.precision, grid).mean()
    assert area == pytest.approx(average_precision(recall, precision), abs=0.01)
    assert len(drawn.recall) <= 101 and drawn.recall[-1] == 1.0


def test_a_curve_is_thinned_to_its_ends():
    recall = np.linspace(0.001, 1, 1000)
    result = thinned_curve(recall, 1 - recall / 2)
    assert len(result.recall) == len(result.precision) == 100
    assert (result.recall[0], result.recall[-1]) == (recall[0], 1.0)
    assert thinned_curve(recall[:3], recall[:3]).recall == tuple(recall[:3])
    assert thinned_curve(np.zeros(3), np.zeros(3)) == PrecisionRecall(recall=(0.0,), precision=(0.0,))
    assert thinned_curve(recall[:0], recall[:0]) == PrecisionRecall(recall=(), precision=())


def test_detectors_are_in_natural_order_whatever_the_command_line(monkeypatch):
    received = []

    class Stop(Exception):
        """Raised to end the stage."""

    def evaluate(scores, *rest):
        received.extend(scores)
        raise Stop

    for name in ("open_split", "read_manifest", "ground_truth"):
        plain = SimpleNamespace(names=[], classes=())
        monkeypatch.setattr(evaluate_detection, name, lambda *words, plain=plain: plain)
    monkeypatch.setattr(evaluate_detection, "open_rows", lambda path: ({}, {}))
    monkeypatch.setattr(evaluate_detection.packed, "joined", lambda parts, split: [])
    monkeypatch.setattr(evaluate_detection, "evaluate", evaluate)
    paths = [Path(name, "scores.safetensors") for name in ("d10", "d9", "d1")]
    files = {"manifest": Path("manifest.json"), "proposals": [], "scores": paths, "metrics": Path("metrics.json")}
    with pytest.raises(Stop):
        evaluate_detection.run(SimpleNamespace(settings=None), **files)
    assert received == ["d1", "d9", "d10"]
