"""One training on several processes, of one node or several, that torchrun's launcher starts and watches.

A job that asks for several becomes the launcher: it runs its own command line once for each process of its node, exits
as they exit, and merges their errors into one line. With one process none of this is imported.
"""

import logging
import os
import platform
import signal
import socket
import sys
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from googlenet.errors import Stopped, UserError
from googlenet.pipeline import resume
from googlenet.pipeline.team import FINISHED, PEER_LOST, STOPPED, Team

if TYPE_CHECKING:
    from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

RENDEZVOUS = "GOOGLENET_RENDEZVOUS"  # <host>:<port> where the nodes of one training meet
CLOSING_S = 300  # from SIGTERM to SIGKILL: time to finish a step, or a validation, and to save


def launch(team: Team, job: str) -> None:
    """Run this process's own command line once for each process of this node. Raises UserError if one of them fails,
    Stopped if they were asked to stop. job: a name that the nodes of one training have in common."""
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.elastic.rendezvous import RendezvousError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.disable()  # torchrun logs several lines for each process; its failure is reported in one line instead
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
            if any(Path(folder).rglob(FINISHED)):  # the first process, which writes alone, was not interrupted
                return
            raise resume.saved_and_stopped() from None
        except RendezvousError as error:
            raise UserError(f"{RENDEZVOUS}: the {team.nodes} nodes of this training did not meet ({error})") from None


def on_every_node(team: Team, threads: int) -> None:
    """If a training has several nodes, replace this process by Slurm's srun, which starts it once on each, unless that
    has been done. threads: on each node. Raises UserError if fewer nodes are allocated."""
    if team.nodes == 1 or RENDEZVOUS in os.environ:
        return
    # Snakemake's Slurm plugin may remove all Slurm variables from a job but SLURM_JOB_ID; then srun checks the number.
    allocated = int(os.environ.get("SLURM_JOB_NUM_NODES", team.nodes if "SLURM_JOB_ID" in os.environ else 0))
    if allocated < team.nodes:
        raise UserError(
            f"execution.nodes_per_training: {team.nodes} asked for, {allocated} allocated by Slurm; ask it for so many, or"
            f" start the job on every node yourself, with {RENDEZVOUS}=<host of one of them>:<free port>"
        )
    with socket.socket() as free:
        free.bind(("", 0))
        os.environ[RENDEZVOUS] = f"{platform.node()}:{free.getsockname()[1]}"
    shape = f"--nodes={team.nodes} --ntasks={team.nodes} --ntasks-per-node=1 --cpus-per-task={threads}"
    # The job already is a step of the allocation; the new step shares its resources.
    words = ["srun", *shape.split(), "--overlap", "--kill-on-bad-exit=1", sys.executable, *sys.orig_argv[1:]]
    os.environ.pop("SLURM_JOB_NODELIST", None)  # in the plugin's step it names that step's node alone; srun looks it up
    sys.stdout.flush()
    os.execvp(words[0], words)


def cause_of(failures: Mapping[int, "ProcessFailure"], processes: int) -> UserError | Stopped:
    """The cause of the failures of a training's processes, as one error. failures: by rank."""
    consequences = (STOPPED, PEER_LOST, -signal.SIGTERM)  # SIGTERM: torchrun's, to the others when one has failed
    rank, first = min(failures.items(), key=lambda item: (item[1].exitcode in consequences, item[0]))
    if STOPPED in (first.exitcode, *(each.exitcode for each in failures.values() if first.exitcode in consequences)):
        return resume.saved_and_stopped()
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


def watch_engine() -> None:
    """Stop when the engine that started this job exits, and let the child processes stop when this one exits."""
    resume.watch_engine()
    os.environ[resume.LAUNCHER] = f"{os.getpid()}@{platform.node()}"
