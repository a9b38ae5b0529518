"""The networks of an experiment as settings that rates are kept for, and what they take in memory."""

from dataclasses import asdict
from functools import cache

import torch
from torch import nn

from googlenet import trained
from googlenet.files import json_bytes
from googlenet.models.forward import peak_bytes
from googlenet.trained import Description

FED = ("input_mean", "input_scale", "channel_order", "dropout", "aux_dropout")  # what changes no time


def of_member(model: dict, member: dict, classes: int, origins: dict) -> dict:
    """The network of a row of the table of members, as `told`."""
    described = Description.of(
        model, [str(i) for i in range(classes)], member["width"], member.get("repeat_modules", ())
    )
    told_as = told(described)
    if member.get("weights") and origins[member["origin"]]["format"] == "torchvision":
        return told_as | {"network": "torchvision_bn"}
    return told_as


def told(description: Description) -> dict:
    """What a network's times depend on."""
    own = {key: value for key, value in asdict(description).items() if key not in FED}
    return own | {"classes": len(description.classes)}


def described(network: dict) -> Description:
    """A description that builds a network as told."""
    fed = {"dropout": 0.4, "aux_dropout": 0.7, "input_mean": [120.0, 120.0, 120.0], "input_scale": 0.02}
    return Description(**(fed | network | {"classes": [str(i) for i in range(network["classes"])]}))


def with_background(network: dict, classes: int) -> dict:
    """The network of a detector of so many classes that starts from one of a member."""
    return network | {"classes": classes + 1}


@cache
def _on_meta(network: str) -> nn.Module:
    import json

    with torch.device("meta"):
        return trained.build(described(json.loads(network))).eval()


def weights_mb(network: dict) -> float:
    """Memory of the weights in float32, the auxiliary heads' included."""
    model = _on_meta(json_bytes(network).decode())
    return sum(p.numel() for p in model.parameters()) * 4 / 1e6


def forward_mb(network: dict, batch: int) -> float:
    """Memory of the tensors of a forward pass in float32, counted without running it."""
    model = _on_meta(json_bytes(network).decode())
    return peak_bytes(model, network["input_px"], batch)["activations"] / 1e6


def kept_mb(model: nn.Module, images: torch.Tensor, precision: str) -> float:
    """Memory of what a forward pass of these images keeps for the way back, without the weights."""
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    held: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            held[storage.data_ptr()] = storage
        return tensor

    bf16 = torch.autocast(images.device.type, torch.bfloat16, enabled=precision == "bf16")
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), bf16:
        model(images)
    return sum(storage.nbytes() for storage in held.values()) / 1e6


def kept_a_batch_mb(model: nn.Module, px: int, batch: int, device: str, precision: str) -> float:
    """`kept_mb` of a batch, from one and two images: the rest grows with their number."""
    model.train()
    with torch.random.fork_rng():
        one, two = (kept_mb(model, torch.zeros(n, 3, px, px, device=device), precision) for n in (1, 2))
    return two + max(0.0, two - one) * (batch - 2)
