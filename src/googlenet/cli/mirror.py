"""Deliver to MLflow what the jobs of EXPERIMENT (all if left out) have logged, and end the runs of dead processes."""

from pathlib import Path

import click

from googlenet.errors import UserError
from googlenet.tracking import deliver


@click.command(help=__doc__)
@click.argument("experiment", default="")
def command(experiment: str) -> int:
    """Return 1 if something is still pending."""
    root = Path.cwd()
    if not (root / "conf").is_dir():
        raise UserError(f"{root}: no project here; run it in the project's folder")
    return int(not deliver(root, experiment, thoroughly=True))
