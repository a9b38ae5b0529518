"""Plan an experiment before it starts: disk, memory, passes and hours of every stage, from rates measured in seconds."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click

from googlenet.planning import needs
from googlenet.use.options import Real


@click.command(help=__doc__)
@click.option("--experiment", default="", metavar="NAME", help="a file of conf/experiment/; params.yaml's if left out")
@click.option("--machine", default="", metavar="NAME", help="rates of machines/NAME.yaml; left out: measured here")
@click.option("--cores", type=click.IntRange(min=1), help="as for snakemake; all if left out")
@click.option("--gpus", type=click.IntRange(min=0), help="number of GPUs; default: all")
@click.option(
    "--nodes", type=click.IntRange(min=1), help="simulate a cluster of this many such machines: hours of each stage"
)
@click.option(
    "--deadline",
    type=Real(min=0, min_open=True),
    metavar="HOURS",
    help="also find the cheapest number of nodes that meets this deadline",
)
@click.option("--ablations", is_flag=True, help="also the target `ablations`")
@click.option("--exports", is_flag=True, help="also the target `exports`")
@click.option("--structures", is_flag=True, help="also the target `structures`")
@click.option("--measured", is_flag=True, help="also show what the jobs of a finished run took (run.json)")
@click.option("--save", default="", metavar="NAME", help="add the rates to machines/NAME.yaml")
@click.option("--beside", default="", metavar="TEXT", help="what else the machine did meanwhile, kept with --save")
@click.option(
    "--needs",
    is_flag=False,
    flag_value=str(needs.OWN),
    type=click.Path(path_type=Path),
    metavar="[FILE]",
    help="write the jobs' memory and time, which Snakemake reads (FILE: .googlenet/needs.json)",
)
@click.option("--json", type=click.Path(path_type=Path), metavar="FILE", help="write the plan here, too")
def command(**given: Any) -> None:
    """Plan the experiment of the present folder."""
    for threads in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(threads, "1")  # as in a job; torch reads it when it is imported
    from googlenet.planning.perform import perform  # imports torch

    perform(SimpleNamespace(**given), Path.cwd())
