"""The warp pixel by pixel, the labels rule by rule, the batches by their make-up."""

import cv2
import numpy as np
import pytest

from detection.samples import truth_of
from googlenet.detection.regions import Warp, label_regions, pool_regions, sample_regions, training_regions
from googlenet.errors import UserError

FILL = (10, 20, 30)


def ramp(height=20, width=30):
    """Pixel (x, y) is (8 x, 8 y, 0): even steps, so that halfway values are whole."""
    y, x = np.mgrid[:height, :width]
    return np.stack([8 * x, 8 * y, 0 * x], axis=2).astype(np.uint8)


def test_same_size_is_a_plain_crop():
    image = ramp()
    region = Warp(8, 0, FILL).one(image, (5, 4, 12, 11))
    assert np.array_equal(region, image[4:12, 5:13])


def test_context_lies_around_the_box_at_the_same_scale():
    image = ramp()
    region = Warp(12, 2, FILL).one(image, (5, 4, 12, 11))
    assert np.array_equal(region, image[2:14, 3:15])


def test_shrinking_by_two_takes_the_mean_of_neighbours():
    image = ramp()
    region = Warp(4, 0, FILL).one(image, (4, 2, 11, 9))
    # Output pixel 0 lies between input pixels 4 and 5: 8 * 4.5.
    assert region[0, :, 0].tolist() == [36, 52, 68, 84]
    assert region[:, 0, 1].tolist() == [20, 36, 52, 68]


def test_sides_are_scaled_apart_and_the_context_with_them():
    image = ramp()
    region = Warp(6, 1, FILL).one(image, (8, 6, 15, 9))
    # Inner 4 x 4: two input pixels per output pixel across, one down. Context: columns 6 to 7, and row 5.
    assert region[0, :, 0].tolist() == [8 * x for x in (6.5, 8.5, 10.5, 12.5, 14.5, 16.5)]
    assert region[:, 0, 1].tolist() == [8 * y for y in (5, 6, 7, 8, 9, 10)]


def test_outside_the_image_is_filled():
    image = ramp(10, 10)
    region = Warp(14, 2, FILL).one(image, (0, 0, 9, 9))
    assert np.array_equal(region[2:-2, 2:-2], image)
    for edge in (region[:2], region[-2:], region[:, :2], region[:, -2:]):
        assert (edge == FILL).all()


def test_a_box_wholly_outside_is_all_fill():
    assert (Warp(8, 1, FILL).one(ramp(), (100, 100, 109, 109)) == FILL).all()


def test_many_are_the_single_ones_in_order():
    image, boxes = ramp(), np.array([[0, 0, 9, 9], [3, 2, 20, 19], [7, 7, 7, 7]], np.int32)
    warp = Warp(16, 3, FILL)
    many = warp.many(image, boxes)
    assert many.shape == (3, 16, 16, 3) and many.dtype == np.uint8
    for region, box in zip(many, boxes, strict=True):
        assert np.array_equal(region, warp.one(image, box))
    assert warp.many(image, np.zeros((0, 4))).shape == (0, 16, 16, 3)


@pytest.mark.parametrize("size", [7, 32, 224])
def test_the_bits_are_those_of_opencv_on_three_channels(size):
    """They are sampled with a fourth, for speed; the boxes may reach beyond the image."""
    rng = np.random.default_rng(size)
    image = rng.integers(0, 256, (90, 130, 3), dtype=np.uint8)
    low = rng.integers(-20, 90, (40, 2))
    boxes = np.concatenate([low, low + rng.integers(0, 100, (40, 2))], axis=1).astype(np.float32) + rng.random((40, 4))
    boxes[:, 2:] += 1
    warp, flags = Warp(size, 2, FILL), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    plain = [
        cv2.warpAffine(image, matrix, (size, size), None, flags, cv2.BORDER_CONSTANT, FILL)
        for matrix in warp.matrices(boxes)
    ]
    assert np.array_equal(warp.many(image, boxes), plain)
    assert np.array_equal(warp.each([image] * 40, boxes), plain)


def test_each_box_is_cut_from_its_own_image():
    images, boxes = [ramp(), ramp()[::-1].copy(), ramp()], np.array([[0, 0, 9, 9], [3, 2, 20, 19], [7, 7, 8, 8]])
    warp = Warp(16, 3, FILL)
    alone = [warp.one(image, box) for image, box in zip(images, boxes, strict=True)]
    assert np.array_equal(warp.each(images, boxes), alone) and not np.array_equal(alone[1], warp.one(ramp(), boxes[1]))


@pytest.mark.parametrize(("size", "context"), [(8, 4), (8, 9), (8, -1)])
def test_context_must_leave_room(size, context):
    with pytest.raises(UserError, match="context_px"):
        Warp(size, context, FILL).one(ramp(), (0, 0, 9, 9))


