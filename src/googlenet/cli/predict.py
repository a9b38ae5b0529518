"""Classify images with the trained networks of an experiment.

\b
    googlenet predict photo.jpg
    googlenet predict photos/ 'more/*.png' --crops 144 --csv classes.csv
    find . -name '*.jpg' | googlenet predict - --member m3 --json -

FILES: images, folders, patterns in quotes, or - for a list of paths on standard input.
"""

from pathlib import Path
from typing import Any, get_args

import click

from googlenet.config.schema.shared import EngineName

FILE = click.Path(path_type=Path)


@click.command(help=__doc__)
@click.argument("files", nargs=-1, required=True)
@click.option("--experiment", default="", metavar="NAME", help="or its folder of results; params.yaml's if left out")
@click.option("--crops", type=click.Choice(["1", "10", "144"]), default="10", show_default=True, help="of each image")
@click.option("--member", default="", metavar="NAME", help="one network; the ensemble of all if left out")
@click.option("--top", type=click.IntRange(min=1), default=5, show_default=True, help="classes of each image")
@click.option("--json", default="", metavar="FILE", help="write a JSON list; - for standard output")
@click.option("--csv", default="", metavar="FILE", help="write a table; - for standard output")
@click.option("--explain", type=FILE, metavar="FOLDER", help="draw what speaks for each image's first class")
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default=None, help="the experiment's if left out")
@click.option("--engine", type=click.Choice(get_args(EngineName)), default=None, help="that of the stage if left out")
def command(crops: str, device: str | None, engine: str | None, experiment: str, **given: Any) -> int:
    """Return 1 if a file could not be read."""
    from googlenet.use.predict import Prediction, perform  # imports torch
    from googlenet.use.results import Asked

    asked = Asked(experiment, device or "", engine or "")
    return perform(Prediction(asked=asked, crops=int(crops), **given), Path.cwd())
