"""The 144 crops of section 7: 4 scales x 3 squares x 6 crops x 2 mirrors, as boxes; 10 and 1 are subsets.

The paper's sizes (shorter side 256, 288, 320, 352; crops of 224) scale with the input size of the network.
"""

from typing import NamedTuple

import cv2
import numpy as np

SCALES = (256, 288, 320, 352)
PAPER_INPUT_PX = 224


class Crop(NamedTuple):
    """One crop: in the picture resized to (resized_w, resized_h), a square of `side` at (left, top)."""

    resized_w: int
    resized_h: int
    left: int
    top: int
    side: int  # the input size, or the whole square's side (then resized to the input size)
    mirrored: bool


def resized(width: int, height: int, shorter_px: int) -> tuple[int, int]:
    """Size of a picture whose shorter side becomes shorter_px; the longer is rounded to the nearest pixel."""
    if width <= height:
        return shorter_px, max(shorter_px, round(height * shorter_px / width))
    return max(shorter_px, round(width * shorter_px / height)), shorter_px


def squares(width: int, height: int) -> list[tuple[int, int]]:
    """Corners (left, top) of the left, centre and right squares; top, centre and bottom ones of a portrait."""
    spare_w, spare_h = max(0, width - height), max(0, height - width)
    return [(0, 0), (spare_w // 2, spare_h // 2), (spare_w, spare_h)]


def crops_144(width: int, height: int, input_px: int) -> list[Crop]:
    """All 144 crops of a picture, by scale, square, kind (4 corners, centre, whole square), mirror."""
    found = []
    for scale in SCALES:
        shorter = max(input_px, round(scale * input_px / PAPER_INPUT_PX))
        w, h = resized(width, height, shorter)
        spare = shorter - input_px
        offsets = [(0, 0), (spare, 0), (0, spare), (spare, spare), (spare // 2, spare // 2)]
        for left, top in squares(w, h):
            places = [(left + x, top + y, input_px) for x, y in offsets] + [(left, top, shorter)]
            found += [Crop(w, h, *place, mirrored) for place in places for mirrored in (False, True)]
    return found


# Within the 144: first scale, centre square; kinds 0-4 are the corners and the centre, each with its mirror image.
POLICIES: dict[int, list[int]] = {1: [12 + 8], 10: list(range(12, 22)), 144: list(range(144))}


def distinct(crops: list[Crop]) -> tuple[list[Crop], np.ndarray]:
    """The distinct crops in first-seen order, and for each of the given ones its index among them.

    A square picture's three squares coincide: 48 distinct crops stand for 144.
    """
    order: dict[Crop, int] = {}
    index = np.array([order.setdefault(crop, len(order)) for crop in crops])
    return list(order), index


def upright(crop: Crop) -> Crop:
    """The same crop, not mirrored."""
    return crop._replace(mirrored=False)


def cut(picture: np.ndarray, crops: list[Crop], input_px: int) -> np.ndarray:
    """Cut crops from a uint8 RGB picture [h, w, 3]; returns uint8 [crops, input_px, input_px, 3].

    Every scale is resized once; a whole square is resized from it. Area interpolation when shrinking, else bilinear.
    """
    out = np.empty((len(crops), input_px, input_px, 3), np.uint8)
    at_scale: dict[tuple[int, int], np.ndarray] = {}
    for i, crop in enumerate(crops):
        size = (crop.resized_w, crop.resized_h)
        if size not in at_scale:
            at_scale[size] = resize(picture, *size)
        patch = at_scale[size][crop.top : crop.top + crop.side, crop.left : crop.left + crop.side]
        if crop.side != input_px:
            patch = resize(patch, input_px, input_px)
        out[i] = patch[:, ::-1] if crop.mirrored else patch
    return out


def resize(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resize, with area interpolation when both sides shrink, else bilinear."""
    shrinks = width <= picture.shape[1] and height <= picture.shape[0]
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def in_original(crop: Crop, width: int, height: int) -> tuple[float, float, float, float]:
    """A crop's box (xmin, ymin, xmax, ymax), inclusive, in the pixels of the picture as it was."""
    x, y = width / crop.resized_w, height / crop.resized_h
    right, bottom = crop.left + crop.side, crop.top + crop.side
    return crop.left * x, crop.top * y, right * x - 1, bottom * y - 1
