"""The processes that share one job: how many there are, which of them this is, and how it joins the others."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from googlenet.config.schema.base import StageSettings
from googlenet.config.schema.shared import Execution
from googlenet.errors import UserError

ERROR_FILE = "TORCHELASTIC_ERROR_FILE"  # torchrun's variable: the file where a process reports its error
STOPPED = 75  # "try again later" (EX_TEMPFAIL): the job saved its progress
PEER_LOST = 76  # the process exits because another one did
FINISHED = "finished"  # next to the error file of a process that has written its results
SILENCE = timedelta(minutes=30)  # after this, a process that does not respond counts as lost


@dataclass(frozen=True)
class Team:
    """The processes of one training: how many of them and on how many nodes, and which of them this is.

    rank: -1 in the launcher, which is not one of them but starts them."""

    processes: int = 1
    nodes: int = 1
    rank: int = 0
    local_rank: int = 0

    @classmethod
    def of(cls, settings: StageSettings, execution: Execution) -> "Team":
        """The team that a job requests. Raises UserError if torchrun started a different number of processes."""
        most = settings.most_processes
        processes, nodes = (execution.processes_per_training, execution.nodes_per_training) if most > 1 else (1, 1)
        if most % processes:
            raise UserError(
                f"execution.processes_per_training: {processes} processes cannot share out {most} micro-batches"
            )
        started = int(os.environ["WORLD_SIZE"]) if "TORCHELASTIC_RUN_ID" in os.environ else None
        if started not in (None, processes):
            raise UserError(
                f"execution.processes_per_training: {processes} asked for, {started} started; give torchrun that number,"
                " or start the job without it"
            )
        if started is not None:
            return cls(processes, nodes, int(os.environ["RANK"]), int(os.environ["LOCAL_RANK"]))
        return cls(processes, nodes, rank=0 if processes == 1 else -1)

    @property
    def here(self) -> int:
        """Processes on this node."""
        return self.processes // self.nodes

    @property
    def leads(self) -> bool:
        """Whether this process tracks, saves and writes; the others only compute."""
        return self.rank == 0

    def any_asks(self, asks: bool) -> bool:
        """Whether `asks` is true in any of the processes."""
        if self.processes == 1:
            return asks
        from googlenet.models import processes  # imports torch

        return processes.any_asks(asks)


ALONE = Team()


@contextmanager
def joined(team: Team, device: str) -> Iterator[None]:
    """Within the block, be one of the processes of a training: connected to the others, with its own GPU, and silent
    unless it leads. Waits for all; the first joins once it holds the job's lock, so that all read the same state."""
    if team.processes == 1:
        yield
        return
    import torch
    from torch import distributed

    if not team.leads:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if device == "cuda":
        torch.cuda.set_device(team.local_rank)
    distributed.init_process_group("cpu:gloo,cuda:nccl" if device == "cuda" else "gloo", timeout=SILENCE)
    yield


def finished() -> None:
    """Tell the launcher, if there is one, that the results are written."""
    if path := os.environ.get(ERROR_FILE):
        Path(path).with_name(FINISHED).touch()


def report(message: str) -> bool:
    """Pass an error to the launcher, which prints one line for all processes; return whether there is a launcher."""
    path = os.environ.get(ERROR_FILE)
    if path:
        Path(path).write_text(json.dumps({"message": message, "timestamp": int(time.time())}), encoding="utf-8")
    return bool(path)
