"""What the report reads from an experiment: its metrics, and each job's run.json (not an edge: no two are alike)."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict

from googlenet.metrics.base import Metrics, MetricsT, StageMetrics, natural, read_metrics
from googlenet.metrics.data import Manifest

SINGLE = ""  # the name of a stage's only job


class Results:
    """The metrics of an experiment's jobs. A stage that the experiment does not have is absent."""

    def __init__(self, jobs: Iterable[tuple[str, StageMetrics]]):
        """jobs: the name of each job, SINGLE for a stage's only one, with its metrics."""
        self._jobs = sorted(jobs, key=lambda job: natural(job[0]))

    def one(self, kind: type[MetricsT]) -> MetricsT | None:
        """Return the metrics of a stage with a single job, or None."""
        return next((one for name, one in self._jobs if name == SINGLE and isinstance(one, kind)), None)

    def several(self, kind: type[MetricsT]) -> dict[str, MetricsT]:
        """Return the metrics of a stage with a job per member, detector or part, in natural order of name (m2, m10)."""
        return {name: one for name, one in self._jobs if name != SINGLE and isinstance(one, kind)}

    def manifest(self, kind: Literal["classification", "detection"]) -> Manifest | None:
        """Return the manifest of the data set of that kind, or None."""
        return next((manifest for manifest in self.manifests if manifest.kind == kind), None)

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        """The manifests of all data sets, classification first."""
        known = (metrics for _, metrics in self._jobs if isinstance(metrics, Manifest))
        return tuple(sorted(known, key=lambda manifest: manifest.kind))


def read_results(
    manifests: Iterable[Path], paths: Iterable[Path], kinds: Mapping[str, type[StageMetrics] | None]
) -> Results:
    """Read the manifests and results/<experiment>/<stage>/[<job>/]metrics.json of an experiment.

    kinds: the class of each stage's metrics.json. Raises UserError for a file that is missing or malformed."""
    jobs: list[tuple[str, StageMetrics]] = [(SINGLE, read_metrics(path, Manifest)) for path in manifests]
    for path in paths:
        stage, *job = path.parts[2:-1]
        kind = kinds[stage]
        if kind is not None:
            jobs.append((job[0] if job else SINGLE, read_metrics(path, kind)))
    return Results(jobs)


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
