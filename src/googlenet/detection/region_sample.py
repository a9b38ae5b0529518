"""A sample of training regions and their properties, for fitting heads on a detector's vectors."""

from typing import NamedTuple

import numpy as np

from googlenet.config.schema.detection import FitRegionHeads
from googlenet.data.ground_truth import Truth
from googlenet.detection import Boxes
from googlenet.detection.boxes import iou
from googlenet.detection.regions import BACKGROUND, rows_of, starts_of, training_regions
from googlenet.errors import UserError
from googlenet.metrics.detection import Accuracy
from googlenet.tracking.progress import counted


class Sample(NamedTuple):
    """One row per region, images in order."""

    image: np.ndarray  # int64 [n]
    box: np.ndarray  # float32 [n, 4]
    label: np.ndarray  # int64 [n]: background 0, class c is c + 1
    of_object: np.ndarray  # bool [n]: a ground-truth box, not a proposal
    overlap: np.ndarray  # float64 [n]: IoU with the object that it overlaps most
    target: np.ndarray  # float32 [n, 4]: that object's box
    class_overlap: np.ndarray  # float64 [n, classes]: the largest IoU with an object of each class
    partial: np.ndarray  # bool [n]: in an image where objects may lack a box
    held_out: np.ndarray  # bool [n]: in a held-out image


def draw(proposals: Boxes, objects: Truth, classes: int, settings: FitRegionHeads) -> Sample:
    """Draw a random sample of all images' training_regions. Raises UserError if there is no object."""
    rng = np.random.Generator(np.random.Philox(settings.seed))
    boxes, labels = training_regions(proposals, objects, settings.positive_iou)
    held = held_out_images(rng, len(boxes), settings.held_out)
    label, starts = np.concatenate(labels), starts_of(labels)
    # The last regions of an image are its objects, except the difficult ones.
    objects_begin = [len(row) - np.sum(~truth.difficult) for row, truth in zip(labels, objects, strict=True)]
    of_object = np.concatenate([np.arange(len(row)) >= n for row, n in zip(labels, objects_begin, strict=True)])
    positive = label > BACKGROUND
    if not (of_object & positive).any():
        raise UserError("fit_region_heads: no object in any training image; give a split that has boxes")
    kinds = of_object & positive, ~of_object & positive, label == BACKGROUND
    limits = settings.objects, settings.positives, settings.negatives
    numbers = np.sort(np.concatenate([chosen(rng, *of_kind) for of_kind in zip(kinds, limits, strict=True)]))
    image, region = rows_of(numbers, starts).T
    box = np.concatenate([boxes[i][region[image == i]] for i in np.unique(image)])
    kind = label[numbers].astype(np.int64), of_object[numbers]
    partial = np.array([not truth.complete for truth in objects])
    return Sample(image, box, *kind, *beside_objects(box, image, objects, classes), partial[image], held[image])


def chosen(rng: np.random.Generator, mask: np.ndarray, most: int) -> np.ndarray:
    """Draw at most `most` of the regions in a mask at random; return their indices among all."""
    numbers = np.flatnonzero(mask).astype(np.min_scalar_type(len(mask)))
    return rng.permutation(numbers)[:most]


def held_out_images(rng: np.random.Generator, images: int, share: float) -> np.ndarray:
    """Draw the images to hold out, bool [images]: the given share, but at least one, and not all."""
    count = min(max(1, round(share * images)), images - 1)
    held = np.zeros(images, bool)
    held[rng.permutation(images)[:count]] = True
    return held


def beside_objects(
    box: np.ndarray, image: np.ndarray, objects: Truth, classes: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each region's overlap, target and class_overlap. Difficult objects are neither targets nor certain background."""
    overlap, target, class_overlap = np.zeros(len(box)), np.array(box, np.float32), np.zeros((len(box), classes))
    for number in counted(np.unique(image), "images whose regions are compared with objects"):
        rows, truth = np.flatnonzero(image == number), objects[number]
        shared = iou(box[rows], truth.boxes)
        for column, of_class in enumerate(np.asarray(truth.labels, np.int64)):
            class_overlap[rows, of_class] = np.maximum(class_overlap[rows, of_class], shared[:, column])
        if (~truth.difficult).any():
            easy = np.flatnonzero(~truth.difficult)
            best = shared[:, easy].argmax(axis=1)
            overlap[rows], target[rows] = shared[:, easy].max(axis=1), truth.boxes[easy][best]
    return overlap, target, class_overlap


def accuracy(logits: np.ndarray, sample: Sample) -> Accuracy:
    """Return the percent of the sample's regions whose largest logit, of [n, 1 + classes], is that of their class."""
    right = logits.argmax(axis=1) == sample.label
    parts = (right[rows] for rows in (~sample.held_out, sample.held_out))
    fitted, held_out = (float(100 * part.mean()) if len(part) else None for part in parts)
    return Accuracy(fitted=fitted, held_out=held_out)
