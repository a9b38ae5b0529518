"""Results that DVC, not Snakemake, put into the workspace: after `dvc pull` or `dvc checkout`, in `dvc exp run --temp`.

Snakemake's records are then stale or missing. With stale records it can mistake an old result for that of the current
settings; with none it runs every job. See docs/decisions/0025-checked-out-results.md.
"""

import json
import os
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from googlenet.pipeline import links

RECORDS = Path(".snakemake/metadata")
UNFINISHED = Path(".snakemake/incomplete")
TAKE_OVER = "GOOGLENET_TAKE_OVER"  # set: Snakemake runs with --touch, and leaves the jobs' configurations as they are
SLACK_S = 0.01  # file systems differ in the resolution of their timestamps


def unrecorded() -> bool:
    """Whether the workspace holds results that differ from what Snakemake wrote and that dvc.lock may describe."""
    if not Path("dvc.lock").exists():
        return False
    times = list(recorded_times())
    if not times:
        own = unfinished()
        return any(str(path) not in own for path in Path("results").glob("*/*/**/metrics.json"))
    # In a linked cache, timestamps mean nothing and contents decide: see links.py.
    return any(abs(present_s - recorded_s) > SLACK_S for recorded_s, present_s in times) and not links.linked()


def recorded_times() -> Iterator[tuple[float, float]]:
    """Two timestamps of every existing output that Snakemake has a record of: when its job ended, and the present one.

    `--touch` counts as a job. Without the outputs of unfinished jobs, whose records are of their former runs."""
    own = unfinished()
    for path, record in entries(RECORDS):
        with suppress(OSError):  # removed by a Snakemake that is running
            present_s = os.lstat(path).st_mtime
            if record.get("endtime") and path not in own:
                yield record["endtime"], present_s


def unfinished() -> set[str]:
    """The outputs of jobs that run, were killed, or have ended without Snakemake having noticed."""
    return {path for path, _ in entries(UNFINISHED)}


def entries(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """What Snakemake has noted of outputs in one of its folders, by their paths."""
    for file in folder.rglob("*"):
        if file.is_file():
            # The name is the path in base64; one too long for a file name is split, and its folders are marked with @.
            name = "".join(part.removeprefix("@") for part in file.relative_to(folder).parts)
            with suppress(ValueError, OSError):  # being written, or removed by a Snakemake that is running
                yield urlsafe_b64decode(name).decode(), json.loads(file.read_bytes())
