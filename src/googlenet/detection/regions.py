"""Network inputs and training labels for regions: R-CNN's warp, labels and batches."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise, repeat
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
        """The warp to a network's input, with R-CNN's context (16 px at 227) scaled to its size and rounded."""
        return cls(spec.input_px, round(context_px * spec.input_px / RCNN_INPUT_PX), spec.mean_colour)

    def matrices(self, boxes: np.ndarray) -> np.ndarray:
        """Return the affine map from a region's pixels to the image's for each box [n, 4], float64 [n, 2, 3].

        The box fills the inner (size - 2 * context) pixels of each side exactly; the margin shows its surroundings at
        the same scale. Output pixel u is at (u - context + 0.5) * width / inner + xmin - 0.5. Raises UserError if the
        context leaves nothing or a box has no area.
        """
        inner = self.size_px - 2 * self.context_px
        if inner < 1 or self.context_px < 0:
            what = f"context_px: {self.context_px} on each side leaves nothing of {self.size_px} pixels"
            raise UserError(f"{what}; lower it")
        low, high = np.hsplit(np.asarray(boxes, np.float64).reshape(-1, 4), 2)
        scale = (high - low + 1) / inner  # across and down, [n, 2]
        if not (scale > 0).all():
            box = np.concatenate([low, high], 1)[~(scale > 0).all(1)][0].tolist()
            raise UserError(f"box {box}: it has no area; leave it out when preparing the data")
        result = np.zeros((len(scale), 2, 3))
        result[:, 0, 0], result[:, 1, 1] = scale.T
        result[:, :, 2] = (0.5 - self.context_px) * scale + low - 0.5
        return result

    def each(self, images: Iterable[np.ndarray], boxes: np.ndarray) -> np.ndarray:
        """Return the region of each box [n, 4] in its image, warped to a square (R-CNN, appendix A).

        uint8 [n, size, size, 3], sampled bilinearly and without antialiasing; UserError as in `matrices`.
        """
        matrices, size = self.matrices(boxes), self.size_px
        # With a fourth channel, later dropped, OpenCV samples twice as fast; the other channels are bit-identical.
        flags, outside = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, (*map(float, self.fill), 0.0)
        padded = np.empty((len(matrices), size, size, 4), np.uint8)
        following, before, source = iter(images), None, np.empty(0)
        for matrix, region in zip(matrices, padded, strict=True):
            if (image := next(following)) is not before:
                before, source = image, np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2RGBA))
            cv2.warpAffine(source, matrix, (size, size), region, flags, cv2.BORDER_CONSTANT, outside)
        regions = np.empty((len(matrices), size, size, 3), np.uint8)
        if len(regions):
            rows = len(regions) * size
            cv2.cvtColor(padded.reshape(rows, size, 4), cv2.COLOR_RGBA2RGB, regions.reshape(rows, size, 3))
        return regions

    def many(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Return the regions of all boxes [n, 4] of one image, as `each` does."""
        return self.each(repeat(image), boxes)

    def one(self, image: np.ndarray, box: Sequence[float] | np.ndarray) -> np.ndarray:
        """Return the region of one box, uint8 [size, size, 3]."""
        (region,) = self.each([image], np.asarray(box))
        return np.asarray(region)


def label_regions(proposals: np.ndarray, truth: GroundTruth, positive_iou: float) -> np.ndarray:
    """Return the label of each proposal [n, 4] of an image, int64 [n], as in R-CNN's fine-tuning.

    It is the class (as class + 1) of the object that the proposal overlaps most (ties: the first) if their IoU is at
    least `positive_iou`, else BACKGROUND. It is IGNORED if only a difficult object reaches that IoU, and instead of
    BACKGROUND in an image where objects of some class may lack a box, as in R-CNN: the region could be one of them.
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
    """A detector's training data: every image's boxes and their labels (see label_regions)."""

    boxes: Boxes  # float32 [n, 4]
    labels: Sequence[np.ndarray]  # int16 [n]


def training_regions(proposals: Boxes, objects: Truth, positive_iou: float) -> TrainingRegions:
    """Return the proposals and the ground-truth boxes, with their labels."""
    boxes = TrainingBoxes(proposals, objects)
    # One array for all: many small ones would fragment memory, so that temporary overlaps are never freed.
    starts = starts_of(boxes)
    flat = np.empty(starts[-1], np.int16)
    labels = [flat[start:end] for start, end in pairwise(starts)]
    images = zip(labels, boxes, objects, strict=True)
    for label, of_image, truth in counted(images, "images whose regions are labelled", len(labels)):
        label[:] = label_regions(of_image, truth, positive_iou)
    return TrainingRegions(boxes, labels)


def starts_of(regions: Sequence[np.ndarray]) -> np.ndarray:
    """Return the index of each image's first region among all, int64 [images + 1]."""
    return np.concatenate([[0], np.cumsum(counts_of(regions))])


def rows_of(numbers: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Convert regions' indices among all to rows of (image, region), int64 [n, 2]."""
    numbers = numbers.astype(np.int64)
    image = np.searchsorted(starts, numbers, side="right") - 1
    return np.stack([image, numbers - starts[image]], axis=1)


class Pool:
    """Regions of one kind, as indices among all: ILSVRC has hundreds of millions. pool[which]: (image, region) rows."""

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
    """The regions of both kinds."""

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
