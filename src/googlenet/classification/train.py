"""Training of one classifier, as in section 6 of the paper."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from googlenet.classification.error_rates import ErrorMask, Outcomes, ranks
from googlenet.classification.predict import CENTRE, Classifier, crop_scores, probabilities
from googlenet.classification.training_crops import TrainingBatches, TrainingCrops, own_batches
from googlenet.config.schema.classification import Stall, TrainClassifier
from googlenet.config.schema.shared import Initialisation
from googlenet.data.decoded import Labelled
from googlenet.errors import UserError
from googlenet.metrics.error_rates import TopErrors
from googlenet.metrics.training import TrainingEpoch, TrainingMetrics, WeightErrors
from googlenet.models.micro_batches import MicroBatches
from googlenet.models.network import Network, NetworkSpec
from googlenet.models.processes import check_equal, go_on_alone, merged
from googlenet.models.runtime import Runtime
from googlenet.models.training import Average, TrainState, learning_rate, loss_of
from googlenet.models.updates import started
from googlenet.pipeline.resume import NOWHERE, Resume
from googlenet.tracking.progress import counted

Loaded = Iterator[tuple[np.ndarray, np.ndarray]]  # crops and labels
STEPS_BETWEEN_CHECKS = 100  # of the loss; each check synchronises with the GPU
MAIN_LOSSES = "main_losses"  # key of the training state: by step in `seen`, by epoch in `others`


class BatchGradient:
    """Computes the gradient of a batch's loss into the parameters of `model`."""

    def __init__(self, network: Network, parts: MicroBatches, aux_weight: float, runtime: Runtime):
        self.network, self.model = network, network.model
        self.parts, self.aux_weight, self.runtime = parts, aux_weight, runtime

    def __call__(self, crops: np.ndarray, labels: np.ndarray) -> Sequence[torch.Tensor]:
        """crops, labels: this process's rows of the batch. Returns the batch's mean loss, and the main classifier's."""
        for part, of_part in self.parts.of(crops, labels):
            with self.runtime.autocast():
                output = self.model(self.network.to_input(part, self.runtime.device))
            target = self.runtime.moved(torch.from_numpy(of_part))
            loss = loss_of(output, target, self.aux_weight)
            self.parts.add(loss, cross_entropy(output[0].detach().float(), target))
        return self.parts.total()


class Splits(NamedTuple):
    """The data of one training: trained on `train`, monitored on `validation`, and tested once."""

    train: Labelled
    validation: Labelled
    test: Labelled


class Plateau(NamedTuple):
    """The plateau where training starts, and how long it may stay there: the main classifier is no better than
    predicting class frequencies, whatever the auxiliary heads learn."""

    chance: float
    level: float  # the main classifier's loss below which the plateau is left
    stall: Stall
    initialisation: Initialisation

    @classmethod
    def of(cls, labels: np.ndarray, settings: TrainClassifier) -> "Plateau":
        """From the training labels: chance is their entropy."""
        shares = np.bincount(labels) / len(labels)
        chance = float(-sum(share * np.log(share) for share in shares if share))
        return cls(chance, chance * (1 - settings.stall.margin), settings.stall, settings.model.initialisation)

    def left(self, loss: float) -> bool:
        """Return whether a loss of the main classifier is better than chance by the margin."""
        return loss < self.level

    def check(self, losses: Sequence[float], name: str) -> None:
        """Raise UserError, naming the member and what to change, if no loss of the last epochs has left the plateau."""
        epochs = self.stall.epochs
        last = losses[-epochs:]
        if self.stall.enabled and len(last) == epochs and not any(map(self.left, last)):
            raise UserError(
                f"train_classifier: the training of {name} stalls: no main loss of the last {epochs} epochs is below"
                f" {self.level:.4g} (chance is {self.chance:.4g}, the best was {min(last):.4g});"
                f"{'' if self.initialisation == 'he' else ' set model.initialisation: he, or else'} change"
                f" the member's init_seed, which trains only this member again, or learning_rate, warmup_steps, or the"
                f" epochs allowed (stall.epochs; any number with stall.enabled: false), which trains all members again"
            )


