"""One training on several processes, of one node or several, that torchrun's launcher starts and watches.

A job that asks for several becomes the launcher: it runs its own command line once for each process of its node, and ends
as they end. What they report is one line here. With one process none of this is imported.
"""

import json
import logging
import os
import platform
import signal
import socket
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from googlenet.config.schema.base import StageSettings
from googlenet.config.schema.shared import Execution
from googlenet.errors import Stopped, UserError
from googlenet.pipeline import resume
from googlenet.storage import faults

if TYPE_CHECKING:
    from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

RENDEZVOUS = "GOOGLENET_RENDEZVOUS"  # <host>:<port> where the nodes of one training meet
STOPPED = 75  # "try again later" (EX_TEMPFAIL): the job saved its progress
PEER_LOST = 76  # a process ends because another one has
SILENCE = timedelta(minutes=30)  # after which a process that does not answer counts as lost
CLOSING_S = 300  # from the request to stop to the end by force: time to finish a step, or a validation, and to save


@dataclass(frozen=True)
class Team:
    """The processes of one training: how many of them and on how many nodes, and which of them this is.

    rank: -1 in a process that is none of them, as it has yet to start them."""

    processes: int = 1
    nodes: int = 1
    rank: int = 0
    local_rank: int = 0

    @classmethod
    def of(cls, settings: StageSettings, execution: Execution) -> "Team":
        """The team that a job asks for. Raises UserError if this process was started as one of another number."""
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
        """Whether any of the processes asks for something."""
        if self.processes == 1:
            return asks
        from googlenet.models import processes  # imports torch

        return processes.any_asks(asks)


ALONE = Team()


@contextmanager
def joined(team: Team, device: str) -> Iterator[None]:
    """Within the block, be one of the processes of a training: connected to the others, with a GPU of its own, and silent
    unless it leads. Waits for all of them; the first joins when it holds the job's lock, so that all read one state."""
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


def report(message: str) -> bool:
    """Hand an error to the launcher, if there is one, which prints one line for all its processes."""
    path = os.environ.get("TORCHELASTIC_ERROR_FILE")
    if path:
        Path(path).write_text(json.dumps({"message": message, "timestamp": int(time.time())}), encoding="utf-8")
    return bool(path)


def launch(team: Team, job: str) -> None:
    """Run this process's own command line once for each process of this node. Raises UserError for what ended one of
    them, Stopped if they were asked to stop. job: a name that the nodes of one training have in common."""
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.elastic.rendezvous import RendezvousError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.disable()  # torchrun's own lines, several for each process: what ended it is reported in one
    watch_engine()
    with tempfile.TemporaryDirectory(prefix="googlenet-torchrun-") as folder:
        config = LaunchConfig(
            min_nodes=team.nodes,
            max_nodes=team.nodes,
            nproc_per_node=team.here,
            rdzv_backend="c10d",
            rdzv_endpoint=os.environ[RENDEZVOUS] if team.nodes > 1 else "localhost:0",
            run_id=job if team.nodes > 1 else uuid.uuid4().hex,
            local_addr=None if team.nodes > 1 else "localhost",
            max_restarts=0,
            logs_specs=DefaultLogsSpecs(log_dir=folder),
            signals_to_handle="SIGTERM,SIGINT",
            shutdown_timeout=CLOSING_S,
        )
        try:
            elastic_launch(config, sys.executable)(*sys.orig_argv[1:])
        except ChildFailedError as error:
            raise cause_of(error.failures, team.processes) from None
        except SignalException:
            raise asked_to_stop() from None
        except RendezvousError as error:
            raise UserError(f"{RENDEZVOUS}: the {team.nodes} nodes of this training did not meet ({error})") from None


def on_every_node(team: Team, threads: int) -> None:
    """If a training has several nodes, replace this process by Slurm's srun, which starts it once on each, unless that has
    been done. threads: on each node. Raises UserError outside an allocation of so many nodes."""
    if team.nodes == 1 or RENDEZVOUS in os.environ:
        return
    allocated = int(os.environ.get("SLURM_JOB_NUM_NODES", 0))
    if allocated < team.nodes:
        raise UserError(
            f"execution.nodes_per_training: {team.nodes} asked for, {allocated} allocated by Slurm; ask it for so many, or"
            f" start the job on every node yourself, with {RENDEZVOUS}=<host of one of them>:<free port>"
        )
    with socket.socket() as free:
        free.bind(("", 0))
        os.environ[RENDEZVOUS] = f"{platform.node()}:{free.getsockname()[1]}"
    shape = f"--nodes={team.nodes} --ntasks={team.nodes} --ntasks-per-node=1 --cpus-per-task={threads}"
    # The job is a step of the allocation already, whose resources this one shares.
    words = ["srun", *shape.split(), "--overlap", "--kill-on-bad-exit=1", sys.executable, *sys.orig_argv[1:]]
    sys.stdout.flush()
    os.execvp(words[0], words)


def cause_of(failures: Mapping[int, "ProcessFailure"], processes: int) -> UserError:
    """What ended the processes of a training, as one error; failures: by rank."""
    consequences = (STOPPED, PEER_LOST, -signal.SIGTERM)  # the last: torchrun ends the others when one has failed
    rank, first = min(failures.items(), key=lambda item: (item[1].exitcode in consequences, item[0]))
    if STOPPED in (first.exitcode, *(each.exitcode for each in failures.values() if first.exitcode in consequences)):
        return asked_to_stop()
    again = "the same command resumes the training from the last state that it saved"
    reported = first.error_file_data["message"] if first.error_file != "<N/A>" else ""
    which = f"process {rank + 1} of {processes}"
    if first.exitcode == PEER_LOST:
        return UserError(
            f"{which} of this training lost the others; see what ended them on their nodes, and {again} ({reported})"
        )
    if first.exitcode < 0:
        return UserError(f"{which} of this training was killed ({signal.Signals(-first.exitcode).name}); {again}")
    return UserError(reported or f"{which} of this training failed with code {first.exitcode}; its own lines are above")


def asked_to_stop() -> Stopped:
    """The error of a training whose processes were asked to stop, and saved."""
    return Stopped("asked to stop; the progress is saved, and the same command resumes the job")


def watch_engine() -> None:
    """Stop when the Snakemake that started this job ends; and let the processes stop when this one ends."""
    resume.watch_engine()
    os.environ[faults.ENGINE] = f"{os.getpid()}@{platform.node()}"
