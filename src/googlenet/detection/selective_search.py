"""Region proposals by selective search (Uijlings et al. 2013) with R-CNN's settings or OpenCV's own.

R-CNN's preset is the "fast" mode of van de Sande's code as R-CNN ran it: HSV and Lab, k 50 and 100, min size
= k, sigma 0.8, two groupings (colour + texture + size + fill; texture + size + fill), the image at 500
pixels' width, boxes under 20 pixels dropped, duplicates removed. OpenCV's presets have larger k and a fixed
min size of 100.

`superpixel_scale` is GoogLeNet's "superpixel size increased by 2x" (section 8). The paper does not say which
setting that is. Here it multiplies k, and min size with it where min size is k. Both are areas:
Felzenszwalb's segmentation gives a segment of |C| pixels an allowance of k / |C|, so that k is the number of
pixels up to which a segment grows freely, and min size is the number of pixels under which it is merged away.
Doubling both doubles the segments' area and about halves their number and the number of proposals, which is
the effect that the paper reports.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import cv2
import numpy as np

from googlenet.detection.boxes import clip
from googlenet.errors import UserError, nearest


class Preset(NamedTuple):
    """What is segmented (`spaces`, `ks`, `min_size`; None: as k) and how segments are grouped."""

    spaces: tuple[str, ...]
    ks: tuple[int, ...]
    min_size: int | None
    groupings: tuple[tuple[str, ...], ...]


# The order inside a grouping is OpenCV's: similarities are summed in it, in single precision.
FAST = (("color", "fill", "texture", "size"), ("fill", "texture", "size"))
# Blue, where the method has hue: OpenCV writes the blue channel over the hue that it has just added. Kept, so
# that the preset gives OpenCV's boxes.
QUALITY_SPACES = ("hsv", "lab", "grey", "blue", "rgi")
PRESETS = {
    "rcnn": Preset(("hsv", "lab"), (50, 100), None, FAST),
    "opencv_fast": Preset(("hsv", "lab"), (150, 300, 450), 100, FAST),
    "opencv_quality": Preset(QUALITY_SPACES, (150, 300, 450, 600, 750), 100, (*FAST, ("fill",), ("size",))),
}
DEFAULTS = {
    "preset": "rcnn",
    "superpixel_scale": 1.0,
    "sigma": 0.8,
    "width_px": 500,
    "min_box_side_px": 20,
    "max_boxes": 0,
}
TALLEST = 4  # a strip of a picture blown up to 500 pixels' width would not fit into memory
CUT_SEED = 2014


def propose(image: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    """Return the proposals of one RGB image, uint8 [h, w, 3], as int32 [n, 4], inclusive, sorted, each once.

    `settings` may name any key of DEFAULTS. Each key: `preset` (see PRESETS), `superpixel_scale` (1 as
    published, 2 as the paper), `sigma` (blur before segmentation), `width_px` (the image is resized to it; 0:
    as it is), `min_box_side_px` (measured in the resized image), `max_boxes` (0: all). An image with no box
    of that size gives an empty array. Raises UserError for an unknown preset or key.
    """
    checked = check(settings)
    height, width = image.shape[:2]
    resized = _resize(image, checked["width_px"])
    side = max(int(checked["min_box_side_px"]), 2)
    if min(resized.shape[:2]) < side:
        return np.zeros((0, 4), np.int32)
    rects = _search(resized, checked)
    rects = rects[(rects[:, 2] >= side) & (rects[:, 3] >= side)]
    factor = np.array([width / resized.shape[1], height / resized.shape[0]])
    # Edges, not pixels, are scaled; halves go up, always, so that a box's size does not depend on its place.
    low = np.floor(rects[:, :2] * factor + 0.5)
    high = np.maximum(np.floor((rects[:, :2] + rects[:, 2:]) * factor + 0.5) - 1, low)
    boxes = clip(np.concatenate([low, high], axis=1), width, height).astype(np.int32)
    return cut(np.unique(boxes, axis=0), int(checked["max_boxes"]))


def check(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with the defaults filled in. Raises UserError at a key or value that cannot be."""
    for key in settings:
        if key not in DEFAULTS:
            raise UserError(f"selective search: unknown setting '{key}'{nearest(key, DEFAULTS)}")
    merged = {**DEFAULTS, **settings}
    if merged["preset"] not in PRESETS:
        raise UserError(f"preset: no '{merged['preset']}'{nearest(merged['preset'], PRESETS)}")
    for key in ("superpixel_scale", "sigma"):
        if not merged[key] > 0:
            raise UserError(f"{key}: {merged[key]} is not above zero; the published value is {DEFAULTS[key]}")
    for key in ("width_px", "min_box_side_px", "max_boxes"):
        if merged[key] < 0:
            raise UserError(f"{key}: {merged[key]} is below zero; 0 switches it off")
    return merged


def cut(boxes: np.ndarray, most: int) -> np.ndarray:
    """Keep `most` of the sorted boxes (0: all), drawn evenly and always alike; fewer are a part of more.

    Selective search ranks its boxes almost at random, anew at every call; the sorted order would keep only
    the left of the picture. So a fixed permutation stands for the rank.
    """
    if most == 0 or len(boxes) <= most:
        return boxes
    kept = np.random.default_rng(CUT_SEED).permutation(len(boxes))[:most]
    return boxes[np.sort(kept)]


def _resize(image: np.ndarray, width_px: int) -> np.ndarray:
    height, width = image.shape[:2]
    if width_px == 0 or width == 0 or height == 0:
        return image
    scale = min(width_px / width, TALLEST * width_px / height)
    if scale == 1:
        return image
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def _search(image: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    """Run the search; rectangles [n, 4] of (x, y, width, height) in an order that changes at every call."""
    preset = PRESETS[settings["preset"]]
    segmentation = cv2.ximgproc.segmentation
    # All objects are new at each call: the similarities keep the histograms of the last image they saw, known
    # by a number that starts at 0 for every image.
    search = segmentation.createSelectiveSearchSegmentation()
    for space in preset.spaces:
        search.addImage(_in_space(image, space))
    for k in preset.ks:
        k = k * settings["superpixel_scale"]
        min_size = round(k) if preset.min_size is None else preset.min_size
        search.addGraphSegmentation(segmentation.createGraphSegmentation(settings["sigma"], k, min_size))
    # One object per similarity serves all groupings, so that its histograms are computed once per
    # segmentation.
    similarities = {
        name: getattr(segmentation, f"createSelectiveSearchSegmentationStrategy{name.capitalize()}")()
        for name in sorted({name for grouping in preset.groupings for name in grouping})
    }
    for grouping in preset.groupings:
        parts = [similarities[name] for name in grouping]
        search.addStrategy(segmentation.createSelectiveSearchSegmentationStrategyMultiple(*parts))
    return np.asarray(search.process(), np.int64).reshape(-1, 4)


def _in_space(image: np.ndarray, space: str) -> np.ndarray:
    """One of the colour spaces, in OpenCV's 8-bit form, of an RGB image."""
    if space == "hsv":
        return cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    if space == "lab":
        return cv2.cvtColor(image, cv2.COLOR_RGB2Lab)
    if space == "blue":
        return np.ascontiguousarray(image[:, :, 2])
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    if space == "grey":
        return grey
    # OpenCV's stand-in for normalised rg + intensity: red and green as they are, and grey.
    return np.ascontiguousarray(np.stack([image[:, :, 0], image[:, :, 1], grey], axis=2))