def train(
    network: Network,
    splits: Splits,
    settings: TrainClassifier,
    runtime: Runtime,
    on_epoch: Callable[[TrainingEpoch], None],
    resume: Resume = NOWHERE,
) -> tuple[TrainingMetrics, Outcomes]:
    """Train `network` in place, leaving it with its averaged weights; return the metrics and the outcomes.

    The test split influences no choice: it is predicted once, at the end. resume: where an interrupted run continues.
    Raises UserError when the loss is not finite, or stays on its plateau.
    """
    labels, model = splits.train[1], network.model
    steps, name = steps_per_epoch(len(labels), settings), settings.member.name
    crops = TrainingCrops(*splits.train, settings, network.spec.input_px)
    torch.manual_seed(settings.member.order_seed)  # dropout
    plateau = Plateau.of(labels, settings)
    state = TrainState(model, settings, steps, resume.load(), TrainingEpoch, "losses", MAIN_LOSSES)
    check_equal(state.fingerprint, runtime)
    parts = MicroBatches(model, settings.micro_batches, settings.batch_size, runtime)
    loaded = TrainingBatches(crops, splits.validation).load(runtime, state.step, parts.rows)
    gradient = BatchGradient(network, parts, settings.aux_weight, runtime)
    updates = started(state, settings, lambda update: learning_rate(update, steps, settings), gradient)
    model.train()
    for batch, of_batch in loaded:
        state.begin_step()
        updates.step(batch, of_batch)
        epoch_ends = state.step % steps == 0
        if epoch_ends:
            updates.end_epoch()
        if epoch_ends or state.step % STEPS_BETWEEN_CHECKS == 0:
            check_finite(state.seen["losses"][-STEPS_BETWEEN_CHECKS:], name, len(state.rows) + 1)
        if epoch_ends:
            end_epoch(network, state, loaded, splits.validation[1], runtime)
            on_epoch(state.rows[-1])
            plateau.check(state.others[MAIN_LOSSES].tolist(), name)
        resume.step(updates.saved)
    resume.save(updates.saved)
    asynchronous = updates.finish()
    errors, outcomes = final_outcomes(network, state.average, splits, runtime, resume)
    go_on_alone(runtime)
    metrics = TrainingMetrics(
        member=settings.member,
        parameters=network.parameters,
        epochs=tuple(state.rows),
        images_seen=state.step * settings.batch_size,
        stalled=not plateau.left(state.others[MAIN_LOSSES][-1].item()),
        asynchronous=asynchronous,
        **errors,
    )
    return metrics, outcomes


def steps_per_epoch(images: int, settings: TrainClassifier) -> int:
    """The number of full batches per epoch. Raises UserError if there is none."""
    if images < settings.batch_size:
        raise UserError(f"train_classifier.batch_size: {settings.batch_size} is more than the {images} training images")
    return images // settings.batch_size


def check_finite(losses: Sequence[torch.Tensor], name: str, epoch: int) -> None:
    """Raise UserError, naming the member, if a loss is not finite."""
    if losses and not torch.stack(list(losses)).isfinite().all():
        raise UserError(
            f"train_classifier.learning_rate: the loss of {name} was not finite in epoch {epoch};"
            " lower it, or lengthen train_classifier.warmup_steps"
        )


def end_epoch(
    network: Network, state: TrainState[TrainingEpoch], loaded: Loaded, labels: np.ndarray, runtime: Runtime
) -> None:
    """Append the row of a finished epoch: mean training loss, and the averaged weights' errors on validation. loaded:
    its next batches are the validation images, with these labels. state.others: keeps the main classifier's mean loss
    of every epoch so far, which the rows do not contain."""
    losses, main_losses = state.seen["losses"], state.seen[MAIN_LOSSES]
    earlier = [state.others[MAIN_LOSSES]] if MAIN_LOSSES in state.others else []
    state.others[MAIN_LOSSES] = torch.cat([*earlier, torch.stack(main_losses).double().mean()[None].cpu()])
    state.average.swap(network.model)
    errors = validation_errors(network, loaded, labels, runtime).errors()
    state.average.swap(network.model)
    network.model.train()
    row = TrainingEpoch(
        epoch=len(state.rows) + 1,
        step=state.step,
        learning_rate=state.descent.rate,
        train_loss=torch.stack(losses).double().mean().item(),
        **{f"validation_{name}": value for name, value in errors},
    )
    state.rows.append(row)
    losses.clear()
    main_losses.clear()


