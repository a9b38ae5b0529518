"""The contract of a network: what training, prediction, detection, import and cost use, independent of its class.

A kind of network is a module of `models/networks` with one object, KIND; `model.network` names it.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cache
from importlib import import_module
from typing import Any, ClassVar, Literal, Protocol, cast

import numpy as np
import torch
from pydantic import ConfigDict
from torch import Tensor, nn

from googlenet.config.schema.base import Module, NetworkName
from googlenet.config.schema.shared import NETWORKS, Classifier, Initialisation, Model
from googlenet.errors import UserError
from googlenet.models.table_1 import AUX_HEADS

CACHED_VALUES = 224 * 224 * 3  # of one image of the paper's size, as floats: they fit in a core's cache


@dataclass(frozen=True)
class Architecture:
    """The shape of GoogLeNet, by default the paper's (Table 1)."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")  # bundle.py validates what it reads from a file
    width: float = 1.0  # factor on every layer's channels except the classifiers'
    input_px: int = 224
    dropout: float = 0.4
    aux_dropout: float = 0.7
    aux_heads: tuple[Module, ...] = AUX_HEADS  # modules with an auxiliary classifier
    lrn: bool = True
    inception: Literal["reduced", "naive"] = "reduced"  # figure 2b | figure 2a
    classifier: Classifier = "average_pool"
    repeat_modules: tuple[Module, ...] = ()  # one more copy of a module per mention


@cache
def constant_on(device: str, value: float | tuple[float, ...]) -> Tensor:
    """A value for all channels, or one for each, on a device, for [n, channels, h, w]. Moving it there once suffices; at
    each batch, it would wait for the GPU."""
    with torch.inference_mode(mode=False):  # the same tensor serves trainings too
        return torch.tensor(value, device=device).view(1, -1, 1, 1)


@dataclass(frozen=True)
class NetworkSpec:
    """Everything needed, besides the weights, to build a network and to prepare its input."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")
    classes: tuple[str, ...]  # in the order of the outputs; all "" if unknown
    architecture: Architecture
    input_mean: tuple[float, float, float]  # by channel, in channel_order
    input_scale: float | tuple[float, float, float]  # for all channels, or per channel
    channel_order: Literal["rgb", "bgr"] = "rgb"
    network: NetworkName = "paper"  # a module of models/networks
    initialisation: Initialisation = "replica"  # of a new network, and of layers added to a trained one

    @classmethod
    def of(
        cls, model: Model, classes: tuple[str, ...], width: float = 1.0, repeat_modules: tuple[Module, ...] = ()
    ) -> "NetworkSpec":
        """From the settings' `model`, a data set's classes, and a member's width and modules on top of the model's."""
        shape = {field.name: getattr(model, field.name) for field in fields(Architecture)}
        shape |= {"width": model.width * width, "repeat_modules": (*model.repeat_modules, *repeat_modules)}
        return cls(
            classes,
            Architecture(**shape),
            model.input_mean,
            model.input_scale,
            network=model.network,
            initialisation=model.initialisation,
        )

    @property
    def input_px(self) -> int:
        """Side of the square input."""
        return self.architecture.input_px

    @property
    def mean_colour(self) -> tuple[int, int, int]:
        """The mean as an RGB colour: the fill around an image, which becomes zero at the input."""
        rgb = self.input_mean if self.channel_order == "rgb" else self.input_mean[::-1]
        red, green, blue = (round(value) for value in rgb)
        return red, green, blue

    def to_input(self, images: np.ndarray, device: str) -> Tensor:
        """Convert uint8 RGB images [n, h, w, 3] to input: float [n, 3, h, w], channels last, minus the mean, scaled."""
        if device == "cpu":
            return self._to_input_on_cpu(torch.from_numpy(images))
        batch = torch.from_numpy(images).to(device, non_blocking=True)
        if self.channel_order == "bgr":
            batch = batch.flip(3)
        mean, scale = (constant_on(device, value) for value in (self.input_mean, self.input_scale))
        return (batch.permute(0, 3, 1, 2).float() - mean).mul_(scale)

    def _to_input_on_cpu(self, batch: Tensor) -> Tensor:
        """The same bits in a third of the time: by whole rows, as three channels at a time are slow, and as many images
        at once as fit in the cache."""
        if self.channel_order == "bgr":
            batch = batch.flip(3)
        n, h, w, channels = batch.shape
        mean, scale = (torch.tensor(value).expand(channels).repeat(w) for value in (self.input_mean, self.input_scale))
        is_scaled, out = bool((scale != 1).any()), torch.empty(n, h, w * channels)
        at_once = max(1, CACHED_VALUES // (h * w * channels))
        for start in range(0, n, at_once):
            images, rows = (values[start : start + at_once] for values in (batch, out))
            rows.copy_(images.reshape(len(images), h, -1)).sub_(mean)
            if is_scaled:
                rows.mul_(scale)
        return out.view(n, h, w, channels).permute(0, 3, 1, 2)

    def with_architecture(self, **changes: Any) -> "NetworkSpec":
        """Return the same spec with other values of Architecture's fields."""
        return replace(self, architecture=replace(self.architecture, **changes))


