"""Every way to draw a training crop: inside the picture, within its ranges, by its generator alone."""

import cv2
import numpy as np
import pytest

from classification.tiny import AREA, SCALE, pictures
from googlenet.classification.sampling import INTERPOLATION, area_box, check, distort, sample, scale_box
from googlenet.errors import UserError

WHOLE = AREA | {"area": [1.0, 1.0], "aspect": [1.0, 1.0]}


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


def test_what_never_fits_is_the_largest_centred_square():
    assert area_box(100, 10, WHOLE, rng()) == (45, 0, 10, 10)
    assert area_box(10, 101, WHOLE, rng()) == (0, 45, 10, 10)


def test_one_scale_is_one_side():
    generator = rng()
    boxes = np.array([scale_box(300, 256, SCALE | {"scales": [256, 256]}, generator) for _ in range(500)])
    assert set(boxes[:, 2]) == set(boxes[:, 3]) == {224}
    assert set(boxes[:, 0]) == set(range(77)) and set(boxes[:, 1]) == set(range(33))


def test_scale_jitter_spans_its_range():
    generator = rng()
    sides = [scale_box(300, 256, SCALE, generator)[2] for _ in range(1000)]
    assert (min(sides), max(sides)) == (163, 224)  # 256 * 224 / 352 = 162.9


@pytest.mark.parametrize("sampling", [AREA, SCALE, AREA | {"interpolation": "random", "photometric": 0.5}])
def test_a_crop_depends_on_the_generator_alone(sampling):
    (picture,) = pictures([(60, 45)])
    crops = [sample(picture, sampling, True, 32, rng(seed)) for seed in (1, 1, 2)]
    assert crops[0].shape == (32, 32, 3) and crops[0].dtype == np.uint8 and crops[0].flags["C_CONTIGUOUS"]
    assert np.array_equal(crops[0], crops[1]) and not np.array_equal(crops[0], crops[2])


def test_every_second_crop_is_mirrored_where_asked():
    (picture,) = pictures([(32, 32)])
    generator = rng()
    crops = [sample(picture, WHOLE, True, 32, generator) for _ in range(400)]
    plain = sum(np.array_equal(crop, picture) for crop in crops)
    assert plain + sum(np.array_equal(crop, picture[:, ::-1]) for crop in crops) == 400
    assert 150 < plain < 250
    assert all(np.array_equal(sample(picture, WHOLE, False, 32, generator), picture) for _ in range(50))


def test_interpolations_are_opencvs_and_random_uses_all_four():
    (picture,) = pictures([(45, 45)])
    wanted = {name: cv2.resize(picture, (32, 32), interpolation=code) for name, code in INTERPOLATION.items()}
    for name, expected in wanted.items():
        assert np.array_equal(sample(picture, WHOLE | {"interpolation": name}, False, 32, rng()), expected)
    generator, seen = rng(), dict.fromkeys(wanted, 0)
    for _ in range(200):
        crop = sample(picture, WHOLE | {"interpolation": "random"}, False, 32, generator)
        (name,) = [name for name, expected in wanted.items() if np.array_equal(crop, expected)]
        seen[name] += 1
    assert min(seen.values()) > 25


def test_photometric_is_a_probability():
    (picture,) = pictures([(32, 32)])
    generator = rng()
    changed = [
        not np.array_equal(sample(picture, WHOLE | {"photometric": 0.3}, False, 32, generator), picture)
        for _ in range(300)
    ]
    assert 60 < sum(changed) < 120
    assert not np.array_equal(sample(picture, WHOLE | {"photometric": 1.0}, False, 32, generator), picture)


def test_brightness_moves_grey_by_half_at_most():
    # On even grey, contrast and colour do nothing; the lighting noise adds a few units.
    grey, generator = np.full((8, 8, 3), 100, np.uint8), rng()
    means = np.array([distort(grey, generator).mean() for _ in range(500)])
    assert 30 < means.min() < 60 and 140 < means.max() < 170
    black = [int(distort(np.zeros((4, 4, 3), np.uint8), generator).max()) for _ in range(50)]
    assert max(black) < 30


def test_contrast_and_colour_change_the_spread():
    (picture,) = pictures([(32, 32)])
    generator = rng()
    spreads = np.array([distort(picture // 2 + 64, generator).std() for _ in range(100)])
    assert spreads.min() < 0.8 * (picture // 2).std() and spreads.max() > 1.2 * (picture // 2).std()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "aera"}, "sampling.x.method: no sampling method 'aera'; did you mean 'area'?"),
        ({"interpolation": "cubics"}, "sampling.x.interpolation: 'cubics' is unknown; did you mean 'cubic'?"),
        ({"area": [0.5, 0.1]}, "sampling.x.area: [0.5, 0.1] is no range"),
        ({"area": [0.0, 1.0]}, "sampling.x.area: [0.0, 1.0] is no range"),
        ({"aspect": [1.0]}, "sampling.x.aspect: [1.0] is no range"),
        ({"scales": [352, 256]}, "sampling.x.scales: [352, 256] is no range"),
        ({"area": [0.5, 1.5]}, "sampling.x: area must end at 1"),
        ({"scales": [200, 256]}, "scales must begin at 224"),
    ],
)
def test_check_names_the_key(change, message):
    check(AREA, "sampling.x"), check(SCALE, "sampling.x")
    with pytest.raises(UserError) as raised:
        check(AREA | change, "sampling.x")
    assert message in str(raised.value)