def test_a_box_without_area_is_refused():
    with pytest.raises(UserError, match="no area"):
        Warp(8, 1, FILL).one(ramp(), (5, 5, 4, 9))


def test_labels_follow_the_largest_overlap():
    objects = np.array([[0, 0, 9, 9], [4, 0, 13, 9]])
    proposals = np.array([[0, 0, 9, 9], [3, 0, 12, 9], [2, 0, 11, 9], [0, 0, 4, 9], [0, 0, 3, 9], [40, 40, 49, 49]])
    labels = label_regions(proposals, truth_of(objects, [7, 2]), 0.5)
    # [2, 0, 11, 9] overlaps both by 80 / 120: the first object. Half of the first object is 0.5, and enough.
    assert labels.tolist() == [8, 3, 8, 8, 0, 0]


def test_the_threshold_is_a_setting():
    proposals, truth = np.array([[0, 0, 3, 9]]), truth_of([[0, 0, 9, 9]])  # 0.4
    assert label_regions(proposals, truth, 0.4).tolist() == [1]
    assert label_regions(proposals, truth, 0.41).tolist() == [0]


def test_regions_on_difficult_objects_are_ignored():
    objects = np.array([[0, 0, 9, 9], [1, 0, 10, 9], [50, 0, 59, 9]])
    proposals = np.array([[1, 0, 10, 9], [50, 0, 59, 9], [56, 0, 65, 9]])
    labels = label_regions(proposals, truth_of(objects, [4, 5, 6], [False, True, True]), 0.5)
    # The first fits the difficult object better, but the other one decides; the last overlaps too little.
    assert labels.tolist() == [5, -1, 0]


def test_without_objects_all_is_background():
    assert label_regions(np.array([[0, 0, 9, 9]]), truth_of(), 0.5).tolist() == [0]
    assert label_regions(np.zeros((0, 4)), truth_of([[0, 0, 9, 9]], 1), 0.5).shape == (0,)


LABELS = [np.array([0, 3, -1, 0]), np.array([], np.int64), np.array([1, 0, 0, 2, 0])]


def test_pools_hold_image_and_region():
    pools = pool_regions(LABELS)
    assert pools.positive[:].tolist() == [[0, 1], [2, 0], [2, 3]]
    assert pools.background[:].tolist() == [[0, 0], [0, 3], [2, 1], [2, 2], [2, 4]]


def test_a_batch_is_positives_then_background_each_once():
    batch = sample_regions(np.random.default_rng(0), pool_regions(LABELS), 3, 4)
    kinds = [LABELS[image][region] for image, region in batch]
    assert all(kind > 0 for kind in kinds[:3]) and kinds[3:] == [0] * 4
    assert len({tuple(row) for row in batch.tolist()}) == 7


def test_few_positives_are_repeated():
    batch = sample_regions(np.random.default_rng(0), pool_regions(LABELS), 30, 0)
    assert {tuple(row) for row in batch.tolist()} == {(0, 1), (2, 0), (2, 3)} and len(batch) == 30


def test_draws_are_uniform_over_regions_and_follow_the_generator():
    pools = pool_regions(LABELS)
    rng = np.random.default_rng(1)
    drawn = np.concatenate([sample_regions(rng, pools, 1, 1) for _ in range(3000)])
    _, counts = np.unique(drawn[::2], axis=0, return_counts=True)
    assert len(counts) == 3 and (abs(counts - 1000) < 100).all()
    _, counts = np.unique(drawn[1::2], axis=0, return_counts=True)
    assert len(counts) == 5 and (abs(counts - 600) < 90).all()
    again = sample_regions(np.random.default_rng(1), pools, 1, 1)
    assert np.array_equal(again, drawn[:2])


def test_no_positive_region_is_an_error():
    pools = pool_regions([np.zeros(5, np.int64)])
    with pytest.raises(UserError, match="no positive region"):
        sample_regions(np.random.default_rng(0), pools, 1, 1)
    with pytest.raises(UserError, match="no background region"):
        sample_regions(np.random.default_rng(0), pool_regions([np.array([1])]), 1, 1)
    assert len(sample_regions(np.random.default_rng(0), pools, 0, 3)) == 3


def test_every_image_has_its_proposals_and_its_objects():
    truth = truth_of([[0, 0, 9, 9]])
    two = [np.array([[0, 0, 9, 9], [50, 50, 59, 59]], np.int32)] * 2
    boxes, labels = training_regions(two, [truth, truth], 0.5)
    assert [len(of_image) for of_image in boxes] == list(boxes.counts) == [3, 3] and len(boxes) == 2
    assert [of_image.tolist() for of_image in labels] == [[1, 0, 1]] * 2
    for some in (two[:1], [*two, *two]):
        with pytest.raises(ValueError, match="images for objects of 2"):
            training_regions(some, [truth, truth], 0.5)
