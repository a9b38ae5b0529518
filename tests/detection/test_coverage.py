"""Coverage of hand-placed objects."""

import numpy as np
import pytest

from googlenet.detection.coverage import NEVER, coverage, coverage_by_count, first_cover
from googlenet.errors import UserError
from googlenet.metrics.proposals import ClassCoverage

OBJECTS = [np.array([[0, 0, 9, 9], [40, 40, 49, 49]]), np.array([[0, 0, 99, 99]]), np.zeros((0, 4))]
LABELS = [np.array([0, 2]), np.array([2]), np.zeros(0, np.int64)]
# Image 0: the second proposal is half of the first object (0.5), none is near the second.
# Image 1: 0.36, then 0.81.
PROPOSALS = [
    np.array([[20, 20, 29, 29], [0, 0, 4, 9], [0, 0, 9, 9]]),
    np.array([[0, 0, 59, 59], [0, 0, 89, 89]]),
    np.array([[0, 0, 5, 5]]),
]


def test_first_cover_is_the_first_at_or_over_the_threshold():
    assert first_cover(PROPOSALS[0], OBJECTS[0]).tolist() == [1, NEVER]
    assert first_cover(PROPOSALS[0], OBJECTS[0], iou_threshold=0.51).tolist() == [2, NEVER]
    assert first_cover(np.zeros((0, 4)), OBJECTS[0]).tolist() == [NEVER, NEVER]


def test_small_objects_need_less():
    quarter = np.array([[0, 0, 4, 4]])  # 0.25 of a 10 x 10 object, whose threshold is 0.25
    assert first_cover(quarter, OBJECTS[0][:1]).tolist() == [NEVER]
    assert first_cover(quarter, OBJECTS[0][:1], small=True).tolist() == [0]
    assert first_cover(quarter, np.array([[0, 0, 10, 9]]), small=True).tolist() == [NEVER]


def test_percent_overall_and_per_class():
    found = coverage(PROPOSALS, OBJECTS, LABELS, ["a", "b", "c"])
    assert found.boxes_per_image == 2.0
    assert found.objects == 3
    assert found.coverage_percent == pytest.approx(200 / 3)
    assert found.per_class == (
        ClassCoverage(class_name="a", objects=1, coverage_percent=100.0),
        ClassCoverage(class_name="b", objects=0, coverage_percent=None),
        ClassCoverage(class_name="c", objects=2, coverage_percent=50.0),
    )


def test_more_proposals_cover_more():
    rows = coverage_by_count(PROPOSALS, OBJECTS, [0, 1, 2, 100])
    assert [row.boxes for row in rows] == [0, 1, 2, 100]
    assert [row.coverage_percent for row in rows] == pytest.approx([0, 0, 200 / 3, 200 / 3])


def test_shuffled_ends_at_the_same_and_repeats():
    first = coverage_by_count(PROPOSALS, OBJECTS, [1, 3], rng=np.random.default_rng(0))
    assert first == coverage_by_count(PROPOSALS, OBJECTS, [1, 3], rng=np.random.default_rng(0))
    assert first[1].coverage_percent == pytest.approx(200 / 3)
    ones = [
        coverage_by_count(PROPOSALS, OBJECTS, [1], rng=np.random.default_rng(seed))[0].coverage_percent
        for seed in range(20)
    ]
    assert len(set(ones)) > 1


def test_no_object_is_told():
    with pytest.raises(UserError, match="no object"):
        coverage(PROPOSALS[2:], OBJECTS[2:], LABELS[2:], ["a"])