class Trunk(Protocol):
    """The modules of a network that detectors and MultiBox start from, and whose units are analysed."""

    def map_after(self, x: Tensor, last: str | None = None) -> tuple[Tensor, list[Tensor]]: ...
    def vector_of(self, x: Tensor) -> Tensor: ...
    def logits_of(self, vectors: Tensor) -> Tensor: ...
    def cut_after(self, last: str) -> None: ...


@dataclass(frozen=True)
class Kind:
    """A kind of network."""

    # With torch's default weights; the outputs are the main classifier's logits and, in training, the auxiliary heads'.
    build: Callable[[NetworkSpec], nn.Module]
    # From a seed, as the spec specifies; None for a kind that is only imported.
    initialise: Callable[[nn.Module, int, Initialisation], None] | None
    trunk: bool  # whether its modules are GoogLeNet's by name (see Trunk)


def kind_of(name: NetworkName) -> Kind:
    """Return a kind of network by its name."""
    return cast(Kind, import_module(NETWORKS.module(name)).KIND)


@dataclass(frozen=True)
class Network:
    """A network: its modules and their spec, as one value."""

    model: nn.Module
    spec: NetworkSpec

    @classmethod
    def build(cls, spec: NetworkSpec) -> "Network":
        """Build the described network, with torch's default weights."""
        return cls(kind_of(spec.network).build(spec), spec)

    @classmethod
    def initialised(cls, spec: NetworkSpec, seed: int) -> "Network":
        """Build the described network with a seed's initial weights. UserError for a kind that is only imported."""
        network = cls.build(spec)
        network.initialise(seed)
        return network

    def initialise(self, seed: int) -> None:
        """Set a seed's initial weights, as the spec specifies: drawn on the CPU, so that every device gets the same."""
        start = kind_of(self.spec.network).initialise
        if start is None:
            raise UserError(f"model.network: {self.spec.network} is imported and not trained; name paper or batch_norm")
        device = next(self.model.parameters()).device
        start(self.model.cpu(), seed, self.spec.initialisation)
        self.model.to(device)

    def on(self, device: str) -> "Network":
        """Return the same network on a device, channels last."""
        return replace(self, model=self.model.to(device).to(memory_format=torch.channels_last))

    @property
    def trunk(self) -> Trunk:
        """The modules as a Trunk, for maps and vectors. Raises UserError for a kind without one."""
        if not kind_of(self.spec.network).trunk:
            raise UserError(
                f"{self.spec.network}: has other modules than the paper's network; name a member with paper or batch_norm"
            )
        return cast(Trunk, self.model)

    @property
    def parameters(self) -> int:
        """Number of parameters."""
        return sum(p.numel() for p in self.model.parameters())

    def to_input(self, images: np.ndarray, device: str) -> Tensor:
        """Convert uint8 RGB images [n, h, w, 3] to its input."""
        return self.spec.to_input(images, device)
