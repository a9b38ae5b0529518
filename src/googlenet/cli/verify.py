"""Compare the results of EXPERIMENT (params.yaml's if left out) with its reference, references/EXPERIMENT.yaml.

\b
    googlenet verify --reference         # names each figure that is not reproduced; exit code 1 if there is any
    googlenet verify --renew             # makes the present results the reference of this type of machine

On a type of machine with a reference, every figure must match exactly. On another, it must lie in the first reference's
interval or, if there are references of three types or more, where their values predict another one's.
"""

from pathlib import Path
from typing import Any

import click
import yaml

from googlenet.errors import UserError
from googlenet.metrics import reference as references
from googlenet.metrics.reference import FAILED, Figure, Kind, MachineReference, Reference, read_reference
from googlenet.metrics.results import read_results
from googlenet.metrics.runs import RunRecord
from googlenet.pipeline.experiment import Experiment
from googlenet.pipeline.experiment import experiment as composed
from googlenet.pipeline.job import records_beside
from googlenet.pipeline.registry import STAGES
from googlenet.report.headlines import SOURCES, Headline, headlines
from googlenet.report.words import plural
from googlenet.storage.files import write_bytes

HEAD = """\
# Headline figures of the experiment {name}, by type of machine; of another type, figures are judged by all of these.
# Written by: googlenet verify {name} --renew    Read by: make_report, googlenet verify {name} --reference
"""


@click.command(help=__doc__)
@click.argument("experiment", default="")
@click.option("--reference", is_flag=True, help="compare with the reference")
@click.option("--renew", is_flag=True, help="write the reference of this type of machine")
def command(experiment: str, reference: bool, renew: bool) -> int:
    """Return 1 if a figure is not reproduced."""
    if reference == renew:
        raise click.UsageError("give either --reference or --renew")
    current = composed(Path.cwd(), experiment)
    lines, runs = measured(current)
    path = Path(references.FOLDER, f"{current.name}.yaml")
    if renew:
        renewed(path, lines, runs, current.name)
        print(f"{path}: {len(lines)} figures of {Kind.of(runs)}")
        if others := len(read_reference(path).machines) - 1:
            print(f"{path}: {plural(others, 'other type')} kept; after a change of settings or code, remove them there")
        return 0
    if not path.is_file():
        raise UserError(f"{path}: not found; the experiment has no reference; `googlenet verify --renew` writes one")
    return report(read_reference(path), lines, Kind.of(runs), current.name)


def measured(current: Experiment) -> tuple[tuple[Headline, ...], list[RunRecord]]:
    """An experiment's headline figures and run records. Raises UserError, with the remedy, if results are missing."""
    folder = Path("results", current.name)
    paths = [folder / stage / "metrics.json" for stage, row in STAGES.items() if row.metrics in SOURCES]
    paths = [path for path in paths if path.parts[-2] in current.stages]
    for path in paths:
        if not path.is_file():
            raise UserError(f"{path}: no results; run `snakemake --cores 2 --config experiment={current.name}` first")
    results = read_results((), paths, {name: row.metrics for name, row in STAGES.items()})
    runs = records_beside(folder / "make_report" / "report.html", current.dataset)
    return tuple(line for line in headlines(results) if line.key), runs


def report(reference: Reference, lines: tuple[Headline, ...], kind: Kind | None, name: str) -> int:
    """Print a line for each figure; return 1 if one is not reproduced."""
    known = reference.of(kind)
    compared = known or reference.machines[0]
    if known is None:
        print(f"{name}: no reference for this type of machine ({kind or 'several, or a GPU'})")
    of_all = known is None and reference.predicts
    print(f"{name}: compared with {f'all {len(reference.machines)} types that have one' if of_all else compared.kind}")
    judged, failed = reference.judged({line.key: line.value for line in lines}, kind), 0
    for key, (judgement, figure) in judged.items():
        value = next(line.value for line in lines if line.key == key)
        failed += judgement in FAILED
        interval = "" if figure.low is None or known else f" in [{figure.low:.6g}, {figure.high:.6g}]"
        word = f"NOT REPRODUCED, {FAILED[judgement]}" if judgement in FAILED else judgement
        print(f"  {key}: {value:.6g}, reference {figure.value:.6g}{interval}: {word}")
    counted = sum(judgement != "not compared" for judgement, _ in judged.values())
    missing = sorted(compared.figures.keys() - judged.keys())
    for key in missing:
        print(f"  {key}: NOT REPRODUCED, these results do not have it")
    print(f"{name}: {counted - failed} of {counted + len(missing)} figures reproduced")
    return int(failed + len(missing) > 0)


def renewed(path: Path, lines: tuple[Headline, ...], runs: list[RunRecord], name: str) -> None:
    """Write these figures to the file, for their type of machine. Raises UserError for a GPU's or several kinds'."""
    kind = Kind.of(runs)
    if kind is None:
        raise UserError(
            f"results/{name}/runs: of several types of machine, or of a GPU; run all jobs on one type of CPU"
        )
    others = [each for each in read_reference(path).machines if each.kind != kind] if path.is_file() else []
    figures = {line.key: Figure.of(line.value, line.bounds) for line in lines}
    made = Reference(machines=(*others, MachineReference(kind=kind, figures=figures)))
    content: dict[str, Any] = made.model_dump(mode="json", exclude_none=True)
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=150)
    write_bytes(path, (HEAD.format(name=name) + text).encode())
