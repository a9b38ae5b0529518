"""Classify images with the trained networks of an experiment.

\b
    googlenet predict photo.jpg
    googlenet predict photos/ 'more/*.png' --crops 144 --csv classes.csv
    find . -name '*.jpg' | googlenet predict - --member m3 --json -

FILES: images, folders, patterns in quotes, or - for a list of paths on standard input.
"""

from pathlib import Path
from typing import Any

import click

from googlenet.use.options import DEVICE, ENGINE, MEMBER, RESULTS

FILE = click.Path(path_type=Path)


@click.command(help=__doc__)
@click.argument("files", nargs=-1, required=True)
@RESULTS
@click.option("--crops", type=click.Choice(["1", "10", "144"]), default="10", show_default=True, help="of each image")
@MEMBER
@click.option("--top", type=click.IntRange(min=1), default=5, show_default=True, help="classes of each image")
@click.option("--json", default="", metavar="FILE", help="write a JSON list; - for standard output")
@click.option("--csv", default="", metavar="FILE", help="write a table; - for standard output")
@click.option("--explain", type=FILE, metavar="FOLDER", help="draw the regions that support each image's top class")
@DEVICE
@ENGINE
def command(crops: str, device: str | None, engine: str | None, experiment: str, **given: Any) -> int:
    """Return 1 if a file could not be read."""
    from googlenet.use.predict import Prediction, perform  # imports torch
    from googlenet.use.results import Asked

    asked = Asked(experiment, device or "", engine or "")
    return perform(Prediction(asked=asked, crops=int(crops), **given), Path.cwd())
