"""Slurm before and after a run: one line for each request that cannot be met, and for each job that Slurm killed."""

import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from math import inf
from pathlib import Path
from typing import NamedTuple

from googlenet.errors import UserError, nearest
from googlenet.pipeline.experiment import Job
from googlenet.planning.needs import Request
from googlenet.report.words import plural

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


OTHER = "name another by --default-resources slurm_partition=NAME"
TOO_MUCH = {  # what a job asks for -> what to say if no partition that it may use has as much
    "mem_mb": "{job}: asks for {asked} MB, and no node of {where} has more than {most} MB; "
    f"{OTHER}, or ask for less: --set-resources {{stage}}:mem_mb=MEGABYTES",
    "gpus": "compute.device: cuda asks for {gpus} for {job}, and no node of {where} has more than {most}; "
    f"{OTHER}, lower execution.processes_per_training, or set cpu",
    "runtime": "{job}: asks for {asked} minutes, and {where} allows {most}; pass --set-resources {stage}:runtime={most}"
    " (a job that runs out of time continues where it was)",
}


class Partition(NamedTuple):
    """A partition: whether it is the default, the memory and GPUs of its largest node, the minutes that it allows."""

    name: str
    default: bool
    mem_mb: int
    gpus: int
    runtime: float


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
    """The partitions of the cluster, also hidden ones, by name."""
    known: dict[str, Partition] = {}
    for line in ask("sinfo", "--all", "--noheader", "--exact", "--format=%P|%m|%G|%l"):
        name, memory, resources, limit = line.split("|")
        default, name = name.endswith("*"), name.rstrip("*")
        before = known.get(name, Partition(name, default, 0, 0, 0))
        largest = max(before.mem_mb, int(re.sub(r"\D", "", memory)))
        known[name] = Partition(name, default, largest, max(before.gpus, gpus_of(resources)), minutes_of(limit))
    return known


def gpus_of(resources: str) -> int:
    """The GPUs in a node's generic resources, such as gpu:h200:8(S:0-1),shard:16."""
    each = [words.split(":") for words in re.sub(r"\(.*?\)", "", resources).split(",")]
    return sum(int(words[-1]) if words[-1].isdigit() else 1 for words in each if words[0] == "gpu")


def minutes_of(limit: str) -> float:
    """The minutes of a partition's time limit: 2-00:00:00, 12:00:00, 30:00, infinite."""
    if not re.fullmatch(r"(\d+-)?\d+(:\d+)*", limit):
        return inf
    days, _, clock = limit.rpartition("-")
    hours, minutes, _ = ["0", "0", *clock.split(":")][-3:]
    return (int(days or 0) * 24 + int(hours)) * 60 + int(minutes)


def check(requests: Iterable[Request]) -> None:
    """Before the first job: raise UserError for a request that this cluster cannot meet."""
    check_against(requests, partitions())


def check_against(requests: Iterable[Request], known: dict[str, Partition]) -> None:
    """Raise UserError, naming the job, for a request that Slurm would refuse, never start, or kill."""
    for request in requests:
        if request.nodes > 1 and request.gpus:  # the plugin asks for the GPUs of one node, and starts the job there
            raise UserError(
                f"execution.nodes_per_training: {request.nodes} asked for with GPUs, which Snakemake's Slurm"
                " plugin cannot submit; set it to 1, with processes_per_training up to the GPUs of a node, or start the"
                " job on every node yourself (docs/multi_gpu.md)"
            )
        request.check_memory()
        check_one(request, usable(request.partition, known))


def usable(names: str, known: dict[str, Partition]) -> list[Partition]:
    """The partitions in a comma list; the default one if it is empty. Raises UserError for a name that is unknown."""
    if not names:
        return [each for each in known.values() if each.default]
    for name in names.split(","):
        if name not in known:
            raise UserError(f"slurm_partition: no partition '{name}'{nearest(name, known)} (`sinfo --all` lists them)")
    return [known[name] for name in names.split(",")]


def check_one(request: Request, there: list[Partition]) -> None:
    """Raise UserError if none of the partitions that a job may use has as much as it asks for."""
    for quantity, text in TOO_MUCH.items():
        asked = getattr(request, quantity)
        enough = [each for each in there if getattr(each, quantity) >= asked]
        if there and not enough:
            where = f"the partition{'s' * (len(there) > 1)} '{','.join(each.name for each in there)}'"
            most, (stage, name) = max(getattr(each, quantity) for each in there), request.job
            words = {"job": f"{stage} {name}", "stage": stage, "asked": asked, "gpus": plural(request.gpus, "GPU")}
            raise UserError(text.format(**words, where=where, most=most))
        there = enough


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