def validation_errors(network: Network, loaded: Loaded, labels: np.ndarray, runtime: Runtime) -> ErrorMask:
    """Return the errors on one centre crop per validation image, from the loader's next batches."""
    network.model.eval()
    found = np.zeros(len(labels), np.int64)
    for images in own_batches(len(labels), runtime):
        scores = probabilities(network, next(loaded)[0], runtime)
        found[images] = ranks(scores[: len(images)], labels[images])
    return ErrorMask.of(merged(found, runtime))


def final_outcomes(
    network: Network, average: Average, splits: Splits, runtime: Runtime, resume: Resume = NOWHERE
) -> tuple[dict[str, WeightErrors], Outcomes]:
    """Evaluate the last and then the averaged weights on one centre crop per image, leaving the averaged ones in place.
    Returns errors by split, and an array over images per held-out split, weights and measure: "test/last/top1"."""
    errors = defaultdict[str, dict[str, TopErrors]](dict)
    outcomes: Outcomes = {}
    for weights in ("last", "averaged"):
        if weights == "averaged":
            average.swap(network.model)
        for split, labelled in (("validation", splits.validation), ("test", splits.test)):
            wrong = centre_crop_errors(network, *labelled, runtime, resume)
            errors[split][weights] = wrong.errors()
            outcomes |= {f"{split}/{weights}/{top}": mask.astype(np.uint8) for top, mask in wrong._asdict().items()}
    return {split: WeightErrors(**by_weights) for split, by_weights in errors.items()}, outcomes


def centre_crop_errors(
    network: Network, images: Sequence[np.ndarray], labels: np.ndarray, runtime: Runtime, resume: Resume = NOWHERE
) -> ErrorMask:
    """Return the errors on one centre crop per image, with the network's current weights; several processes share the
    images. Raises Stopped if `resume` was asked to stop."""
    classifier, own = Classifier.as_it_is(network, runtime), range(runtime.rank, len(images), runtime.processes)
    threads, found = max(1, runtime.loader_workers), np.zeros(len(images), np.int64)
    scored = crop_scores(classifier, images, own, CENTRE, threads)
    for number, (scores, index) in zip(counted(own, "images"), scored, strict=True):
        found[number] = ranks(scores[index], labels[number : number + 1])[0]
        resume.check()
    return ErrorMask.of(merged(found, runtime))


Log = Callable[..., None]  # Job.log: takes named values and, for an epoch, its number as `step`


def train_member(
    settings: TrainClassifier, classes: Sequence[str], splits: Splits, runtime: Runtime, log: Log, resume: Resume
) -> tuple[Network, TrainingMetrics, Outcomes]:
    """Build, initialise and train a member or a variant; return it with averaged weights, its metrics and its outcomes.
    log: receives each epoch's row, and at the end the errors of the last and the averaged weights."""
    member = settings.member
    spec = NetworkSpec.of(settings.model, tuple(classes), member.width, member.repeat_modules)
    network = Network.initialised(spec, member.init_seed).on(runtime.device)
    metrics, outcomes = train(
        network, splits, settings, runtime, lambda row: log(row.to_json(), step=row.epoch), resume
    )
    for split, weights in (("validation", metrics.validation), ("test", metrics.test)):
        for which, errors in (("last", weights.last), ("averaged", weights.averaged)):
            log({f"{split}_{which}_{name}": value for name, value in errors.to_json().items()})
    return network, metrics, outcomes
