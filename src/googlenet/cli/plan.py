"""Plan an experiment before it starts: disk, memory, passes and hours of every stage, from rates measured in seconds."""

import argparse
import os
import sys
from functools import partial
from pathlib import Path

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


def main() -> None:
    """Print the plan; a UserError becomes one line and exit code 1."""
    try:
        perform(sys.argv[1:], Path.cwd())
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


def perform(arguments: list[str], root: Path) -> plan.Plan:
    """Compose the experiment, get the rates, print the plan, and write what is asked for."""
    given = parsed(arguments)
    if given.machine and given.save:
        raise UserError("--save: writes what is measured here; leave --machine out")
    if given.save:
        machine.path_of(root, given.save)  # an invalid name fails before the measuring
    experiment = composed(root, given.experiment)
    measured: machine.Measured | None = None
    if given.machine:
        again = f"python -m googlenet.plan --experiment {experiment.name} --save {given.machine}"
        there, rates, measured = machine.read(root, given.machine, again)
    kinds: list[Kind] = ["classification", "detection"] if experiment.of(Enabled).enabled else ["classification"]
    data = {kind: sizes.of(experiment, kind) for kind in kinds}
    if not given.machine:
        there, rates = machine.this_machine(), Rates({}, Bench(experiment, data.values()).measure)
    target = Target.of(there, given.machine, given.cores, given.gpus)
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


def whole_number(text: str, least: int) -> int:
    """Read a whole number from `least` on."""
    if not text.isdigit() or int(text) < least:
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number from {least} on")
    return int(text)


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m googlenet.plan", description=__doc__)
    add = parser.add_argument
    add("--experiment", default="", help="a file of conf/experiment/; params.yaml's if left out")
    add("--machine", default="", help="rates of machines/NAME.yaml; left out: measured here")
    add("--cores", type=partial(whole_number, least=1), default=0, help="as for snakemake; all if left out")
    add("--gpus", type=partial(whole_number, least=0), help="as --resources gpu=N; all if left out")
    add("--ablations", action="store_true", help="also the target `ablations`")
    add("--measured", action="store_true", help="beside it, what a run's jobs took (run.json)")
    add("--save", default="", metavar="NAME", help="add the rates to machines/NAME.yaml")
    add("--beside", default="", help="what else the machine did meanwhile, kept with --save")
    add("--json", type=Path, metavar="FILE", help="write the plan here, too")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
