"""How every job runs: command line, threads, stamp, tracking, run.json, errors as one line.

A stage is a function run(job: Job[ItsSettings], *, name: Input | Inputs | Output, ...). Its keyword arguments are its
edges (inputs and outputs), which the rule passes on the command line as --name PATH ...; `job` carries its settings.
"""

import argparse
import errno
import gc
import hashlib
import inspect
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar, get_args, get_type_hints

from googlenet.config.schema.base import StageSettings
from googlenet.config.schema.shared import Compute, Computes, Execution, Inference
from googlenet.errors import Stopped, UserError, escape_output
from googlenet.metrics.base import StageMetrics, write_metrics
from googlenet.metrics.runs import RunRecord, read_run
from googlenet.models.determinism import SINGLE_THREAD, prepare_machine
from googlenet.pipeline import earlier_results, reproduction, resume, versions
from googlenet.pipeline.code import check_source
from googlenet.pipeline.job_file import EXECUTION, JobFile, modules_of, read_job_file, run_record
from googlenet.storage import faults
from googlenet.storage.files import read_json, remove_parts, sha256, write_json
from googlenet.tracking import JobRun, job_run, progress

if TYPE_CHECKING:
    from googlenet.models.runtime import Runtime

Input = Annotated[Path, "input"]
Inputs = Annotated[list[Path], "input"]
Output = Annotated[Path, "output"]
Texts = dict[str, str]
STOPPED = 75  # "try again later" (EX_TEMPFAIL): the job saved its progress
GPUS = Path(".googlenet/gpus")
FULL = (errno.ENOSPC, errno.EDQUOT)

SettingsT = TypeVar("SettingsT", bound=StageSettings)


class Job(Generic[SettingsT]):
    """One job: its settings, its stamp, and where it reports to.

    stamp: SHA-256 of the job's file and inputs; every output carries it, so that a change reaches all later jobs even
    with equal numbers. execution: settings that change no result. threads: of the rule. resume: saves its progress.
    """

    def __init__(
        self,
        file: JobFile[SettingsT],
        stamp: str,
        execution: Execution,
        run: JobRun,
        kept: resume.Resume = resume.NOWHERE,
        threads: int = 1,
    ):
        self.settings, self.stage, self.name, self.experiment = file.settings, file.stage, file.job, file.experiment
        self.stamp, self.execution, self._run = stamp, execution, run
        self.resume, self.threads = kept, threads

    @property
    def runtime(self) -> "Runtime":
        """Device, precision and engine, with the number of loader processes: no more than the rule's threads."""
        from googlenet.models.runtime import Runtime  # imports torch, which not every job needs

        compute = compute_of(self.settings)
        engine = compute.engine if isinstance(compute, Inference) else "eager"
        return Runtime(compute.device, compute.precision, min(self.execution.loader_workers, self.threads), engine)

    def log(self, values: dict[str, Any], step: int = 0) -> None:
        """Append numbers to the event log, and write them as one line to the job's log."""
        numbers = {key: value for key, value in values.items() if isinstance(value, int | float)}
        # MLflow's pages begin with what is logged first: a result, not the learning rate, which all members share.
        shown = sorted(numbers.keys() - {"epoch", "step"}, key=lambda key: (key == "learning_rate", key))
        self._run.metrics({key: numbers[key] for key in shown}, step)
        print(f"{step:>5}  " + "  ".join(f"{key} {value:.5g}" for key, value in numbers.items()), flush=True)

    def say(self, line: str) -> None:
        """Write a line to the job's log, immediately."""
        print(line, flush=True)

    def artifact(self, path: Path) -> None:
        """Attach a file to the MLflow run."""
        self._run.artifact(path)

    def write_metrics(self, path: Path, metrics: StageMetrics) -> None:
        """Write a job's metrics.json with its stamp; the same file becomes an artefact of its MLflow run."""
        write_metrics(path, metrics, self.stamp)
        self.artifact(path)

    def complete(self, records: Iterable[RunRecord], figures: Mapping[str, float]) -> None:
        """Log the key figures of an experiment that this job completes. records: of the jobs that made its results."""
        self.log(dict(figures))
        self._run.completes(figures, *reproduction.described(self.stage, self.settings, records))


