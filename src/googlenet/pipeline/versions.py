"""Versions of the libraries that compute, recorded with every job. From package metadata, so as not to import torch."""

import platform
from collections import Counter, defaultdict
from collections.abc import Iterable
from importlib import metadata
from typing import TYPE_CHECKING

from googlenet.errors import UserError
from googlenet.models.processor import cpu_name

if TYPE_CHECKING:
    from googlenet.metrics.runs import RunRecord

# Names of the installed packages; records omit the part after a hyphen. All of them can change a bit of a result.
LIBRARIES = (
    "torch", "torchvision", "opencv-contrib-python-headless", "numpy", "pillow", "pyarrow", "scikit-learn", "scipy",
)  # fmt: skip


def installed() -> dict[str, str]:
    """The installed version of every library that computes. Raises UserError for one that is not installed."""
    try:
        return {name.split("-")[0]: metadata.version(name) for name in LIBRARIES}
    except metadata.PackageNotFoundError as error:
        raise UserError(f"{error.name}: not installed here; run `make env`") from None


def machine() -> dict[str, str]:
    """The interpreter, the system and the processor."""
    return {"python": platform.python_version(), "platform": platform.platform(), "cpu": cpu_name()}


def differences(records: "Iterable[RunRecord]", now: dict[str, str]) -> list[str]:
    """One line for each library whose installed version differs from the one that made some of the recorded results."""
    made: dict[str, Counter[str]] = defaultdict(Counter)
    for record in records:
        for name, version in record.versions.items():
            if name in now and version != now[name]:
                made[name][version] += 1
    lines = []
    for name, olds in sorted(made.items()):
        jobs = [f"{count} job{'s' * (count != 1)} are of {old}" for old, count in sorted(olds.items())]
        lines.append(f"{name}: {now[name]} is installed, but the present results of {' and '.join(jobs)}")
    return lines
