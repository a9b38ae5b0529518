"""Suppression, rule by rule, and against the obvious two loops."""

import numpy as np
import pytest

from googlenet.detection.boxes import iou
from googlenet.detection.nms import nms, per_class_nms
from googlenet.errors import UserError

# 10 x 10 boxes; 0 and 1 overlap by 80 / 120, 1 and 2 by 80 / 120, 0 and 2 by 60 / 140 = 3 / 7, 3 is alone.
CHAIN = np.array([[0, 0, 9, 9], [2, 0, 11, 9], [4, 0, 13, 9], [50, 50, 59, 59]])


def slow_nms(boxes, scores, threshold):
    left = sorted(range(len(boxes)), key=lambda i: (-scores[i], i))
    kept = []
    while left:
        kept.append(left[0])
        left = [i for i in left[1:] if iou(boxes[[i]], boxes[kept[-1:]])[0, 0] <= threshold]
    return kept


def test_best_first_and_the_overlapping_go():
    assert nms(CHAIN, np.array([0.5, 0.9, 0.6, 0.7]), 0.5).tolist() == [1, 3]


def test_scores_that_are_not_numbers_are_an_error():
    scores = np.full((4, 3), np.nan)
    with pytest.raises(UserError, match="scores are NaN; the detector has diverged"):
        per_class_nms(CHAIN, scores, 0.5, 0.01, 0)


def test_only_a_box_that_stays_suppresses():
    # 1 is suppressed by 0, so that 2, which only 1 overlaps enough, stays.
    assert nms(CHAIN, np.array([0.9, 0.8, 0.7, 0.1]), 0.5).tolist() == [0, 2, 3]


def test_overlap_at_the_threshold_stays():
    scores = np.array([0.9, 0.1, 0.7, 0.2])
    assert 2 in nms(CHAIN, scores, 60 / 140)
    assert 2 not in nms(CHAIN, scores, np.nextafter(60 / 140, 0))


def test_overlap_counts_inclusive_pixels():
    # 2 x 1 pixels sharing one: 1 / 3. Without the inclusive end they would share nothing.
    assert nms(np.array([[0, 0, 1, 0], [1, 0, 2, 0]]), np.array([0.9, 0.8]), 0.3).tolist() == [0]


def test_equal_scores_keep_the_order_given():
    assert nms(CHAIN, np.full(4, 0.5), 0.5).tolist() == [0, 2, 3]
    assert nms(CHAIN[::-1], np.full(4, 0.5), 0.5).tolist() == [0, 1, 3]


def test_nothing_in_nothing_out():
    assert nms(np.zeros((0, 4)), np.zeros(0), 0.3).shape == (0,)
    boxes, labels, scores = per_class_nms(np.zeros((0, 4), np.int32), np.zeros((0, 4)), 0.3, 0.0, 0)
    assert (boxes.shape, labels.shape, scores.shape) == ((0, 4), (0,), (0,))


def test_overlap_at_the_threshold_stays_in_many_classes():
    probabilities = np.array([[0.1, 0.9], [0.99, 0.01], [0.2, 0.8], [0.99, 0.01]])
    _, _, scores = per_class_nms(CHAIN, probabilities, 60 / 140, 0.05, 0)
    assert scores.tolist() == [0.9, 0.8]


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.9])
def test_agrees_with_the_obvious_loops(threshold):
    rng = np.random.default_rng(2)
    low = rng.integers(0, 60, (80, 2))
    boxes = np.concatenate([low, low + rng.integers(5, 40, (80, 2))], axis=1)
    scores = rng.integers(0, 12, 80) / 12  # many ties
    assert nms(boxes, scores, threshold).tolist() == slow_nms(boxes, scores, threshold)


