"""Fine-tuning of one detector on warped regions with a background class, as in R-CNN (section 8)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, repeat
from typing import cast

import numpy as np
import torch
from torch import nn

from googlenet.config.schema.detection import RegionView, TrainDetector
from googlenet.detection import Images
from googlenet.detection.history import end_epoch
from googlenet.detection.region_vectors import as_it_is, softmax, views
from googlenet.detection.regions import BACKGROUND, Pool, TrainingRegions, Warp, pool_regions, sample_regions
from googlenet.errors import UserError
from googlenet.metrics.detection import DetectorEpoch, DetectorMetrics
from googlenet.models.batch_loader import BatchLoader, shared_array
from googlenet.models.network import Network, NetworkSpec
from googlenet.models.runtime import Runtime
from googlenet.models.training import TrainState, learning_rate, loss_of
from googlenet.pipeline.resume import NOWHERE, Resume
from googlenet.tracking.progress import counted

Batch = tuple[np.ndarray, torch.Tensor]
STREAM = 2**40  # keys of the random numbers drawn before epochs start above those of all steps


def detector_from(classifier: Network, classes: Sequence[str], seed: int) -> Network:
    """The classifier with new output layers: background, then `classes`. UserError for a kind without a trunk."""
    weights = cast(nn.Module, classifier.trunk).state_dict()
    network = Network.initialised(replace(classifier.spec, classes=("background", *classes)), seed)
    kept = {name: value for name, value in weights.items() if name.split(".")[-2] != "linear"}
    network.model.load_state_dict(network.model.state_dict() | kept)
    return network


class RegionBatches:
    """Batches of warped regions by step, positives first. A batch depends only on its step and the seed."""

    def __init__(self, images: Images, regions: TrainingRegions, settings: TrainDetector, spec: NetworkSpec):
        self.images, self.regions, self.settings = images, regions, settings
        self.warp = Warp.of(spec, settings.context_px)
        self.pools = pool_regions(regions.labels)
        self._hardest = shared_array((settings.hard_negatives.hardest, 2), np.int64)
        self._hardest_count = shared_array((1,), np.int64)

    @property
    def hardest(self) -> np.ndarray:
        """Set from hardest_background before each epoch and shared with the loader's processes: int64 [n, 2]."""
        return self._hardest[: self._hardest_count[0]]

    @hardest.setter
    def hardest(self, rows: np.ndarray) -> None:
        self._hardest_count[0] = len(rows)
        self._hardest[: len(rows)] = rows

    @property
    def size(self) -> int:
        """The number of regions in a batch."""
        return self.settings.positives + self.settings.negatives

    def __getitem__(self, step: int) -> Batch:
        crops = np.empty((self.size, self.warp.size_px, self.warp.size_px, 3), np.uint8)
        return crops, self.make(step, crops)[1]

    def make(self, step: int, out: np.ndarray) -> tuple[int, torch.Tensor]:
        """Warp a step's regions into `out`; return their number and labels."""
        s, (boxes, labels) = self.settings, self.regions
        rng = np.random.Generator(np.random.Philox(key=[s.detector.order_seed, step]))
        hard = round(s.hard_negatives.share * s.negatives) if s.hard_negatives.enabled else 0
        rows = sample_regions(rng, self.pools, s.positives, s.negatives - hard)
        if hard:
            rows = np.concatenate([rows, rng.choice(self.hardest, hard, replace=hard > len(self.hardest))])
        mirrored = rng.random(len(rows)) < (0.5 if s.mirror else 0.0)
        groups = list(by_image(rows))  # an image is decoded once, however many of its regions are in the batch
        order = np.concatenate([places for _, places in groups])
        chosen = np.concatenate([boxes[image][rows[places, 1]] for image, places in groups])
        shown = chain.from_iterable(repeat(self.images[image], len(places)) for image, places in groups)
        crops, flipped = self.warp.each(shown, chosen), mirrored[order]
        crops[flipped] = crops[flipped, :, ::-1]
        out[order] = crops
        return len(rows), torch.tensor([int(labels[image][region]) for image, region in rows])


