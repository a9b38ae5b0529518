"""Export a trained member, or the ensemble, to one file that other programs run: from pixels to probabilities.

\b
    googlenet export digits.onnx                          # ONNX, fp32
    googlenet export small.onnx --precision int8          # calibrated on validation images
    googlenet export m3.pt2 --member m3                   # torch's ExportedProgram, fp32
    googlenet export digits.xml --precision bf16          # OpenVINO's IR

FILE: its suffix names the format. It is written only if it gives the networks' answers for test images.
"""

from pathlib import Path
from typing import Any

import click

from googlenet.use.options import MEMBER, RESULTS


@click.command(help=__doc__)
@click.argument("file", type=click.Path(path_type=Path))
@RESULTS
@MEMBER
@click.option(
    "--precision", type=click.Choice(["fp32", "bf16", "int8"]), default="fp32", show_default=True, help="of the weights"
)
@click.option(
    "--calibration-images",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="of validation, at most, evenly spaced: int8 takes its ranges from them",
)
def command(experiment: str, **given: Any) -> int:
    """Return 0: what cannot be exported is an error."""
    from googlenet.use.export import Export, perform  # imports torch
    from googlenet.use.results import Asked

    return perform(Export(asked=Asked(experiment, "cpu", "eager"), **given), Path.cwd())
