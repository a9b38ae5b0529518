"""The base class of the metrics, and how they are read and written.

What only some stages use is in separate modules, so that a change there re-runs only those stages.
"""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from googlenet.errors import UserError
from googlenet.storage.files import read_json, write_json

MetricsT = TypeVar("MetricsT", bound="Metrics")


class Metrics(BaseModel):
    """A part of a stage's metrics: immutable, without unknown keys."""

    # Built on first use: Snakemake imports the classes of all stages at every start without using them.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for a file."""
        return self.model_dump(mode="json")


class StageMetrics(Metrics):
    """A complete metrics.json. stamp: of the job that wrote it; see pipeline/job.py."""

    stamp: str = Field(default="")


def write_metrics(path: Path, metrics: StageMetrics, stamp: str) -> None:
    """Write a metrics.json with its stamp."""
    write_json(path, metrics.to_json() | {"stamp": stamp})


def read_metrics(path: Path, kind: type[MetricsT]) -> MetricsT:
    """Read a metrics.json or run.json. Raises UserError, naming the file, if it is missing or malformed."""
    return validated(path, read_json(path), kind, "delete it and run its stage again")


def validated(path: Path, content: Any, kind: type[MetricsT], remedy: str) -> MetricsT:
    """Validate a file's content as its class. Raises UserError, naming file and key, if it is malformed."""
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "the file"
        raise UserError(f"{path}: {where}: {first['msg']}; {remedy}") from None
