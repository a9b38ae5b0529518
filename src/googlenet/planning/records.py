"""What the jobs of a run took, from their run.json, beside what is planned for them."""

from pathlib import Path
from typing import NamedTuple

from googlenet.errors import UserError
from googlenet.metrics.runs import read_run
from googlenet.pipeline.experiment import Experiment
from googlenet.pipeline.job import run_record
from googlenet.planning.plan import Plan


class Compared(NamedTuple):
    """One stage, all its jobs: seconds and memory planned and measured. The seconds are those that a run.json counts."""

    stage: str
    jobs: int
    planned_s: float
    measured_s: float
    planned_mb: float
    measured_mb: float


def compared(experiment: Experiment, plan: Plan) -> list[Compared]:
    """Every stage, as far as its planned jobs have a record. Raises UserError where no job has one."""
    rows = []
    for stage in plan.stages:
        paths = {
            job.name: experiment.root
            / run_record(Path(experiment.config_path(stage.stage, job.name)), stage.stage, job.name)
            for job in stage.jobs
        }
        jobs = [job for job in stage.jobs if paths[job.name].is_file()]
        records = [read_run(paths[job.name]) for job in jobs]
        if jobs:
            rows.append(
                Compared(
                    stage.stage,
                    len(jobs),
                    # A run.json does not count what comes before it: imports.
                    sum(job.wall_s - job.start_s + job.recorded_s for job in jobs),
                    sum(record.duration_s for record in records),
                    max(sum(job.memory_mb.values()) for job in jobs),
                    max(record.peak_memory_mb or 0 for record in records),
                )
            )
    if not rows:
        raise UserError(f"--measured: no run of {plan.experiment} has left its run.json; run it first")
    return rows
