"""The 144 crops against coordinates worked by hand, and the properties that hold at every size."""

import numpy as np
import pytest

from googlenet.classification.crops import (
    POLICIES,
    Crop,
    crops_144,
    cut,
    distinct,
    in_original,
    resized,
    upright,
)

SIZES = [
    *[(1, 1), (1, 7), (9, 1), (2, 2), (31, 32), (32, 31), (64, 64), (65, 64), (97, 64), (64, 97), (100, 100)],
    *[
        (333, 500),
        (500, 333),
        (500, 375),
        (224, 224),
        (225, 224),
        (256, 300),
        (1000, 101),
        (101, 1000),
        (3, 5),
    ],
]


def listed(width, height, px, rows):
    """All 144 from rows of (resized size, the squares' corners, whole side, spare, half of it)."""
    found = []
    for size, corners, side, spare, half in rows:
        for left, top in corners:
            kinds = [(0, 0), (spare, 0), (0, spare), (spare, spare), (half, half)]
            places = [(left + x, top + y, px) for x, y in kinds] + [(left, top, side)]
            found += [Crop(*size, *place, mirrored) for place in places for mirrored in (False, True)]
    return found


def test_landscape_by_hand():
    rows = [  # 500 x 375: 341.33, 384, 426.67, 469.33 wide
        ((341, 256), [(0, 0), (42, 0), (85, 0)], 256, 32, 16),
        ((384, 288), [(0, 0), (48, 0), (96, 0)], 288, 64, 32),
        ((427, 320), [(0, 0), (53, 0), (107, 0)], 320, 96, 48),
        ((469, 352), [(0, 0), (58, 0), (117, 0)], 352, 128, 64),
    ]
    assert crops_144(500, 375, 224) == listed(500, 375, 224, rows)


def test_portrait_by_hand():
    rows = [  # 375 x 500: top, centre and bottom squares
        ((256, 341), [(0, 0), (0, 42), (0, 85)], 256, 32, 16),
        ((288, 384), [(0, 0), (0, 48), (0, 96)], 288, 64, 32),
        ((320, 427), [(0, 0), (0, 53), (0, 107)], 320, 96, 48),
        ((352, 469), [(0, 0), (0, 58), (0, 117)], 352, 128, 64),
    ]
    assert crops_144(375, 500, 224) == listed(375, 500, 224, rows)


def test_odd_sizes_at_another_input_by_hand():
    rows = [  # shorter sides at 64 px: 73.14, 82.29, 91.43, 100.57; 97 x 64 is then 110.64, 124.28, 137.92, 153.08 wide
        ((111, 73), [(0, 0), (19, 0), (38, 0)], 73, 9, 4),
        ((124, 82), [(0, 0), (21, 0), (42, 0)], 82, 18, 9),
        ((138, 91), [(0, 0), (23, 0), (47, 0)], 91, 27, 13),
        ((153, 101), [(0, 0), (26, 0), (52, 0)], 101, 37, 18),
    ]
    assert crops_144(97, 64, 64) == listed(97, 64, 64, rows)


