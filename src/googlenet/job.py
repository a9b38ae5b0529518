"""How every job runs: command line, threads, stamp, tracking, run.json, errors in one line.

A stage is a function run(job, *, name: Input | Inputs | Output, ...). Its keyword arguments are its edges, given on
the command line by the rule as --name PATH ...; `job` carries its configuration.
"""

import argparse
import errno
import hashlib
import inspect
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from googlenet import faults, gpus, resume, versions
from googlenet.errors import Stopped, UserError
from googlenet.files import read_json, remove_parts, sha256, write_json
from googlenet.tracking import JobRun, job_run

Input = Annotated[Path, "input"]
Inputs = Annotated[list[Path], "input"]
Output = Annotated[Path, "output"]
STOPPED = 75  # "try again later" (EX_TEMPFAIL): the job kept what it had done
FULL = (errno.ENOSPC, errno.EDQUOT)


class Job:
    """One job: its configuration, its stamp, and where it reports to.

    config: the resolved configuration. stamp: SHA-256 of the configuration and of the inputs; every output carries
    it, so that a change travels down the edges even where it happens to leave the numbers alike, and both engines
    then see the same. plumbing: keys that change no result. threads: as many as the rule was given. resume: where it keeps
    what it has done so far.
    """

    def __init__(
        self,
        config: dict,
        stamp: str,
        plumbing: dict,
        run: JobRun,
        kept: resume.Resume = resume.NOWHERE,
        threads: int = 1,
    ):
        self.config, self.stamp, self.plumbing, self._run = config, stamp, plumbing, run
        self.resume, self.threads = kept, threads

    @property
    def compute(self) -> dict:
        """Device and precision, with the number of loader processes."""
        return self.config["compute"] | {"loader_workers": self.plumbing["loader_workers"]}

    def log(self, values: dict[str, Any], step: int = 0) -> None:
        """Mirror numbers to MLflow and, as one line, to the job's log."""
        numbers = {key: value for key, value in values.items() if isinstance(value, int | float)}
        # MLflow's pages begin with what is logged first: a result, not the rate that all members share.
        shown = sorted(numbers.keys() - {"epoch", "step"}, key=lambda key: (key == "learning_rate", key))
        self._run.metrics({key: numbers[key] for key in shown}, step)
        print(f"{step:>5}  " + "  ".join(f"{key} {value:.5g}" for key, value in numbers.items()), flush=True)

    def say(self, line: str) -> None:
        """Write a line to the job's log, at once."""
        print(line, flush=True)

    def artifact(self, path: Path) -> None:
        """Keep a file with the MLflow run."""
        self._run.artifact(path)

    def write_metrics(self, path: Path, values: dict) -> None:
        """Write a job's metrics.json with its stamp; the same file becomes an artefact of its run."""
        write_json(path, values | {"stamp": self.stamp})
        self.artifact(path)


def main(run: Callable[..., None]) -> None:
    """Run a stage from the command line and end the process.

    A UserError becomes one line and exit code 1, so does a full disk; a job that was told to stop has exit code 75.
    """
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
        print(
            f"error: {where}: no space left on the disk; free some, and run the same command again",
            file=sys.stderr,
        )
        sys.exit(1)
    # run.json is written, nothing is open: Python's own way out looks through torch and MLflow for half a second more.
    sys.stdout.flush()
    os._exit(0)


