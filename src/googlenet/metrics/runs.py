"""run.json: who ran a job, when and on what. It is no dependency edge, as no two are alike."""

from pathlib import Path

from pydantic import ConfigDict, JsonValue

from googlenet.metrics.base import Metrics, read_metrics


class RunRecord(Metrics):
    """A run.json: who ran what, when, on what. Keys of other versions are ignored: old records stay readable."""

    model_config = ConfigDict(extra="ignore")

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
    precision: str = ""  # bf16 or fp32, of the job's networks; "" without networks, and in records older than the field
    run_id: str | None = None  # MLflow's run has a tag of this name and value. None in records older than the field,
    peak_memory_mb: int | None = None  # as here, and in those below
    job_file: dict[str, JsonValue] | None = None  # the content of the job's resolved file
    processes: int | None = None  # processes that trained together; their number changes no bit
    modules: dict[str, str] | None = None  # digest of each module of the job's code
    resumed: bool = False  # from an earlier attempt's saved state, whose time duration_s does not include


def read_run(path: Path) -> RunRecord:
    """Read a run.json. Raises UserError, naming the file, if it is missing or malformed."""
    return read_metrics(path, RunRecord)
