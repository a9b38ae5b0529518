"""The magnification of crops in training and at test, and the errors of one model on the test crops of each scale.

A crop's zoom is its image's shorter side divided by the side of the crop in the image: 1 if the crop is as wide as
the shorter side, 2 if it is half as wide. Its magnification is the number of network input pixels per image pixel.
The side of a non-square crop is the geometric mean of its width and height.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from math import log
from typing import NamedTuple

import numpy as np

from googlenet.classification.crop_groups import ScalePart, by_scale
from googlenet.classification.crops import crops_144, in_original
from googlenet.classification.error_rates import ErrorMask
from googlenet.classification.measured_errors import differences, with_intervals
from googlenet.classification.sampling import METHODS
from googlenet.config.schema.classification import StudyCrops
from googlenet.metrics.bootstrap import Bounds, generator
from googlenet.metrics.classification_studies import MatchedCrops, ScaleErrors, ScaleStudy, TrainingZoom

QUARTILES = (25, 75)
ROUNDING = 0.02  # crops and resized images have whole pixels, which limits the precision of a 64 px crop's zoom


class Seen(NamedTuple):
    """The zoom and magnification of crops: two arrays of the same shape."""

    zoom: np.ndarray
    magnification: np.ndarray

    @classmethod
    def of(cls, sides: np.ndarray | Sequence[float], shorter: np.ndarray | Sequence[float], input_px: int) -> "Seen":
        """Build from the crops' sides and the shorter sides of their images, both in pixels of the image."""
        sides = np.asarray(sides, np.float64)
        return cls(np.asarray(shorter) / sides, input_px / sides)


class Zooms(NamedTuple):
    """Zooms of training crops [drawn] (none where nothing is trained) and of the kept test crops [images, crops], at
    these scales."""

    training: Seen
    test: Seen
    scales: Sequence[int]

    @property
    def of_crops(self) -> np.ndarray:
        """The zoom of each kept crop: the median over the test images [crops]."""
        return np.asarray(np.median(self.test.zoom, axis=0))

    @property
    def matched(self) -> np.ndarray:
        """The kept crops whose zoom lies between the quartiles of the training crops': bool [crops]."""
        if not len(self.training.zoom):
            return np.zeros(self.test.zoom.shape[1], bool)
        low, high = np.percentile(self.training.zoom, QUARTILES)
        return np.asarray((self.of_crops >= low * (1 - ROUNDING)) & (self.of_crops <= high * (1 + ROUNDING)))


def seen_in_training(size_of: Callable[[int], tuple[int, int]], images: int, settings: StudyCrops) -> Seen:
    """Draw training crops with the members' own sampling, one member after the other, from random images.
    size_of: width and height of an image by its index, in px."""
    samplings, rng = list(settings.samplings.values()), generator(settings.seed)
    sides, shorter = list[float](), list[int]()
    for number in range(settings.training_crops if samplings else 0):
        width, height = size_of(int(rng.integers(images)))
        sampling = samplings[number % len(samplings)]
        *_, w, h = METHODS[sampling.method](width, height, sampling, rng)
        sides.append((w * h) ** 0.5)
        shorter.append(min(width, height))
    return Seen.of(sides, shorter, settings.input_px)


def seen_at_test(sizes: Sequence[tuple[int, int]], crops: np.ndarray, input_px: int, scales: Sequence[int]) -> Seen:
    """Return the zoom and magnification of some of the 144 crops for images of these sizes (width, height in px)."""

    @cache
    def sides(width: int, height: int) -> list[float]:
        every = crops_144(width, height, input_px, scales=scales)
        boxes = (in_original(every[crop], width, height) for crop in crops)
        return [((right - left + 1) * (bottom - top + 1)) ** 0.5 for left, top, right, bottom in boxes]

    rows = np.array([sides(*size) for size in sizes]).reshape(len(sizes), len(crops))
    return Seen.of(rows, np.array([min(size) for size in sizes])[:, None], input_px)


def masks(crops: np.ndarray, zooms: Zooms) -> dict[tuple[str, ...], np.ndarray]:
    """Return the mask [crops] of the kept crops in each mean that `scale_study` needs."""
    parts = by_scale(crops, zooms.scales)
    means: dict[tuple[str, ...], np.ndarray] = {("only", part.name): part.members for part in parts}
    means |= {("but", part.name): ~part.members for part in parts} | {("matched",): zooms.matched}
    return {name: members for name, members in means.items() if members.any()}


def scale_study(
    wrong: Mapping[tuple[str | int, ...], ErrorMask], whole: ErrorMask, crops: np.ndarray, zooms: Zooms, bounds: Bounds
) -> ScaleStudy:
    """Compare the crops of each scale and kind, alone and left out. wrong: one model's errors with each of `masks`;
    whole: with all crops."""
    training, parts = zooms.training, by_scale(crops, zooms.scales)
    median = float(np.median(training.zoom)) if len(training.zoom) else None
    zoom = {part.name: float(np.median(zooms.of_crops[part.members])) for part in parts}
    # Rounded, so that a tie between kinds of the same zoom goes to the first.
    nearest = min(parts, key=lambda part: round(abs(log(zoom[part.name] / median)), 6)) if median else None

    def row(part: ScalePart) -> ScaleErrors:
        alone, without = wrong["only", part.name], wrong.get(("but", part.name))
        base = None if nearest is None or part is nearest else wrong["only", nearest.name]
        return ScaleErrors(
            **with_intervals(alone, bounds),
            scale_px=part.scale_px,
            kind=part.kind,
            crops=int(part.members.sum()),
            zoom=zoom[part.name],
            magnification=float(np.median(zooms.test.magnification[:, part.members])),
            training_below_percent=None if median is None else float(100 * (training.zoom < zoom[part.name]).mean()),
            against_nearest=None if base is None else differences(base, alone, bounds),
            left_out=None if without is None else differences(whole, without, bounds),
        )

    return ScaleStudy(
        training=None if median is None else of_training(training),
        rows=tuple(map(row, parts)),
        matched=None if ("matched",) not in wrong else of_matched(wrong["matched",], whole, crops, zooms, bounds),
    )


def of_training(training: Seen) -> TrainingZoom:
    """Summarise the zoom and magnification of training crops for the report."""
    low, median, high = (float(value) for value in np.percentile(training.zoom, (QUARTILES[0], 50, QUARTILES[1])))
    magnification = float(np.median(training.magnification))
    return TrainingZoom(crops=len(training.zoom), zoom=median, quartiles=(low, high), magnification=magnification)


def of_matched(alone: ErrorMask, whole: ErrorMask, crops: np.ndarray, zooms: Zooms, bounds: Bounds) -> MatchedCrops:
    """Return the errors on the crops whose zoom lies between the quartiles of the training crops'."""
    parts = [part for part in by_scale(crops, zooms.scales) if (part.members & zooms.matched).any()]
    scales = sorted({part.scale_px for part in parts if part.scale_px is not None})
    return MatchedCrops(
        **with_intervals(alone, bounds),
        crops=int(zooms.matched.sum()),
        scales_px=tuple(scales),
        against_all=differences(whole, alone, bounds),
    )
