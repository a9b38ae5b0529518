"""Why each JOB (all if left out) of the active experiment would run again, in one sentence each.

\b
    googlenet why
    googlenet why make_report train_classifier/m2

A job is named by its stage, or stage/member, stage/detector or stage/part; a stage stands for all its jobs. Asks Snakemake for a dry run.
"""

from pathlib import Path

import click

from googlenet.errors import UserError, nearest, printable
from googlenet.pipeline import reasons
from googlenet.pipeline.experiment import current
from googlenet.planning.why import sentences
from googlenet.tracking import job_name


@click.command(help=__doc__)
@click.argument("jobs", nargs=-1, metavar="[JOB]...")
@click.option("--experiment", default="", metavar="NAME", help="a file of conf/experiment/; params.yaml's if left out")
@click.option("--ablations", "target", flag_value="ablations", help="the jobs of the target `ablations`")
@click.option("--exports", "target", flag_value="exports", help="the jobs of the target `exports`")
@click.option("--structures", "target", flag_value="structures", help="the jobs of the target `structures`")
def command(jobs: tuple[str, ...], experiment: str, target: str | None) -> None:
    """Print a line per job."""
    root = Path.cwd()
    named_jobs = [each for name in jobs for each in named(root, experiment, name)]
    would_run = sentences(root, reasons.dry_run(experiment, [target or "all"]))
    for name in named_jobs or would_run:
        print(printable(f"{name}: {would_run.get(name, 'would not run: nothing it depends on changed.')}"))
    if not named_jobs and not would_run:
        print("Nothing would run: no setting, code or input differs from what the results were made with.")


def named(root: Path, experiment: str, name: str) -> list[str]:
    """The jobs that the name of a stage or a job stands for. Raises UserError if there are none."""
    composed = current(root, experiment)
    known = {stage: [job_name(*job) for job in composed.jobs(stage)] for stage in composed.stages}
    every = [job for jobs in known.values() for job in jobs]
    if name not in known and name not in every:
        choices = every if "/" in name else known
        raise UserError(f"{name}: no stage or job of '{composed.name}'{nearest(name, choices)}")
    return known.get(name, [name])
