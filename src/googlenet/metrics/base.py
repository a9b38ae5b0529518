"""Common parts of the metrics classes: their base, reading and writing, intervals, top-1 and top-5 error."""

from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from googlenet.errors import UserError
from googlenet.storage.files import read_json, write_json

TopError = Literal["top1_error_percent", "top5_error_percent"]
ValueT = TypeVar("ValueT")
MetricsT = TypeVar("MetricsT", bound="Metrics")


class Metrics(BaseModel):
    """A part of a stage's metrics: immutable, without unknown keys."""

    # Built on first use: Snakemake imports the classes of all stages at every start, and uses none.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for a file."""
        return self.model_dump(mode="json")


class StageMetrics(Metrics):
    """The whole of a metrics.json. stamp: that of the job that wrote it; see pipeline/job.py."""

    stamp: str = Field(default="")


class Interval(Metrics):
    """A confidence interval [low, high] in the unit of its quantity."""

    low: float
    high: float
    confidence_percent: float


class Difference(Metrics):
    """A paired difference between two systems on the same images, with its interval; positive: the second is better."""

    difference: float
    interval: Interval


class TopValues(Metrics, Generic[ValueT]):
    """One value for each of the two errors."""

    top1_error_percent: ValueT
    top5_error_percent: ValueT

    def of(self, error: TopError) -> ValueT:
        """Return the value of one of the errors."""
        return self.top1_error_percent if error == "top1_error_percent" else self.top5_error_percent


class TopErrors(TopValues[float]):
    """Top-1 and top-5 error."""


class Spread(Metrics):
    """Summary of several values: mean, standard deviation (of the values themselves), minimum and maximum."""

    mean: float
    std: float
    min: float
    max: float


class Epoch(Metrics):
    """A training epoch: its number from 1, steps done at its end, the last learning rate, the mean loss."""

    epoch: int
    step: int
    learning_rate: float
    train_loss: float


def write_metrics(path: Path, metrics: StageMetrics, stamp: str) -> None:
    """Write a metrics.json with its stamp."""
    write_json(path, metrics.to_json() | {"stamp": stamp})


def read_metrics(path: Path, kind: type[MetricsT]) -> MetricsT:
    """Read a metrics.json or run.json. Raises UserError, naming the file, if it is missing or malformed."""
    try:
        return kind.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "the file"
        raise UserError(f"{path}: {where}: {first['msg']}; delete it and run its stage again") from None


def natural(name: str) -> tuple[int, str]:
    """Return the sort key used wherever the order of names matters: m2 before m10, whatever order a table has."""
    digits = "".join(letter for letter in name if letter.isdigit())
    return (int(digits) if digits else -1, name)
