"""Box arithmetic with both ends inclusive, against cases worked by hand."""

import numpy as np
import pytest

from googlenet.detection.boxes import area, clip, iou, object_threshold, paired_iou


def test_one_pixel_has_area_one():
    assert area(np.array([[3, 4, 3, 4], [0, 0, 9, 4]])).tolist() == [1.0, 50.0]


def test_iou_worked_by_hand():
    a = np.array([[0, 0, 9, 9]])
    b = np.array([[0, 0, 9, 9], [5, 0, 14, 9], [9, 9, 18, 18], [10, 0, 19, 9], [2, 2, 3, 3]])
    # 10 x 10 each: the half is 50 / 150, the shared corner 1 / 199, neighbours share nothing.
    assert iou(a, b).tolist() == [[1.0, 50 / 150, 1 / 199, 0.0, 4 / 100]]
    assert iou(a, b).dtype == np.float64


def test_iou_of_nothing_has_the_right_shape():
    assert iou(np.zeros((0, 4)), np.zeros((3, 4))).shape == (0, 3)
    assert iou(np.zeros((2, 4)), np.zeros((0, 4))).shape == (2, 0)


def test_iou_agrees_with_counting_pixels():
    rng = np.random.default_rng(1)
    low = rng.integers(0, 12, (30, 2))
    boxes = np.concatenate([low, low + rng.integers(0, 12, (30, 2))], axis=1).astype(np.int32)
    masks = np.zeros((30, 24, 24), bool)
    for mask, (x0, y0, x1, y1) in zip(masks, boxes, strict=True):
        mask[y0 : y1 + 1, x0 : x1 + 1] = True
    shared = (masks[:, None] & masks[None]).sum((2, 3))
    union = (masks[:, None] | masks[None]).sum((2, 3))
    assert np.array_equal(iou(boxes, boxes), shared / union)
    assert np.array_equal(paired_iou(boxes, boxes[::-1]), np.diag((shared / union)[:, ::-1]))


def test_clip_keeps_the_type_and_the_last_pixel():
    boxes = np.array([[-3, -1, 5, 6], [8, 2, 30, 40]], np.int32)
    clipped = clip(boxes, width_px=10, height_px=20)
    assert clipped.tolist() == [[0, 0, 5, 6], [8, 2, 9, 19]]
    assert clipped.dtype == np.int32


@pytest.mark.parametrize(
    ("width", "height", "threshold"),
    [(10, 10, 0.25), (10, 20, 200 / 600), (25, 25, 0.5), (24, 24, 576 / 1156), (100, 100, 0.5), (1, 1, 1 / 121)],
)
def test_threshold_of_small_objects(width, height, threshold):
    assert object_threshold(np.array([[7, 3, 7 + width - 1, 3 + height - 1]]))[0] == threshold
