"""run.json: what every job leaves of how it ran. No result depends on it, and it is no edge: it changes at every run."""

from pathlib import Path

from pydantic import ConfigDict

from googlenet.metrics.base import Metrics, read_metrics


class Record(Metrics):
    """A part of a run.json. Keys of other versions are passed over: the record of an old job stays readable."""

    model_config = ConfigDict(extra="ignore")


class MlflowRun(Record):
    """Where a job's run is in MLflow. tracking_uri: "the local store" for the one in the project's folder."""

    run_id: str
    experiment_id: str
    tracking_uri: str


class RunRecord(Record):
    """A run.json: who ran what, when, on what.

    started, ended: in UTC, ISO 8601. commit: of the code, with "+dirty" when tracked files differed; "" outside git. stamp: of
    the configuration and the inputs. inputs: SHA-256 by edge. versions: of libraries, interpreter and machine. device: what it
    computed on. peak_memory_mb: None in records of before it was kept.
    """

    stage: str
    job: str
    experiment: str
    started: str
    ended: str
    duration_s: float
    commit: str
    config_sha256: str
    stamp: str
    inputs: dict[str, str]
    versions: dict[str, str]
    threads: int
    device: str
    mlflow: MlflowRun | None = None
    peak_memory_mb: int | None = None


def read_run(path: Path) -> RunRecord:
    """Read a run.json. Raises UserError, naming the file, for one that is absent or of another form."""
    return read_metrics(path, RunRecord)