def by_image(rows: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each image in rows (image, region), and the positions of its rows."""
    order = np.argsort(rows[:, 0], kind="stable")
    numbers, first = np.unique(rows[order, 0], return_index=True)
    yield from zip(numbers.tolist(), np.split(order, first[1:]), strict=True)


def hardest_background(batches: RegionBatches, network: Network, epoch: int, runtime: Runtime) -> np.ndarray:
    """Background (image, region) scored most like objects, int64 [n, 2], hardest first. UserError if there is none."""
    background, s = batches.pools.background, batches.settings
    if not len(background):
        raise UserError(
            "regions: no background region in any image; set train_detector.hard_negatives.enabled to false"
        )
    rng = np.random.Generator(np.random.Philox(key=[s.detector.order_seed, STREAM + epoch]))
    rows = drawn(rng, background, s.hard_negatives.scored)
    view = RegionView(batch_size=batches.size, context_px=s.context_px)
    training, probabilities, see = network.model.training, [], as_it_is(network, runtime)
    network.model.eval()
    groups = list(by_image(rows))  # the rows are sorted, so that the concatenated groups are the rows
    for number, places in counted(groups, "images with background to choose from"):
        boxes = batches.regions.boxes[number][rows[places, 1]]
        for (seen,) in views(network, batches.images[number], boxes, view, see, mirrored=False):
            probabilities.append(softmax(seen.logits))
    network.model.train(training)
    return hardest(rows, np.concatenate(probabilities), s.hard_negatives.hardest)


def drawn(rng: np.random.Generator, background: Pool, count: int) -> np.ndarray:
    """Draw at most `count` of the background's rows (image, region), without replacement, in the pool's order."""
    order = np.arange(len(background), dtype=np.min_scalar_type(len(background)))
    rng.shuffle(order)
    return background[np.sort(order[:count])]


def hardest(rows: np.ndarray, probabilities: np.ndarray, count: int) -> np.ndarray:
    """Return the `count` rows with the lowest background probability; ties: the first."""
    return rows[np.argsort(probabilities[:, BACKGROUND], kind="stable")[:count]]


def in_order(
    batches: RegionBatches, train_state: TrainState[DetectorEpoch], network: Network, runtime: Runtime
) -> Iterator[Batch]:
    """Yield the batches of the remaining steps; before each epoch find the hardest background, if enabled."""
    settings, per_epoch = batches.settings, batches.settings.batches_per_epoch
    # Hard negatives need a separate generator: every epoch draws a number, on which dropout must not depend.
    own = torch.Generator() if settings.hard_negatives.enabled else None
    loader = BatchLoader(batches.make, batches.size, batches.warp.size_px, runtime, own)
    if not settings.hard_negatives.enabled:
        yield from loader.batches(range(train_state.step, settings.epochs * per_epoch))
        return
    # Prefetching processes must not draw from the hardest of the previous epoch.
    for epoch in range(train_state.step // per_epoch, settings.epochs):
        span = range(max(train_state.step, epoch * per_epoch), (epoch + 1) * per_epoch)
        if "hardest" in train_state.others and span.start % per_epoch:  # resumed in the middle of an epoch
            batches.hardest = train_state.others["hardest"].numpy()
        else:
            batches.hardest = hardest_background(batches, network, epoch, runtime)
            train_state.others["hardest"] = torch.from_numpy(batches.hardest)
        yield from loader.batches(span)


def train(
    network: Network,
    images: Images,
    regions: TrainingRegions,
    settings: TrainDetector,
    runtime: Runtime,
    on_epoch: Callable[[DetectorEpoch], None],
    resume: Resume = NOWHERE,
) -> DetectorMetrics:
    """Fine-tune in place, leaving the averaged weights. UserError without positive regions or for a non-finite loss."""
    model, per_epoch, device = network.model, settings.batches_per_epoch, runtime.device
    batches = RegionBatches(images, regions, settings, network.spec)
    torch.manual_seed(settings.detector.order_seed)  # dropout
    train_state = TrainState(model, settings, per_epoch, resume.load(), DetectorEpoch, "losses", "hits")
    losses, hits = train_state.seen["losses"], train_state.seen["hits"]
    model.train()
    order = in_order(batches, train_state, network, runtime)
    for batch, labels in order:
        train_state.begin_step()
        target = runtime.moved(labels)
        with runtime.autocast():
            output = model(network.to_input(batch, device))
        loss = loss_of(output, target, settings.aux_weight)
        train_state.descend(loss, learning_rate(train_state.step, per_epoch, settings))
        losses.append(loss.detach())
        hits.append((output[0].argmax(1) == target).float().mean())
        epoch, left = divmod(train_state.step, per_epoch)
        if not left:
            loss_mean, accuracy = (torch.stack(seen).double().mean().item() for seen in (losses, hits))
            end_epoch(train_state, "train_detector", epoch, on_epoch, loss_mean, train_accuracy_percent=100 * accuracy)
        resume.step(train_state.state)
    train_state.average.swap(model)
    return DetectorMetrics(
        member=settings.detector,
        images=len(images),
        positives_available=len(batches.pools.positive),
        parameters=network.parameters,
        epochs=tuple(train_state.rows),
    )
