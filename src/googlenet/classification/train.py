"""Training of one classifier, as in section 6 of the paper."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from googlenet.classification.error_rates import Outcomes, Wrong, ranks
from googlenet.classification.plateau import Plateau
from googlenet.classification.predict import CENTRE, centre_errors, predict
from googlenet.classification.sampling import sample
from googlenet.config.schema.classification import TrainClassifier
from googlenet.errors import UserError
from googlenet.metrics.error_rates import TopErrors
from googlenet.metrics.training import TrainingEpoch, TrainingMetrics, WeightErrors
from googlenet.models.network import Network
from googlenet.models.runtime import Runtime
from googlenet.models.training import Average, TrainState, learning_rate, loss_of, set_learning_rate
from googlenet.pipeline.resume import NOWHERE, Resume

Labelled = tuple[Sequence[np.ndarray], np.ndarray]  # images (uint8 RGB) and their labels
STEPS_BETWEEN_LOOKS = 100  # at the loss: each look makes a GPU wait


class Splits(NamedTuple):
    """What one training sees: it learns from train, is watched on validation, and tested once."""

    train: Labelled
    validation: Labelled
    test: Labelled


class TrainingCrops(Dataset[tuple[np.ndarray, int]]):
    """Crops by (epoch, index of the image). A crop depends on that pair and its member's seed alone, not on who loads it."""

    def __init__(self, images: Sequence[np.ndarray], labels: np.ndarray, settings: TrainClassifier, px: int):
        self.images, self.labels, self.px = images, labels, px
        self.sampling, self.mirror = settings.sampling, settings.mirror
        self.seed = settings.member.sampling_seed

    def __getitem__(self, key: tuple[int, int]) -> tuple[np.ndarray, int]:
        epoch, index = key
        rng = np.random.Generator(np.random.Philox(key=[self.seed, (epoch << 32) + index]))
        return sample(self.images[index], self.sampling, self.mirror, self.px, rng), int(self.labels[index])


def collate(items: list[tuple[np.ndarray, int]]) -> tuple[np.ndarray, Tensor]:
    """Stack crops to uint8 [n, px, px, 3] and labels to int64 [n]."""
    return np.stack([crop for crop, _ in items]), torch.tensor([label for _, label in items])


