"""Identify a process, so that another one can tell whether it still runs."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path

from googlenet.storage import faults


def process() -> dict[str, str]:
    """Tags that identify this process: host, pid, start time ("" if /proc does not provide it) and engine."""
    tags = {"host": socket.gethostname(), "pid": str(os.getpid()), "started": started(os.getpid())}
    return tags | {"engine": os.environ.get(faults.ENGINE, "")}


def started(pid: int) -> str:
    """When a process started: the boot's id and the ticks since then; "" if it has ended, or without /proc."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
    except OSError:
        return ""
    return "" if after_name[0] == "Z" else f"{boot[:8]}-{after_name[19]}"


def is_dead(tags: Mapping[str, str]) -> bool:
    """Whether the process that these tags identify has ended; detects PID reuse. False for one of another host."""
    if not is_local(tags):
        return False
    try:
        os.kill(int(tags["pid"]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it runs as another user
        pass
    return bool(tags.get("started")) and started(int(tags["pid"])) != tags["started"]


def is_local(tags: Mapping[str, str]) -> bool:
    """Whether these tags identify a process of this host, dead or alive."""
    return tags.get("host") == socket.gethostname() and tags.get("pid", "").isdecimal()
