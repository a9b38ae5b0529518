"""What an experiment has on disk: its jobs' resolved files, and the results of rows that have left its tables."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from googlenet.errors import UserError
from googlenet.pipeline import kept
from googlenet.pipeline.code import code_digest, module_digests
from googlenet.pipeline.experiment import Experiment
from googlenet.pipeline.job_file import MODULES
from googlenet.pipeline.kept import Kept
from googlenet.pipeline.registry import ROWS
from googlenet.storage.files import read_json, sha256, write_bytes, write_json

CODES = 200  # the most in the file of modules, a megabyte


def files(experiment: Experiment) -> Iterator[tuple[Path, bytes]]:
    """Every job's file, as path and content."""
    for stage in experiment.stages:
        for job in experiment.jobs(stage):
            yield experiment.root / experiment.config_path(*job), experiment.job_file(job).to_bytes()


def write_configs(experiment: Experiment) -> list[Path]:
    """Write the jobs' files whose content changed, and return them; remove the files of jobs that no longer exist."""
    if experiment.kept and experiment.kept.lies_in(experiment.root):
        return []
    contents = dict(files(experiment))
    write_modules(experiment)
    changed = [path for path, content in contents.items() if not path.is_file() or path.read_bytes() != content]
    for path in changed:
        write_bytes(path, contents[path])
    for folder in {experiment.results(stage) for stage in experiment.stages}:
        for path in (experiment.root / folder / "config").glob("*/*.json"):
            if path not in contents:
                path.unlink()
    # A file that was edited after the key was computed belongs to another key.
    if experiment.key and experiment.key == kept.key_of(experiment.root, experiment.asked):
        digests = {str(path.relative_to(experiment.root)): sha256(path) for path in contents}
        values, sources = experiment.composed.values, experiment.ablation_sources
        kept.save(experiment.root, experiment.key, Kept(experiment.name, values, sources, digests))
    return changed


def write_modules(experiment: Experiment) -> None:
    """Write the digests of the modules of every job's code, beside those of other experiments and of former code."""
    path = experiment.root / MODULES
    codes = {experiment.code_of(job) for stage in experiment.stages for job in experiment.jobs(stage)}
    present = {code_digest(*code): module_digests(*code) for code in codes}
    former: dict[str, dict[str, str]] = {}
    with suppress(UserError):  # none yet, or damaged: it only says more in `googlenet why`
        former = read_json(path)
    if former.items() >= present.items():
        return
    both = former | present
    write_json(path, both if len(both) <= CODES else present)


def remove_former_jobs(experiment: Experiment) -> list[Path]:
    """Remove the results of rows that are no longer in their tables, and return their folders."""
    removed = []
    for row in (row for row in ROWS if row.group != "data"):
        results = experiment.root / experiment.results(row.name)
        kept = {job.name for job in experiment.jobs(row.name)} if row.name in experiment.stages else set()
        for folder in sorted((results / row.name).glob("*/")) if row.per else [results / row.name]:
            name = folder.name if row.per else "all"
            if name not in kept and folder.is_dir() and (row.per or any(folder.iterdir())):
                shutil.rmtree(folder)
                if not row.per:
                    folder.mkdir()  # DVC needs the folder of every stage, even of one that is left out
                (results / "runs" / row.name / f"{name}.json").unlink(missing_ok=True)
                removed.append(folder)
    return removed
