"""Box regression: the ridge by hand, which regions it learns from, and what moves."""

import numpy as np
import pytest

from detection.samples import sample_of
from googlenet.config.schema.detection import BboxRegression
from googlenet.detection.bbox_regression import BIAS, WEIGHTS, fit, moved, of_mirrored, offsets_of, ridge
from googlenet.detection.box_offsets import encode
from googlenet.metrics.detection import RegressionErrors

SETTINGS = BboxRegression(iou=0.6, lambdas=(1e-6,), grid=2)


def test_ridge_by_hand():
    """x 0, 1, 2 and y 1, 3, 5: centred x'x is 2, x'y 4. Strength 2 halves the slope; the mean stays (1, 3)."""
    x, y = np.array([[0.0], [1.0], [2.0]]), np.array([[1.0], [3.0], [5.0]])
    for strength, slope in ((0.0, 2.0), (2.0, 1.0)):
        weights, intercept = ridge(x, y, strength)
        assert weights == pytest.approx(np.array([[slope]])) and intercept == pytest.approx([3 - slope])


def test_ridge_is_the_same_with_either_matrix():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(6, 9)), rng.normal(size=(6, 4))
    weights, intercept = ridge(x, y, 0.7)
    assert weights.shape == (4, 9) and intercept.shape == (4,)
    centred = x - x.mean(0)
    normal = np.linalg.solve(centred.T @ centred + 0.7 * np.eye(9), centred.T @ (y - y.mean(0)))
    assert weights == pytest.approx(normal.T)
    assert x.mean(0) @ weights.T + intercept == pytest.approx(y.mean(0))


def boxes_beside(count, shift, seed=0):
    """Boxes of 20 x 20, and an object beside each: off to the right by `shift` of each box's pixels."""
    low = np.random.default_rng(seed).integers(0, 50, (count, 2))
    box = np.concatenate([low, low + 19], axis=1).astype(np.float32)
    return box, box + np.array([1, 0, 1, 0], np.float32) * np.asarray(shift, np.float32)[:, None]


def test_a_shift_that_the_map_shows_is_learnt_per_class():
    """Class 0 lies to the right by the first cell's value, class 1 to the left; class 2 has no region."""
    shift = np.tile([0, 1, 2, 3], 10)
    label = np.repeat([1, 2], 20)
    box, target = boxes_beside(40, np.where(label == 1, shift, -shift))
    sample = sample_of(image=np.arange(40), box=box, label=label, target=target)
    maps = np.stack([shift, np.ones(40)], axis=1).astype(np.float32)
    arrays, errors = fit(maps, sample, 3, SETTINGS)
    result = offsets_of(maps, arrays)
    assert result.shape == (40, 3, 4)
    assert result[:, 0, 0] == pytest.approx(shift / 20, abs=1e-5)
    assert result[:, 1, 0] == pytest.approx(-shift / 20, abs=1e-5)
    assert not arrays[WEIGHTS][2].any() and not arrays[BIAS][2].any() and not result[:, 2].any()
    assert errors.fitted.regions == 40
    left = errors.fitted.squared_error
    assert (left.before, left.after) == pytest.approx((np.mean((shift / 20) ** 2) / 4, 0), abs=1e-6)
    assert errors.fitted.iou.before < 0.95 and errors.fitted.iou.after == pytest.approx(1, abs=1e-4)
    assert errors.held_out == RegressionErrors(regions=0, squared_error=None, iou=None)


def test_the_lambda_is_chosen_on_held_out_images():
    """Where the maps predict the shift on all images, the weakest ridge is best; where not on those held out, the strongest."""
    shift = np.tile([0, 1, 2, 3], 10)
    maps = np.stack([shift, np.ones(40)], axis=1).astype(np.float32)
    is_held_out, label = np.arange(40) >= 20, np.ones(40, int)
    settings = BboxRegression(iou=0.6, lambdas=(1e9, 1e3, 1e-6), grid=2)
    for beyond, chosen in ((shift, 1e-6), (3 - shift, 1e9)):
        box, target = boxes_beside(40, np.where(is_held_out, beyond, shift))
        sample = sample_of(np.arange(40), label, box, target)
        assert fit(maps, sample._replace(held_out=is_held_out), 1, settings)[1].ridge == chosen
    assert fit(maps, sample, 1, settings)[1].ridge == 1e9  # none is held out: the first


def test_objects_far_proposals_and_held_out_images_are_left_out_of_the_fit():
    """The targets of six regions are 2 pixels off; those of one region of each kind that does not count, 100."""
    box, target = boxes_beside(10, np.array([2] * 6 + [100] * 4))
    label = np.array([1] * 9 + [0])
    sample = sample_of(image=np.arange(10), box=box, label=label, target=target)
    sample = sample._replace(
        overlap=np.array([0.9] * 6 + [0.59, 0.9, 0.9, 0.9]), of_object=np.arange(10) == 7, held_out=np.arange(10) == 8
    )
    arrays, errors = fit(np.ones((10, 1), np.float32), sample, 1, SETTINGS)
    assert arrays[BIAS][0] == pytest.approx([0.1, 0, 0, 0], abs=1e-6)
    assert (errors.fitted.regions, errors.held_out.regions) == (6, 1)
    left = errors.held_out.squared_error
    assert (left.before, left.after) == pytest.approx((25 / 4, 4.9**2 / 4))


def test_boxes_move_per_class_and_stay_in_the_image():
    box = np.array([[0, 0, 19, 9], [30, 10, 49, 29]], np.float32)
    offsets = np.zeros((2, 2, 4), np.float32)
    offsets[0, 0] = [0.5, 0, 0, 0]  # half its width to the right
    offsets[1, 1] = [0, 0, np.log(2), 0]  # twice as wide: 20..59, but the image ends at 49
    result = moved(box, offsets, 50, 30)
    assert result.dtype == np.float32
    assert result[0] == pytest.approx(np.array([[10, 0, 29, 9], box[0]]), abs=1e-5)
    assert result[1] == pytest.approx(np.array([box[1], [20, 10, 49, 29]]), abs=1e-5)


def test_offsets_of_a_mirrored_region_are_converted_back():
    box, target = np.array([[10, 10, 29, 19]]), np.array([[14, 8, 37, 19]])
    width = 100

    def mirrored(b):
        return np.array([[width - 1 - b[0, 2], b[0, 1], width - 1 - b[0, 0], b[0, 3]]])

    assert of_mirrored(encode(mirrored(box), mirrored(target))) == pytest.approx(encode(box, target))