def test_square_by_hand():
    rows = [
        ((side, side), [(0, 0)] * 3, side, side - 224, (side - 224) // 2) for side in (256, 288, 320, 352)
    ]
    assert crops_144(10, 10, 224) == listed(10, 10, 224, rows)


def test_a_tiny_picture_by_hand():
    crops = crops_144(1, 7, 32)  # shorter sides 36.57, 41.14, 45.71, 50.29
    assert [crops[i][:2] for i in (0, 36, 72, 108)] == [(37, 259), (41, 287), (46, 322), (50, 350)]
    assert crops[24] == Crop(37, 259, 0, 222, 32, False)
    assert crops[143] == Crop(50, 350, 0, 300, 50, True)


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("px", [32, 224])
def test_what_holds_at_every_size(width, height, px):
    crops = crops_144(width, height, px)
    assert len(crops) == 144
    for crop in crops:
        assert crop.left >= 0 and crop.left + crop.side <= crop.resized_w
        assert crop.top >= 0 and crop.top + crop.side <= crop.resized_h
    assert [crop.side for crop in crops[:10]] == [px] * 10
    assert all(crop.side == min(crop.resized_w, crop.resized_h) for crop in (*crops[10::12], *crops[11::12]))
    assert [upright(crop) for crop in crops[1::2]] == crops[::2]
    assert not any(crop.mirrored for crop in crops[::2]) and all(crop.mirrored for crop in crops[1::2])
    few, index = distinct(crops)
    square = all(crop.resized_w == crop.resized_h for crop in crops)
    assert square or width != height
    assert (len(few) == 48) == square and len(few) >= 48
    assert [few[i] for i in index] == crops


def test_a_square_picture_counts_each_crop_three_times():
    _, index = distinct(crops_144(50, 50, 32))
    assert np.bincount(index).tolist() == [3] * 48
    _, index = distinct([upright(crop) for crop in crops_144(50, 50, 32)])
    assert np.bincount(index).tolist() == [6] * 24


def test_one_and_ten_are_of_the_first_scale_and_the_centre_square():
    crops = crops_144(500, 375, 224)
    assert [crops[i] for i in POLICIES[1]] == [Crop(341, 256, 58, 16, 224, False)]
    corners = [(42, 0), (74, 0), (42, 32), (74, 32), (58, 16)]
    expected = [Crop(341, 256, *corner, 224, mirrored) for corner in corners for mirrored in (False, True)]
    assert [crops[i] for i in POLICIES[10]] == expected
    assert POLICIES[144] == list(range(144)) and set(POLICIES[1]) < set(POLICIES[10])


def test_resized_keeps_the_shorter_side_exact():
    assert resized(500, 375, 256) == (341, 256) and resized(375, 500, 256) == (256, 341)
    assert resized(30, 30, 256) == (256, 256)


def test_cut_takes_the_right_pixels():
    # 36 x 32 at 28 px of input: the first scale is the picture as it is.
    y, x = np.mgrid[:32, :36]
    picture = np.stack([4 * x, 4 * y, x + y], 2).astype(np.uint8)
    crops = crops_144(36, 32, 28)
    patches = cut(picture, crops, 28)
    assert patches.shape == (144, 28, 28, 3) and patches.dtype == np.uint8
    for crop, patch in zip(crops[:36], patches[:36], strict=True):
        if crop.side == 28:
            part = picture[crop.top : crop.top + 28, crop.left : crop.left + 28]
            assert np.array_equal(patch, part[:, ::-1] if crop.mirrored else part)
    assert np.array_equal(patches[1::2], patches[::2, :, ::-1])
    # The whole centre square, columns 2 to 33: output pixel u covers (u to u + 1) * 32 / 28.
    middle = ((np.arange(28) + 0.5) * 32 / 28 - 0.5) * 4
    assert np.abs(patches[22, :, :, 0] - (8 + middle)[None, :]).max() <= 1
    assert np.abs(patches[22, :, :, 1] - middle[:, None]).max() <= 1


def test_cut_resizes_to_the_scale():
    y, x = np.mgrid[:64, :64]
    picture = np.stack([3 * x, 3 * y, 0 * x], 2).astype(np.uint8)
    (patch,) = cut(
        picture, [Crop(32, 32, 2, 4, 28, False)], 28
    )  # halved: pixel u is the mean of 2u and 2u + 1
    assert patch[:, :, 0].tolist() == [[round(3 * (2 * (u + 2) + 0.5) + 0.01) for u in range(28)]] * 28
    assert patch[:, 0, 1].tolist() == [round(3 * (2 * (u + 4) + 0.5) + 0.01) for u in range(28)]


def test_in_original_by_hand():
    assert in_original(Crop(256, 256, 32, 0, 224, False), 512, 512) == (64, 0, 511, 447)
    assert in_original(Crop(300, 150, 75, 50, 100, True), 600, 450) == (150, 150, 349, 449)
    for crop in crops_144(97, 64, 64):
        left, top, right, bottom = in_original(crop, 97, 64)
        assert 0 <= left < right <= 96 + 1e-9 and 0 <= top < bottom <= 63 + 1e-9
