"""run.json: who ran a job, when and on what. Not an edge: no two are alike."""

from pathlib import Path

from pydantic import ConfigDict

from googlenet.metrics.base import Metrics, read_metrics


class Record(Metrics):
    """A part of a run.json. Keys of other versions are ignored, so that the record of an old job stays readable."""

    model_config = ConfigDict(extra="ignore")


class MlflowRun(Record):
    """Where a job's run is in MLflow."""

    run_id: str
    experiment_id: str
    tracking_uri: str  # "the local store" for the one in the project's folder


class RunRecord(Record):
    """A run.json: who ran what, when, on what."""

    stage: str
    job: str
    experiment: str
    started: str  # in UTC, ISO 8601
    ended: str
    duration_s: float
    commit: str  # of the code, with "+dirty" when tracked files differed; "" outside git
    config_sha256: str
    stamp: str  # of the configuration and the inputs
    inputs: dict[str, str]  # SHA-256 by edge
    versions: dict[str, str]  # of libraries, interpreter and machine
    threads: int
    device: str
    mlflow: MlflowRun | None = None
    peak_memory_mb: int | None = None  # None in records older than this field


def read_run(path: Path) -> RunRecord:
    """Read a run.json. Raises UserError, naming the file, if it is missing or malformed."""
    return read_metrics(path, RunRecord)
