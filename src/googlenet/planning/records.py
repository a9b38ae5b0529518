"""What the jobs of a run took, from their run.json, beside what is planned for them."""

from pathlib import Path
from typing import NamedTuple

from googlenet.errors import UserError
from googlenet.files import read_json
from googlenet.planning.plan import Plan


class Compared(NamedTuple):
    """One stage, all its jobs: seconds and memory planned and measured. The seconds are those that a run.json counts."""

    stage: str
    jobs: int
    planned_s: float
    measured_s: float
    planned_mb: float
    measured_mb: float


def compared(root: Path, plan: Plan, dataset: str) -> list[Compared]:
    """Every stage, as far as its planned jobs have a record. Raises UserError where no job has one."""
    rows = []
    folders = [root / f"results/{plan.experiment}/runs", root / "data/runs" / dataset]
    folders.append(root / f"results/{plan.experiment}/ablations/runs")
    for stage in plan.stages:
        found = {}
        for folder in folders:
            for path in (folder / stage.stage).glob("*.json"):
                found[path.stem] = read_json(path)
        run = [job for job in stage.jobs if job.name in found]
        if run:
            mine = [found[job.name] for job in run]
            # A run.json does not count what comes before it: imports.
            start = [job.wall_s - job.start_s + job.recorded_s for job in run]
            memory = max(sum(job.memory_mb.values()) for job in run)
            rows.append(
                Compared(
                    stage.stage,
                    len(mine),
                    sum(start),
                    sum(record["duration_s"] for record in mine),
                    memory,
                    max(record["peak_memory_mb"] for record in mine),
                )
            )
    if not rows:
        raise UserError(f"--measured: no run of {plan.experiment} has left its run.json; run it first")
    return rows
