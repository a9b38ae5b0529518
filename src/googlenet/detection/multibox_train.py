"""Training of MultiBox: batches of squeezed pictures or parts of them, and the loop."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from googlenet.detection.boxes import iou
from googlenet.detection.history import epoch_head
from googlenet.detection.multibox import Form, MultiBox, squeezed
from googlenet.detection.multibox_loss import NOTHING, Targets, assign, losses, stacked, targets
from googlenet.detection.priors import k_means, on_grid, rescale, shapes
from googlenet.errors import UserError
from googlenet.models.training import Course, learning_rate, set_learning_rate
from googlenet.resume import NOWHERE, Resume


class Objects(NamedTuple):
    """One picture's objects: boxes [m, 4], difficult bool [m], and whether others may be there without a box."""

    boxes: np.ndarray
    difficult: np.ndarray
    partial: bool


def squeezed_boxes(objects: Sequence[Objects], sizes: Sequence[tuple[int, int]], px: int) -> list[np.ndarray]:
    """The boxes that are not difficult, of every picture of (width, height), in the frame of the network's input."""
    return [
        rescale(mine.boxes[~mine.difficult], px / width, px / height)
        for mine, (width, height) in zip(objects, sizes, strict=True)
    ]


def priors_of(
    boxes: Sequence[np.ndarray], head: str, count: int, cells: int, px: int, seed: int
) -> np.ndarray:
    """The priors, float64 [k, 4]: `count` boxes (flat), or `count` shapes at every cell (grid), of the training boxes."""
    every = np.concatenate(boxes)
    if not len(every):
        raise UserError("train_multibox: the training pictures have no object; give a split that has boxes")
    return (
        k_means(every, count, seed)[0] if head == "flat" else on_grid(shapes(every, count, seed), cells, px)
    )


def prior_figures(priors: np.ndarray, boxes: Sequence[np.ndarray], match_iou: float) -> tuple[float, float]:
    """Percent of the objects that some prior overlaps by half or more, and the mean share of priors that are matched."""
    covered = np.concatenate([iou(mine, priors).max(axis=1) >= 0.5 for mine in boxes if len(mine)])
    matched = [(assign(priors, mine, match_iou) != NOTHING).mean() for mine in boxes]
    return float(100 * covered.mean()), float(np.mean(matched))


class PictureBatches(Dataset):
    """Batches of pictures by step, each picture once an epoch of the data. A batch depends on its step and seed alone."""

    def __init__(self, pictures, objects: Sequence[Objects], priors: np.ndarray, settings: dict, px: int):
        self.pictures, self.objects, self.priors = pictures, objects, priors
        self.settings, self.px = settings, px

    def __getitem__(self, step: int) -> tuple[np.ndarray, Targets]:
        size, seed = self.settings["batch_size"], self.settings["order_seed"]
        rng = np.random.Generator(np.random.Philox(key=[seed, step]))
        crops, wanted = np.empty((size, self.px, self.px, 3), np.uint8), []
        for row in range(size):
            index = picture_at(step * size + row, len(self.objects), seed)
            crops[row], mine = self._part_of(index, rng)
            match_iou = self.settings["match_iou"]
            wanted.append(targets(self.priors, mine.boxes, mine.difficult, mine.partial, match_iou))
        return crops, stacked(wanted)

    def _part_of(self, index: int, rng: np.random.Generator) -> tuple[np.ndarray, Objects]:
        """A part of a picture, perhaps mirrored, squeezed, and its objects in that frame."""
        picture, objects, s = self.pictures[index], self.objects[index], self.settings
        height, width = picture.shape[:2]
        left, top, w, h = window(width, height, s["crop_area"], s["crop_aspect"], rng)
        boxes, kept = seen_in(objects.boxes, left, top, w, h)
        boxes = rescale(boxes, self.px / w, self.px / h)
        part = squeezed(picture[top : top + h, left : left + w], self.px)
        if rng.random() < (0.5 if s["mirror"] else 0.0):
            part, boxes = part[:, ::-1], mirrored(boxes, self.px)
        return part, Objects(boxes, objects.difficult[kept], objects.partial)


