"""Coverage of hand-placed objects."""

import numpy as np
import pytest

from detection.samples import truth_of
from googlenet.detection.coverage import NEVER, coverage, coverage_by_count, first_cover
from googlenet.errors import UserError
from googlenet.metrics.proposals import ClassCoverage

TRUTH = [truth_of([[0, 0, 9, 9], [40, 40, 49, 49]], [0, 2]), truth_of([[0, 0, 99, 99]], 2), truth_of()]
OBJECTS = TRUTH[0].boxes
# Image 0: the second proposal is half of the first object (0.5), none is near the second.
# Image 1: 0.36, then 0.81.
PROPOSALS = [
    np.array([[20, 20, 29, 29], [0, 0, 4, 9], [0, 0, 9, 9]]),
    np.array([[0, 0, 59, 59], [0, 0, 89, 89]]),
    np.array([[0, 0, 5, 5]]),
]


def test_first_cover_is_the_first_at_or_over_the_threshold():
    assert first_cover(PROPOSALS[0], OBJECTS).tolist() == [1, NEVER]
    assert first_cover(PROPOSALS[0], OBJECTS, iou_threshold=0.51).tolist() == [2, NEVER]
    assert first_cover(np.zeros((0, 4)), OBJECTS).tolist() == [NEVER, NEVER]


def test_percent_overall_and_per_class():
    result = coverage(PROPOSALS, TRUTH, ["a", "b", "c"])
    assert result.boxes_per_image == 2.0
    assert result.objects == 3
    assert result.coverage_percent == pytest.approx(200 / 3)
    assert result.per_class == (
        ClassCoverage(class_name="a", objects=1, coverage_percent=100.0),
        ClassCoverage(class_name="b", objects=0, coverage_percent=None),
        ClassCoverage(class_name="c", objects=2, coverage_percent=50.0),
    )


def test_more_proposals_cover_more():
    rows = coverage_by_count(PROPOSALS, TRUTH, [0, 1, 2, 100])
    assert [row.boxes for row in rows] == [0, 1, 2, 100]
    assert [row.coverage_percent for row in rows] == pytest.approx([0, 0, 200 / 3, 200 / 3])


def test_no_object_is_an_error():
    with pytest.raises(UserError, match="no object"):
        coverage(PROPOSALS[2:], TRUTH[2:], ["a"])
