"""Seconds that each job of an experiment is expected to take here: as planned, or as last time."""

from collections.abc import Iterator
from pathlib import Path

from googlenet.metrics.runs import read_run
from googlenet.models.processor import cpu_name
from googlenet.pipeline.experiment import Experiment, Job
from googlenet.pipeline.job_file import run_record
from googlenet.pipeline.registry import STAGES
from googlenet.planning.needs import Needs
from googlenet.tracking import job_name

START_S, NETWORK_START_S = 0.5, 3.5  # of a job before its record begins: imports, without and with torch


def expected(experiment: Experiment) -> dict[str, float]:
    """Seconds by job, if known: from the plan of this experiment, else from its last run, else from the plan of the
    most similar experiment. During a run, errors common to all jobs or to a stage are corrected."""
    needs = Needs(experiment)
    jobs = [job for stage in experiment.stages for job in experiment.jobs(stage)]
    planned = {job: seconds for job in jobs if (seconds := needs.seconds(job))}
    own = {job: seconds for job, seconds in planned.items() if needs.is_planned(job.stage)}
    known = planned | dict(last_time(experiment, jobs)) | own
    return {job_name(*job): seconds for job, seconds in known.items()}


def start_s(job: Job) -> float:
    """Seconds of a job before its record begins."""
    return NETWORK_START_S if STAGES[job.stage].runs_network else START_S


def last_time(experiment: Experiment, jobs: list[Job]) -> Iterator[tuple[Job, float]]:
    """The jobs with a record, of the whole job, from a processor of this kind, and their seconds, whatever their
    settings were."""
    here = cpu_name()
    for job in jobs:
        path = experiment.root / run_record(Path(experiment.config_path(*job)), *job)
        if path.is_file() and (record := read_run(path)).versions.get("cpu") == here and not record.resumed:
            yield job, record.duration_s + start_s(job)
