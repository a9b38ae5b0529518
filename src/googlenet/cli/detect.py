"""Detect objects in images with the trained detectors of an experiment.

\b
    googlenet detect scene.jpg --draw boxes/
    googlenet detect scenes/ --detector d3 --json results.json

FILES: images, folders, patterns in quotes, or - for a list of paths on standard input.
"""

from pathlib import Path
from typing import Any

import click

from googlenet.use.options import DEVICE, ENGINE, RESULTS, Real

FILE = click.Path(path_type=Path)


@click.command(help=__doc__)
@click.argument("files", nargs=-1, required=True)
@RESULTS
@click.option("--detector", default="", metavar="NAME", help="one network; the ensemble of all if left out")
@click.option("--min-score", type=Real(0, 1), default=0.5, show_default=True, help="of boxes shown and drawn")
@click.option("--draw", type=FILE, metavar="FOLDER", help="draw the boxes on the images")
@click.option("--json", default="", metavar="FILE", help="write COCO's results, all boxes; - for standard output")
@DEVICE
@ENGINE
def command(device: str | None, engine: str | None, experiment: str, **given: Any) -> int:
    """Return 1 if a file could not be read."""
    from googlenet.use.detect import Detection, perform  # imports torch
    from googlenet.use.results import Asked

    return perform(Detection(asked=Asked(experiment, device or "", engine or ""), **given), Path.cwd())
