"""Jobs to call a stage's `run` with, untracked and without an engine."""

from googlenet.config.schema.base import StageSettings, replaced
from googlenet.config.schema.shared import Execution
from googlenet.pipeline.job import Job
from googlenet.pipeline.job_file import JobFile
from settings import composed


class Untracked:
    """A run that tracks nothing."""

    def metrics(self, values, step):
        """Ignore numbers."""

    def artifact(self, path):
        """Ignore a file."""


def stage_job(stage: str, settings: StageSettings, stamp: str = "a stamp", threads: int = 1, **execution: int) -> Job:
    """A job of a stage with these settings, and smoke's settings of execution with some changed."""
    file = JobFile(stage, "m1", "smoke", "", settings)
    return Job(file, stamp, replaced(composed().of(Execution), **execution), Untracked(), threads=threads)