def picture_at(place: int, pictures: int, seed: int) -> int:
    """The picture at a place of the endless order in which every one comes once before any comes again."""
    return int(order_of(place // pictures, pictures, seed)[place % pictures])


@lru_cache(maxsize=2)  # a batch may end one round and begin the next
def order_of(turn: int, pictures: int, seed: int) -> np.ndarray:
    """All pictures in the order of one round, int64 [pictures]."""
    # Another counter than that of the batches' generators, whose keys are alike.
    rng = np.random.Generator(np.random.Philox(key=[seed, turn], counter=[0, 0, 0, 1]))
    return rng.permutation(pictures)


def window(
    width: int, height: int, area: Sequence[float], aspect: Sequence[float], rng: np.random.Generator
) -> tuple[int, int, int, int]:
    """(left, top, width, height) of a part of a picture: its share of the area, and its shape against the picture's."""
    side = np.sqrt(rng.uniform(*area))
    stretch = np.exp(rng.uniform(*np.log(aspect)) / 2)
    w, h = (max(1, round(n * min(1.0, s))) for n, s in ((width, side * stretch), (height, side / stretch)))
    return int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1)), w, h


def seen_in(boxes: np.ndarray, left: int, top: int, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Boxes whose centre a window holds, cut to it and counted from it, float64 [n, 4]; and which of them, bool [m]."""
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4) - np.array([left, top, left, top])
    centre = (boxes[:, :2] + boxes[:, 2:] + 1) / 2
    kept = ((centre >= 0) & (centre < [width, height])).all(axis=1)
    return np.clip(boxes[kept], 0, [width - 1, height - 1] * 2), kept


def mirrored(boxes: np.ndarray, px: int) -> np.ndarray:
    """The boxes in the mirror image of a picture of `px` pixels' width."""
    return np.stack([px - 1 - boxes[:, 2], boxes[:, 1], px - 1 - boxes[:, 0], boxes[:, 3]], axis=1)


def train(
    model: MultiBox,
    form: Form,
    pictures: Sequence[np.ndarray],
    objects: Sequence[Objects],
    settings: dict,
    compute: dict,
    on_epoch: Callable[[dict], None],
    resume: Resume = NOWHERE,
) -> list[dict]:
    """Train in place and leave the averaged weights; returns the history. settings: conf/train_multibox.yaml.

    resume: where a training that was cut off goes on from. Raises UserError when the loss is no longer a number.
    """
    per_epoch, device = settings["batches_per_epoch"], compute["device"]
    batches = PictureBatches(pictures, objects, model.priors.cpu().numpy(), settings, form.trunk.input_px)
    course = Course.begun(model, settings, per_epoch, resume.load(), "losses")
    opt, average, rows, seen = course.opt, course.average, course.rows, course.seen["losses"]
    steps = range(course.step, settings["epochs"] * per_epoch)
    loader = DataLoader(batches, batch_size=None, sampler=steps, num_workers=compute["loader_workers"])
    model.train()
    for step, (batch, wanted) in enumerate(loader, start=course.step):
        course.begin_step()
        wanted = Targets(*(column.to(device) for column in wanted))
        set_learning_rate(opt, learning_rate(step, per_epoch, settings))
        with torch.autocast(device, torch.bfloat16, enabled=compute["precision"] == "bf16"):
            output = model(form.trunk.to_input(np.asarray(batch), device))
        location, confidence = losses(*output, wanted)
        loss = settings["location_weight"] * location + confidence
        opt.zero_grad()
        loss.backward()
        opt.step()
        average.update(model, step)
        seen.append(torch.stack([loss, location, confidence]).detach())
        if (step + 1) % per_epoch == 0:
            rows.append(epoch_row(step + 1, per_epoch, opt, seen))
            seen.clear()
            on_epoch(rows[-1])
        course.step = step + 1
        resume.step(course.state)
    average.swap(model)
    return rows


def epoch_row(steps_done: int, per_epoch: int, opt: torch.optim.Optimizer, seen: list) -> dict:
    """One row of the history: the mean losses."""
    loss, location, confidence = torch.stack(seen).double().mean(0).tolist()
    head = epoch_head("train_multibox", loss, steps_done, per_epoch, opt)
    return head | {"location_loss": location, "confidence_loss": confidence}
