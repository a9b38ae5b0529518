"""Links: results that link into DVC's cache, whose modification times mean nothing; linked folders, which DVC rejects.

Inside a DVC stage, contents decide. But Snakemake compares an input's content with its record only if the input is
newer than the output, so every result is made older than its inputs. See docs/remotes.md, "Links instead of copies".
"""

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from googlenet.errors import UserError
from googlenet.pipeline.registry import ROWS

if TYPE_CHECKING:
    from googlenet.pipeline.experiment import Experiment

LATEST_S = 946_684_800  # the first second of 2000: older than any file that a run reads
STEP_S = 86_400


def linked() -> bool:
    """Whether DVC may put hard or symbolic links into the workspace. Copies and reflinks have their own timestamps."""
    query = subprocess.run(["dvc", "config", "cache.type"], capture_output=True, text=True, check=False)
    return bool({"hardlink", "symlink"} & {kind.strip() for kind in query.stdout.split(",")})


def let_contents_decide(outputs: list[list[str]]) -> None:
    """Set old times on results, the later the stage the older. outputs: by stage. UserError if a time cannot be set."""
    for number, paths in enumerate(outputs):
        time_s = LATEST_S - number * STEP_S
        for path in paths:
            if os.path.lexists(path) and os.lstat(path).st_mtime != time_s:
                try:
                    os.utime(path, (time_s, time_s), follow_symlinks=False)
                except PermissionError:
                    remedy = "use a cache of your own (`dvc cache dir`), or `dvc config --local cache.type copy`"
                    reason = "is a link to someone else's file, so its time cannot be set"
                    raise UserError(f"{path}: {reason}; {remedy}") from None


def check_folders(experiment: "Experiment") -> None:
    """Raise UserError for a linked folder that DVC would reject, or would record without its content."""
    kinds = [Path("data", kind) for kind in ("config", "classification", "detection", "runs")]
    stages = [Path(experiment.results(row.name), row.name) for row in ROWS if row.group != "data"]
    for folder in (*kinds, *stages) if (experiment.root / ".dvc").is_dir() else ():
        below = (path.relative_to(experiment.root) for path in (experiment.root / folder).glob("*/"))
        for path in (*folder.parents[-2::-1], *below):
            if (experiment.root / path).is_symlink():
                reason = f"is a link to {os.readlink(experiment.root / path)}, and DVC takes no linked folder"
                remedy = 'the whole clone, or DVC\'s cache: docs/remotes.md, "Links instead of copies"'
                raise UserError(f"{path}: {reason}; make it a folder, and move to the other disk {remedy}")
