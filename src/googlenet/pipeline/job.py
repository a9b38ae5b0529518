"""How every job runs: threads, stamp, tracking, run.json, one-line errors.

A stage is a function run(job: Job[ItsSettings], *, name: Input | Inputs | Output, ...). Its keyword arguments are its
edges (inputs and outputs), which the rule passes on the command line as --name PATH ...; `job` carries its settings.
"""

import gc
import hashlib
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from googlenet.config.schema.base import StageSettings
from googlenet.config.schema.shared import Execution, Inference
from googlenet.errors import PeerLost, Stopped, UserError, disk_is_full, escape_output, unusable
from googlenet.metrics.base import StageMetrics, write_metrics
from googlenet.metrics.runs import RunRecord, read_run
from googlenet.models.determinism import prepare_machine
from googlenet.pipeline import earlier_results, git, reproduction, resume, versions
from googlenet.pipeline.code import check_source
from googlenet.pipeline.gpus import gpu_for, gpus_of_processes
from googlenet.pipeline.job_command import Asked, Input, Inputs, Output, Texts, compute_of
from googlenet.pipeline.job_file import JobFile, modules_of, run_record
from googlenet.pipeline.team import ALONE, PEER_LOST, STOPPED, Team, finished, joined, report
from googlenet.storage import faults
from googlenet.storage.files import read_json, remove_parts, write_json
from googlenet.tracking import LIBRARIES, JobRun, job_run, progress
from googlenet.tracking.system_metrics import sampled

if TYPE_CHECKING:
    from googlenet.models.engine import EngineUse
    from googlenet.models.runtime import Runtime

__all__ = ["Input", "Inputs", "Job", "Output", "main", "perform", "records_beside", "records_in"]

SettingsT = TypeVar("SettingsT", bound=StageSettings)


class Job(Generic[SettingsT]):
    """One job: its settings, its stamp, and where it reports to.

    stamp: SHA-256 of the job's file and inputs; every output contains it, so that a change propagates to all later jobs
    even if the numbers are equal. execution: settings that do not affect results. threads: the rule's, per process.
    resume: saves its progress. team: the processes that share the job, of which only the first is tracked as a run.
    """

    def __init__(
        self,
        file: JobFile[SettingsT],
        stamp: str,
        execution: Execution,
        run: JobRun | None,
        kept: resume.Resume = resume.NOWHERE,
        threads: int = 1,
        team: Team = ALONE,
    ):
        self.settings, self.stage, self.name, self.experiment = file.settings, file.stage, file.job, file.experiment
        self.stamp, self.execution, self._run = stamp, execution, run
        self.resume, self.threads, self._team = kept, threads, team

    @property
    def runtime(self) -> "Runtime":
        """Device, precision, engine, and the number of loader processes, which is at most the rule's threads."""
        from googlenet.models.runtime import Runtime  # imports torch, which not every job needs

        compute = compute_of(self.settings)
        engine = compute.engine if isinstance(compute, Inference) else "eager"
        workers, team = min(self.execution.loader_workers, self.threads), self._team
        return Runtime.of(compute, engine, workers, team.rank, team.processes)

    def log(self, values: dict[str, Any], step: int = 0) -> None:
        """Append numbers to the event log, and write them as one line to the job's log, in the leading process only."""
        if self._run is None:
            return
        numbers = {key: value for key, value in values.items() if isinstance(value, int | float)}
        # MLflow shows first what is logged first: let it be a result, not the learning rate, which all members share.
        shown = sorted(numbers.keys() - {"epoch", "step"}, key=lambda key: (key == "learning_rate", key))
        self._run.metrics({key: numbers[key] for key in shown}, step)
        print(f"{step:>5}  " + "  ".join(f"{key} {value:.5g}" for key, value in numbers.items()), flush=True)

    def say(self, line: str) -> None:
        """Write a line to the job's log, immediately."""
        print(line, flush=True)

    def computes_with(self, engine: "EngineUse") -> None:
        """Say which engine computes. What another one computed before a restart is not reused."""
        self.say(engine.line)
        self.resume.only_by(engine.used)

    def artifact(self, path: Path) -> None:
        """Attach a file to the MLflow run."""
        if self._run is not None:
            self._run.artifact(path)

    def write_metrics(self, path: Path, metrics: StageMetrics) -> None:
        """Write a job's metrics.json with its stamp, and attach it to the MLflow run."""
        write_metrics(path, metrics, self.stamp)
        self.artifact(path)

    def complete(self, runs: Sequence[RunRecord], figures: Mapping[str, float], results: Path, manifest: Path) -> None:
        """Log that this job completes an experiment: its key figures, and a description from runs, results, images."""
        self.log(dict(figures))
        assert self._run is not None  # a job that completes an experiment runs in one process
        said = reproduction.described(self.stage, self.settings, self.experiment, runs, results, manifest)
        self._run.completes(figures, *said)


