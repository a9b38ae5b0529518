"""The detectors' mean, on regions where right and wrong are plain."""

import numpy as np
import pytest

from googlenet.detection.ensemble import curve, evaluate, gathered
from googlenet.detection.mean_ap import Evaluation
from googlenet.detection.rating import detect

SETTINGS = {
    "nms_iou": 0.3,
    "min_score": 0.01,
    "max_per_image": 100,
    "small_object_threshold": True,
    "resamples": 50,
    "confidence_percent": 95,
    "seed": 1,
    "examples": 2,
    "example_score": 0.5,
    "switches": [],
    "compare": [],
}
# Three pictures: two objects with a stray region; one object, twice proposed; nothing to find.
BOXES = [
    np.array([[0, 0, 39, 39], [50, 0, 89, 39], [0, 60, 39, 99]], np.int32),
    np.array([[10, 10, 49, 49], [12, 10, 51, 49]], np.int32),
    np.array([[0, 0, 29, 29]], np.int32),
]
NONE = np.zeros(0, np.int32)
TRUTH = [
    (BOXES[0][:2], np.array([0, 1]), np.zeros(2, bool), NONE),
    (BOXES[1][:1], np.array([1]), np.zeros(1, bool), NONE),
    (np.zeros((0, 4), np.int32), np.zeros(0, np.int64), np.zeros(0, bool), NONE),
]
BACKGROUND = [0.97, 0.02, 0.01]
RIGHT = np.array([[0.1, 0.8, 0.1], [0.1, 0.1, 0.8], BACKGROUND, [0.1, 0.1, 0.8], [0.3, 0.1, 0.6], BACKGROUND])
NAMES, CLASSES = ["one", "two", "three"], ["cat", "dog"]


def evaluated(scores, **change):
    return evaluate(arrays(scores), BOXES, TRUTH, NAMES, CLASSES, SETTINGS | change)


def arrays(scores):
    return {name: {"probabilities": own} for name, own in scores.items()}


def test_what_is_right_everywhere_has_100_percent():
    found = evaluated({"d1": RIGHT, "d2": RIGHT})
    assert found["table_4"]["ensemble_mean_ap_percent"] == 100 and found["table_4"]["detectors"] == 2
    assert found["ensemble"]["ap_percent"] == [100, 100]
    assert (found["single_mean_ap_percent"], found["single_std"]) == (100, 0)
    assert found["detectors"]["d2"] == {"mean_ap_percent": 100, "ap_percent": [100, 100]}
    assert (found["images"], found["objects"], found["classes"]) == (3, 3, CLASSES)
    assert found["coverage"]["coverage_percent"] == 100 and found["coverage"]["boxes_per_image"] == 2
    low, high = found["table_4"]["interval"]
    assert low == high == 100
    errors = found["error_types"]
    assert errors["false_positives"]["all"]["correct"] == errors["false_positives"]["all"]["objects"] == 3
    assert sum(errors["missed"]["all"].values()) == errors["missed"]["all"]["objects"] == 3
    assert [row["name"] for row in found["examples"]["best"]] == ["one"]


def test_swapped_labels_have_none():
    found = evaluated({"d1": RIGHT[:, [0, 2, 1]]}, min_score=0.5)
    assert found["table_4"]["ensemble_mean_ap_percent"] == 0
    assert found["ensemble"]["ap_percent"] == [0, 0]


def test_the_ensemble_is_the_mean_of_the_scores():
    """Each of three detectors is sure of the wrong class of one object; two against one, the mean is right."""
    scores = {f"d{i}": RIGHT.copy() for i in range(3)}
    for name, rows in (("d0", [0]), ("d1", [1]), ("d2", [3, 4])):
        scores[name][rows] = RIGHT[rows][:, [0, 2, 1]]
    found = evaluated(scores, min_score=0.5)
    assert found["ensemble"]["mean_ap_percent"] == 100
    assert max(row["mean_ap_percent"] for row in found["detectors"].values()) < 100
    singles = [row["mean_ap_percent"] for row in found["detectors"].values()]
    assert found["single_mean_ap_percent"] == pytest.approx(np.mean(singles))
    assert found["single_std"] == pytest.approx(np.std(singles))


def test_detections_are_each_pictures_own():
    found = detect(BOXES, RIGHT, SETTINGS | {"min_score": 0.5})
    assert found.image.tolist() == [0, 0, 1] and found.label.tolist() == [0, 1, 1]
    assert found.box.tolist() == [BOXES[0][0].tolist(), BOXES[0][1].tolist(), BOXES[1][0].tolist()]
    both = detect(BOXES, RIGHT, SETTINGS | {"min_score": 0.5, "nms_iou": 0.95})
    assert both.image.tolist() == [0, 0, 1, 1] and both.score[2] == 0.8 and both.score[3] == 0.6
    few = detect(BOXES, RIGHT, SETTINGS | {"max_per_image": 1})
    assert few.image.tolist() == [0, 1, 2]


def test_a_picture_without_regions_is_passed():
    boxes = [np.zeros((0, 4), np.int32), BOXES[0], np.zeros((0, 4), np.int32)]
    found = detect(boxes, RIGHT[:3], SETTINGS | {"min_score": 0.5})
    assert found.image.tolist() == [1, 1]


def test_objects_are_gathered_with_their_pictures():
    objects = gathered(TRUTH)
    assert objects.image.tolist() == [0, 0, 1] and objects.label.tolist() == [0, 1, 1]
    assert objects.box.shape == (3, 4) and objects.difficult.tolist() == [False] * 3
    assert objects.blacklist.shape == (0, 2)


def test_a_class_of_a_picture_that_may_lack_boxes_counts_neither_way():
    """The stray region of the third picture, sure to be a cat, is a miss, unless cats may lack boxes there."""
    scores = RIGHT.copy()
    scores[5] = [0.04, 0.95, 0.01]
    partial = [*TRUTH[:2], (*TRUTH[2][:3], np.array([0], np.int32))]
    assert gathered(partial).blacklist.tolist() == [[2, 0]]
    for truth, ap in ((TRUTH, 50), (partial, 100)):
        found = evaluate(arrays({"d1": scores}), BOXES, truth, NAMES, CLASSES, SETTINGS | {"min_score": 0.5})
        assert found["ensemble"]["ap_percent"] == [ap, 100]
    assert gathered([(*TRUTH[0][:3], np.array([1, 2])), TRUTH[1]]).blacklist.tolist() == [[0, 1], [0, 2]]


def test_a_curve_is_thinned_to_its_ends():
    recall = np.linspace(0.001, 1, 1000)
    long = Evaluation(0, [0], [recall], [1 - recall / 2], np.zeros(0), np.zeros(0))
    found = curve(long, 0)
    assert len(found["recall"]) == len(found["precision"]) == 101
    assert (found["recall"][0], found["recall"][-1]) == (recall[0], 1.0)
    short = Evaluation(0, [0], [recall[:3]], [recall[:3]], np.zeros(0), np.zeros(0))
    assert curve(short, 0)["recall"] == recall[:3].tolist()
    empty = Evaluation(0, [0], [recall[:0]], [recall[:0]], np.zeros(0), np.zeros(0))
    assert curve(empty, 0) == {"recall": [], "precision": []}
