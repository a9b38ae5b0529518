"""The 144 crops of section 7 as boxes: 4 scales x 3 squares x 6 crops x 2 mirrors; the subsets of 10 and 1.

The paper's sizes (shorter side 256, 288, 320, 352; crops of 224) scale with the input size of the network.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

SCALES = (256, 288, 320, 352)
PAPER_INPUT_PX = 224


class Crop(NamedTuple):
    """One crop: a square of `side` at (left, top) in the image resized to (resized_w, resized_h)."""

    resized_w: int
    resized_h: int
    left: int
    top: int
    side: int  # the input size, or the whole square's side (then resized to the input size)
    mirrored: bool


def resized(width: int, height: int, shorter_px: int) -> tuple[int, int]:
    """Return the size of an image whose shorter side becomes shorter_px; the longer is rounded to the nearest pixel."""
    if width <= height:
        return shorter_px, max(shorter_px, round(height * shorter_px / width))
    return max(shorter_px, round(width * shorter_px / height)), shorter_px


def crops_144(
    width: int, height: int, input_px: int, mirror: bool = True, scales: Sequence[int] = SCALES
) -> list[Crop]:
    """Return all 144 crops of an image, ordered by scale, square, kind (4 corners, centre, whole square), mirror.
    Without `mirror` an unmirrored crop replaces each mirrored one. scales: the four shorter sides, for an input of
    224 px; the crops of equal scales coincide."""
    crops = []
    for scale in scales:
        shorter = max(input_px, round(scale * input_px / PAPER_INPUT_PX))
        (w, h), spare = resized(width, height, shorter), shorter - input_px
        offsets = [(0, 0), (spare, 0), (0, spare), (spare, spare), (spare // 2, spare // 2)]
        beside, below = w - shorter, h - shorter  # one of them is 0
        for left, top in ((0, 0), (beside // 2, below // 2), (beside, below)):
            places = [(left + x, top + y, input_px) for x, y in offsets] + [(left, top, shorter)]
            crops += [Crop(w, h, *place, mirrored) for place in places for mirrored in (False, mirror)]
    return crops


# Within the 144: first scale, centre square; kinds 0-4 are the corners and the centre, each with its mirror image.
POLICIES: dict[int, list[int]] = {1: [12 + 8], 10: list(range(12, 22)), 144: list(range(144))}


def distinct(crops: list[Crop]) -> tuple[list[Crop], np.ndarray]:
    """The distinct crops in first-seen order (48 of a square image's 144), and each given crop's index among them."""
    order: dict[Crop, int] = {}
    index = np.array([order.setdefault(crop, len(order)) for crop in crops])
    return list(order), index


def cut(image: np.ndarray, crops: list[Crop], input_px: int) -> np.ndarray:
    """Cut crops from a uint8 RGB image [h, w, 3]: uint8 [crops, input_px, input_px, 3]. The image is resized once per
    scale; a whole square is resized from that."""
    out = np.empty((len(crops), input_px, input_px, 3), np.uint8)
    at_scale: dict[tuple[int, int], np.ndarray] = {}
    for i, crop in enumerate(crops):
        size = (crop.resized_w, crop.resized_h)
        if size not in at_scale:
            at_scale[size] = resize(image, *size)
        patch = at_scale[size][crop.top : crop.top + crop.side, crop.left : crop.left + crop.side]
        patch = patch if crop.side == input_px else resize(patch, input_px, input_px)
        out[i] = patch[:, ::-1] if crop.mirrored else patch
    return out


def resize(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resize with area interpolation when both sides shrink, otherwise bilinear."""
    shrinks = width <= image.shape[1] and height <= image.shape[0]
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def in_original(crop: Crop, width: int, height: int) -> tuple[float, float, float, float]:
    """Return a crop's box (xmin, ymin, xmax, ymax), inclusive, in pixels of the original image."""
    x, y = width / crop.resized_w, height / crop.resized_h
    right, bottom = crop.left + crop.side, crop.top + crop.side
    return crop.left * x, crop.top * y, right * x - 1, bottom * y - 1
