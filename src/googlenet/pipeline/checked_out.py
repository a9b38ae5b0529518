"""Results that DVC, not Snakemake, put into the workspace: after `dvc pull` or `dvc checkout`, in `dvc exp run --temp`.

Snakemake's records are then stale or missing. With stale records it can mistake an old result for that of the current
settings; with none it runs every job. See docs/decisions/0025-checked-out-results.md.
"""

import json
import os
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from pathlib import Path

from googlenet.pipeline import links

RECORDS = Path(".snakemake/metadata")
UNFINISHED = Path(".snakemake/incomplete")  # files named like records: the outputs of jobs that run, or were killed
TAKE_OVER = "GOOGLENET_TAKE_OVER"  # set: Snakemake runs with --touch, and leaves the jobs' configurations as they are
SLACK_S = 0.01  # file systems differ in the resolution of their timestamps


def unrecorded() -> bool:
    """Whether the workspace holds results that differ from what Snakemake wrote and that dvc.lock may describe."""
    if not Path("dvc.lock").exists():
        return False
    times = list(recorded_times())
    if not times:
        return any(Path("results").glob("*/*/**/metrics.json"))
    # In a linked cache, timestamps mean nothing and contents decide: see links.py.
    return any(abs(present_s - recorded_s) > SLACK_S for recorded_s, present_s in times) and not links.linked()


def recorded_times() -> Iterator[tuple[float, float]]:
    """Two timestamps of every existing output that Snakemake has a record of: when its job ended, and the present one.

    `--touch` counts as a job. A job that is not recorded yet, or was killed, has put its outputs there itself: for them,
    the present one twice."""
    for record in (*RECORDS.rglob("*"), *UNFINISHED.rglob("*")):
        folder = RECORDS if record.is_relative_to(RECORDS) else UNFINISHED
        if record.is_file():
            # The name is the path in base64; one too long for a file name is split, and its folders are marked with @.
            parts = record.relative_to(folder).parts
            try:
                path = urlsafe_b64decode("".join(part.removeprefix("@") for part in parts)).decode()
                ended_s, present_s = json.loads(record.read_bytes()).get("endtime"), os.lstat(path).st_mtime
            except (ValueError, OSError):  # being written, or removed by a Snakemake that is running
                continue
            if UNFINISHED.joinpath(*parts).exists():
                yield present_s, present_s
            elif ended_s:
                yield ended_s, present_s
