"""The metrics of an experiment's jobs, as the report reads them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from googlenet.metrics.base import MetricsT, StageMetrics, read_metrics
from googlenet.metrics.data import Manifest
from googlenet.metrics.order import natural

SINGLE = ""  # the name of a stage's only job


class Results:
    """The metrics of an experiment's jobs. Stages that are not in the experiment are absent."""

    def __init__(self, jobs: Iterable[tuple[str, StageMetrics]]):
        """jobs: each job's name (SINGLE for a stage's only job) with its metrics."""
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
