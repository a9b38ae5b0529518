"""MultiBox's targets (Erhan et al. 2014, section 3): which prior matches which object, and the combined loss."""

from typing import Generic, NamedTuple, TypeVar

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional

from googlenet.data.ground_truth import GroundTruth
from googlenet.detection.box_offsets import encode
from googlenet.detection.boxes import iou

NOTHING = -1
ArrayT = TypeVar("ArrayT", np.ndarray, Tensor)


class Targets(NamedTuple, Generic[ArrayT]):
    """Targets of k priors, float32: offsets [k, 4]; 0 or 1 for matching an object, and for counting in the loss."""

    offsets: ArrayT
    matched: ArrayT
    counts: ArrayT


def assign(priors: np.ndarray, objects: np.ndarray, match_iou: float) -> np.ndarray:
    """Return the object that each prior matches, int64 [k], or NOTHING. Every object is assigned one prior, maximising
    the total IoU; with `match_iou` below 1, each other prior reaching it matches the object that it overlaps most."""
    owner = np.full(len(priors), NOTHING)
    if not len(objects):
        return owner
    overlap = iou(objects, priors)
    best = overlap.argmax(axis=0)
    if match_iou < 1:
        owner = np.where(overlap.max(axis=0) >= match_iou, best, owner)
    extent = np.abs(priors).max() + 1
    apart = np.abs(np.asarray(objects, np.float64)[:, None] - priors[None]).sum(axis=2) / extent
    rows, columns = linear_sum_assignment(1e-6 * apart - overlap)
    owner[columns] = rows
    return owner


def targets(priors: np.ndarray, truth: GroundTruth, match_iou: float) -> Targets[np.ndarray]:
    """Targets of an image's priors. Not counted: on difficult objects, or unmatched if objects may lack a box."""
    objects = truth.boxes
    owner = assign(priors, objects, match_iou)
    taken = owner != NOTHING
    hard = np.zeros(len(priors), bool)
    hard[taken] = truth.difficult[owner[taken]]
    matched = taken & ~hard
    offsets = np.zeros((len(priors), 4), np.float32)
    offsets[matched] = encode(priors[matched], objects[owner[matched]])
    counts = ~hard if truth.complete else matched
    return Targets(offsets, matched.astype(np.float32), counts.astype(np.float32))


def losses(offsets: Tensor, logits: Tensor, wanted: Targets[Tensor]) -> tuple[Tensor, Tensor]:
    """Location loss (half the squared distance) and confidence loss (logistic), each per matched prior of the batch."""
    matches = wanted.matched.sum().clamp(min=1)
    location = (0.5 * (offsets - wanted.offsets).square().sum(2) * wanted.matched).sum()
    confidence = functional.binary_cross_entropy_with_logits(
        logits, wanted.matched, weight=wanted.counts, reduction="sum"
    )
    return location / matches, confidence / matches


def stacked(images: list[Targets[np.ndarray]]) -> Targets[Tensor]:
    """Return the targets of a batch, as tensors."""
    return Targets(*(torch.from_numpy(np.stack(column)) for column in zip(*images, strict=True)))
