"""Network inputs and training labels for regions: R-CNN's warp, labels and batches."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from googlenet.data.ground_truth import GroundTruth, Truth
from googlenet.detection import Boxes
from googlenet.detection.boxes import iou
from googlenet.detection.proposals import PerImage, counts_of
from googlenet.errors import UserError
from googlenet.tracking.progress import counted

if TYPE_CHECKING:  # labelling regions needs no torch
    from googlenet.models.network import NetworkSpec

BACKGROUND = 0
IGNORED = -1
RCNN_INPUT_PX = 227  # context_px refers to this input size


class Warp(NamedTuple):
    """R-CNN's warp of a region to a square of `size_px`, with a margin of `context_px` and `fill` outside the image."""

    size_px: int
    context_px: int
    fill: tuple[int, int, int]

    @classmethod
    def of(cls, spec: "NetworkSpec", context_px: float) -> "Warp":
        """The warp to a network's input: R-CNN's context (16 px at 227) for its size, to the nearest pixel."""
        return cls(spec.input_px, round(context_px * spec.input_px / RCNN_INPUT_PX), spec.mean_colour)

    def one(self, image: np.ndarray, box: Sequence[float] | np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Return the region squeezed to a square, uint8 [size, size, 3], whatever its shape (R-CNN, appendix A).

        The box fills the inner (size - 2 * context) pixels of each side exactly; the margin shows its surroundings at
        the same scale. Output pixel u is sampled, bilinearly and without antialiasing, at
        (u - context + 0.5) * width / inner + xmin - 0.5. Raises UserError if the context leaves nothing or a box has no
        area.
        """
        size, context = self.size_px, self.context_px
        inner = size - 2 * context
        if inner < 1 or context < 0:
            raise UserError(f"context_px: {context} on each side leaves nothing of {size} pixels; lower it")
        xmin, ymin, xmax, ymax = (float(side) for side in box)
        scale_x, scale_y = (xmax - xmin + 1) / inner, (ymax - ymin + 1) / inner
        if not (scale_x > 0 and scale_y > 0):
            raise UserError(f"box {[xmin, ymin, xmax, ymax]}: it has no area; leave it out when preparing the data")
        shift_x, shift_y = ((0.5 - context) * scale + low - 0.5 for scale, low in ((scale_x, xmin), (scale_y, ymin)))
        matrix = np.array([[scale_x, 0, shift_x], [0, scale_y, shift_y]])
        flags, border = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, cv2.BORDER_CONSTANT
        outside = tuple(float(channel) for channel in self.fill)
        return cv2.warpAffine(image, matrix, (size, size), out, flags, border, outside)

    def many(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Return the regions of all boxes [n, 4] of an image: uint8 [n, size, size, 3]."""
        regions = np.empty((len(boxes), self.size_px, self.size_px, 3), np.uint8)
        for region, box in zip(regions, boxes.tolist(), strict=True):
            self.one(image, box, out=region)
        return regions


def label_regions(proposals: np.ndarray, truth: GroundTruth, positive_iou: float) -> np.ndarray:
    """Return the label of each proposal [n, 4] of an image, int64 [n], as in R-CNN's fine-tuning.

    It is the class (as class + 1) of the object that the proposal overlaps most (the first, at a tie) if their IoU is
    at least `positive_iou`, else BACKGROUND. It is IGNORED if only a difficult object reaches that IoU, and for
    background in an image where objects of some class may lack a box, as in R-CNN: it could be one of them.
    """
    overlap, easy = iou(proposals, truth.boxes), ~truth.difficult
    best, best_hard = (overlap[:, some].max(axis=1, initial=0) for some in (easy, ~easy))
    result = np.full(len(overlap), BACKGROUND if truth.complete else IGNORED, np.int64)
    result[best_hard >= positive_iou] = IGNORED
    positive = best >= positive_iou
    if positive.any():
        owner = overlap[:, easy][positive].argmax(axis=1)
        result[positive] = truth.labels[easy][owner] + 1
    return result


class TrainingBoxes(PerImage):
    """Every image's proposals, then its objects except the difficult ones: float32 [n, 4], read on access."""

    def __init__(self, proposals: Boxes, objects: Truth):
        if len(proposals) != len(objects):
            raise ValueError(f"proposals of {len(proposals)} images for objects of {len(objects)}")
        self.proposals, self.objects = proposals, objects
        self.counts = counts_of(proposals) + np.array([np.sum(~truth.difficult) for truth in objects], np.int64)

    def of(self, image: int) -> np.ndarray:
        """Return the boxes of one image."""
        truth = self.objects[image]
        return np.concatenate([self.proposals[image], truth.boxes[~truth.difficult]], dtype=np.float32)


class TrainingRegions(NamedTuple):
    """A detector's training data: every image's boxes and their labels, see label_regions."""

    boxes: Boxes  # float32 [n, 4]
    labels: Sequence[np.ndarray]  # int16 [n]


def training_regions(proposals: Boxes, objects: Truth, positive_iou: float) -> TrainingRegions:
    """Return the proposals and the objects themselves, with their labels."""
    boxes = TrainingBoxes(proposals, objects)
    # One array for all: between many small ones, the memory of each image's temporary overlaps would never be freed.
    starts = starts_of(boxes)
    flat = np.empty(starts[-1], np.int16)
    labels = [flat[start:end] for start, end in pairwise(starts)]
    images = zip(labels, boxes, objects, strict=True)
    for label, of_image, truth in counted(images, "images whose regions are labelled", len(labels)):
        label[:] = label_regions(of_image, truth, positive_iou)
    return TrainingRegions(boxes, labels)


def starts_of(regions: Sequence[np.ndarray]) -> np.ndarray:
    """Return where each image's regions begin among all, int64 [images + 1]."""
    return np.concatenate([[0], np.cumsum(counts_of(regions))])


def rows_of(numbers: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Convert regions' numbers among all to rows of (image, region), int64 [n, 2]."""
    numbers = numbers.astype(np.int64)
    image = np.searchsorted(starts, numbers, side="right") - 1
    return np.stack([image, numbers - starts[image]], axis=1)


class Pool:
    """Regions of one kind, as numbers among all: ILSVRC has hundreds of millions. pool[which]: (image, region) rows."""

    def __init__(self, labels: Sequence[np.ndarray], starts: np.ndarray, kind: Callable[[np.ndarray], np.ndarray]):
        ends = np.cumsum([0, *(np.count_nonzero(kind(of_image)) for of_image in labels)])
        self.numbers = np.empty(ends[-1], np.min_scalar_type(starts[-1]))
        for i, of_image in enumerate(labels):
            self.numbers[ends[i] : ends[i + 1]] = starts[i] + np.flatnonzero(kind(of_image))
        self.starts = starts

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, which: np.ndarray | slice) -> np.ndarray:
        return rows_of(self.numbers[which], self.starts)


class Pools(NamedTuple):
    """The regions of either kind."""

    positive: Pool
    background: Pool


def pool_regions(labels: Sequence[np.ndarray]) -> Pools:
    """Sort the regions of all images into positives and background, by the labels of `label_regions`."""
    kinds = (lambda of_image: of_image > BACKGROUND), (lambda of_image: of_image == BACKGROUND)
    return Pools(*(Pool(labels, starts_of(labels), kind) for kind in kinds))


def sample_regions(rng: np.random.Generator, pools: Pools, positives: int, negatives: int) -> np.ndarray:
    """Draw a batch of (image, region), int64 [n, 2], positives first (R-CNN: 32 + 96), distinct if enough exist."""
    rows = []
    for name, pool, wanted in zip(pools._fields, pools, (positives, negatives), strict=True):
        if wanted and not len(pool):
            raise UserError(f"regions: no {name} region in any image; look at the proposals' coverage of the objects")
        rows.append(pool[rng.choice(max(len(pool), 1), size=wanted, replace=wanted > len(pool))])
    return np.concatenate(rows)
