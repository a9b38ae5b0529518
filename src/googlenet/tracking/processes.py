"""Processes of this machine: whether one still is the one that it was."""

from pathlib import Path


def started(pid: int) -> str:
    """When a process started: the boot and the ticks since; "" for one that has ended, or without /proc."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
    except OSError:
        return ""
    return "" if after_name[0] == "Z" else f"{boot[:8]}-{after_name[19]}"