def test_classes_do_not_suppress_each_other_and_the_background_is_no_class():
    probabilities = np.array([[0.1, 0.7, 0.2], [0.1, 0.1, 0.8], [0.9, 0.06, 0.04], [0.98, 0.01, 0.01]])
    boxes, labels, scores = per_class_nms(CHAIN, probabilities, 0.5, 0.05, 0)
    assert scores.tolist() == [0.8, 0.7, 0.06]
    assert labels.tolist() == [1, 0, 0]  # box 2 of class 0 stays: only box 1 overlaps it, which box 0 suppressed
    assert boxes.tolist() == [CHAIN[1].tolist(), CHAIN[0].tolist(), CHAIN[2].tolist()]


def test_limits_of_score_and_number():
    probabilities = np.array([[0.5, 0.5, 0.5], [0.0, 0.0, 0.0], [0.0, 0.2, 0.0], [0.0, 0.3, 0.5]])
    _, labels, scores = per_class_nms(CHAIN, probabilities, 0.5, 0.3, 0)
    assert list(zip(labels, scores, strict=True)) == [(0, 0.5), (1, 0.5), (1, 0.5), (0, 0.3)]
    _, labels, scores = per_class_nms(CHAIN, probabilities, 0.5, 0.0, 2)
    assert list(zip(labels, scores, strict=True)) == [(0, 0.5), (1, 0.5)]


def test_per_class_agrees_with_one_class_at_a_time():
    rng = np.random.default_rng(3)
    low = rng.integers(0, 60, (60, 2))
    boxes = np.concatenate([low, low + rng.integers(5, 40, (60, 2))], axis=1)
    probabilities = rng.integers(0, 20, (60, 5)) / 20
    result = per_class_nms(boxes, probabilities, 0.3, 0.4, 0)
    expected = []
    for label in range(4):
        rows = np.flatnonzero(probabilities[:, label + 1] >= 0.4)
        kept = rows[slow_nms(boxes[rows], probabilities[rows, label + 1], 0.3)]
        expected += [(-probabilities[row, label + 1], label, row) for row in kept]
    expected.sort()
    assert result[2].tolist() == [-score for score, _, _ in expected]
    assert result[1].tolist() == [label for _, label, _ in expected]
    assert result[0].tolist() == [boxes[row].tolist() for _, _, row in expected]


def test_mismatched_probabilities_are_refused():
    with pytest.raises(ValueError, match="4 boxes"):
        per_class_nms(CHAIN, np.zeros((3, 2)), 0.3, 0.0, 0)


def test_boxes_of_each_class_suppress_by_themselves():
    """Class 0 moves box 1 onto box 0, which suppresses it; class 1 leaves all where they are; class 2 moves 0 away."""
    boxes = np.stack([CHAIN] * 3, axis=1).astype(np.float32)
    boxes[1, 0] = CHAIN[0]
    boxes[0, 2] = [80, 80, 89, 89]
    probabilities = np.array([[0, 0.9, 0.6, 0.5], [0, 0.8, 0.1, 0.4], [0, 0.1, 0.1, 0.1], [0, 0.1, 0.1, 0.1]])
    result, labels, scores = per_class_nms(boxes, probabilities, 0.5, 0.2, 0)
    assert scores.tolist() == [0.9, 0.6, 0.5, 0.4] and labels.tolist() == [0, 1, 2, 2]
    assert result.tolist() == [CHAIN[0].tolist(), CHAIN[0].tolist(), [80, 80, 89, 89], CHAIN[1].tolist()]


def test_boxes_of_each_class_that_are_alike_are_those_of_all():
    rng = np.random.default_rng(5)
    low = rng.integers(0, 60, (60, 2))
    boxes = np.concatenate([low, low + rng.integers(5, 40, (60, 2))], axis=1)
    probabilities = rng.integers(0, 20, (60, 5)) / 20
    one = per_class_nms(boxes, probabilities, 0.3, 0.4, 20)
    each = per_class_nms(np.stack([boxes] * 4, axis=1), probabilities, 0.3, 0.4, 20)
    assert all(np.array_equal(a, b) for a, b in zip(one, each, strict=True))
    with pytest.raises(ValueError, match="boxes of 3 classes, but probabilities of 4"):
        per_class_nms(np.stack([boxes] * 3, axis=1), probabilities, 0.3, 0.4, 0)
