"""MultiBox's boxes and selective search's as one set: by hand, packed and read again."""

import numpy as np

from googlenet.detection import proposals as packed
from googlenet.detection.merge import measure, merge, read_merged, sources
from googlenet.metrics.proposals import MergeMetrics

FOUND = np.array([[50, 50, 59, 59], [0, 0, 9, 9]], np.int32)
SURE = np.array([0.9, 0.4], np.float32)
NONE = np.zeros((0, 4), np.int32)
# The first overlaps MultiBox's second by 0.9; the third the second by 90 / 99.
SEARCHED = np.array([[0, 0, 9, 8], [20, 20, 29, 29], [20, 20, 30, 29], [70, 70, 71, 71]], np.int32)


def test_near_duplicates_go_and_multibox_stays():
    result = merge(FOUND, SURE, SEARCHED, 0.89)
    assert result.boxes.tolist() == [*FOUND.tolist(), SEARCHED[1].tolist(), SEARCHED[3].tolist()]
    assert result.confidence.tolist() == [*SURE.tolist(), 0, 0] and result.multibox == 2
    at = merge(FOUND, SURE, SEARCHED, 0.9)  # at the limit both stay, above it one goes
    assert at.boxes[2].tolist() == SEARCHED[0].tolist() and len(at.boxes) == 5
    assert len(merge(FOUND, SURE, SEARCHED, 1.0).boxes) == 6


def test_either_may_be_empty():
    assert np.array_equal(merge(NONE, np.zeros(0), SEARCHED, 1.0).boxes, SEARCHED)
    alone = merge(FOUND, SURE, NONE, 0.9)
    assert np.array_equal(alone.boxes, FOUND) and alone.multibox == 2 and alone.boxes.dtype == np.int32
    assert merge(NONE, np.zeros(0), NONE, 0.9).boxes.shape == (0, 4)


def test_boxes_are_counted_by_where_they_come_from():
    merged = {"train": [merge(FOUND, SURE, SEARCHED, 0.89), merge(FOUND, SURE, NONE, 0.9)], "test": []}
    assert measure(merged, {"train": [SEARCHED, NONE], "test": []}, 5) == MergeMetrics(
        multibox=5, selective_search=4, boxes=6, images=2, boxes_per_image=3.0
    )
    assert measure({"test": []}, {"test": []}, 0).boxes_per_image == 0


def test_parts_of_merged_proposals_are_read_in_the_splits_order():
    images = [
        merge(FOUND, SURE, SEARCHED, 0.9),
        merge(NONE, np.zeros(0), SEARCHED, 1.0),
        merge(FOUND[:1], SURE[:1], SEARCHED[:1], 1.0),
    ]
    parts = []
    for part in range(2):
        of_part = {"test": images[part::2], "train": []}
        boxes = {name: [one.boxes for one in split] for name, split in of_part.items()}
        parts.append(packed.pack(boxes) | sources(of_part))
    for one, expected in zip(read_merged(parts, "test", range(3)), images, strict=True):
        assert np.array_equal(one.boxes, expected.boxes) and one.multibox == expected.multibox
        assert np.array_equal(one.confidence, expected.confidence)
    assert [len(one.boxes) for one in read_merged(parts, "test", [2])] == [len(images[2].boxes)]
    assert read_merged(parts, "train", []) == []