def batches(
    count: int, batch_size: int, epochs: int, seed: int, first: int = 0
) -> Iterator[list[tuple[int, int]]]:
    """The order in which a member sees the images, from the `first` batch of all epochs on.

    A new permutation each epoch; a last, smaller batch is left.
    """
    per_epoch = count // batch_size
    for epoch in range(first // per_epoch, epochs):
        order = np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(count)
        for batch in range(max(0, first - epoch * per_epoch), per_epoch):
            yield [(epoch, int(i)) for i in order[batch * batch_size :][:batch_size]]


def train(
    network: Network,
    splits: Splits,
    settings: TrainClassifier,
    runtime: Runtime,
    on_epoch: Callable[[TrainingEpoch], None],
    resume: Resume = NOWHERE,
) -> tuple[TrainingMetrics, Outcomes]:
    """Train `network` in place and leave it with its averaged weights; returns what is measured, and the outcomes.

    The validation split is watched at every epoch, and at the end both held-out splits are predicted with the last and with
    the averaged weights (see final_outcomes). on_epoch is given each epoch's row as it ends. resume: where a training that was
    cut off goes on from. Raises UserError when the loss is no longer a number, or stays on its plateau.
    """
    labels, model = splits.train[1], network.model
    steps, name = len(labels) // settings.batch_size, settings.member.name
    if steps == 0:
        raise UserError(
            f"train_classifier.batch_size: {settings.batch_size} is more than the {len(labels)} training images"
        )
    crops = TrainingCrops(*splits.train, settings, network.spec.input_px)
    seed = settings.member.order_seed
    torch.manual_seed(seed)  # dropout
    plateau = Plateau.of(labels, settings, len(network.spec.architecture.aux_heads))
    state = TrainState.begun(model, settings, steps, resume.load(), TrainingEpoch, "losses")
    losses = state.seen["losses"]
    order = batches(len(labels), settings.batch_size, settings.epochs, seed, state.step)
    loader = DataLoader(crops, batch_sampler=order, collate_fn=collate, num_workers=runtime.loader_workers)
    model.train()
    for step, (batch, target) in enumerate(loader, start=state.step):
        state.begin_step()
        set_learning_rate(state.opt, learning_rate(step, steps, settings))
        with runtime.autocast():
            output = model(network.to_input(batch, runtime.device))
        loss = loss_of(output, target.to(runtime.device), settings.aux_weight)
        state.opt.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no types for it
        state.opt.step()
        state.average.update(model, step)
        losses.append(loss.detach())
        ends = (step + 1) % steps == 0
        if ends or (step + 1) % STEPS_BETWEEN_LOOKS == 0:
            check_number(losses, name, step // steps + 1)
        state.step = step + 1
        if ends:
            end_epoch(network, state, splits.validation, runtime)
            on_epoch(state.rows[-1])
            plateau.check([row.train_loss for row in state.rows], name)
        resume.step(state.state)
    return finished(network, state, splits, settings, runtime, plateau)


def check_number(losses: list[Tensor], name: str, epoch: int) -> None:
    """Raise UserError, naming the member and what to change, when a loss of this epoch was no number."""
    if not torch.stack(losses).isfinite().all():
        raise UserError(
            f"train_classifier.learning_rate: the loss of {name} was no number in epoch {epoch}; lower it, or"
            " lengthen train_classifier.warmup_steps"
        )


def end_epoch(
    network: Network, state: TrainState[TrainingEpoch], validation: Labelled, runtime: Runtime
) -> None:
    """Add the row of an epoch whose steps are done: mean training loss, and the averaged weights' errors on validation."""
    losses = state.seen["losses"]
    state.average.swap(network.model)
    errors = centre_errors(network, *validation, runtime)
    state.average.swap(network.model)
    network.model.train()
    state.rows.append(
        TrainingEpoch(
            epoch=state.step // len(losses),
            step=state.step,
            learning_rate=state.opt.param_groups[0]["lr"],
            train_loss=torch.stack(losses).double().mean().item(),
            validation_top1_error_percent=errors.top1_error_percent,
            validation_top5_error_percent=errors.top5_error_percent,
        )
    )
    losses.clear()


def final_outcomes(
    network: Network, average: Average, splits: Splits, runtime: Runtime
) -> tuple[dict[str, WeightErrors], Outcomes]:
    """What the last and then the averaged weights get wrong, on one centre crop an image; leaves the averaged ones.

    Returns the errors by split, and for each held-out split, weights and measure a row of images: "test/last/top1".
    """
    held_out = {"validation": splits.validation, "test": splits.test}
    errors: dict[str, dict[str, TopErrors]] = {split: {} for split in held_out}
    outcomes = {}
    for weights in ("last", "averaged"):
        if weights == "averaged":
            average.swap(network.model)
        for split, (images, labels) in held_out.items():
            wrong = Wrong.of(ranks(predict(network, images, CENTRE, runtime)[1], labels))
            errors[split][weights] = wrong.errors()
            for measure, each in wrong._asdict().items():
                outcomes[f"{split}/{weights}/{measure}"] = each.astype(np.uint8)
    return {split: WeightErrors(**by_weights) for split, by_weights in errors.items()}, outcomes


def finished(
    network: Network,
    state: TrainState[TrainingEpoch],
    splits: Splits,
    settings: TrainClassifier,
    runtime: Runtime,
    plateau: Plateau,
) -> tuple[TrainingMetrics, Outcomes]:
    """What a training that is over is measured by; leaves the averaged weights."""
    errors, outcomes = final_outcomes(network, state.average, splits, runtime)
    metrics = TrainingMetrics(
        member=settings.member,
        parameters=network.parameters,
        epochs=tuple(state.rows),
        images_seen=state.step * settings.batch_size,
        stalled=not plateau.left(state.rows[-1].train_loss),
        validation=errors["validation"],
        test=errors["test"],
    )
    return metrics, outcomes
