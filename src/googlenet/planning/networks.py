"""The networks of an experiment as what rates depend on, and what they take in memory."""

from dataclasses import replace
from functools import cache

import torch
from torch import nn

from googlenet.config.schema.base import Settings
from googlenet.config.schema.shared import Model, TrainedMember
from googlenet.models.forward import peak_bytes
from googlenet.models.network import Architecture, Network, NetworkSpec
from googlenet.models.runtime import Runtime


class NetworkShape(Settings):
    """What a network's times depend on: dropout changes none, and stays at its default here."""

    network: str
    classes: int
    architecture: Architecture

    @classmethod
    def of(cls, model: Model, member: TrainedMember, classes: int, network: str) -> "NetworkShape":
        """The shape of a row of the table of members; network: the kind that the member is."""
        spec = NetworkSpec.of(model, (), member.width, member.repeat_modules)
        usual = Architecture()
        shape = replace(spec.architecture, dropout=usual.dropout, aux_dropout=usual.aux_dropout)
        return cls(network=network, classes=classes, architecture=shape)

    @property
    def spec(self) -> NetworkSpec:
        """A spec that builds such a network."""
        classes = tuple(map(str, range(self.classes)))
        return NetworkSpec(classes, self.architecture, (120.0, 120.0, 120.0), 0.02, network=self.network)

    @property
    def input_px(self) -> int:
        """Side of the square input."""
        return self.architecture.input_px

    def with_background(self, classes: int) -> "NetworkShape":
        """The shape of a detector of so many classes that starts from this network."""
        return self.model_copy(update={"classes": classes + 1})


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
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    held: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            held[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), runtime.autocast():
        model(images)
    return sum(storage.nbytes() for storage in held.values()) / 1e6


def kept_a_batch_mb(model: nn.Module, px: int, batch: int, runtime: Runtime) -> float:
    """`kept_mb` of a batch, from one and two images: the rest grows with their number."""
    model.train()
    with torch.random.fork_rng():
        one, two = (kept_mb(model, torch.zeros(n, 3, px, px, device=runtime.device), runtime) for n in (1, 2))
    return two + max(0.0, two - one) * (batch - 2)
