"""Every way to draw a training crop: inside the image, within its ranges, by its generator alone."""

import cv2
import numpy as np
import pytest

from classification.tiny import AREA, SCALE, crop_of, images
from googlenet.classification import sampling as module
from googlenet.classification.sampling import (
    DISTORTIONS,
    INTERPOLATION,
    area_box,
    brightness,
    colour,
    contrast,
    distort,
    lighting,
    scale_box,
)
from settings import changed

WHOLE = changed(AREA, area=(1.0, 1.0), aspect=(1.0, 1.0))


def rng(seed=0):
    return np.random.Generator(np.random.Philox(seed))


@pytest.mark.parametrize("box", [area_box, scale_box])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 40), (300, 200), (200, 300), (97, 97), (1000, 20)])
def test_boxes_stay_inside(box, width, height):
    generator = rng()
    for _ in range(300):
        left, top, w, h = box(width, height, AREA if box is area_box else SCALE, generator)
        assert w >= 1 and h >= 1 and left >= 0 and top >= 0
        assert left + w <= width and top + h <= height


def test_area_and_aspect_hold_and_fill_their_ranges():
    generator = rng()
    boxes = np.array([area_box(1000, 800, AREA, generator) for _ in range(2000)])
    w, h = boxes[:, 2], boxes[:, 3]
    share, aspect = w * h / 800_000, w / h
    assert share.min() > 0.079 and share.max() < 1.001
    assert aspect.min() > 0.745 and aspect.max() < 1.34
    assert share.min() < 0.09 and share.max() > 0.9 and aspect.min() < 0.77 and aspect.max() > 1.31
    # Anywhere: a small crop may touch either side.
    small = boxes[share < 0.2]
    assert small[:, 0].min() < 50 and (small[:, 0] + small[:, 2]).max() > 950


def test_the_logarithm_of_the_aspect_is_uniform():
    """A crop is as often wider than high by a factor as higher than wide by it."""
    wide, generator = changed(AREA, area=(0.01, 0.01), aspect=(0.25, 4.0)), rng()
    sides = np.array([area_box(1000, 1000, wide, generator)[2:] for _ in range(2000)], float)
    assert abs(np.mean(sides[:, 0] > sides[:, 1]) - 0.5) < 0.05


def test_what_never_fits_is_the_largest_centred_square():
    assert area_box(100, 10, WHOLE, rng()) == (45, 0, 10, 10)
    assert area_box(10, 101, WHOLE, rng()) == (0, 45, 10, 10)


def test_one_scale_is_one_side():
    generator = rng()
    boxes = np.array([scale_box(300, 256, changed(SCALE, scales=(256, 256)), generator) for _ in range(500)])
    assert set(boxes[:, 2]) == set(boxes[:, 3]) == {224}
    assert set(boxes[:, 0]) == set(range(77)) and set(boxes[:, 1]) == set(range(33))


def test_scale_jitter_spans_its_range():
    generator = rng()
    sides = [scale_box(300, 256, SCALE, generator)[2] for _ in range(1000)]
    assert (min(sides), max(sides)) == (163, 224)  # 256 * 224 / 352 = 162.9


@pytest.mark.parametrize("sampling", [AREA, SCALE, changed(AREA, interpolation="random", photometric=0.5)])
def test_a_crop_depends_on_the_generator_alone(sampling):
    (image,) = images([(60, 45)])
    crops = [crop_of(image, sampling, True, 32, rng(seed)) for seed in (1, 1, 2)]
    assert crops[0].shape == (32, 32, 3) and crops[0].dtype == np.uint8 and crops[0].flags["C_CONTIGUOUS"]
    assert np.array_equal(crops[0], crops[1]) and not np.array_equal(crops[0], crops[2])


def test_every_second_crop_is_mirrored_where_asked():
    (image,) = images([(32, 32)])
    generator = rng()
    crops = [crop_of(image, WHOLE, True, 32, generator) for _ in range(400)]
    plain = sum(np.array_equal(crop, image) for crop in crops)
    assert plain + sum(np.array_equal(crop, image[:, ::-1]) for crop in crops) == 400
    assert 150 < plain < 250
    assert all(np.array_equal(crop_of(image, WHOLE, False, 32, generator), image) for _ in range(50))


