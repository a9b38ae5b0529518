"""Training of MultiBox: batches of images or crops, resized to a square, and the training loop."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from googlenet.config.schema.detection import TrainMultibox
from googlenet.data.decoded import parts_of
from googlenet.data.ground_truth import GroundTruth, Truth
from googlenet.detection import Boxes, Images
from googlenet.detection.boxes import iou
from googlenet.detection.history import end_epoch
from googlenet.detection.multibox import MultiBox, squeezed
from googlenet.detection.multibox_loss import NOTHING, Targets, assign, losses, stacked, targets
from googlenet.detection.priors import k_means, on_grid, rescale, shapes
from googlenet.errors import UserError
from googlenet.metrics.proposals import MultiboxEpoch
from googlenet.models.batch_loader import BatchLoader
from googlenet.models.runtime import Runtime
from googlenet.models.training import TrainState, learning_rate
from googlenet.pipeline.resume import NOWHERE, Resume
from googlenet.tracking.progress import counted


def squeezed_boxes(truth: Truth, sizes: Sequence[tuple[int, int]], px: int) -> list[np.ndarray]:
    """Every image's non-difficult boxes, in the coordinates of the network's input; sizes: (width, height)."""
    images = zip(truth, sizes, strict=True)
    return [rescale(one.boxes[~one.difficult], px / width, px / height) for one, (width, height) in images]


def priors_of(boxes: Boxes, head: str, count: int, cells: int, px: int, seed: int) -> np.ndarray:
    """Priors, float64 [k, 4], from the training boxes: `count` boxes (flat), or `count` shapes at every cell (grid)."""
    all_boxes = np.concatenate(boxes)
    if not len(all_boxes):
        raise UserError("train_multibox: the training images have no object; give a split that has boxes")
    return k_means(all_boxes, count, seed) if head == "flat" else on_grid(shapes(all_boxes, count, seed), cells, px)


def prior_figures(priors: np.ndarray, boxes: Boxes, match_iou: float) -> tuple[float, float]:
    """Percentage of objects with IoU >= 0.5 with some prior, and the mean share of priors that are matched."""
    covered, matched = [], []
    for one in counted(boxes, "images compared with the priors"):
        covered.append(iou(one, priors).max(axis=1, initial=0) >= 0.5)
        matched.append((assign(priors, one, match_iou) != NOTHING).mean())
    return float(100 * np.concatenate(covered).mean()), float(np.mean(matched))


class ImageBatches:
    """Batches of images by step, each image once per pass over the data. A batch depends only on its step and seed."""

    def __init__(self, images: Images, truth: Truth, priors: np.ndarray, settings: TrainMultibox, px: int):
        self.truth, self.priors, self.settings, self.px = truth, priors, settings, px
        self.images = parts_of(images)

    def __getitem__(self, step: int) -> tuple[np.ndarray, Targets[Tensor]]:
        crops = np.empty((self.settings.batch_size, self.px, self.px, 3), np.uint8)
        return crops, self.make(step, crops)[1]

    def make(self, step: int, out: np.ndarray) -> tuple[int, Targets[Tensor]]:
        """Resize a step's images into `out`; return their number and targets."""
        size, seed, wanted = self.settings.batch_size, self.settings.order_seed, []
        rng = np.random.Generator(np.random.Philox(key=[seed, step]))
        for row in range(size):
            round_number, place = divmod(step * size + row, len(self.truth))
            out[row], truth = self._part_of(order_of_round(round_number, len(self.truth), seed)[place], rng)
            wanted.append(targets(self.priors, truth, self.settings.match_iou))
        return size, stacked(wanted)

    def _part_of(self, index: int, rng: np.random.Generator) -> tuple[np.ndarray, GroundTruth]:
        """Return a crop of an image, resized and perhaps mirrored, and its objects in the crop's coordinates."""
        truth, s, (width, height) = self.truth[index], self.settings, self.images.size(index)
        left, top, w, h = window(width, height, s.crop_area, s.crop_aspect, rng)
        boxes, kept = boxes_in_window(truth.boxes, left, top, w, h)
        boxes = rescale(boxes, self.px / w, self.px / h)
        box = left, top, w, h
        part = squeezed(self.images.part(index, box, 1).of(box), self.px)
        if rng.random() < (0.5 if s.mirror else 0.0):
            part, boxes = part[:, ::-1], mirrored(boxes, self.px)
        return part, GroundTruth(boxes, truth.labels[kept], truth.difficult[kept], truth.partial)