def perform(run: Callable[..., None], arguments: list[str]) -> None:
    """Parse the edges, set the threads, open the run, call the stage, write run.json."""
    edges = {
        name: parameter.annotation
        for name, parameter in inspect.signature(run).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    parser = argparse.ArgumentParser(description=inspect.getdoc(inspect.getmodule(run)))
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    for name, kind in edges.items():
        many = kind is Inputs
        parser.add_argument(
            f"--{name}", type=Path, required=not many, nargs="*" if many else None, default=[]
        )
    given = vars(parser.parse_args(arguments))
    path, threads = given.pop("config"), given.pop("threads")
    config = read_json(path)
    prepare_machine(config, threads)
    inputs = {name: given[name] for name, kind in edges.items() if kind is not Output}
    digests = {name: digest_of(value) for name, value in inputs.items()}
    edges_said = [f"{name} {digest}" for name, digest in sorted(digests.items())]
    stamp = hashlib.sha256("\n".join([sha256(path), *edges_said]).encode()).hexdigest()
    root = Path.cwd()
    plumbing = read_json(root / ".googlenet" / "plumbing.json")
    stage, name = config["stage"], config["job"]
    faults.of_job(f"{stage}/{name}")
    libraries = versions.installed()
    key = hashlib.sha256(f"{stamp} {sorted(libraries.items())}".encode()).hexdigest()[:16]
    place = resume.opened(root, config["experiment"], stage, name, key, plumbing["save_every_s"])
    own_folders = {given[name].parent for name, kind in edges.items() if kind is Output}
    with (
        place as kept,
        resume.listening(kept),
        gpus.one_for(device_of(config), root),
        recorded(root, path, config, stamp, digests, threads, libraries) as tracked,
    ):
        for folder in own_folders:
            remove_parts(folder)
        record = run_record(path, stage, name)
        remove_parts(record.parent, record.name)
        run(Job(config, stamp, plumbing, tracked, kept, threads), **given)


def digest_of(value: Path | list[Path]) -> str:
    """SHA-256 of an input file; of the digests of a list of them."""
    if isinstance(value, list):
        return hashlib.sha256("\n".join(sha256(path) for path in value).encode()).hexdigest()
    return sha256(value)


def device_of(config: dict) -> str:
    """What a job computes on."""
    return config.get("compute", {}).get("device", "cpu")


def prepare_machine(config: dict, threads: int) -> None:
    """Set numeric threads and determinism. Raises UserError for too few cores and for a GPU that is not there."""
    import cv2

    compute = config.get("compute", {"numeric_threads": 1, "device": "cpu"})
    wanted = compute["numeric_threads"]
    if threads < wanted:
        raise UserError(
            f"compute.numeric_threads: {wanted} asked for, {threads} given; raise --cores, or lower the key"
            " (another number of threads gives other bits)"
        )
    cv2.setNumThreads(1)
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(wanted)
        torch.use_deterministic_algorithms(True)
        # Filling every new tensor with NaN first finds reads of what nobody wrote, at a twentieth of a step's time.
        torch.utils.deterministic.fill_uninitialized_memory = False
        if compute["device"] == "cuda" and not torch.cuda.is_available():
            raise UserError(
                "compute.device: cuda asked for, but torch sees no GPU; set cpu, or run where one is"
            )


@contextmanager
def recorded(
    root: Path,
    path: Path,
    config: dict,
    stamp: str,
    digests: dict[str, str],
    threads: int,
    libraries: dict[str, str],
) -> Iterator[JobRun]:
    """Track a job as a run, and write its run.json last: who ran what, when, on what."""
    started, clock = datetime.now(UTC), time.monotonic()
    stage, name = config["stage"], config["job"]
    experiment = os.environ.get("GOOGLENET_EXPERIMENT", config["experiment"])
    tags = {
        "commit": commit(root),
        "config": sha256(path)[:12],
        "code": config["code"][:12],
        "stamp": stamp[:12],
    }
    with job_run(root, experiment, stage, name, parameters_of(config), tags, digests) as tracked:
        yield tracked
    record = {
        "stage": stage,
        "job": name,
        "experiment": experiment,
        "started": started.isoformat(timespec="seconds"),
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "duration_s": round(time.monotonic() - clock, 2),
        "commit": tags["commit"],
        "config_sha256": sha256(path),
        "stamp": stamp,
        "inputs": digests,
        "versions": libraries | versions.machine(),
        "mlflow": {
            "run_id": tracked.run_id,
            "experiment_id": tracked.experiment_id,
            "tracking_uri": "the local store"
            if tracked.tracking_uri.startswith("sqlite")
            else tracked.tracking_uri,
        },
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),  # Linux: in KiB
        "threads": threads,
        "device": device_of(config),
    }
    write_json(run_record(path, stage, name), record)


def parameters_of(config: dict) -> dict:
    """What distinguishes a run from others of its stage: all but the names and digests that are its tags."""
    shown = {key: value for key, value in config.items() if key not in ("stage", "job", "code", "experiment")}
    for row in ("member", "detector", "part", "variant"):
        if row in shown:
            shown[row] = {key: value for key, value in shown[row].items() if key != "name"}
    return shown


def run_record(config_path: Path, stage: str, name: str) -> Path:
    """Where a job's run.json lies: beside the `config` folder that its configuration came from, under `runs`."""
    parts = list(config_path.parts)
    at = len(parts) - 1 - parts[::-1].index("config")
    between = parts[at + 1 : at + 2] if parts[0] == "data" else []
    return Path(*parts[:at], "runs", *between, stage, f"{name}.json")


def commit(root: Path) -> str:
    """The commit of the code, with "+dirty" when tracked files differ; "" outside git."""
    asked = [["git", "rev-parse", "HEAD"], ["git", "status", "--porcelain", "--untracked-files=no"]]
    said = [subprocess.run(words, cwd=root, capture_output=True, text=True, check=False) for words in asked]
    if said[0].returncode:
        return ""
    return said[0].stdout.strip() + ("+dirty" if said[1].stdout.strip() else "")


def records_beside(output: Path, dataset: str) -> list[dict]:
    """The run.json records of an experiment, one of whose outputs is given, and of its data set."""
    folders = [output.parents[1] / "runs", Path("data/runs") / dataset]
    return [read_json(path) for folder in folders for path in sorted(folder.rglob("*.json"))]
