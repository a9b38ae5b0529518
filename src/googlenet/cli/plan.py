"""Plan an experiment before it starts: disk, memory, passes and hours of every stage, from rates measured in seconds."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click

for threads in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(threads, "1")  # as in a job; torch reads it when it is imported

from googlenet.config.schema.dataset import Kind  # noqa: E402
from googlenet.config.schema.shared import Enabled  # noqa: E402
from googlenet.errors import UserError  # noqa: E402
from googlenet.pipeline.experiment import experiment as composed  # noqa: E402
from googlenet.planning import machine, plan, sizes, table  # noqa: E402
from googlenet.planning.rates import Bench, Rates  # noqa: E402
from googlenet.planning.work import Context, Target  # noqa: E402
from googlenet.storage.files import write_json  # noqa: E402


@click.command(help=__doc__)
@click.option("--experiment", default="", metavar="NAME", help="a file of conf/experiment/; params.yaml's if left out")
@click.option("--machine", default="", metavar="NAME", help="rates of machines/NAME.yaml; left out: measured here")
@click.option("--cores", type=click.IntRange(min=1), help="as for snakemake; all if left out")
@click.option("--gpus", type=click.IntRange(min=0), help="as --resources gpu=N; all if left out")
@click.option("--ablations", is_flag=True, help="also the target `ablations`")
@click.option("--measured", is_flag=True, help="beside it, what a run's jobs took (run.json)")
@click.option("--save", default="", metavar="NAME", help="add the rates to machines/NAME.yaml")
@click.option("--beside", default="", metavar="TEXT", help="what else the machine did meanwhile, kept with --save")
@click.option("--json", type=click.Path(path_type=Path), metavar="FILE", help="write the plan here, too")
def command(**given: Any) -> None:
    """Plan the experiment of the present folder."""
    perform(SimpleNamespace(**given), Path.cwd())


def perform(given: SimpleNamespace, root: Path) -> plan.Plan:
    """Compose the experiment, get the rates, print the plan, and write what is asked for. given: the options."""
    if given.machine and given.save:
        raise UserError("--save: writes what is measured here; leave --machine out")
    if given.save:
        machine.path_of(root, given.save)  # an invalid name fails before the measuring
    experiment = composed(root, given.experiment)
    measured: machine.Measured | None = None
    if given.machine:
        again = f"googlenet plan --experiment {experiment.name} --save {given.machine}"
        there, rates, measured = machine.read(root, given.machine, again)
    kinds: list[Kind] = ["classification", "detection"] if experiment.of(Enabled).enabled else ["classification"]
    data = {kind: sizes.of(experiment, kind) for kind in kinds}
    if not given.machine:
        there, rates = machine.this_machine(), Rates({}, Bench(experiment, data.values()).measure)
    target = Target.of(there, given.machine, given.cores or 0, given.gpus)
    made = plan.planned(Context(experiment, data, rates, target), given.ablations)
    print(table.as_text(made, measured))
    print(f"\n{table.rates_text(rates)}")
    if given.measured:
        print(f"\n{table.compared_text(made)}")
    if given.save:
        path = machine.save(root, given.save, there, rates, given.beside)
        print(f"\nrates written to {path.relative_to(root)}")
    if given.json:
        write_json(given.json, made.as_json())
    return made
