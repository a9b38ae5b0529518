"""The 144 crops against coordinates worked by hand, and the properties that hold at every size."""

import numpy as np
import pytest

from googlenet.classification.crops import POLICIES, Crop, crops_144, cut, distinct, in_original, resized

SIZES = [
    *[(1, 1), (1, 7), (9, 1), (2, 2), (31, 32), (32, 31), (64, 64), (65, 64), (97, 64), (64, 97), (100, 100)],
    *[(333, 500), (500, 333), (500, 375), (224, 224), (225, 224), (256, 300), (1000, 101), (101, 1000), (3, 5)],
]


def listed(width, height, px, rows):
    """All 144 from rows of (resized size, the squares' corners, whole side, spare, half of it)."""
    boxes = []
    for size, corners, side, spare, half in rows:
        for left, top in corners:
            kinds = [(0, 0), (spare, 0), (0, spare), (spare, spare), (half, half)]
            places = [(left + x, top + y, px) for x, y in kinds] + [(left, top, side)]
            boxes += [Crop(*size, *place, mirrored) for place in places for mirrored in (False, True)]
    return boxes


# Worked by hand: width, height; the longer side where the shorter is 256, 288, 320 and 352; where the middle square
# then begins on it, half of what is over, rounded down. A longer side of exactly one half (97 x 64) goes to the even pixel.
BY_HAND = [
    (500, 375, (341, 384, 427, 469), (42, 48, 53, 58)),  # 341.33, 384, 426.67, 469.33
    (375, 500, (341, 384, 427, 469), (42, 48, 53, 58)),
    (640, 480, (341, 384, 427, 469), (42, 48, 53, 58)),
    (500, 333, (384, 432, 480, 529), (64, 72, 80, 88)),  # 384.38, 432.43, 480.48, 528.53
    (333, 500, (384, 432, 480, 529), (64, 72, 80, 88)),
    (1920, 1080, (455, 512, 569, 626), (99, 112, 124, 137)),  # 455.11, 512, 568.89, 625.78
    (1080, 1920, (455, 512, 569, 626), (99, 112, 124, 137)),
    (256, 256, (256, 288, 320, 352), (0, 0, 0, 0)),
    (1, 1, (256, 288, 320, 352), (0, 0, 0, 0)),
    (4001, 4001, (256, 288, 320, 352), (0, 0, 0, 0)),
    (225, 224, (257, 289, 321, 354), (0, 0, 0, 1)),  # 257.14, 289.29, 321.43, 353.57
    (224, 225, (257, 289, 321, 354), (0, 0, 0, 1)),
    (333, 334, (257, 289, 321, 353), (0, 0, 0, 0)),  # 256.77, 288.86, 320.96, 353.06
    (257, 255, (258, 290, 323, 355), (1, 1, 1, 1)),  # 258.01, 290.26, 322.51, 354.76
    (31, 32, (264, 297, 330, 363), (4, 4, 5, 5)),  # 264.26, 297.29, 330.32, 363.35
    (97, 64, (388, 436, 485, 534), (66, 74, 82, 91)),  # 388, 436.5, 485, 533.5
    (64, 97, (388, 436, 485, 534), (66, 74, 82, 91)),
    (2, 3, (384, 432, 480, 528), (64, 72, 80, 88)),
    (5, 3, (427, 480, 533, 587), (85, 96, 106, 117)),  # 426.67, 480, 533.33, 586.67
    (9, 1, (2304, 2592, 2880, 3168), (1024, 1152, 1280, 1408)),
    (1, 7, (1792, 2016, 2240, 2464), (768, 864, 960, 1056)),
    (1000, 101, (2535, 2851, 3168, 3485), (1139, 1281, 1424, 1566)),  # 2534.65, 2851.49, 3168.32, 3485.15
    (101, 1000, (2535, 2851, 3168, 3485), (1139, 1281, 1424, 1566)),
    (4000, 3, (341333, 384000, 426667, 469333), (170538, 191856, 213173, 234490)),
]


def by_the_papers_sentence(width, height, longer_sides, middles):
    """Section 7 as it is written: of each resized image the three squares, of each square its four corners and centre
    of 224 pixels and the square itself, and of each their mirror image. (Resized size, edges of the crop, mirrored.)"""
    boxes = []
    for shorter, longer, middle in zip((256, 288, 320, 352), longer_sides, middles, strict=True):
        size = (longer, shorter) if width > height else (shorter, longer)
        margin = {256: 16, 288: 32, 320: 48, 352: 64}[shorter]  # around the centre crop
        for begin, end in ((0, shorter), (middle, middle + shorter), (longer - shorter, longer)):
            (x0, x1), (y0, y1) = ((begin, end), (0, shorter)) if width > height else ((0, shorter), (begin, end))
            corners = [(left, top, left + 224, top + 224) for top in (y0, y1 - 224) for left in (x0, x1 - 224)]
            centre, whole = (x0 + margin, y0 + margin, x1 - margin, y1 - margin), (x0, y0, x1, y1)
            boxes += [(size, box, mirrored) for box in (*corners, centre, whole) for mirrored in (False, True)]
    return boxes


@pytest.mark.parametrize(("width", "height", "longer_sides", "middles"), BY_HAND)
def test_all_144_boxes_by_hand(width, height, longer_sides, middles):
    boxes = [
        (crop[:2], (crop.left, crop.top, crop.left + crop.side, crop.top + crop.side), crop.mirrored)
        for crop in crops_144(width, height, 224)
    ]
    assert boxes == by_the_papers_sentence(width, height, longer_sides, middles)


