"""A sample of training regions, with all that they are, for what is fitted on a detector's vectors."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from googlenet.detection.boxes import GroundTruth, iou
from googlenet.detection.regions import BACKGROUND, rows_of, starts_of, training_regions
from googlenet.errors import UserError


class Sample(NamedTuple):
    """One row per region, pictures in order.

    image int64 [n]; box float32 [n, 4]; label int64 [n]: background 0, class c is c + 1; of_object bool [n]: an object
    itself, not a proposal; overlap float64 [n] and target float32 [n, 4]: the IoU with the object that it overlaps
    most, and that one's box; class_overlap float64 [n, classes]: the largest IoU with an object of each class; partial
    bool [n]: of a picture with objects that may lack a box; held_out bool [n]: of a picture that is held out.
    """

    image: np.ndarray
    box: np.ndarray
    label: np.ndarray
    of_object: np.ndarray
    overlap: np.ndarray
    target: np.ndarray
    class_overlap: np.ndarray
    partial: np.ndarray
    held_out: np.ndarray


def draw(
    proposals: Sequence[np.ndarray],
    objects: Sequence[GroundTruth],
    classes: int,
    settings: dict,
) -> Sample:
    """Draw regions of all pictures by chance.

    settings: {objects, positives, negatives: at most so many of each; held_out, seed, positive_iou}. A picture whose
    objects may lack a box gives no background (see training_regions). Raises UserError when there is no object.
    """
    rng = np.random.Generator(np.random.Philox(settings["seed"]))
    boxes, labels = training_regions(proposals, objects, settings["positive_iou"])
    held = held_out_pictures(rng, len(boxes), settings["held_out"])
    label, starts = np.concatenate(labels), starts_of(labels)
    own = np.concatenate([of_objects(mine, truth[2]) for mine, truth in zip(labels, objects, strict=True)])
    if not (own & (label > BACKGROUND)).any():
        raise UserError("fit_region_heads: no object in any training picture; give a split that has boxes")
    drawn = [
        chosen(rng, own & (label > BACKGROUND), settings["objects"]),
        chosen(rng, ~own & (label > BACKGROUND), settings["positives"]),
        chosen(rng, label == BACKGROUND, settings["negatives"]),
    ]
    numbers = np.sort(np.concatenate(drawn))
    image, region = rows_of(numbers, starts).T
    box = np.concatenate([boxes[i][region[image == i]] for i in np.unique(image)])
    overlap, target, class_overlap = beside_objects(box, image, objects, classes)
    partial = np.array([len(truth[3]) > 0 for truth in objects])
    return Sample(
        image,
        box,
        label[numbers].astype(np.int64),
        own[numbers],
        overlap,
        target,
        class_overlap,
        partial[image],
        held[image],
    )


def of_objects(labels: np.ndarray, difficult: np.ndarray) -> np.ndarray:
    """Which of a picture's training regions are objects, bool [n]: the last ones, one for each that is not difficult."""
    return np.arange(len(labels)) >= len(labels) - np.sum(~difficult)


def chosen(rng: np.random.Generator, mask: np.ndarray, most: int) -> np.ndarray:
    """At most so many of the regions of a mask, by chance: their numbers among all."""
    numbers = np.flatnonzero(mask).astype(np.min_scalar_type(len(mask)))
    return rng.permutation(numbers)[:most]


def held_out_pictures(rng: np.random.Generator, pictures: int, share: float) -> np.ndarray:
    """Which pictures are held out, bool [pictures]: that share, but one at least, and not all."""
    count = min(max(1, round(share * pictures)), pictures - 1)
    held = np.zeros(pictures, bool)
    held[rng.permutation(pictures)[:count]] = True
    return held


def beside_objects(
    box: np.ndarray,
    image: np.ndarray,
    objects: Sequence[GroundTruth],
    classes: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each region: IoU with the object that it overlaps most, that one's box, largest IoU with each class.

    Difficult objects are no targets, but count for the classes: what lies on one is no sure background.
    """
    overlap, target = np.zeros(len(box)), np.array(box, np.float32)
    class_overlap = np.zeros((len(box), classes))
    for picture in np.unique(image):
        mine = np.flatnonzero(image == picture)
        truth, label, difficult, _ = objects[picture]
        shared = iou(box[mine], truth)
        for column, of_class in enumerate(np.asarray(label, np.int64)):
            class_overlap[mine, of_class] = np.maximum(class_overlap[mine, of_class], shared[:, column])
        if (~difficult).any():
            easy = np.flatnonzero(~difficult)
            best = shared[:, easy].argmax(axis=1)
            overlap[mine], target[mine] = shared[:, easy].max(axis=1), truth[easy][best]
    return overlap, target, class_overlap
