"""The contract of measurements: what a rate depends on, including networks, and how it is measured.

A rate is used only for an equal measurement; it is never scaled to another network.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar, cast

import cv2
import numpy as np
import torch
from pydantic import Field
from torch import nn

from googlenet.config.schema.base import NetworkName, Settings, SettingsT, replaced
from googlenet.config.schema.shared import Compute, Model, TrainedMember
from googlenet.data.images import decode, encode_jpeg
from googlenet.models.determinism import prepare_machine
from googlenet.models.forward import peak_bytes
from googlenet.models.network import Architecture, Network, NetworkSpec, kind_of
from googlenet.models.runtime import Runtime
from googlenet.pipeline.experiment import Experiment, KindT
from googlenet.pipeline.registry import ROWS
from googlenet.planning.sizes import DataSize, ImageSize

Amount = Annotated[float, Field(ge=0)]
DIGITS = 4  # significant digits of a stored number
CPU = Compute(device="cpu", precision="fp32", numeric_threads=1)


class NetworkShape(Settings):
    """What a network's timing depends on. Dropout does not affect it, and is set to its default here."""

    network: NetworkName
    classes: int
    architecture: Architecture

    @classmethod
    def of(cls, model: Model, member: TrainedMember, classes: int, network: NetworkName) -> "NetworkShape":
        """The shape of a member; network: its kind."""
        spec, usual = NetworkSpec.of(model, (), member.width, member.repeat_modules), Architecture()
        shape = replace(spec.architecture, dropout=usual.dropout, aux_dropout=usual.aux_dropout)
        return cls(network=network, classes=classes, architecture=shape)

    @property
    def spec(self) -> NetworkSpec:
        """A spec that builds such a network."""
        classes = tuple(map(str, range(self.classes)))
        return NetworkSpec(classes, self.architecture, (120.0, 120.0, 120.0), 0.02, network=self.network)

    def build(self, device: str) -> Network:
        """Such a network, with initial weights, on a device."""
        network = Network.build(self.spec)
        if kind_of(self.network).initialise:
            network.initialise(0)
        return network.on(device)


@cache
def _on_meta(network: NetworkShape) -> nn.Module:
    with torch.device("meta"):
        return Network.build(network.spec).model.eval()


def weights_mb(network: NetworkShape) -> float:
    """Memory of the weights in float32, including the auxiliary heads', in MB."""
    return sum(p.numel() for p in _on_meta(network).parameters()) * 4 / 1e6


def forward_mb(network: NetworkShape, batch: int) -> float:
    """Memory of the tensors of a forward pass in float32, in MB, computed without running it."""
    return peak_bytes(_on_meta(network), network.architecture.input_px, batch).activations / 1e6


def kept_mb(model: nn.Module, images: torch.Tensor, runtime: Runtime) -> float:
    """Memory that a forward pass of these images keeps for the backward pass, without the weights, in MB."""
    held: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        held[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), runtime.autocast():
        model(images)
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    return sum(storage.nbytes() for pointer, storage in held.items() if pointer not in weights) / 1e6


class Rate(Settings):
    """Numbers that were measured."""


class Seconds(Rate):
    """Seconds per image, crop, region or step."""

    seconds: Amount


class StepRate(Seconds):
    """A step without loading, and the memory that its forward pass keeps for the backward pass."""

    kept_mb: Amount


class LoadedStepRate(StepRate):
    """A step, and the time to load one of its images or regions from a decoded image."""

    load_s: Amount


class LineRate(Seconds):
    """Seconds per image, and fixed seconds that do not depend on the number of images."""

    fixed_s: Amount


RateT = TypeVar("RateT", bound=Rate, covariant=True)


class Measurement(Settings, ABC, Generic[RateT]):
    """What a rate depends on; equal instances share a rate. name: in a machine's file. gives: the class of the rate."""

    name: ClassVar[str]
    gives: ClassVar[type[Rate]]

    @abstractmethod
    def measure(self, bench: "Bench") -> RateT:
        """Run the stages' own code for a fraction of a second."""

    @classmethod
    def of(cls, settings: Settings, **others: Any) -> Self:
        """Build from the equally named fields of a stage's settings, and other values."""
        return cls(**others, **{name: getattr(settings, name) for name in cls.model_fields.keys() - others})

    def laid_over(self, settings: SettingsT, **others: Any) -> SettingsT:
        """The inverse of `of`: a stage's settings with the values of this measurement, and other values."""
        names = (type(self).model_fields.keys() & type(settings).model_fields) - {"network", "compute"}
        return replaced(settings, **{name: getattr(self, name) for name in names}, **others)

    def to_json(self) -> dict[str, Any]:
        """Plain values; for a network's architecture, only those that differ from the paper's."""
        return self.model_dump(mode="json", exclude_defaults=True)


class NetworkMeasurement(Measurement[RateT]):
    """A measurement that depends on a network and on where it runs."""

    network: NetworkShape
    compute: Compute

    @property
    def runtime(self) -> Runtime:
        """Device and precision; nothing is loaded in parallel."""
        return Runtime.of(self.compute)


class Bench:
    """Takes measurements, with an experiment's settings and images of its data, or photographs of the same size."""

    def __init__(self, experiment: Experiment, sizes: Iterable[DataSize]):
        self.experiment, self.sizes = experiment, {size.image: size for size in sizes}
        self._decoded: dict[ImageSize, list[np.ndarray]] = {}

    def files(self, size: ImageSize) -> list[bytes]:
        """Image files of a data set's size; if there are none, scikit-learn's two photographs as JPEG."""
        if self.sizes[size].sample:
            return self.sizes[size].sample
        from sklearn.datasets import load_sample_images

        shape, area, photographs = (size.width, size.height), cv2.INTER_AREA, load_sample_images().images
        return [encode_jpeg(cv2.resize(image, shape, interpolation=area)) for image in photographs]

    def images(self, size: ImageSize) -> list[np.ndarray]:
        """The same images decoded, each uint8 RGB [h, w, 3]."""
        if size not in self._decoded:
            self._decoded[size] = [decode(file) for file in self.files(size)]
        return self._decoded[size]

    def settings(self, kind: type[KindT]) -> KindT:
        """The settings of the first job of the stage whose settings class is `kind`."""
        stage = next(row.name for row in ROWS if row.settings is kind)
        return self.experiment.settings(self.experiment.jobs(stage)[0], kind)

    def measure(self, measurement: Measurement[RateT]) -> RateT:
        """Take a measurement, with threads and determinism set as in a job."""
        compute = measurement.compute if isinstance(measurement, NetworkMeasurement) else CPU
        prepare_machine(compute.numeric_threads, compute.device)
        return measurement.measure(self)


class Rates:
    """Rates by measurement; `measure` is called for missing ones. used: those that were requested."""

    def __init__(self, rows: Mapping[Measurement[Rate], Rate], measure: Callable[[Measurement[Rate]], Rate]):
        self.rows, self.measure = dict(rows), measure
        self.used: dict[Measurement[Rate], Rate] = {}

    def __call__(self, measurement: Measurement[RateT]) -> RateT:
        if measurement not in self.rows:
            rate = self.measure(measurement)
            self.rows[measurement] = replaced(rate, **{name: float(f"{value:.{DIGITS}g}") for name, value in rate})
        self.used[measurement] = self.rows[measurement]
        return cast(RateT, self.rows[measurement])
