"""Fine-tuning of one detector on warped regions with a background class, as in R-CNN (section 8)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from googlenet.config.schema.detection import TrainDetector
from googlenet.detection import hard_negatives
from googlenet.detection.history import epoch_of
from googlenet.detection.regions import TrainingRegions, context_at, pool_regions, sample_regions, warp
from googlenet.metrics.detection import DetectorEpoch, DetectorMetrics
from googlenet.models.network import Network, NetworkSpec
from googlenet.models.runtime import Runtime
from googlenet.models.training import TrainState, learning_rate, loss_of, set_learning_rate
from googlenet.pipeline.resume import NOWHERE, Resume

Batch = tuple[np.ndarray, torch.Tensor]


def detector_from(classifier: Network, classes: Sequence[str], seed: int) -> Network:
    """A network with the classifier's weights, but new last layers: the background first, then `classes`.

    Raises UserError for a classifier of a kind without a trunk.
    """
    weights = cast(nn.Module, classifier.trunk).state_dict()
    network = Network.initialised(replace(classifier.spec, classes=("background", *classes)), seed)
    kept = {name: value for name, value in weights.items() if name.split(".")[-2] != "linear"}
    network.model.load_state_dict(network.model.state_dict() | kept)
    return network


class RegionBatches(Dataset[Batch]):
    """Batches of warped regions by step: positives first. A batch depends on its step and the seed alone."""

    def __init__(
        self,
        images: Sequence[np.ndarray],
        regions: TrainingRegions,
        settings: TrainDetector,
        spec: NetworkSpec,
    ):
        self.images, self.regions, self.settings = images, regions, settings
        self.px, self.fill = spec.input_px, spec.mean_colour
        self.pools = pool_regions(regions.labels)
        self.hardest = self.pools.background[:0]  # what hard_negatives finds before an epoch

    def __getitem__(self, step: int) -> Batch:
        s, (boxes, labels) = self.settings, self.regions
        rng = np.random.Generator(np.random.Philox(key=[s.detector.order_seed, step]))
        hard = round(s.hard_negatives.share * s.negatives) if s.hard_negatives.enabled else 0
        rows = sample_regions(rng, self.pools, s.positives, s.negatives - hard)
        if hard:
            rows = np.concatenate([rows, rng.choice(self.hardest, hard, replace=hard > len(self.hardest))])
        mirrored = rng.random(len(rows)) < (0.5 if s.mirror else 0.0)
        crops = np.empty((len(rows), self.px, self.px, 3), np.uint8)
        context = context_at(s.context_px, self.px)
        for crop, (image, region), flip in zip(crops, rows, mirrored, strict=True):
            warp(self.images[image], boxes[image][region], self.px, context, self.fill, out=crop)
            if flip:
                crop[:] = crop[:, ::-1].copy()
        return crops, torch.tensor([int(labels[image][region]) for image, region in rows])


def in_order(
    batches: RegionBatches, train_state: TrainState[DetectorEpoch], network: Network, runtime: Runtime
) -> Iterator[Batch]:
    """The batches of all steps to come. Before each epoch the hardest background is looked for, where any is asked for."""
    settings, workers = batches.settings, runtime.loader_workers
    per_epoch, steps = settings.batches_per_epoch, settings.epochs * settings.batches_per_epoch
    if not settings.hard_negatives.enabled:
        ahead = range(train_state.step, steps)
        yield from DataLoader(batches, batch_size=None, sampler=ahead, num_workers=workers)
        return
    # Whoever loads ahead must not draw from the hardest of the epoch before.
    for epoch in range(train_state.step // per_epoch, settings.epochs):
        span = range(max(train_state.step, epoch * per_epoch), (epoch + 1) * per_epoch)
        if "hardest" in train_state.others and span.start % per_epoch:  # taken up in the middle of an epoch
            batches.hardest = train_state.others["hardest"].numpy()
        else:
            background, boxes = batches.pools.background, batches.regions.boxes
            batches.hardest = hard_negatives.find(
                background, network, batches.images, boxes, epoch, settings, runtime
            )
            train_state.others["hardest"] = torch.from_numpy(batches.hardest)
        # A generator of its own: starting a loader draws a number, and dropout's must not depend on how often one starts.
        yield from DataLoader(
            batches, batch_size=None, sampler=span, num_workers=workers, generator=torch.Generator()
        )


def train(
    network: Network,
    images: Sequence[np.ndarray],
    regions: TrainingRegions,
    settings: TrainDetector,
    runtime: Runtime,
    on_epoch: Callable[[DetectorEpoch], None],
    resume: Resume = NOWHERE,
) -> DetectorMetrics:
    """Fine-tune in place and leave the averaged weights; returns what the stage writes.

    regions: of every image (see training_regions). resume: where a training that was cut off goes on from. Raises UserError
    when no region is positive, or the loss is no longer a number.
    """
    model, per_epoch, device = network.model, settings.batches_per_epoch, runtime.device
    batches = RegionBatches(images, regions, settings, network.spec)
    torch.manual_seed(settings.detector.order_seed)  # dropout
    train_state = TrainState.begun(model, settings, per_epoch, resume.load(), DetectorEpoch, "losses", "hits")
    opt, average, rows = train_state.opt, train_state.average, train_state.rows
    losses, hits = train_state.seen["losses"], train_state.seen["hits"]
    model.train()
    for step, (batch, labels) in enumerate(
        in_order(batches, train_state, network, runtime), start=train_state.step
    ):
        train_state.begin_step()
        target = labels.to(device)
        set_learning_rate(opt, learning_rate(step, per_epoch, settings))
        with runtime.autocast():
            output = model(network.to_input(np.asarray(batch), device))
        loss = loss_of(output, target, settings.aux_weight)
        opt.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no types for it
        opt.step()
        average.update(model, step)
        losses.append(loss.detach())
        hits.append((output[0].argmax(1) == target).float().mean())
        if (step + 1) % per_epoch == 0:
            rows.append(epoch_row(step + 1, per_epoch, opt, losses, hits))
            losses.clear()
            hits.clear()
            on_epoch(rows[-1])
        train_state.step = step + 1
        resume.step(train_state.state)
    average.swap(model)
    return DetectorMetrics(
        member=settings.detector,
        images=len(images),
        positives_available=len(batches.pools.positive),
        parameters=network.parameters,
        epochs=tuple(rows),
    )


def epoch_row(
    steps_done: int,
    per_epoch: int,
    opt: torch.optim.Optimizer,
    losses: Sequence[torch.Tensor],
    hits: Sequence[torch.Tensor],
) -> DetectorEpoch:
    """One row of the history: mean loss and accuracy on the training regions."""
    loss = torch.stack(list(losses)).double().mean().item()
    epoch = epoch_of("train_detector", loss, steps_done, per_epoch, opt)
    accuracy = 100 * torch.stack(list(hits)).double().mean().item()
    return DetectorEpoch(**dict(epoch), train_accuracy_percent=accuracy)