def compute_of(settings: StageSettings) -> Compute:
    """The compute settings of a stage; one CPU thread for a stage without them."""
    single = Compute(device="cpu", precision="fp32", numeric_threads=SINGLE_THREAD)
    return settings.compute if isinstance(settings, Computes) else single


def main(run: Callable[..., None]) -> None:
    """Run a stage from the command line; end with one line, and code 1 for a UserError or full disk, 75 if stopped."""
    gc.freeze()  # what was imported stays, so no later search for garbage looks at it
    gc.enable()  # off since stages/__init__.py
    escape_output()
    try:
        perform(run, sys.argv[1:])
    except Stopped as error:
        print(f"stopped: {error}", file=sys.stderr)
        sys.exit(STOPPED)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        if error.errno not in FULL and "No space left" not in str(error):
            raise
        where = error.filename or Path.cwd()
        print(f"error: {where}: no space left on the disk; free some, and run the same command again", file=sys.stderr)
        sys.exit(1)
    # run.json is written and no file is open: Python's own exit would spend another half second on torch.
    sys.stdout.flush()
    os._exit(0)


def perform(run: Callable[..., None], arguments: list[str]) -> None:
    """Parse inputs and outputs, set the threads, open the run, call the stage, write run.json."""
    with progress.reporting(partial(print, flush=True)):  # to the job's log
        _perform(run, arguments)


def _perform(run: Callable[..., None], arguments: list[str]) -> None:
    check_source(Path.cwd())
    parameters = inspect.signature(run).parameters.items()
    hints = get_type_hints(run, include_extras=True)
    edges = {name: hints[name] for name, parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}
    given = parsed(run, edges, arguments)
    path, threads = given.pop("config"), given.pop("threads")
    settings: type[StageSettings] = get_args(hints["job"])[0]  # the type argument of Job
    file = read_job_file(path, settings)
    compute = compute_of(file.settings)
    if threads < compute.numeric_threads:
        mend = "raise --cores, or lower the key (another number of threads gives other bits)"
        raise UserError(f"compute.numeric_threads: {compute.numeric_threads} asked for, {threads} given; {mend}")
    prepare_machine(compute.numeric_threads, compute.device)
    digests = {name: digest_of(given[name]) for name, kind in edges.items() if kind is not Output}
    lines = [f"{name} {digest}" for name, digest in sorted(digests.items())]
    stamp = hashlib.sha256("\n".join([sha256(path), *lines]).encode()).hexdigest()
    root = Path.cwd()
    execution = Execution.model_validate(read_json(root / EXECUTION))
    faults.of_job(f"{file.stage}/{file.job}")
    libraries = versions.installed()
    key = hashlib.sha256(f"{stamp} {sorted(libraries.items())}".encode()).hexdigest()[:16]
    place = resume.opened(root, Path(file.experiment, file.stage, file.job), key, execution.save_every_s)
    record = run_record(path, file.stage, file.job)
    with (
        place as kept,
        resume.listening(kept),
        gpu_for(compute.device, root, execution.jobs_per_gpu),
        recorded(path, file, stamp, digests, threads, libraries) as tracked,
    ):
        outputs = [given[name] for name, kind in edges.items() if kind is Output]
        for folder in {output.parent for output in outputs}:
            remove_parts(folder)
        remove_parts(record.parent, record.name)
        run(Job(file, stamp, execution, tracked, kept, threads), **given)
    earlier_results.drop(map(str, outputs))


@contextmanager
def gpu_for(device: str, root: Path, jobs: int = 1) -> Iterator[None]:
    """Within the block, make torch's device "cuda" a GPU that fewer than `jobs` other jobs use; do nothing for another
    device."""
    if device != "cuda":
        yield
        return
    import torch

    seen = range(torch.cuda.device_count())
    # By UUID: each job of a cluster may see only one GPU, a different one, and call it number 0.
    with held_gpu(root / GPUS, [str(torch.cuda.get_device_properties(i).uuid) for i in seen], jobs) as number:
        torch.cuda.set_device(number)
        yield