def main(run: Callable[..., None]) -> None:
    """Run a stage from the command line. Errors print one line. Exits 1 for a UserError or full disk, 75 if stopped."""
    gc.freeze()  # imported objects stay alive, so garbage collection need not scan them
    gc.enable()  # off since stages/__init__.py
    escape_output()
    try:
        perform(run, sys.argv[1:])
    except Stopped as error:
        fail("stopped", error, STOPPED)
    except PeerLost as error:
        report(str(error))
        leave(PEER_LOST)
    except UserError as error:
        fail("error", error, 1)
    except OSError as error:
        if disk_is_full(error):
            where = error.filename or Path.cwd()
            fail("error", f"{where}: no space left on the disk; free some, and run the same command again", 1)
        if not error.filename:
            raise
        fail("error", UserError(unusable(error)), 1)
    except SystemExit as ended:  # one of several processes has done its part, or the command line is wrong
        leave(int(ended.code or 0))
    finished()
    leave(0)


def fail(kind: str, error: BaseException | str, code: int) -> NoReturn:
    """Exit with one line on stderr; one of several processes passes it to the launcher, which prints one for all."""
    if not report(str(error)):
        print(f"{kind}: {error}", file=sys.stderr)
    leave(code)


def leave(code: int) -> NoReturn:
    """Exit with this code, without Python's own exit: every file is closed, and run.json is written.

    Python's own takes half a second because of torch, can wait for a GPU that waits for a lost process, and ends a
    thread of gloo's within C++, which aborts the process (SIGABRT instead of this code).
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def perform(run: Callable[..., None], arguments: list[str]) -> None:
    """Parse inputs and outputs, set the threads, open the run, call the stage, write run.json."""
    with progress.reporting(partial(print, flush=True)):  # to the job's log
        check_source(Path.cwd())
        asked = Asked.of(run, arguments)
        prepare_machine(asked.compute.numeric_threads, asked.device)
        if asked.team.rank < 0:
            launch(asked)
        else:
            work(asked, run)


def launch(asked: Asked) -> None:
    """Start the processes that share the job on this node, and wait for them."""
    from googlenet.pipeline import torchrun  # not needed by a job of a single process

    torchrun.on_every_node(asked.team, asked.threads)
    with gpus_of_processes(asked.device, asked.root, asked.team.here, asked.execution.jobs_per_gpu):
        torchrun.launch(asked.team, f"{asked.file.experiment}-{asked.file.stage}-{asked.file.job}")


def work(asked: Asked, run: Callable[..., None]) -> None:
    """Do the job, or this process's share of it. Of several processes, all but the first only compute."""
    root, file, team, execution = asked.root, asked.file, asked.team, asked.execution
    asked.check_code()
    digests = asked.digests()
    lines = [f"{name} {digest}" for name, digest in sorted(digests.items())]
    stamp = hashlib.sha256("\n".join([asked.digest, *lines]).encode()).hexdigest()
    faults.of_job(f"{file.stage}/{file.job}" + (f"/{team.rank}" if team.rank else ""))
    libraries = versions.installed()
    key = hashlib.sha256(f"{stamp} {arithmetic(libraries, asked.precision)}".encode()).hexdigest()[:16]
    threads, saves = asked.threads // team.here, execution.save_every_s
    if not team.leads:
        kept = resume.followed(root, asked.home, key, team.any_asks)
        with joined(team, asked.device), resume.listening(kept):
            run(Job(file, stamp, execution, None, kept, threads, team), **asked.given)
        return
    own_gpu = gpu_for(asked.device, root, execution.jobs_per_gpu) if team.processes == 1 else nullcontext()
    with (
        resume.opened(root, asked.home, key, saves, team.any_asks) as kept,
        joined(team, asked.device),
        resume.listening(kept),
        own_gpu,
        recorded(asked, stamp, digests, libraries, kept) as tracked,
        progress.recording(tracked.progress),
        sampled(tracked, execution.system_metrics_every_s, asked.device),
    ):
        record = run_record(asked.config, file.stage, file.job)
        for folder in {output.parent for output in asked.outputs}:
            remove_parts(folder)
        remove_parts(record.parent, record.name)
        if asked.precision:
            print(f"precision: {asked.precision} ({asked.compute.precision} requested)", flush=True)
        run(Job(file, stamp, execution, tracked, kept, threads, team), **asked.given)
        asked.check_unedited()
    earlier_results.drop(map(str, asked.outputs))


