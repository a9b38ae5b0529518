"""Region proposals by selective search (Uijlings et al. 2013) with R-CNN's settings or OpenCV's own.

`superpixel_scale` is GoogLeNet's "superpixel size increased by 2x" (section 8). The paper does not specify the
parameter. Here it multiplies k, and min size too if that equals k. Both are areas in pixels: doubling them roughly
halves the number of segments and of proposals, which is the effect that the paper reports.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from importlib import import_module
from typing import cast

import cv2
import numpy as np

from googlenet.config.schema.base import Selects
from googlenet.config.schema.detection import Search
from googlenet.data.in_advance import in_advance
from googlenet.detection.boxes import clip
from googlenet.detection.search_presets import Preset

PRESETS = next(mark for mark in Search.model_fields["preset"].metadata if isinstance(mark, Selects))
TALLEST = 4  # times the width: a narrow strip enlarged to 500 pixels wide would not fit in memory
CUT_SEED = 2014
CONVERSIONS = {"hsv": cv2.COLOR_RGB2HSV, "lab": cv2.COLOR_RGB2Lab, "grey": cv2.COLOR_RGB2GRAY}


def propose(image: np.ndarray, settings: Search) -> np.ndarray:
    """Return the proposals of one RGB image, uint8 [h, w, 3], as int32 [n, 4], sorted and unique."""
    height, width = image.shape[:2]
    resized = _resize(image, settings.width_px)
    side = max(settings.min_box_side_px, 2)
    if min(resized.shape[:2]) < side:
        return np.zeros((0, 4), np.int32)
    rects = _search(resized, settings)
    rects = rects[(rects[:, 2] >= side) & (rects[:, 3] >= side)]
    factor = np.array([width / resized.shape[1], height / resized.shape[0]])
    # Scales edges, not pixel indices; halves always round up, so that a box's size does not depend on its position.
    low = np.floor(rects[:, :2] * factor + 0.5)
    high = np.maximum(np.floor((rects[:, :2] + rects[:, 2:]) * factor + 0.5) - 1, low)
    boxes = clip(np.concatenate([low, high], axis=1), width, height).astype(np.int32)
    return cut(np.unique(boxes, axis=0), settings.max_boxes)


def propose_each(images: Iterable[np.ndarray], settings: Search, threads: int = 1) -> Iterator[np.ndarray]:
    """Yield the proposals of each image, in order, whatever the number of concurrent threads."""
    if threads == 1:
        yield from (propose(image, settings) for image in images)
        return
    yield from in_advance(partial(propose, settings=settings), images, threads)


def cut(boxes: np.ndarray, most: int) -> np.ndarray:
    """Keep `most` of the boxes (0: all), by a fixed permutation, as the first in sorted order are all at the left."""
    if most == 0 or len(boxes) <= most:
        return boxes
    return boxes[np.sort(np.random.default_rng(CUT_SEED).permutation(len(boxes))[:most])]


def _resize(image: np.ndarray, width_px: int) -> np.ndarray:
    height, width = image.shape[:2]
    if width_px == 0 or width == 0 or height == 0:
        return image
    scale = min(width_px / width, TALLEST * width_px / height)
    if scale == 1:
        return image
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def preset_of(settings: Search) -> Preset:
    """Return the preset that the settings name."""
    return cast(Preset, import_module(PRESETS.module(settings.preset)).PRESET)


def _search(image: np.ndarray, settings: Search) -> np.ndarray:
    """Run the search; returns rectangles [n, 4] of (x, y, width, height) in an order that changes at every call."""
    preset, segmentation = preset_of(settings), cv2.ximgproc.segmentation
    # All objects are created per call: similarities cache histograms by an index that restarts at 0 for each image.
    search = segmentation.createSelectiveSearchSegmentation()
    for space in preset.spaces:
        search.addImage(_in_space(image, space))
    for k in preset.ks:
        scaled = k * settings.superpixel_scale
        min_size = round(scaled) if preset.min_size is None else preset.min_size
        search.addGraphSegmentation(segmentation.createGraphSegmentation(settings.sigma, scaled, min_size))
    # One object per similarity serves all groupings, so that its histograms are computed once per segmentation.
    similarities = {
        name: getattr(segmentation, f"createSelectiveSearchSegmentationStrategy{name.capitalize()}")()
        for name in sorted({name for grouping in preset.groupings for name in grouping})
    }
    for grouping in preset.groupings:
        parts = [similarities[name] for name in grouping]
        search.addStrategy(segmentation.createSelectiveSearchSegmentationStrategyMultiple(*parts))
    return np.asarray(search.process(), np.int64).reshape(-1, 4)


def _in_space(image: np.ndarray, space: str) -> np.ndarray:
    """Convert an RGB image to one of the colour spaces, in OpenCV's 8-bit form."""
    if space in CONVERSIONS:
        return cv2.cvtColor(image, CONVERSIONS[space])
    if space == "blue":
        return np.ascontiguousarray(image[:, :, 2])
    # OpenCV's stand-in for normalised rg + intensity: red and green unchanged, and grey.
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return np.ascontiguousarray(np.stack([image[:, :, 0], image[:, :, 1], grey], axis=2))
