"""The networks of an experiment as what rates depend on, and what they take in memory."""

from dataclasses import replace
from functools import cache

import torch
from torch import nn

from googlenet.config.schema.base import Settings
from googlenet.config.schema.shared import Model, TrainedMember
from googlenet.models.forward import peak_bytes
from googlenet.models.network import Architecture, Network, NetworkSpec, kind_of
from googlenet.models.runtime import Runtime


class NetworkShape(Settings):
    """What a network's times depend on: dropout changes none, and stays at its default here."""

    network: str
    classes: int
    architecture: Architecture

    @classmethod
    def of(cls, model: Model, member: TrainedMember, classes: int, network: str) -> "NetworkShape":
        """The shape of a row of the table of members; network: the kind that the member is."""
        spec, usual = NetworkSpec.of(model, (), member.width, member.repeat_modules), Architecture()
        shape = replace(spec.architecture, dropout=usual.dropout, aux_dropout=usual.aux_dropout)
        return cls(network=network, classes=classes, architecture=shape)

    @property
    def spec(self) -> NetworkSpec:
        """A spec that builds such a network."""
        classes = tuple(map(str, range(self.classes)))
        return NetworkSpec(classes, self.architecture, (120.0, 120.0, 120.0), 0.02, network=self.network)

    def build(self, device: str) -> Network:
        """Such a network with initial weights, on a device."""
        network = Network.build(self.spec)
        if kind_of(self.network).initialise:
            network.initialise(0)
        return network.on(device)

    @property
    def input_px(self) -> int:
        """Side of the square input."""
        return self.architecture.input_px


@cache
def _on_meta(network: NetworkShape) -> nn.Module:
    with torch.device("meta"):
        return Network.build(network.spec).model.eval()


def weights_mb(network: NetworkShape) -> float:
    """Memory of the weights in float32, the auxiliary heads' included."""
    return sum(p.numel() for p in _on_meta(network).parameters()) * 4 / 1e6


def forward_mb(network: NetworkShape, batch: int) -> float:
    """Memory of the tensors of a forward pass in float32, counted without running it."""
    return peak_bytes(_on_meta(network), network.input_px, batch).activations / 1e6


def kept_mb(model: nn.Module, images: torch.Tensor, runtime: Runtime) -> float:
    """Memory of what a forward pass of these images keeps for the way back, without the weights."""
    held: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        held[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), runtime.autocast():
        model(images)
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    return sum(storage.nbytes() for pointer, storage in held.items() if pointer not in weights) / 1e6
