"""MultiBox's boxes and selective search's as one set: by hand, packed and read again."""

import numpy as np

from googlenet.detection import proposals as packed
from googlenet.detection.merge import Unmerged, merge, sources

FOUND = np.array([[50, 50, 59, 59], [0, 0, 9, 9]], np.int32)
SURE = np.array([0.9, 0.4], np.float32)
NONE = np.zeros((0, 4), np.int32)
# The first overlaps MultiBox's second by 0.9; the third the second by 90 / 99.
SEARCHED = np.array([[0, 0, 9, 8], [20, 20, 29, 29], [20, 20, 30, 29], [70, 70, 71, 71]], np.int32)


def test_near_duplicates_go_and_multibox_stays():
    found = merge(FOUND, SURE, SEARCHED, 0.89)
    assert found.boxes.tolist() == [*FOUND.tolist(), SEARCHED[1].tolist(), SEARCHED[3].tolist()]
    assert found.confidence.tolist() == [*SURE.tolist(), 0, 0] and found.multibox == 2
    at = merge(FOUND, SURE, SEARCHED, 0.9)  # at the limit both stay, above it one goes
    assert at.boxes[2].tolist() == SEARCHED[0].tolist() and len(at.boxes) == 5
    assert len(merge(FOUND, SURE, SEARCHED, 1.0).boxes) == 6


def test_either_may_be_empty():
    assert np.array_equal(merge(NONE, np.zeros(0), SEARCHED, 1.0).boxes, SEARCHED)
    alone = merge(FOUND, SURE, NONE, 0.9)
    assert np.array_equal(alone.boxes, FOUND) and alone.multibox == 2 and alone.boxes.dtype == np.int32
    assert merge(NONE, np.zeros(0), NONE, 0.9).boxes.shape == (0, 4)


def test_parts_of_merged_proposals_are_read_in_the_splits_order():
    pictures = [
        merge(FOUND, SURE, SEARCHED, 0.9),
        merge(NONE, np.zeros(0), SEARCHED, 1.0),
        merge(FOUND[:1], SURE[:1], SEARCHED[:1], 1.0),
    ]
    parts = []
    for part in range(2):
        mine = {"test": pictures[part::2], "train": []}
        parts.append(
            packed.pack({name: [one.boxes for one in p] for name, p in mine.items()}) | sources(mine)
        )
    for mine, wanted in zip(Unmerged(parts, "test"), pictures, strict=True):
        assert np.array_equal(mine.boxes, wanted.boxes) and mine.multibox == wanted.multibox
        assert np.array_equal(mine.confidence, wanted.confidence)
    assert list(Unmerged(parts, "train")) == []
