"""Fine-tuning of one detector on warped regions with a background class, as in R-CNN (section 8)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from googlenet.detection import hard_negatives
from googlenet.detection.history import epoch_head
from googlenet.detection.regions import context_at, pool_regions, sample_regions, warp
from googlenet.errors import UserError
from googlenet.models.googlenet import GoogLeNet, initialise
from googlenet.models.training import Course, learning_rate, loss_of, set_learning_rate
from googlenet.resume import NOWHERE, Resume
from googlenet.trained import Description, build


def detector_from(
    classifier: GoogLeNet, description: Description, classes: Sequence[str], seed: int
) -> tuple[GoogLeNet, Description]:
    """A network with the classifier's weights, but new last layers: the background first, then `classes`.

    Raises UserError for a classifier that is not the paper's network.
    """
    if description.network != "paper":
        # The average of the weights would stand beside the batch statistics of the last ones.
        raise UserError(
            f"ensemble.detectors: a detector starts from {description.network}; name a member with the paper's network"
        )
    described = replace(description, classes=["background", *classes])
    model = build(described)
    initialise(model, seed)
    kept = {k: v for k, v in classifier.state_dict().items() if k.split(".")[-2] != "linear"}
    model.load_state_dict(model.state_dict() | kept)
    return model, described


class RegionBatches(Dataset):
    """Batches of warped regions by step: positives first. A batch depends on its step and the seed alone."""

    def __init__(self, pictures, boxes, labels, settings: dict, description: Description, seed: int):
        self.pictures, self.boxes, self.labels, self.settings, self.seed = (
            pictures,
            boxes,
            labels,
            settings,
            seed,
        )
        self.px = description.input_px
        self.fill = description.mean_colour
        self.pools = pool_regions(labels)
        self.hardest = self.pools.background[:0]  # what hard_negatives finds before an epoch

    def __getitem__(self, step: int) -> tuple[np.ndarray, torch.Tensor]:
        s = self.settings
        rng = np.random.Generator(np.random.Philox(key=[self.seed, step]))
        hard = round(s["hard_negatives"]["share"] * s["negatives"])
        rows = sample_regions(rng, self.pools, s["positives"], s["negatives"] - hard)
        if hard:
            rows = np.concatenate([rows, rng.choice(self.hardest, hard, replace=hard > len(self.hardest))])
        mirrored = rng.random(len(rows)) < (0.5 if s["mirror"] else 0.0)
        crops = np.empty((len(rows), self.px, self.px, 3), np.uint8)
        for crop, (image, region), flip in zip(crops, rows, mirrored, strict=True):
            box = self.boxes[image][region]
            warp(
                self.pictures[image], box, self.px, context_at(s["context_px"], self.px), self.fill, out=crop
            )
            if flip:
                crop[:] = crop[:, ::-1].copy()
        return crops, torch.tensor([int(self.labels[image][region]) for image, region in rows])


def in_order(
    regions: RegionBatches, course: Course, description: Description, settings: dict, compute: dict
) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
    """The batches of all steps to come. Before each epoch the hardest background is found anew, where any is asked for."""
    per_epoch, steps = settings["batches_per_epoch"], settings["epochs"] * settings["batches_per_epoch"]
    workers = compute["loader_workers"]
    if settings["hard_negatives"]["share"] == 0:
        yield from DataLoader(
            regions, batch_size=None, sampler=range(course.step, steps), num_workers=workers
        )
        return
    # Whoever loads ahead must not draw from the hardest of the epoch before.
    for epoch in range(course.step // per_epoch, settings["epochs"]):
        span = range(max(course.step, epoch * per_epoch), (epoch + 1) * per_epoch)
        if "hardest" in course.others and span.start % per_epoch:  # taken up in the middle of an epoch
            regions.hardest = course.others["hardest"].numpy()
        else:
            background, pictures, boxes = regions.pools.background, regions.pictures, regions.boxes
            regions.hardest = hard_negatives.find(
                background, course.model, description, pictures, boxes, epoch, settings, compute
            )
            course.others["hardest"] = torch.from_numpy(regions.hardest)
        # A generator of its own: starting a loader draws a number, and dropout's must not depend on how often one starts.
        yield from DataLoader(
            regions, batch_size=None, sampler=span, num_workers=workers, generator=torch.Generator()
        )


def train(
    model: nn.Module,
    description: Description,
    pictures: Sequence[np.ndarray],
    boxes: Sequence[np.ndarray],
    labels: Sequence[np.ndarray],
    settings: dict,
    compute: dict,
    on_epoch: Callable[[dict], None],
    resume: Resume = NOWHERE,
) -> dict:
    """Fine-tune `model` in place and leave it with its averaged weights; returns the history.

    boxes, labels: the regions of every picture (see training_regions). settings: conf/train_detector.yaml. resume: where a
    training that was cut off goes on from. Raises UserError when no region is positive, or the loss is no longer a number.
    """
    seed, per_epoch = settings["detector"]["order_seed"], settings["batches_per_epoch"]
    regions = RegionBatches(pictures, boxes, labels, settings, description, seed)
    torch.manual_seed(seed)  # dropout
    course, device = (
        Course.begun(model, settings, per_epoch, resume.load(), "losses", "hits"),
        compute["device"],
    )
    opt, average, rows = course.opt, course.average, course.rows
    losses, hits = course.seen["losses"], course.seen["hits"]
    batches = in_order(regions, course, description, settings, compute)
    model.train()
    for step, (batch, target) in enumerate(batches, start=course.step):
        course.begin_step()
        target = target.to(device)
        set_learning_rate(opt, learning_rate(step, per_epoch, settings))
        with torch.autocast(device, torch.bfloat16, enabled=compute["precision"] == "bf16"):
            output = model(description.to_input(np.asarray(batch), device))
        loss = loss_of(output, target, settings["aux_weight"])
        opt.zero_grad()
        loss.backward()
        opt.step()
        average.update(model, step)
        losses.append(loss.detach())
        hits.append((output[0].argmax(1) == target).float().mean())
        if (step + 1) % per_epoch == 0:
            rows.append(epoch_row(step + 1, per_epoch, opt, losses, hits))
            losses.clear(), hits.clear()
            on_epoch(rows[-1])
        course.step = step + 1
        resume.step(course.state)
    average.swap(model)
    return {"epochs": rows, "images": len(pictures), "positives_available": len(regions.pools.positive)}


def epoch_row(steps_done: int, per_epoch: int, opt: torch.optim.Optimizer, losses: list, hits: list) -> dict:
    """One row of the history: mean loss and accuracy on the training regions."""
    loss = torch.stack(losses).double().mean().item()
    head = epoch_head("train_detector", loss, steps_done, per_epoch, opt)
    return head | {"train_accuracy_percent": 100 * torch.stack(hits).double().mean().item()}
