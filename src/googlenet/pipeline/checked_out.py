"""Results that DVC, not Snakemake, put into the workspace: after `dvc pull` or `dvc checkout`, in `dvc exp run --temp`.

Snakemake's records then describe other files, or there are none. With those of other files it can take a former result
for that of the present settings; without any it runs every job. See docs/decisions/0025-checked-out-results.md.
"""

import json
import os
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from pathlib import Path

from googlenet.pipeline import links

RECORDS = Path(".snakemake/metadata")
TAKE_OVER = "GOOGLENET_TAKE_OVER"  # set: Snakemake runs with --touch, and leaves the jobs' configurations as they are
SLACK_S = 0.01  # file systems differ in how finely they keep times


def unrecorded() -> bool:
    """Whether results lie here that are not as Snakemake left them, and dvc.lock may know them."""
    if not Path("dvc.lock").exists():
        return False
    times = list(recorded_times())
    if not times:
        return any(Path("results").glob("*/*/**/metrics.json"))
    # In a linked cache times mean nothing, and contents decide: links.py.
    return any(abs(os.lstat(path).st_mtime - time_s) > SLACK_S for path, time_s in times) and not links.linked()


def recorded_times() -> Iterator[tuple[str, float]]:
    """Every output that exists and has a record of Snakemake's, and its time when its job, or `--touch`, ended."""
    for record in RECORDS.rglob("*"):
        if record.is_file():
            # The path in base64: one that is too long for a file's name continues in that of a folder marked with @.
            name = "".join(part.removeprefix("@") for part in record.relative_to(RECORDS).parts)
            try:
                path, content = urlsafe_b64decode(name).decode(), json.loads(record.read_bytes())
            except ValueError:  # being written
                continue
            if os.path.lexists(path) and content.get("endtime"):
                yield path, content["endtime"]