def test_odd_sizes_at_another_input_by_hand():
    rows = [  # shorter sides at 64 px: 73.14, 82.29, 91.43, 100.57; 97 x 64 is then 110.64, 124.28, 137.92, 153.08 wide
        ((111, 73), [(0, 0), (19, 0), (38, 0)], 73, 9, 4),
        ((124, 82), [(0, 0), (21, 0), (42, 0)], 82, 18, 9),
        ((138, 91), [(0, 0), (23, 0), (47, 0)], 91, 27, 13),
        ((153, 101), [(0, 0), (26, 0), (52, 0)], 101, 37, 18),
    ]
    assert crops_144(97, 64, 64) == listed(97, 64, 64, rows)


def test_a_tiny_image_by_hand():
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
    assert [crop._replace(mirrored=False) for crop in crops[1::2]] == crops[::2]
    without_mirror = crops_144(width, height, px, mirror=False)
    assert without_mirror[::2] == without_mirror[1::2] == crops[::2]
    assert not any(crop.mirrored for crop in crops[::2]) and all(crop.mirrored for crop in crops[1::2])
    few, index = distinct(crops)
    square = all(crop.resized_w == crop.resized_h for crop in crops)
    assert square or width != height
    assert (len(few) == 48) == square and len(few) >= 48
    assert [few[i] for i in index] == crops


def test_other_scales_by_hand():
    crops = crops_144(60, 40, 32, scales=(224, 224, 336, 448))
    assert [crops[i][:2] for i in (0, 36, 72, 108)] == [(48, 32), (48, 32), (72, 48), (96, 64)]
    assert crops[:36] == crops[36:72]  # at 224 px a corner is its whole square
    assert [crops[i] for i in (12, 20, 22)] == [Crop(48, 32, 8, 0, 32, False)] * 3
    assert crops[92] == Crop(72, 48, 12 + 8, 8, 32, False) and crops[143] == Crop(96, 64, 32, 0, 64, True)
    assert len(distinct(crops)[0]) == 6 + 36 + 32  # at 448 px the outer squares share two corners


def test_an_odd_margin_is_halved_downwards():
    centres = crops_144(50, 50, 32)[8::12]  # of all scales and squares, unmirrored
    margins = [crop.resized_w - 32 for crop in centres]
    assert any(margin % 2 for margin in margins)
    assert [(crop.left, crop.top) for crop in centres] == [(margin // 2, margin // 2) for margin in margins]


def test_a_scale_below_the_input_is_that_of_the_input():
    small = crops_144(50, 40, 32, scales=(112, 200, 224, 256))[:108]
    assert {(crop.resized_w, crop.resized_h) for crop in small} == {(40, 32)}
    assert all(crop.left >= 0 and crop.top >= 0 for crop in small)


def test_a_square_image_counts_each_crop_three_times():
    _, index = distinct(crops_144(50, 50, 32))
    assert np.bincount(index).tolist() == [3] * 48
    _, index = distinct(crops_144(50, 50, 32, mirror=False))
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
    # 36 x 32 at 28 px of input: the first scale is the image as it is.
    y, x = np.mgrid[:32, :36]
    image = np.stack([4 * x, 4 * y, x + y], 2).astype(np.uint8)
    crops = crops_144(36, 32, 28)
    patches = cut(image, crops, 28)
    assert patches.shape == (144, 28, 28, 3) and patches.dtype == np.uint8
    for crop, patch in zip(crops[:36], patches[:36], strict=True):
        if crop.side == 28:
            part = image[crop.top : crop.top + 28, crop.left : crop.left + 28]
            assert np.array_equal(patch, part[:, ::-1] if crop.mirrored else part)
    assert np.array_equal(patches[1::2], patches[::2, :, ::-1])
    # The whole centre square, columns 2 to 33: output pixel u covers (u to u + 1) * 32 / 28.
    middle = ((np.arange(28) + 0.5) * 32 / 28 - 0.5) * 4
    assert np.abs(patches[22, :, :, 0] - (8 + middle)[None, :]).max() <= 1
    assert np.abs(patches[22, :, :, 1] - middle[:, None]).max() <= 1


def test_cut_resizes_to_the_scale():
    y, x = np.mgrid[:64, :64]
    image = np.stack([3 * x, 3 * y, 0 * x], 2).astype(np.uint8)
    (patch,) = cut(image, [Crop(32, 32, 2, 4, 28, False)], 28)  # halved: pixel u is the mean of 2u and 2u + 1
    assert patch[:, :, 0].tolist() == [[round(3 * (2 * (u + 2) + 0.5) + 0.01) for u in range(28)]] * 28
    assert patch[:, 0, 1].tolist() == [round(3 * (2 * (u + 4) + 0.5) + 0.01) for u in range(28)]


def test_in_original_by_hand():
    assert in_original(Crop(256, 256, 32, 0, 224, False), 512, 512) == (64, 0, 511, 447)
    assert in_original(Crop(300, 150, 75, 50, 100, True), 600, 450) == (150, 150, 349, 449)
    for crop in crops_144(97, 64, 64):
        left, top, right, bottom = in_original(crop, 97, 64)
        assert 0 <= left < right <= 96 + 1e-9 and 0 <= top < bottom <= 63 + 1e-9
