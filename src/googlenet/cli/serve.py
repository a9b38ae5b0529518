"""Serve an experiment's networks over HTTP, to programs on this machine: an image in, classes or boxes out.

\b
    googlenet serve
    curl --data-binary @photo.jpg 'http://127.0.0.1:8000/predict?top=3'
    curl --data-binary @scene.jpg 'http://127.0.0.1:8000/detect?min_score=0.5'
"""

from pathlib import Path
from typing import Any

import click

from googlenet.use.options import DEVICE, ENGINE, RESULTS, Real


@click.command(help=__doc__)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: a free one")
@RESULTS
@click.option("--max-mb", type=Real(min=0.001), default=20.0, show_default=True, help="of a request's body")
@click.option("--max-megapixels", type=Real(0.001, 111), default=40.0, show_default=True, help="of an image")
@DEVICE
@ENGINE
def command(device: str | None, engine: str | None, experiment: str, **given: Any) -> None:
    """Serve until Ctrl-C."""
    from googlenet.use.results import Asked
    from googlenet.use.serve import Serving, perform  # imports torch

    perform(Serving(asked=Asked(experiment, device or "", engine or ""), **given), Path.cwd())
