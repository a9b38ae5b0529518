"""Training of one classifier, as in section 6 of the paper."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from googlenet.classification.predict import centre_errors
from googlenet.classification.sampling import sample
from googlenet.errors import UserError
from googlenet.models.preprocessing import to_input
from googlenet.models.training import Average, learning_rate, loss_of, optimiser, set_learning_rate
from googlenet.trained import Description


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


def batches(count: int, batch_size: int, epochs: int, seed: int) -> Iterator[list[tuple[int, int]]]:
    """The order in which a member sees the pictures: a new permutation each epoch; a last, smaller batch is left."""
    for epoch in range(epochs):
        order = np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(count)
        for start in range(0, count - batch_size + 1, batch_size):
            yield [(epoch, int(i)) for i in order[start : start + batch_size]]


def train(
    model: nn.Module,
    description: Description,
    training: tuple[Sequence[np.ndarray], np.ndarray],
    validation: tuple[Sequence[np.ndarray], np.ndarray],
    settings: dict,
    compute: dict,
    on_epoch: Callable[[dict], None],
) -> dict:
    """Train `model` in place and leave it with its averaged weights; returns the history and the final errors.

    training, validation: pictures (uint8 RGB) and labels. settings: see conf/train_classifier.yaml.
    on_epoch is given each epoch's row as it ends. Raises UserError when the loss is no longer a number.
    """
    pictures, labels = training
    steps = len(labels) // settings["batch_size"]
    if steps == 0:
        raise UserError(
            f"train_classifier.batch_size: {settings['batch_size']} is more than the {len(labels)} training pictures"
        )
    crops = TrainingCrops(pictures, labels, settings, description.input_px)
    order = list(
        batches(len(labels), settings["batch_size"], settings["epochs"], settings["member"]["order_seed"])
    )
    loader = DataLoader(crops, batch_sampler=order, collate_fn=collate, num_workers=compute["loader_workers"])
    torch.manual_seed(settings["member"]["order_seed"])  # dropout
    opt = optimiser(model, settings["momentum"], settings["weight_decay"])
    average = Average(model, steps, **settings["averaging"])
    rows, losses, device = [], [], compute["device"]
    model.train()
    for step, (batch, target) in enumerate(loader):
        set_learning_rate(opt, learning_rate(step, steps, settings))
        with torch.autocast(device, torch.bfloat16, enabled=compute["precision"] == "bf16"):
            output = model(to_input(batch, description.input_mean, description.input_scale, device))
        loss = loss_of(output, target.to(device), settings["aux_weight"])
        opt.zero_grad()
        loss.backward()
        opt.step()
        average.update(model, step)
        losses.append(loss.detach())
        if (step + 1) % steps == 0:
            average.swap(model)
            rows.append(epoch_row(model, description, validation, opt, losses, step + 1, steps, compute))
            average.swap(model)
            model.train()
            losses.clear()
            on_epoch(rows[-1])
    last = centre_errors(model, description, *validation, compute)
    average.swap(model)
    averaged = centre_errors(model, description, *validation, compute)
    seen = len(order) * settings["batch_size"]
    return {"epochs": rows, "validation": {"averaged": averaged, "last": last}, "images_seen": seen}


def epoch_row(model, description, validation, opt, losses, steps_done, steps_per_epoch, compute) -> dict:
    """One row of the history: mean training loss, and the averaged weights' errors on the validation split."""
    loss = torch.stack(losses).double().mean().item()
    epoch = steps_done // steps_per_epoch
    if not np.isfinite(loss):
        raise UserError(
            f"train_classifier.learning_rate: the loss was no number in epoch {epoch}; lower it, or lengthen warmup_steps"
        )
    errors = centre_errors(model, description, *validation, compute)
    return {
        "epoch": epoch,
        "step": steps_done,
        "learning_rate": opt.param_groups[0]["lr"],
        "train_loss": loss,
        **{f"validation_{name}": value for name, value in errors.items()},
    }