def test_interpolations_are_opencvs_and_random_uses_all_four():
    (image,) = images([(45, 45)])
    wanted = {name: cv2.resize(image, (32, 32), interpolation=code) for name, code in INTERPOLATION.items()}
    for name, expected in wanted.items():
        assert np.array_equal(crop_of(image, changed(WHOLE, interpolation=name), False, 32, rng()), expected)
    generator, seen = rng(), dict.fromkeys(wanted, 0)
    for _ in range(200):
        crop = crop_of(image, changed(WHOLE, interpolation="random"), False, 32, generator)
        (name,) = [name for name, expected in wanted.items() if np.array_equal(crop, expected)]
        seen[name] += 1
    assert min(seen.values()) > 25


def test_photometric_is_a_probability():
    (image,) = images([(32, 32)])
    generator = rng()
    sometimes = changed(WHOLE, photometric=0.3)
    distorted = [not np.array_equal(crop_of(image, sometimes, False, 32, generator), image) for _ in range(300)]
    assert 60 < sum(distorted) < 120
    assert not np.array_equal(crop_of(image, changed(WHOLE, photometric=1.0), False, 32, generator), image)


def test_brightness_moves_grey_by_half_at_most():
    # On even grey, contrast and colour do nothing; the lighting noise adds a few units.
    grey, generator = np.full((8, 8, 3), 100, np.uint8), rng()
    means = np.array([distort(grey, generator).mean() for _ in range(500)])
    assert 30 < means.min() < 60 and 140 < means.max() < 170
    black = [int(distort(np.zeros((4, 4, 3), np.uint8), generator).max()) for _ in range(50)]
    assert max(black) < 30


def test_contrast_and_colour_change_the_spread():
    (image,) = images([(32, 32)])
    generator = rng()
    spreads = np.array([distort(image // 2 + 64, generator).std() for _ in range(100)])
    assert spreads.min() < 0.8 * (image // 2).std() and spreads.max() > 1.2 * (image // 2).std()


PIXELS = np.array([[[100, 0, 0], [0, 100, 200]]], np.float32)  # luminances 29.9 and 58.7 + 22.8 = 81.5; mean 55.7


@pytest.mark.parametrize(
    ("distortion", "factor", "expected"),
    [
        (brightness, 0.5, [[[50, 0, 0], [0, 50, 100]]]),
        (brightness, 1.5, [[[150, 0, 0], [0, 150, 300]]]),
        (contrast, 0.5, [[[77.85, 27.85, 27.85], [27.85, 77.85, 127.85]]]),  # half way to 55.7
        (contrast, 1.5, [[[122.15, -27.85, -27.85], [-27.85, 122.15, 272.15]]]),
        (colour, 0.5, [[[64.95, 14.95, 14.95], [40.75, 90.75, 140.75]]]),  # half way to 29.9, and to 81.5
        (colour, 1.5, [[[135.05, -14.95, -14.95], [-40.75, 109.25, 259.25]]]),
        (colour, 1.0, PIXELS.tolist()),
    ],
)
def test_distortions_of_two_pixels_by_hand(distortion, factor, expected):
    assert distortion(PIXELS, np.float32(factor)) == pytest.approx(np.array(expected), abs=1e-3)


def test_lighting_noise_by_hand():
    """The first component alone, at strength 0.1: its vector times its deviation 0.2175, of 255."""
    shift = lighting(np.array([0.1, 0, 0], np.float32))
    vector = np.array([-0.5675, -0.5808, -0.5836])
    assert shift == pytest.approx(vector * 0.2175 * 0.1 * 255, abs=1e-4)
    all_three = lighting(np.array([0.1, -0.2, 0.3], np.float32))
    red = -0.5675 * 0.2175 * 0.1 + 0.7192 * 0.0188 * -0.2 + 0.4009 * 0.0045 * 0.3
    assert all_three[0] == pytest.approx(255 * red, abs=1e-4)


def test_every_order_of_the_distortions_comes_about_as_often(monkeypatch):
    orders, seen = {}, []

    def noted(index):
        return lambda x, factor: seen.append((index, float(factor))) or x

    monkeypatch.setattr(module, "DISTORTIONS", tuple(noted(index) for index in range(3)))
    generator = rng()
    for _ in range(600):
        seen.clear()
        distort(np.zeros((2, 2, 3), np.uint8), generator)
        assert all(0.5 <= factor <= 1.5 for _, factor in seen) and len({factor for _, factor in seen}) == 3
        order = tuple(index for index, _ in seen)
        orders[order] = orders.get(order, 0) + 1
    assert (brightness, contrast, colour) == DISTORTIONS
    assert sorted(map(sorted, orders)) == [[0, 1, 2]] * 6 and min(orders.values()) > 70
