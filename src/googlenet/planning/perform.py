"""What `googlenet plan` does."""

from pathlib import Path
from types import SimpleNamespace

from googlenet.errors import UserError
from googlenet.pipeline.experiment import experiment as composed
from googlenet.pipeline.registry import APART
from googlenet.planning import machine, needs, plan, sizes, table
from googlenet.planning.rates import Bench, Rates
from googlenet.planning.work import Context, Target
from googlenet.storage.files import write_json


def perform(given: SimpleNamespace, root: Path) -> plan.Plan:
    """Compose the experiment, get the rates, print the plan, and write the requested files. given: the options."""
    if given.machine and given.save:
        raise UserError("--save: writes what is measured here; leave --machine out")
    experiment, others = composed(root, given.experiment), [name for name in APART if vars(given).get(name)]
    # What can fail does so before the measurements.
    records = table.records(experiment, plan.stages_of(experiment, others)) if given.measured else {}
    measured: machine.Measured | None = None
    if given.machine:
        words = [f"--experiment {experiment.name} --save {given.machine}", *(f"--{name}" for name in others)]
        words += ["--gpus 0"] if given.gpus == 0 else []
        there, rates, measured = machine.read(root, given.machine, f"googlenet plan {' '.join(words)}")
    else:
        there = machine.this_machine()
    if given.save:
        machine.former(root, given.save, there)
    data = sizes.of_all(experiment)
    if not given.machine:
        rates = Rates({}, Bench(experiment, data.values()).measure)
    target = Target.of(there, given.machine, given.cores or 0, given.gpus)
    made = plan.planned(Context(experiment, data, rates, target), others)
    print(table.as_text(made, measured))
    if given.nodes or given.deadline:
        print(f"\n{table.cluster_text(made, given.nodes or 1, given.deadline)}")
    print(f"\n{table.rates_text(rates)}")
    if given.measured:
        print(f"\n{table.compared_text(made, records)}")
    if given.save:
        path = machine.save(root, given.save, there, rates, given.beside)
        print(f"\nrates written to {path.relative_to(root)}")
    if given.needs:
        needs.write(root / given.needs, experiment.name, plan.figures(made))
        print(f"\nmemory and time of the jobs written to {given.needs}")
    if given.json:
        write_json(given.json, made.as_json())
    return made
