"""A real Slurm for the tests: one machine that pretends to be two nodes, with daemons, keys and ports of its own."""

import os
import platform
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PACKAGES = ("slurmctld", "slurmd", "slurm-client", "slurm-wlm-basic-plugins", "munge")
PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "srun")
CONF = """\
ClusterName=lab
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ReturnToService=2
SwitchType=switch/none
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=5
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/linux
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
MinJobAge=3600
KillWait=10
InactiveLimit=0
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1 RealMemory=6000 State=UNKNOWN
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1 RealMemory=6000 State=UNKNOWN
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=120 PriorityTier=1 State=UP
PartitionName=urgent Nodes=n1,n2 MaxTime=120 PriorityTier=2 State=UP
"""


def unavailable() -> str:
    """Why Slurm cannot be started here; "" if it can, once its packages are installed where they are missing."""
    if os.geteuid() != 0:
        return "skipped: starting Slurm needs root; run `sudo make slurm-test`"
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing and shutil.which("apt-get") is None:
        return (
            f"skipped: no {', '.join(missing)} here, and no apt-get to install Debian's packages {' '.join(PACKAGES)}"
        )
    if missing:
        print(f"installing Debian's packages {' '.join(PACKAGES)}", flush=True)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT, "check": False}
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["timeout", "120", "apt-get", "update"], env=environment, **quiet)
        words = ["timeout", "300", "apt-get", "install", "--yes", "--no-install-recommends", *PACKAGES]
        if subprocess.run(words, env=environment, **quiet).returncode:
            return f"skipped: apt-get could not install {' '.join(PACKAGES)}"
    return ""


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


@contextmanager
def running(folder: Path) -> Iterator[Path]:
    """Start Slurm with all its files in a folder; yield its slurm.conf; stop what was started."""
    folder.mkdir(mode=0o755)
    (folder / "state").mkdir()
    key, conf = folder / "munge.key", folder / "slurm.conf"
    write_srun(folder / "bin", conf)
    key.write_bytes(secrets.token_bytes(1024))
    key.chmod(0o400)
    conf.write_text(CONF.format(host=platform.node(), folder=folder, ports=free_ports(3)))
    munge = [
        f"--{name}={folder}/munge.{name.split('-')[0]}" for name in ("socket", "pid-file", "log-file", "seed-file")
    ]
    daemons = [
        ["munged", "--foreground", "--force", f"--key-file={key}", *munge],  # pytest's folders are root's alone
        ["slurmctld", "-D", "-f", str(conf)],
        *(["slurmd", "-D", "-f", str(conf), "-N", node] for node in ("n1", "n2")),
    ]
    started: list[subprocess.Popen[bytes]] = []
    try:
        for words in daemons:
            log = (folder / f"{words[0]}.out").open("ab")
            started.append(subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
            if words[0] == "munged":
                wait_for(lambda: (folder / "munge.socket").exists(), "munged", folder)
        wait_for(
            lambda: slurm(conf, "sinfo", "-h", "-N", "-p", "main", "-o", "%T").split() == ["idle"] * 2, "slurmd", folder
        )
        yield conf
    finally:
        slurm(conf, "scancel", "--user=root")
        with suppress(AssertionError):
            wait_for(lambda: not slurm(conf, "squeue", "-h"), "scancel", folder)
        for process in reversed(started):
            process.send_signal(signal.SIGTERM)
        for process in reversed(started):
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def write_srun(folder: Path, conf: Path) -> None:
    """An srun that knows its slurm.conf: for it, the plugin drops SLURM_CONF from a job's environment."""
    folder.mkdir()
    program = folder / "srun"
    program.write_text(f'#!/bin/sh\nSLURM_CONF={conf} exec {shutil.which("srun")} "$@"\n')
    program.chmod(0o755)


def variables(conf: Path, environment: dict[str, str]) -> dict[str, str]:
    """An environment from which a command finds this Slurm."""
    path = f"{conf.parent / 'bin'}{os.pathsep}{environment['PATH']}"
    python = f"{environment['PYTHONPATH']}{os.pathsep}{conf.parent / 'plugin'}"
    return environment | {"SLURM_CONF": str(conf), "PATH": path, "PYTHONPATH": python}


def slurm(conf: Path, *words: str) -> str:
    """Run one of Slurm's commands and return its output."""
    environment = os.environ | {"SLURM_CONF": str(conf)}
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False).stdout


def wait_for(ready, what: str, folder: Path, seconds: float = 30) -> None:
    """Wait until something holds; AssertionError with the logs if it never does."""
    end = time.monotonic() + seconds
    while not ready():
        logs = "\n".join(
            path.read_text(errors="replace")[-2000:]
            for path in sorted(folder.glob("*.*"))
            if path.suffix in (".log", ".out")
        )
        assert time.monotonic() < end, f"{what}: not within {seconds} s\n{logs}"
        time.sleep(0.2)
