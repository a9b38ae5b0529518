"""Training of one classifier, as in section 6 of the paper."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from googlenet.classification.error_rates import Wrong, ranks
from googlenet.classification.plateau import Plateau
from googlenet.classification.predict import CENTRE_BATCH, centre_errors, predict
from googlenet.classification.sampling import sample
from googlenet.errors import UserError
from googlenet.models.training import Average, Course, learning_rate, loss_of, set_learning_rate
from googlenet.resume import NOWHERE, Resume
from googlenet.trained import Description

Labelled = tuple[Sequence[np.ndarray], np.ndarray]  # pictures (uint8 RGB) and their labels
STEPS_BETWEEN_LOOKS = 100  # at the loss: each look makes a GPU wait


class TrainingCrops(Dataset):
    """Crops by (epoch, index of the picture). A crop depends on that pair and its member's seed alone, not on who loads it."""

    def __init__(self, pictures: Sequence[np.ndarray], labels: np.ndarray, settings: dict, px: int):
        self.pictures, self.labels, self.px = pictures, labels, px
        self.sampling, self.mirror = settings["sampling"], settings["mirror"]
        self.seed = settings["member"]["sampling_seed"]

    def __getitem__(self, key: tuple[int, int]) -> tuple[np.ndarray, int]:
        epoch, index = key
        rng = np.random.Generator(np.random.Philox(key=[self.seed, (epoch << 32) + index]))
        return sample(self.pictures[index], self.sampling, self.mirror, self.px, rng), int(self.labels[index])


def collate(items: list[tuple[np.ndarray, int]]) -> tuple[np.ndarray, Tensor]:
    """Stack crops to uint8 [n, px, px, 3] and labels to int64 [n]."""
    return np.stack([crop for crop, _ in items]), torch.tensor([label for _, label in items])


def batches(
    count: int, batch_size: int, epochs: int, seed: int, first: int = 0
) -> Iterator[list[tuple[int, int]]]:
    """The order in which a member sees the pictures, from the `first` batch of all epochs on.

    A new permutation each epoch; a last, smaller batch is left.
    """
    per_epoch = count // batch_size
    for epoch in range(first // per_epoch, epochs):
        order = np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(count)
        for batch in range(max(0, first - epoch * per_epoch), per_epoch):
            yield [(epoch, int(i)) for i in order[batch * batch_size :][:batch_size]]


def train(
    model: nn.Module,
    description: Description,
    training: Labelled,
    held_out: Mapping[str, Labelled],
    settings: dict,
    compute: dict,
    on_epoch: Callable[[dict], None],
    resume: Resume = NOWHERE,
) -> tuple[dict, dict[str, np.ndarray]]:
    """Train `model` in place and leave it with its averaged weights; returns the history and the outcomes.

    training: pictures (uint8 RGB) and labels. held_out: the same by split; "validation" is watched at every epoch, and at the
    end all are predicted with the last and with the averaged weights (see final_outcomes). settings: see
    conf/train_classifier.yaml. on_epoch is given each epoch's row as it ends. resume: where a training that was cut off goes on
    from. Raises UserError when the loss is no longer a number, or stays on its plateau.
    """
    pictures, labels = training
    steps, name = len(labels) // settings["batch_size"], settings["member"]["name"]
    if steps == 0:
        raise UserError(
            f"train_classifier.batch_size: {settings['batch_size']} is more than the {len(labels)} training pictures"
        )
    crops = TrainingCrops(pictures, labels, settings, description.input_px)
    seed = settings["member"]["order_seed"]
    torch.manual_seed(seed)  # dropout
    plateau = Plateau.of(labels, settings, len(description.aux_heads))
    course, device = Course.begun(model, settings, steps, resume.load(), "losses"), compute["device"]
    opt, average, rows, losses = course.opt, course.average, course.rows, course.seen["losses"]
    left = batches(len(labels), settings["batch_size"], settings["epochs"], seed, course.step)
    loader = DataLoader(crops, batch_sampler=left, collate_fn=collate, num_workers=compute["loader_workers"])
    model.train()
    for step, (batch, target) in enumerate(loader, start=course.step):
        course.begin_step()
        set_learning_rate(opt, learning_rate(step, steps, settings))
        with torch.autocast(device, torch.bfloat16, enabled=compute["precision"] == "bf16"):
            output = model(description.to_input(batch, device))
        loss = loss_of(output, target.to(device), settings["aux_weight"])
        opt.zero_grad()
        loss.backward()
        opt.step()
        average.update(model, step)
        losses.append(loss.detach())
        ends = (step + 1) % steps == 0
        if ends or (step + 1) % STEPS_BETWEEN_LOOKS == 0:
            check_number(losses, name, step // steps + 1)
        if ends:
            average.swap(model)
            rows.append(epoch_row(model, description, held_out["validation"], opt, losses, step + 1, compute))
            average.swap(model)
            model.train()
            losses.clear()
            on_epoch(rows[-1])
            plateau.check([row["train_loss"] for row in rows], name)
        course.step = step + 1
        resume.step(course.state)
    found, outcomes = final_outcomes(model, average, description, held_out, compute)
    seen = settings["epochs"] * steps * settings["batch_size"]
    stalled = not plateau.left(rows[-1]["train_loss"])
    return {"epochs": rows, "images_seen": seen, "stalled": stalled} | found, outcomes


def check_number(losses: list[Tensor], name: str, epoch: int) -> None:
    """Raise UserError, naming the member and what to change, when a loss of this epoch was no number."""
    if not torch.stack(losses).isfinite().all():
        raise UserError(
            f"train_classifier.learning_rate: the loss of {name} was no number in epoch {epoch}; lower it, or"
            " lengthen train_classifier.warmup_steps"
        )


def epoch_row(model, description, validation, opt, losses, steps_done, compute) -> dict:
    """One row of the history: mean training loss, and the averaged weights' errors on the validation split."""
    errors = centre_errors(model, description, *validation, compute)
    return {
        "epoch": steps_done // len(losses),
        "step": steps_done,
        "learning_rate": opt.param_groups[0]["lr"],
        "train_loss": torch.stack(losses).double().mean().item(),
        **{f"validation_{name}": value for name, value in errors.items()},
    }


def final_outcomes(
    model: nn.Module,
    average: Average,
    description: Description,
    held_out: Mapping[str, Labelled],
    compute: dict,
) -> tuple[dict, dict[str, np.ndarray]]:
    """What the last and then the averaged weights get wrong, on one centre crop a picture; leaves the averaged ones.

    Returns errors in percent, {split: {"averaged" or "last": errors}}, and for each split, weights and measure a row of
    pictures, uint8, 1 where wrong: "test/last/top1".
    """
    errors: dict = {split: {} for split in held_out}
    outcomes = {}
    for weights in ("last", "averaged"):
        if weights == "averaged":
            average.swap(model)
        for split, (pictures, labels) in held_out.items():
            scores = predict(model, description, pictures, [1], CENTRE_BATCH, compute)[1]
            wrong = Wrong.of(ranks(scores, labels))
            errors[split][weights] = wrong.errors()
            for measure, each in wrong._asdict().items():
                outcomes[f"{split}/{weights}/{measure}"] = each.astype(np.uint8)
    return errors, outcomes
