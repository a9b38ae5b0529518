"""Proposals: that OpenCV does what the presets say, the same boxes at every call, sizes and limits."""

from typing import get_args

import cv2
import numpy as np
import pytest

from googlenet.config.schema.detection import Search
from googlenet.detection.boxes import iou
from googlenet.detection.selective_search import CUT_SEED, cut, preset_of, propose, propose_each
from googlenet.detection.selective_search import _search as search
from settings import changed

RCNN = Search(preset="rcnn", superpixel_scale=1.0, sigma=0.8, width_px=500, min_box_side_px=20, max_boxes=0)
DISC = (60, 45, 119, 104)  # drawn below: centre (90, 75), radius 30


@pytest.fixture(scope="module")
def image():
    """Coloured shapes on a mottled ground, 240 x 160."""
    rng = np.random.default_rng(5)
    image = cv2.GaussianBlur(rng.integers(60, 180, (160, 240, 3), dtype=np.uint8), (0, 0), 3)
    cv2.circle(image, (90, 75), 30, (220, 40, 40), -1)
    cv2.rectangle(image, (150, 30), (209, 69), (40, 90, 220), -1)
    cv2.rectangle(image, (140, 100), (230, 150), (230, 220, 60), -1)
    return image


@pytest.fixture(scope="module")
def proposals(image):
    return propose(image, RCNN)


def test_shapes_are_found(proposals):
    expected = np.array([DISC, (150, 30, 209, 69), (140, 100, 230, 150)])
    assert (iou(expected, proposals).max(axis=1) > 0.85).all()


def test_boxes_are_sorted_unique_int32_inside(proposals):
    assert proposals.dtype == np.int32
    assert np.array_equal(proposals, np.unique(proposals, axis=0))
    assert (proposals.min(axis=0) >= 0).all()
    assert (proposals[:, 2].max(), proposals[:, 3].max()) == (239, 159)  # the whole image is a proposal
    assert (proposals[:, 2:] >= proposals[:, :2]).all()


@pytest.mark.parametrize("count", [0, 1, 9])
def test_images_are_searched_in_threads_and_come_in_order(image, count):
    """The images differ in size, so that a later one ends before an earlier one."""
    images = [image[: 160 - 15 * i, : 240 - 20 * i] for i in range(count)]
    settings = changed(RCNN, width_px=0)
    alone = list(propose_each(images, settings))
    assert len({boxes.tobytes() for boxes in alone}) == count
    beside = list(propose_each(iter(images), settings, threads=3))
    assert [boxes.tobytes() for boxes in beside] == [boxes.tobytes() for boxes in alone]


def test_an_error_in_a_thread_is_raised(image):
    with pytest.raises(cv2.error):
        list(propose_each([image, image[:, :, 0]], changed(RCNN, width_px=0), threads=2))


@pytest.mark.long
def test_same_boxes_at_every_call_and_with_any_number_of_threads(image, proposals):
    threads = cv2.getNumThreads()
    try:
        for number in (1, 2):
            cv2.setNumThreads(number)
            assert np.array_equal(propose(image, RCNN), proposals)
    finally:
        cv2.setNumThreads(threads)


@pytest.mark.long
def test_another_image_between_does_not_change_the_boxes(image, proposals):
    propose(np.ascontiguousarray(image[:, ::-1]), RCNN)
    assert np.array_equal(propose(image, RCNN), proposals)


@pytest.mark.long
@pytest.mark.parametrize(("preset", "switch"), [("opencv_fast", "Fast"), ("opencv_quality", "Quality")])
def test_presets_of_opencv_give_opencvs_boxes(image, preset, switch):
    opencv = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation()
    opencv.setBaseImage(np.ascontiguousarray(image[:, :, ::-1]))
    # 0.75 is the same number in single precision, in which these functions take sigma.
    getattr(opencv, f"switchToSelectiveSearch{switch}")(150, 150, 0.75)
    ours = search(image, changed(RCNN, preset=preset, sigma=0.75))
    assert np.array_equal(np.unique(opencv.process(), axis=0), np.unique(ours, axis=0))


def test_rcnn_is_the_union_of_its_single_runs(image):
    """Every colour space, k with min size k, and both groupings count, and nothing else does."""
    segmentation = cv2.ximgproc.segmentation
    runs = []
    for code in (cv2.COLOR_RGB2HSV, cv2.COLOR_RGB2Lab):
        for k in (50, 100):
            for names in (("Color", "Fill", "Texture", "Size"), ("Fill", "Texture", "Size")):
                one = segmentation.createSelectiveSearchSegmentation()
                one.addImage(cv2.cvtColor(image, code))
                one.addGraphSegmentation(segmentation.createGraphSegmentation(0.8, k, k))
                parts = [getattr(segmentation, f"createSelectiveSearchSegmentationStrategy{n}")() for n in names]
                one.addStrategy(segmentation.createSelectiveSearchSegmentationStrategyMultiple(*parts))
                runs.append({tuple(box) for box in one.process().tolist()})
    together = set().union(*runs)
    assert {tuple(box) for box in search(image, RCNN).tolist()} == together
    assert all(part < together for part in runs)


def test_doubled_superpixels_about_halve_the_proposals(image, proposals):
    doubled = propose(image, changed(RCNN, superpixel_scale=2.0))
    assert 0.3 < len(doubled) / len(proposals) < 0.7


def test_smallest_side_counts_in_the_resized_image(image):
    plain = propose(image, changed(RCNN, width_px=0, min_box_side_px=30))
    assert (plain[:, 2:] - plain[:, :2] + 1).min() >= 30
    doubled = propose(image, changed(RCNN, width_px=480, min_box_side_px=30))
    assert 15 <= (doubled[:, 2:] - doubled[:, :2] + 1).min() < 30


def test_cut_is_deterministic_nested_and_even():
    boxes = np.arange(4000).reshape(-1, 4)
    some, more = cut(boxes, 100), cut(boxes, 200)
    assert np.array_equal(some, cut(boxes, 100))
    assert {tuple(box) for box in some} < {tuple(box) for box in more}
    assert np.array_equal(some, np.unique(some, axis=0))
    assert 30 < (some[:, 0] < 2000).sum() < 70
    assert np.array_equal(cut(boxes, 0), boxes) and np.array_equal(cut(boxes, 1000), boxes)
    assert some[0, 0] == 4 * np.random.default_rng(CUT_SEED).permutation(1000)[:100].min()


def test_most_boxes_is_kept(image, proposals):
    assert np.array_equal(propose(image, changed(RCNN, max_boxes=10)), cut(proposals, 10))


@pytest.mark.parametrize("shape", [(0, 0, 3), (0, 40, 3), (1, 600, 3), (3000, 8, 3)])
def test_too_small_an_image_has_no_proposal(shape):
    boxes = propose(np.zeros(shape, np.uint8), RCNN)
    assert boxes.shape == (0, 4) and boxes.dtype == np.int32


def test_a_blank_image_is_one_proposal():
    blank = np.full((60, 80, 3), 127, np.uint8)
    assert propose(blank, changed(RCNN, width_px=0)).tolist() == [[0, 0, 79, 59]]


def test_every_preset_that_settings_may_name_is_there():
    names = get_args(Search.model_fields["preset"].annotation)
    presets = [preset_of(changed(RCNN, preset=name)) for name in names]
    assert len(set(presets)) == len(names) == 3
