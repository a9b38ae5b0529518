"""A trained network as one file: weights, the shape of the network, its preprocessing and its classes.

What a network was trained with travels with its weights, so that no later stage can mix it up.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import nn

from googlenet import checkpoint
from googlenet.errors import UserError
from googlenet.models.googlenet import GoogLeNet


@dataclass(frozen=True)
class Description:
    """All that is needed, beside the weights, to build a network and to feed it."""

    classes: list[str]
    width: float
    input_px: int
    dropout: float
    aux_dropout: float
    aux_heads: list[str]
    lrn: bool
    input_mean: list[float]
    input_scale: float

    @classmethod
    def of(cls, model: dict, classes: list[str], width: float = 1.0) -> "Description":
        """From the `model` section of a configuration, a data set's classes and a member's own width factor."""
        return cls(**(model | {"classes": list(classes), "width": model["width"] * width}))


def build(description: Description) -> GoogLeNet:
    """Build the described network; its weights are whatever torch gives (see models.googlenet.initialise)."""
    d = description
    return GoogLeNet(
        len(d.classes), d.width, d.input_px, d.dropout, d.aux_dropout, aux_heads=d.aux_heads, lrn=d.lrn
    )


def save(path: Path, model: nn.Module, description: Description, stamp: str) -> None:
    """Write a trained network, with the stamp of the job that made it."""
    metadata = {"description": json.dumps(asdict(description), sort_keys=True), "stamp": stamp}
    checkpoint.save(path, model.state_dict(), metadata)


def describe(path: Path, metadata: dict[str, str]) -> Description:
    """Read the description in a weight file's metadata. Raises UserError when it has none."""
    try:
        return Description(**json.loads(metadata["description"]))
    except (KeyError, TypeError, json.JSONDecodeError):
        raise UserError(f"{path}: weights without a description of their network; train them again") from None


def load(path: Path, device: str = "cpu") -> tuple[GoogLeNet, Description]:
    """Load a trained network in evaluation mode, channels last."""
    import torch

    _, metadata = checkpoint.load(path)
    description = describe(path, metadata)
    model = build(description)
    checkpoint.load_into(model, path)
    return model.to(device, memory_format=torch.channels_last).eval(), description
