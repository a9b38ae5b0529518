"""Deliver to MLflow what the jobs of EXPERIMENT (all if left out) have logged, and end the runs of dead processes."""

from pathlib import Path

import click

from googlenet.tracking import deliver


@click.command(help=__doc__)
@click.argument("experiment", default="")
def command(experiment: str) -> int:
    """Return 1 if something is still pending."""
    return int(not deliver(Path.cwd(), experiment, thoroughly=True))