@lru_cache(maxsize=2)  # a batch may span two rounds
def order_of_round(round_number: int, images: int, seed: int) -> np.ndarray:
    """Return all images in the order of one round, int64 [images]."""
    # The counter differs from that of the batches' generators, whose keys are similar.
    rng = np.random.Generator(np.random.Philox(key=[seed, round_number], counter=[0, 0, 0, 1]))
    return rng.permutation(images)


def window(
    width: int, height: int, area: Sequence[float], aspect: Sequence[float], rng: np.random.Generator
) -> tuple[int, int, int, int]:
    """Draw (left, top, width, height) of a crop; area: as a share of the image's; aspect: relative to the image's."""
    side = np.sqrt(rng.uniform(area[0], area[1]))
    stretch = np.exp(rng.uniform(*np.log(aspect)) / 2)
    w, h = (max(1, round(n * min(1.0, s))) for n, s in ((width, side * stretch), (height, side / stretch)))
    return int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1)), w, h


def boxes_in_window(boxes: np.ndarray, left: int, top: int, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Boxes whose centre is in a window, clipped and relative to it, float64 [n, 4]; and their mask, bool [m]."""
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4) - np.array([left, top, left, top])
    centre = (boxes[:, :2] + boxes[:, 2:] + 1) / 2
    kept = ((centre >= 0) & (centre < [width, height])).all(axis=1)
    return np.clip(boxes[kept], 0, [width - 1, height - 1] * 2), kept


def mirrored(boxes: np.ndarray, px: int) -> np.ndarray:
    """Return the boxes in the mirror image of an image `px` pixels wide."""
    return np.stack([px - 1 - boxes[:, 2], boxes[:, 1], px - 1 - boxes[:, 0], boxes[:, 3]], axis=1)


def train(
    model: MultiBox,
    images: Images,
    truth: Truth,
    settings: TrainMultibox,
    runtime: Runtime,
    on_epoch: Callable[[MultiboxEpoch], None],
    resume: Resume = NOWHERE,
) -> tuple[MultiboxEpoch, ...]:
    """Train in place, leaving the averaged weights; return the history. Raises UserError for a non-finite loss."""
    per_epoch, device, trunk = settings.batches_per_epoch, runtime.device, model.form.trunk
    batches = ImageBatches(images, truth, model.priors.cpu().numpy(), settings, trunk.input_px)
    train_state = TrainState(model, settings, per_epoch, resume.load(), MultiboxEpoch, "losses")
    seen = train_state.seen["losses"]
    steps = range(train_state.step, settings.epochs * per_epoch)
    loader = BatchLoader(batches.make, settings.batch_size, batches.px, runtime)
    model.train()
    for batch, of_batch in loader.batches(steps):
        train_state.begin_step()
        wanted = Targets(*map(runtime.moved, of_batch))
        with runtime.autocast():
            offsets, logits = model(trunk.to_input(batch, device))
        location, confidence = losses(offsets, logits, wanted)
        loss = settings.location_weight * location + confidence
        train_state.descend(loss, learning_rate(train_state.step, per_epoch, settings))
        seen.append(torch.stack([loss, location, confidence]).detach())
        epoch, left = divmod(train_state.step, per_epoch)
        if not left:
            total, of_location, of_confidence = torch.stack(seen).double().mean(0).tolist()
            parts = {"location_loss": of_location, "confidence_loss": of_confidence}
            end_epoch(train_state, "train_multibox", epoch, on_epoch, total, **parts)
        resume.step(train_state.state)
    train_state.average.swap(model)
    return tuple(train_state.rows)