def arithmetic(libraries: Texts, precision: str) -> str:
    """The digest of what must not change during a job, beside its stamp. With `auto`, a restart on another machine may
    have another precision."""
    return hashlib.sha256(f"{sorted(libraries.items())} {precision}".encode()).hexdigest()


@contextmanager
def recorded(asked: Asked, stamp: str, digests: Texts, libraries: Texts, kept: resume.Resume) -> Iterator[JobRun]:
    """Track a job as a run, and at its end write run.json: what ran when, where, from what. digests: of its inputs."""
    root, file, started, clock = asked.root, asked.file, datetime.now(UTC), time.monotonic()
    tags = {"commit": commit(root), "config": asked.digest[:12], "code": file.code[:12], "stamp": stamp[:12]}
    tags[LIBRARIES] = arithmetic(libraries, asked.precision)[:12]
    if asked.precision:
        tags["precision"] = asked.precision
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
        config_sha256=asked.digest,
        stamp=stamp,
        inputs=digests,
        versions=libraries | versions.machine(),
        run_id=tracked.run_id,
        peak_memory_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),  # in KiB on Linux
        threads=asked.threads,
        processes=asked.team.processes,
        device=asked.device,
        precision=asked.precision,
        job_file=read_json(asked.config),
        modules=modules_of(root, file.code),
        resumed=kept.resumed,
    )
    write_json(run_record(asked.config, file.stage, file.job), record.to_json())


def parameters_of(file: JobFile[StageSettings]) -> dict[str, Any]:
    """What distinguishes a run from others of its stage: its settings without its row's name, which is a tag."""
    shown = file.settings.model_dump(mode="json")
    for row in ("member", "detector", "part", "variant"):
        shown.get(row, {}).pop("name", None)
    return shown if file.versions is None else shown | {"versions": file.versions}


def commit(root: Path) -> str:
    """The commit of the code, with "+dirty" if tracked files differ; "" outside git, or where git is not installed."""
    if not (head := git.output(root, "rev-parse", "HEAD")):
        return ""
    # data/ and results/ hold no code, and git reports their READMEs as deleted where the folders are symbolic links.
    paths = (":/", ":!data", ":!results")
    changes = git.output(root, "status", "--porcelain", "--untracked-files=no", "--", *paths)
    return head.decode().strip() + ("+dirty" if changes.strip() else "")


def records_beside(output: Path, dataset: str) -> list[RunRecord]:
    """The run.json records of an experiment, given one of its outputs, and of its data set."""
    return records_in(output.parents[1] / "runs", Path("data/runs") / dataset)


def records_in(*folders: Path) -> list[RunRecord]:
    """The run.json records in folders, which need not exist."""
    return [read_run(path) for folder in folders for path in sorted(folder.rglob("*.json"))]
