"""A job that does nothing, to measure what every job costs before and after its work: imports, tracking, run.json."""

from googlenet.config.schema.base import StageSettings
from googlenet.data.store import open_split
from googlenet.metrics.base import StageMetrics
from googlenet.pipeline.job import Job, Output
from googlenet.storage.checkpoint import save_arrays

LOADED = (save_arrays, open_split)  # imported by stages without a network


class Empty(StageSettings):
    """No settings."""


def run(job: Job[Empty], *, metrics: Output) -> None:
    """Write only the stamp."""
    job.log({"loaded": len(LOADED)})
    job.write_metrics(metrics, StageMetrics())
