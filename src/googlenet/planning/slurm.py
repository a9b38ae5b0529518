"""Slurm before and after a run: one line for each request that cannot be met, and for each job that Slurm killed."""

import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from googlenet.errors import UserError, nearest
from googlenet.pipeline.experiment import Job
from googlenet.planning.needs import Request

AGAIN = "run the same command again"
SAVED = "it continues from the state that it saved"
ENDED = {  # Slurm's state of a job whose end its own log does not explain -> what happened, and the remedy
    "CANCELLED": f"was cancelled: {AGAIN}, and {SAVED}",
    "TIMEOUT": f"ran out of time: {AGAIN}, and {SAVED}; --set-resources {{stage}}:runtime=MINUTES gives it more",
    "OUT_OF_MEMORY": f"took more memory than it asked for: {AGAIN} with --set-resources {{stage}}:mem_mb=MEGABYTES",
    "NODE_FAIL": f"was on a node that failed: {AGAIN}, and {SAVED}",
    "BOOT_FAIL": f"was on a node that did not start: {AGAIN}",
    "PREEMPTED": f"gave way to a more urgent job: {AGAIN}, and {SAVED}",
}


class Partition(NamedTuple):
    """A partition: whether it is the default, the memory of its largest node, whether a node has GPUs."""

    name: str
    default: bool
    mem_mb: int
    gpus: bool


def ask(*words: str) -> list[str]:
    """The output lines of a Slurm command. Raises UserError if Slurm is not installed or does not answer."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    except FileNotFoundError:
        raise UserError(
            f"{words[0]}: not found; start from a machine that submits to Slurm, or leave out --profile"
        ) from None
    except subprocess.TimeoutExpired:
        raise UserError(f"{words[0]}: no answer from Slurm in a minute; try again once `sinfo` answers") from None
    if done.returncode:
        reason = (done.stderr.strip() or "no message").splitlines()[0]
        raise UserError(f"{reason}; try again once `sinfo` answers")
    return done.stdout.splitlines()


def partitions() -> dict[str, Partition]:
    """The partitions of the cluster, by name."""
    known: dict[str, Partition] = {}
    for line in ask("sinfo", "--noheader", "--exact", "--format=%P|%m|%G"):
        name, memory, resources = line.split("|")
        default, name = name.endswith("*"), name.rstrip("*")
        before = known.get(name, Partition(name, default, 0, False))
        largest = max(before.mem_mb, int(re.sub(r"\D", "", memory)))
        known[name] = Partition(name, default, largest, before.gpus or "gpu" in resources)
    return known


def check(requests: Iterable[Request]) -> None:
    """Before the first job: raise UserError for a request that this cluster cannot meet."""
    check_against(requests, partitions())


def check_against(requests: Iterable[Request], known: dict[str, Partition]) -> None:
    """Raise UserError, naming the job, for a request that Slurm would refuse, never start, or kill."""
    default = next((each.name for each in known.values() if each.default), "")
    for request in requests:
        stage, name = request.job
        if request.nodes > 1 and request.gpus:  # the plugin asks for the GPUs of one node, and starts the job there
            raise UserError(
                f"execution.nodes_per_training: {request.nodes} asked for with compute.device cuda, which Snakemake's Slurm"
                " plugin cannot submit; set it to 1, with processes_per_training up to the GPUs of a node, or start the"
                " job on every node yourself (docs/multi_gpu.md)"
            )
        if request.partition not in {"", *known}:
            near = nearest(request.partition, known)
            raise UserError(f"slurm_partition: no partition '{request.partition}'{near} (`sinfo` lists them)")
        partition = known.get(request.partition or default)
        option = f"--set-resources {stage}:mem_mb=MEGABYTES"
        if partition and request.mem_mb > partition.mem_mb:
            there = f"no node of the partition '{partition.name}' has more than {partition.mem_mb} MB"
            ways = "name another by --default-resources slurm_partition=NAME"
            raise UserError(
                f"{stage} {name}: asks for {request.mem_mb} MB, and {there}; {ways}, or ask for less: {option}"
            )
        request.check_memory()
        if partition and request.gpus and not partition.gpus:
            raise UserError(
                f"compute.device: cuda is asked for, and no node of the partition '{partition.name}' has GPUs;"
                " name another by --default-resources slurm_partition=NAME, or set cpu"
            )


def ended(root: Path, since: datetime, stages: Sequence[str]) -> Iterator[str]:
    """A line for each job in this folder that Slurm has killed since then, with the remedy, if Slurm still knows it."""
    query = ["squeue", "--noheader", "--states=all", f"--user={os.getuid()}", "--sort=i", "--format=%T|%V|%k|%Z"]
    last: dict[Job, str] = {}  # the latest attempt's state
    for line in ask(*query):
        state, submitted, comment, folder = line.split("|", 3)
        named = re.fullmatch(r"rule_(\w+?)(?:_wildcards_(.*))?", comment)
        if named and named[1] in stages and Path(folder) == root and datetime.fromisoformat(submitted) >= since:
            last[Job(named[1], named[2] or "all")] = state
    for (stage, name), state in sorted(last.items()):
        if state in ENDED:
            yield f"{stage} {name} {ENDED[state].format(stage=stage)}"
