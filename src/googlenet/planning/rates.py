"""The contract of what is measured: a measurement is what a rate depends on, and how the rate is taken.

A rate serves equal measurements alone: nothing is scaled to another network.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar, cast

import cv2
import numpy as np
from pydantic import Field

from googlenet.config.schema.base import Settings, SettingsT, replaced
from googlenet.config.schema.shared import Compute
from googlenet.data import pictures
from googlenet.models.runtime import Runtime
from googlenet.pipeline.experiment import Experiment, Job, KindT
from googlenet.pipeline.registry import ROWS
from googlenet.planning.clock import as_in_a_job
from googlenet.planning.networks import NetworkShape
from googlenet.planning.sizes import DataSize, ImageSize

Amount = Annotated[float, Field(ge=0)]
DIGITS = 4  # of a number that is kept
CPU = Compute(device="cpu", precision="fp32", numeric_threads=1)


class Rate(Settings):
    """Numbers that were measured."""

    def rounded(self) -> "Rate":
        """The same with as many digits as are worth keeping."""
        return type(self)(**{name: float(f"{value:.{DIGITS}g}") for name, value in self})


class Seconds(Rate):
    """Seconds of one image, crop, region or step."""

    seconds: Amount


class StepRate(Seconds):
    """A step without its loading, and the memory that its forward pass keeps for the way back."""

    kept_mb: Amount


class LoadedStepRate(StepRate):
    """A step, and what it takes to load one of its images or regions, of a decoded image."""

    load_s: Amount


class LineRate(Seconds):
    """Seconds an image, and those that do not grow with the images."""

    fixed_s: Amount


RateT = TypeVar("RateT", bound=Rate, covariant=True)


class Measurement(Settings, ABC, Generic[RateT]):
    """What a rate depends on; equal ones share it. name: in a machine's file. gives: the class of the rate."""

    name: ClassVar[str]
    gives: ClassVar[type[Rate]]

    @abstractmethod
    def measure(self, bench: "Bench") -> RateT:
        """Run the stages' own code for a fraction of a second."""

    @classmethod
    def of(cls, settings: Settings, **others: Any) -> Self:
        """From a stage's settings, where fields have their names, and other values."""
        return cls(**others, **{name: getattr(settings, name) for name in cls.model_fields.keys() - others})

    def laid_over(self, settings: SettingsT, **others: Any) -> SettingsT:
        """The reverse: a stage's settings with the values of this measurement, and other values."""
        names = (type(self).model_fields.keys() & type(settings).model_fields) - {"network", "compute"}
        return replaced(settings, **{name: getattr(self, name) for name in names}, **others)

    def to_json(self) -> dict[str, Any]:
        """As plain values; of a network's architecture what is not the paper's."""
        return self.model_dump(mode="json", exclude_defaults=True)


class NetworkMeasurement(Measurement[RateT]):
    """What depends on a network and where it runs."""

    network: NetworkShape
    compute: Compute

    @property
    def runtime(self) -> Runtime:
        """Where it runs; nothing is loaded beside it."""
        return Runtime(self.compute.device, self.compute.precision)


class Bench:
    """Where measurements are taken: with an experiment's settings, and images of its data or photographs of their size."""

    def __init__(self, experiment: Experiment, sizes: Iterable[DataSize]):
        self.experiment, self.sizes = experiment, {size.image: size for size in sizes}
        self._decoded: dict[ImageSize, list[np.ndarray]] = {}

    def files(self, size: ImageSize) -> list[bytes]:
        """Image files of a data set's size; where none is there, scikit-learn's two photographs as JPEG."""
        if self.sizes[size].sample:
            return self.sizes[size].sample
        from sklearn.datasets import load_sample_images

        shape, photographs = (size.width, size.height), load_sample_images().images
        resized = [cv2.resize(image, shape, interpolation=cv2.INTER_AREA) for image in photographs]
        return [pictures.encode_jpeg(image) for image in resized]

    def images(self, size: ImageSize) -> list[np.ndarray]:
        """The same decoded, uint8 RGB [h, w, 3] each."""
        if size not in self._decoded:
            self._decoded[size] = [pictures.decode(file) for file in self.files(size)]
        return self._decoded[size]

    def measure(self, asked: Measurement[RateT]) -> RateT:
        """Take a measurement."""
        with as_in_a_job(asked.compute if isinstance(asked, NetworkMeasurement) else CPU):
            return asked.measure(self)


def settings_of(experiment: Experiment, kind: type[KindT], name: str = "") -> KindT:
    """The settings of a job of the stage that has them; name: of the job, else the first."""
    stage = next(row.name for row in ROWS if row.settings is kind)
    return experiment.settings(Job(stage, name) if name else experiment.jobs(stage)[0], kind)


class Rates:
    """Rates by measurement; `measure` takes those that are not there. used: those that were asked for."""

    def __init__(self, rows: Mapping[Measurement[Rate], Rate], measure: Callable[[Measurement[Rate]], Rate]):
        self.rows, self.measure = dict(rows), measure
        self.used: dict[Measurement[Rate], Rate] = {}

    def __call__(self, asked: Measurement[RateT]) -> RateT:
        if asked not in self.rows:
            self.rows[asked] = self.measure(asked).rounded()
        self.used[asked] = self.rows[asked]
        return cast(RateT, self.rows[asked])
