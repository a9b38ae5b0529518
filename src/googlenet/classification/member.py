"""One training from initial weights, as a member of the ensemble and a variant of the ablations both need it."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import nn

from googlenet import trained
from googlenet.classification.train import Labelled, train
from googlenet.models.googlenet import initialise
from googlenet.resume import Resume


def train_member(
    config: dict,
    classes: list[str],
    splits: Mapping[str, Labelled],
    compute: dict,
    log: Callable[..., None],
    resume: Resume,
) -> tuple[nn.Module, trained.Description, dict, dict[str, np.ndarray]]:
    """Build, initialise and train; returns the network with its averaged weights, its description, history and outcomes.

    config: a resolved configuration of train_classifier. splits: train, validation and test, as pictures and labels.
    Nothing is chosen by the test split: it is predicted once, at the end. log: is given each epoch's row, with its number as
    `step`, and at the end what the averaged and the last weights have wrong. See train.
    """
    member = config["member"]
    description = trained.Description.of(config["model"], classes, member["width"], member["repeat_modules"])
    model = trained.build(description)
    initialise(model, member["init_seed"])
    model = model.to(compute["device"], memory_format=torch.channels_last)
    held_out = {name: split for name, split in splits.items() if name != "train"}

    def on_epoch(row: dict) -> None:
        log(row, step=row["epoch"])

    history, outcomes = train(
        model, description, splits["train"], held_out, config, compute, on_epoch, resume
    )
    for split in held_out:
        for which, errors in history[split].items():
            log({f"{split}_{which}_{name}": value for name, value in errors.items()})
    parameters = sum(p.numel() for p in model.parameters())
    return model, description, history | {"member": member, "parameters": parameters}, outcomes
