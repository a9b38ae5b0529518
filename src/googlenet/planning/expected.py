"""Seconds that each job of an experiment is expected to take here: what it took with the same settings, else the plan's.

usage: python -m googlenet.planning.expected EXPERIMENT   (writes .googlenet/expected.json; imports torch)

The plan's seconds come from the machines' files (machines/), this processor's first, and nothing is measured. They are scaled by
how long this machine took for jobs that have left a record.
"""

import hashlib
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median

from googlenet.config.schema.shared import Inference
from googlenet.errors import UserError
from googlenet.metrics.runs import RunRecord, read_run
from googlenet.pipeline.experiment import Experiment, Job, current
from googlenet.pipeline.job_file import run_record
from googlenet.pipeline.registry import SETTINGS, STAGES
from googlenet.pipeline.versions import cpu_name
from googlenet.storage.files import json_bytes, read_json, sha256, write_json
from googlenet.tracking import job_name

FILE = Path(".googlenet/expected.json")
START_S, NETWORK_START_S = 0.5, 3.5  # of a job before its record begins: imports, and those of torch


def expected(experiment: Experiment, planned: Mapping[str, float]) -> dict[str, float]:
    """Seconds by job, of those of which something is known. planned: what `plan` has."""
    records = {job_name(*job): (job, record) for job, record in recorded(experiment)}
    took = {name: record.duration_s + start_s(job) for name, (job, record) in records.items()}
    ratios = [took[name] / planned[name] for name in took.keys() & planned.keys()]
    scale = median(ratios) if ratios else 1.0
    same = {name: took[name] for name, (job, record) in records.items() if has_same_settings(experiment, job, record)}
    return {name: seconds * scale for name, seconds in planned.items()} | same


def start_s(job: Job) -> float:
    """Seconds of a job before its record begins."""
    return NETWORK_START_S if STAGES[job.stage].gpu else START_S


def recorded(experiment: Experiment) -> Iterable[tuple[Job, RunRecord]]:
    """The jobs that have left a record on a processor of this kind."""
    here = cpu_name()
    for stage in experiment.stages:
        for job in experiment.jobs(stage):
            path = experiment.root / run_record(Path(experiment.config_path(*job)), *job)
            if path.is_file() and (record := read_run(path)).versions.get("cpu") == here:
                yield job, record


def has_same_settings(experiment: Experiment, job: Job, record: RunRecord) -> bool:
    """Whether a job would run with the settings of its record, whatever else changed."""
    path = experiment.root / experiment.config_path(*job)
    now = read_json(path)["settings"] if path.is_file() else None
    return record.job_file is not None and record.job_file["settings"] == now


def kept(experiment: Experiment) -> dict[str, float] | None:
    """The plan's seconds as `main` wrote them; None if they were not computed for these settings and machines' files."""
    path = experiment.root / FILE
    content = read_json(path) if path.is_file() else {}
    if content.get("key") != key_of(experiment):
        return None
    seconds: dict[str, float] = content["seconds"]
    return seconds


def key_of(experiment: Experiment) -> str:
    """Of all that the plan's seconds follow from, but for the data, which change them little once they are prepared.

    Not the experiment's own key, which depends on whether it was named or is the one of params.yaml.
    """
    files = sorted([*Path(__file__).parent.glob("*.py"), *(experiment.root / "machines").glob("*.yaml")])
    return hashlib.sha256(json_bytes([experiment.composed.values, *map(sha256, files)])).hexdigest()


def plan(experiment: Experiment) -> dict[str, float]:
    """The plan's seconds of each job that the rates of a machine's file cover."""
    from googlenet.planning import machine, sizes  # these import torch
    from googlenet.planning.plan import WORK
    from googlenet.planning.work import Context, Target

    data = sizes.of_all(experiment)
    names = [path.stem for path in sorted((experiment.root / machine.FOLDER).glob("*.yaml"))]
    machines = [machine.read(experiment.root, name, "") for name in names]
    machines.sort(key=lambda each: each[0].cpu != cpu_name())
    on_gpu = experiment.of(Inference).device == "cuda"
    seconds: dict[str, float] = {}
    for there, rates, _ in machines:
        if on_gpu and not there.gpus:
            continue
        context = Context(experiment, data, rates, Target.of(there))
        for job in (job for stage in experiment.stages for job in experiment.jobs(stage)):
            if (name := job_name(*job)) not in seconds and (work := WORK.get(job.stage)):
                try:
                    made = context.start(job)
                    work(context, made, experiment.settings(job, SETTINGS[job.stage]))
                    seconds[name] = made.wall_s
                except UserError:  # no rate for these settings: another machine may have one
                    continue
    return seconds


def main() -> None:
    """Compute the plan's seconds of the experiment named on the command line, beside jobs that run, and keep them."""
    os.nice(10)
    for threads in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(threads, "1")
    experiment = current(Path.cwd(), sys.argv[1])
    write_json(experiment.root / FILE, {"key": key_of(experiment), "seconds": plan(experiment)})


if __name__ == "__main__":
    main()
