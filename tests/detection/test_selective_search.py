"""Proposals: that OpenCV does what the presets say, the same boxes at every call, sizes and cuts."""

import cv2
import numpy as np
import pytest

from googlenet.detection.boxes import iou
from googlenet.detection.selective_search import CUT_SEED, PRESETS, check, cut, propose
from googlenet.detection.selective_search import _search as search
from googlenet.errors import UserError

DISC = (60, 45, 119, 104)  # drawn below: centre (90, 75), radius 30


@pytest.fixture(scope="module")
def picture():
    """Coloured shapes on a mottled ground, 240 x 160."""
    rng = np.random.default_rng(5)
    image = cv2.GaussianBlur(rng.integers(60, 180, (160, 240, 3), dtype=np.uint8), (0, 0), 3)
    cv2.circle(image, (90, 75), 30, (220, 40, 40), -1)
    cv2.rectangle(image, (150, 30), (209, 69), (40, 90, 220), -1)
    cv2.rectangle(image, (140, 100), (230, 150), (230, 220, 60), -1)
    return image


@pytest.fixture(scope="module")
def proposals(picture):
    return propose(picture, {})


def test_shapes_are_found(proposals):
    wanted = np.array([DISC, (150, 30, 209, 69), (140, 100, 230, 150)])
    assert (iou(wanted, proposals).max(axis=1) > 0.85).all()


def test_boxes_are_sorted_unique_int32_inside(proposals):
    assert proposals.dtype == np.int32
    assert np.array_equal(proposals, np.unique(proposals, axis=0))
    assert (proposals.min(axis=0) >= 0).all()
    assert (proposals[:, 2].max(), proposals[:, 3].max()) == (239, 159)  # the whole picture is a proposal
    assert (proposals[:, 2:] >= proposals[:, :2]).all()


def test_same_boxes_at_every_call_and_with_any_number_of_threads(picture, proposals):
    threads = cv2.getNumThreads()
    try:
        for number in (1, 2):
            cv2.setNumThreads(number)
            assert np.array_equal(propose(picture, {}), proposals)
    finally:
        cv2.setNumThreads(threads)


def test_another_image_between_does_not_change_the_boxes(picture, proposals):
    propose(np.ascontiguousarray(picture[:, ::-1]), {})
    assert np.array_equal(propose(picture, {}), proposals)


@pytest.mark.parametrize(("preset", "switch"), [("opencv_fast", "Fast"), ("opencv_quality", "Quality")])
def test_presets_of_opencv_give_opencvs_boxes(picture, preset, switch):
    own = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation()
    own.setBaseImage(np.ascontiguousarray(picture[:, :, ::-1]))
    # 0.75 is the same number in single precision, in which these functions take sigma.
    getattr(own, f"switchToSelectiveSearch{switch}")(150, 150, 0.75)
    ours = search(picture, check({"preset": preset, "sigma": 0.75}))
    assert np.array_equal(np.unique(own.process(), axis=0), np.unique(ours, axis=0))


def test_rcnn_is_the_union_of_its_single_runs(picture):
    """Every colour space, k with min size k, and both groupings count, and nothing else does."""
    segmentation = cv2.ximgproc.segmentation
    found = []
    for code in (cv2.COLOR_RGB2HSV, cv2.COLOR_RGB2Lab):
        for k in (50, 100):
            for names in (("Color", "Fill", "Texture", "Size"), ("Fill", "Texture", "Size")):
                one = segmentation.createSelectiveSearchSegmentation()
                one.addImage(cv2.cvtColor(picture, code))
                one.addGraphSegmentation(segmentation.createGraphSegmentation(0.8, k, k))
                parts = [
                    getattr(segmentation, f"createSelectiveSearchSegmentationStrategy{n}")() for n in names
                ]
                one.addStrategy(segmentation.createSelectiveSearchSegmentationStrategyMultiple(*parts))
                found.append({tuple(box) for box in one.process().tolist()})
    together = set().union(*found)
    assert {tuple(box) for box in search(picture, check({})).tolist()} == together
    assert all(part < together for part in found)


def test_doubled_superpixels_about_halve_the_proposals(picture, proposals):
    doubled = propose(picture, {"superpixel_scale": 2.0})
    assert 0.3 < len(doubled) / len(proposals) < 0.7


def test_smallest_side_counts_in_the_resized_image(picture):
    plain = propose(picture, {"width_px": 0, "min_box_side_px": 30})
    assert (plain[:, 2:] - plain[:, :2] + 1).min() >= 30
    doubled = propose(picture, {"width_px": 480, "min_box_side_px": 30})
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


def test_most_boxes_is_kept(picture, proposals):
    assert np.array_equal(propose(picture, {"max_boxes": 10}), cut(proposals, 10))


@pytest.mark.parametrize("shape", [(0, 0, 3), (0, 40, 3), (1, 600, 3), (3000, 8, 3)])
def test_too_small_an_image_has_no_proposal(shape):
    boxes = propose(np.zeros(shape, np.uint8), {})
    assert boxes.shape == (0, 4) and boxes.dtype == np.int32


def test_a_blank_image_is_one_proposal():
    assert propose(np.full((60, 80, 3), 127, np.uint8), {"width_px": 0}).tolist() == [[0, 0, 79, 59]]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"preset": "rcn"}, "did you mean 'rcnn'"),
        ({"superpixel_sale": 2}, "did you mean 'superpixel_scale'"),
        ({"superpixel_scale": 0}, "superpixel_scale"),
        ({"sigma": -1.0}, "sigma"),
        ({"max_boxes": -1}, "max_boxes"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(UserError, match=message):
        propose(np.zeros((40, 40, 3), np.uint8), settings)


def test_settings_are_filled_in():
    assert check({"sigma": 0.5})["sigma"] == 0.5
    assert check({})["preset"] in PRESETS
