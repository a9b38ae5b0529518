"""Earlier results of the jobs of a run: saved as hard links next to them before the run, restored where a job fails.

Snakemake deletes a job's outputs before the job runs, and again if it fails. A hard link costs no space and keeps the
file's timestamp. A job that succeeds removes its links; links left by a killed engine serve the job's next run.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any


class EarlierResults:
    """The results that the jobs of a run replace. workflow: Snakemake's object."""

    def __init__(self, workflow: Any):
        self.workflow = workflow
        self.records: dict[Any, list[Any]] = {}  # by job: Snakemake's record of each output

    def keep(self) -> None:
        """Before the run: link the results of all its jobs, and remember Snakemake's records of how they were made."""
        persistence = self.workflow.persistence
        for job in (job for job in self.workflow.dag.needrun_jobs() if job.output):
            unfinished = self.workflow.async_run(persistence.incomplete(job))  # by a run that was killed
            there = all(map(os.path.lexists, job.output)) and not unfinished
            kept = keep(job.output) if there else linked(job.output)
            records = [persistence.metadata(path) for path in job.output] if kept else []
            self.records[job] = [record and record.model_copy() for record in records]

    def put_back(self) -> list[str]:
        """After the run: restore what failed jobs deleted, remove the links; return outputs that are missing now. Does
        nothing the second time."""
        persistence, missing = self.workflow.persistence, []
        for job in list(self.records):
            if put_back(job.output):
                for path in job.output:  # a failed job leaves a record too, of the inputs that it failed with
                    persistence.cleanup_metadata(path)
                for path, record in zip(job.output, self.records[job], strict=False):
                    if record:
                        persistence._write_record(persistence._get_key(path), record)  # there is no public method
                missing += [str(path) for path in job.output if not os.path.lexists(path)]
            del self.records[job]
        return missing


def link_of(path: str | Path) -> Path:
    """The path of the link to a result; .dvcignore excludes this pattern."""
    return Path(path).with_name(f".{Path(path).name}.earlier")


def with_shards(outputs: Iterable[str]) -> list[Path]:
    """A job's outputs, and the shards next to a manifest, whether the shards themselves exist or only their links."""
    paths = set(map(Path, outputs))
    for folder in [path.parent for path in paths if path.name == "manifest.json"]:
        names = {path.name.removeprefix(".").removesuffix(".earlier") for path in folder.glob("*.arrow*")}
        paths |= {folder / name for name in names if name.endswith(".arrow")}
    return sorted(paths)


def linked(outputs: Sequence[str]) -> bool:
    """Whether all outputs of a job are linked."""
    return all(os.path.lexists(link_of(path)) for path in outputs)


def keep(outputs: Sequence[str]) -> bool:
    """Link a job's outputs, and return whether the file system allows it."""
    drop(outputs)
    try:
        for path in with_shards(outputs):
            os.link(path, link_of(path), follow_symlinks=False)
    except OSError:
        drop(outputs)
        return False
    return True


def put_back(outputs: Sequence[str]) -> bool:
    """Restore a job's results if any output is missing, and return whether one was; remove the links in any case."""
    missing = not all(map(os.path.lexists, outputs))
    for path in with_shards(outputs) if missing else ():
        if os.path.lexists(link_of(path)):
            os.replace(link_of(path), path)
    drop(outputs)
    return missing


def drop(outputs: Iterable[str]) -> None:
    """Remove the links to a job's earlier results."""
    for path in with_shards(outputs):
        link_of(path).unlink(missing_ok=True)
