"""A trained network as one file: weights, the shape of the network, its preprocessing and its classes.

What a network was trained with travels with its weights, so that no later stage can mix it up.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from torch import Tensor, nn

from googlenet import checkpoint
from googlenet.errors import UserError, nearest
from googlenet.models.googlenet import GoogLeNet
from googlenet.models.preprocessing import to_input

WIDEST = 8  # times the paper's network


@dataclass(frozen=True)
class Description:
    """All that is needed, beside the weights, to build a network and to feed it.

    classes: in the order of the network's outputs; "" throughout where nobody knows them. input_mean, input_scale
    (one number, or one for each channel): in the order of channel_order. network: whose layers these are.
    """

    classes: list[str]
    width: float
    input_px: int
    dropout: float
    aux_dropout: float
    aux_heads: list[str]
    lrn: bool
    input_mean: list[float]
    input_scale: float | list[float]
    inception: str = "reduced"
    classifier: str = "average_pool"
    repeat_modules: list[str] = field(default_factory=list)
    channel_order: str = "rgb"  # or bgr
    network: str = "paper"  # or another of NETWORKS

    @classmethod
    def of(
        cls, model: dict, classes: list[str], width: float = 1.0, repeat_modules: Sequence[str] = ()
    ) -> "Description":
        """From the `model` section of a configuration, a data set's classes, and what a member adds of its own.

        A member's width is a factor on the model's; its repeated modules come on top of the model's.
        """
        own = {"width": model["width"] * width, "repeat_modules": [*model["repeat_modules"], *repeat_modules]}
        return cls(**(model | own | {"classes": list(classes)}))

    def to_input(self, pictures: np.ndarray, device: str) -> Tensor:
        """What this network takes, of uint8 RGB pictures [n, h, w, 3]: float [n, 3, h, w]."""
        return to_input(pictures, self.input_mean, self.input_scale, device, self.channel_order)

    @property
    def mean_colour(self) -> tuple[int, ...]:
        """The mean as an RGB colour: what fills the ground beside a picture becomes zero at the input."""
        rgb = self.input_mean if self.channel_order == "rgb" else self.input_mean[::-1]
        return tuple(round(value) for value in rgb)


def paper_network(d: Description) -> nn.Module:
    """The network of Table 1."""
    return GoogLeNet(
        len(d.classes),
        d.width,
        d.input_px,
        d.dropout,
        d.aux_dropout,
        aux_heads=d.aux_heads,
        lrn=d.lrn,
        inception=d.inception,
        classifier=d.classifier,
        repeat_modules=d.repeat_modules,
    )


def torchvision_network(d: Description) -> nn.Module:
    """torchvision's variant, which is not the paper's."""
    from googlenet.models.torchvision_bn import TorchvisionGoogLeNet  # torchvision takes a second to import

    return TorchvisionGoogLeNet(len(d.classes), d.dropout, d.aux_dropout, bool(d.aux_heads))


NETWORKS = {"paper": paper_network, "torchvision_bn": torchvision_network}


def build(description: Description) -> nn.Module:
    """Build the described network; its weights are whatever torch gives (see models.googlenet.initialise)."""
    name = description.network
    if name not in NETWORKS:
        raise UserError(f"no network '{name}'{nearest(name, NETWORKS)}")
    return NETWORKS[name](description)


def save(path: Path, model: nn.Module, description: Description, stamp: str) -> None:
    """Write a trained network, with the stamp of the job that made it."""
    metadata = {"description": json.dumps(asdict(description), sort_keys=True), "stamp": stamp}
    checkpoint.save(path, model.state_dict(), metadata)


def describe(path: Path, metadata: dict[str, str]) -> Description:
    """Read the description in a weight file's metadata. Raises UserError when it has none."""
    try:
        found = Description(**json.loads(metadata["description"]))
    except (KeyError, TypeError, ValueError, RecursionError):
        raise UserError(f"{path}: weights without a description of their network; train them again") from None
    if not sound(found):
        raise UserError(
            f"{path}: its description is of no network; train them again, or fetch the file again"
        )
    return found


def sound(d: Description) -> bool:
    """Whether a description that a file brings has values that a network can have, and asks for no absurd memory."""
    numbers = [d.width, d.dropout, d.aux_dropout, *(d.input_mean if isinstance(d.input_mean, list) else [""])]
    numbers += d.input_scale if isinstance(d.input_scale, list) else [d.input_scale]
    if not all(type(value) in (int, float) and abs(value) < 1e6 for value in numbers):
        return False
    lists = (d.classes, d.aux_heads, d.repeat_modules)
    texts = [value if isinstance(value, list) else [None] for value in lists]
    words = [d.network, d.inception, d.classifier, *(word for part in texts for word in part)]
    whole = type(d.input_px) is int and 32 <= d.input_px <= 4096 and isinstance(d.lrn, bool)
    return (
        whole
        and all(isinstance(word, str) for word in words)
        and bool(d.classes)
        and 0 < d.width <= WIDEST
        and len(d.input_mean) == 3
        and d.channel_order in ("rgb", "bgr")
        and d.network in NETWORKS
    )


def load(path: Path, device: str = "cpu") -> tuple[nn.Module, Description]:
    """Load a trained network in evaluation mode, channels last."""
    import torch

    _, metadata = checkpoint.load(path)
    description = describe(path, metadata)
    model = build(description)
    checkpoint.load_into(model, path)
    return model.to(device, memory_format=torch.channels_last).eval(), description
