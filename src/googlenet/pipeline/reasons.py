"""Why Snakemake would run each job, according to its dry run: the facts that `googlenet why` puts into words.

Under `dvc repro` the progress display uses them too, to learn what the remaining stages will run."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter

from googlenet.errors import UserError
from googlenet.metrics.order import natural
from googlenet.storage.files import read_json, write_json

FILE = "GOOGLENET_REASONS"  # the environment variable that names the file for a dry run to write


class Reason(BaseModel):
    """Why a job would run. updated: inputs newer than the results, with different content; renewed: jobs that would
    rewrite inputs; inputs_before: the former inputs if they were other files; text: in Snakemake's words."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    stage: str
    job: str
    inputs: tuple[str, ...]
    missing: tuple[str, ...]
    updated: tuple[str, ...]
    renewed: tuple[str, ...]
    inputs_before: tuple[str, ...] | None
    rule_changed: bool
    text: str


def of(workflow: Any, stages: Iterable[str]) -> list[Reason]:
    """The reasons for the jobs that Snakemake's workflow would run, ordered by stage, so that causes come first."""
    order = {stage: place for place, stage in enumerate(stages)}
    jobs = [job for job in workflow.dag.needrun_jobs(exclude_finished=False) if job.rule.name in order]
    jobs.sort(key=lambda job: (order[job.rule.name], natural("".join(job.wildcards))))
    return [_reason(workflow, job) for job in jobs]


def _reason(workflow: Any, job: Any) -> Reason:
    dag, persistence = workflow.dag, workflow.persistence
    why = dag.reason(job)
    # Snakemake itself compares only jobs with no upstream job that would run, but the records exist for all jobs.
    known = bool(job.output) and persistence.has_metadata(job)
    before = persistence.input(job.output[0]) if known and any(persistence.input_changed(job)) else None
    above = {_name(other) for other in dag.dependencies[job] if dag.needrun(other)}
    return Reason(
        stage=job.rule.name,
        job=next(iter(job.wildcards), "all"),
        inputs=tuple(map(str, job.input)),
        missing=tuple(sorted(map(str, why.missing_output))),
        updated=tuple(sorted(map(str, why.updated_input))),
        renewed=tuple(sorted(above)),
        inputs_before=None if before is None else tuple(before),
        rule_changed=known and any(persistence.code_changed(job)),
        text=", ".join(why.get_names()),
    )


def _name(job: Any) -> str:
    return "/".join([job.rule.name, *job.wildcards])


def write(path: Path, reasons: Iterable[Reason]) -> None:
    """Write reasons to a file."""
    write_json(path, [reason.model_dump() for reason in reasons])


def read(path: Path) -> list[Reason]:
    """Read the reasons that a dry run has written."""
    return TypeAdapter(list[Reason]).validate_python(read_json(path))


class DryRun:
    """A process in which Snakemake decides what would run. experiment: "" for params.yaml's."""

    def __init__(
        self, experiment: str, targets: Sequence[str], *options: str, environment: Mapping[str, str] | None = None
    ):
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name) / "reasons.json"
        chosen = ["--config", f"experiment={experiment}"] if experiment else []
        words = [sys.executable, "-m", "snakemake", "-n", "--quiet", "all", *options, *chosen, "--", *targets]
        variables = dict(os.environ if environment is None else environment) | {FILE: str(self._path)}
        self._process = subprocess.Popen(
            words, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    def reasons(self) -> list[Reason]:
        """Wait for what it finds. Raises UserError for Snakemake's error."""
        with self._folder:
            try:
                errors = self._process.communicate()[1]
            finally:
                self.end()
            if self._process.returncode or not self._path.is_file():
                lines = [line for line in errors.splitlines() if line.startswith("error: ")]
                raise UserError(
                    lines[0].removeprefix("error: ") if lines else "`snakemake -n` failed; run it to see its error"
                )
            return read(self._path)

    def end(self) -> None:
        """Stop it if it still runs."""
        self._process.terminate()
        self._process.wait()


def dry_run(experiment: str, targets: Sequence[str]) -> list[Reason]:
    """Let Snakemake decide what would run, and wait for it. Arguments and errors as of `DryRun`."""
    return DryRun(experiment, targets).reasons()