@contextmanager
def held_gpu(folder: Path, names: Sequence[str], jobs: int = 1, again_s: float = 1.0) -> Iterator[int]:
    """Hold one of the `jobs` places of a GPU, waiting for one, and yield its index among the names. A free GPU comes
    before one in use. Locks end with their process."""
    from filelock import FileLock, Timeout  # imported late: not needed at every start of Snakemake

    folder.mkdir(parents=True, exist_ok=True)
    places = ["", *(f"-{place}" for place in range(2, jobs + 1))]  # the first as without sharing
    locks = [(i, FileLock(folder / f"{name}{place}.lock")) for place in places for i, name in enumerate(names)]
    waiting = False
    while True:
        for number, lock in locks:
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            try:
                yield number
            finally:
                lock.release()
            return
        if not waiting:
            print(f"waiting: all {len(names)} GPUs are in use by jobs", flush=True)
        waiting = True
        time.sleep(again_s)


def parsed(run: Callable[..., None], edges: dict[str, Any], arguments: list[str]) -> dict[str, Any]:
    """Parse the command line of a stage: its job's file, its threads, its inputs and outputs."""
    parser = argparse.ArgumentParser(description=inspect.getdoc(inspect.getmodule(run)))
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    for name, kind in edges.items():
        many = kind is Inputs
        parser.add_argument(f"--{name}", type=Path, required=not many, nargs="*" if many else None, default=[])
    return vars(parser.parse_args(arguments))


def digest_of(value: Path | list[Path]) -> str:
    """SHA-256 of an input file, or of the digests of a list of files, sorted by path."""
    if isinstance(value, list):
        files = progress.counted(sorted(value), "input files read")
        return hashlib.sha256("\n".join(map(sha256, files)).encode()).hexdigest()
    return sha256(value)


@contextmanager
def recorded(
    path: Path, file: JobFile[StageSettings], stamp: str, digests: Texts, threads: int, libraries: Texts
) -> Iterator[JobRun]:
    """Track a job (path: its file; digests: of inputs) as a run; last, write run.json: who ran what, when, on what."""
    root, started, clock = Path.cwd(), datetime.now(UTC), time.monotonic()
    config = sha256(path)
    tags = {"commit": commit(root), "config": config[:12], "code": file.code[:12], "stamp": stamp[:12]}
    experiment = os.environ.get("GOOGLENET_EXPERIMENT", file.experiment)
    with job_run(root, experiment, file.stage, file.job, parameters_of(file), tags, digests) as tracked:
        yield tracked
    record = RunRecord(
        stage=file.stage,
        job=file.job,
        experiment=experiment,
        started=started.isoformat(timespec="seconds"),
        ended=datetime.now(UTC).isoformat(timespec="seconds"),
        duration_s=round(time.monotonic() - clock, 2),
        commit=tags["commit"],
        config_sha256=config,
        stamp=stamp,
        inputs=digests,
        versions=libraries | versions.machine(),
        run_id=tracked.run_id,
        peak_memory_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),  # in KiB on Linux
        threads=threads,
        device=compute_of(file.settings).device,
        job_file=read_json(path),
        modules=modules_of(root, file.code),
    )
    write_json(run_record(path, file.stage, file.job), record.to_json())


def parameters_of(file: JobFile[StageSettings]) -> dict[str, Any]:
    """What distinguishes a run from others of its stage: its settings without its row's name, which is a tag."""
    shown = file.settings.model_dump(mode="json")
    for row in ("member", "detector", "part", "variant"):
        shown.get(row, {}).pop("name", None)
    return shown if file.versions is None else shown | {"versions": file.versions}


def commit(root: Path) -> str:
    """The commit of the code, with "+dirty" if tracked files differ; "" outside git."""
    # data/ and results/ hold no code; git misses their READMEs where the folders are links.
    status = "git status --porcelain --untracked-files=no -- :/ :!data :!results"
    asked = [words.split() for words in ("git rev-parse HEAD", status)]
    head, changes = [subprocess.run(words, cwd=root, capture_output=True, check=False) for words in asked]
    return "" if head.returncode else head.stdout.decode().strip() + ("+dirty" if changes.stdout.strip() else "")


def records_beside(output: Path, dataset: str) -> list[RunRecord]:
    """The run.json records of an experiment, given one of its outputs, and of its data set."""
    folders = [output.parents[1] / "runs", Path("data/runs") / dataset]
    return [read_run(path) for folder in folders for path in sorted(folder.rglob("*.json"))]
