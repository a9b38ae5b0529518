"""Fault injection: kill at a chosen moment, so that tests can show that nothing is lost.

GOOGLENET_FAULT="<point> <number> <victim> <stage>/<job>" kills when that job reaches that point the <number>th time.
Points: batch (a training step is done), piece (an item of a list is done), write (file complete, not yet renamed),
event (appended to the event log), note (the mirror's file complete, not yet renamed; its job is mirror/<experiment>).
Victims: job (this process), group (its process group), engine (Snakemake), term (this process, which may save first).
"""

import os
import signal
from collections import Counter

VARIABLE = "GOOGLENET_FAULT"
ENGINE = "GOOGLENET_ENGINE"  # Snakemake's main process: <pid>@<machine>

_job = ""
_seen: Counter[str] = Counter()


def of_job(name: str) -> None:
    """Set the job that this process runs: "<stage>/<job>"."""
    global _job
    _job = name
    _seen.clear()


def reached(point: str) -> None:
    """Count a point, and inject the fault if it is due."""
    if VARIABLE not in os.environ:
        return
    wanted, number, victim, job = os.environ[VARIABLE].split()
    if (wanted, job) != (point, _job):
        return
    _seen[point] += 1
    if _seen[point] != int(number):
        return
    if victim == "group":
        os.killpg(0, signal.SIGKILL)
    elif victim == "engine":
        os.kill(int(os.environ[ENGINE].partition("@")[0]), signal.SIGKILL)
    else:
        os.kill(os.getpid(), signal.SIGTERM if victim == "term" else signal.SIGKILL)
