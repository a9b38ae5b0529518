"""Results that are links into DVC's cache: their modification times mean nothing; inside a DVC stage contents decide.

Snakemake compares an input's content with its own record only if the input is newer than the output, so every result is
made older than everything it is made from. See docs/remotes.md, "Links instead of copies".
"""

import os
import subprocess

from googlenet.errors import UserError

LATEST_S = 946_684_800  # the first second of 2000: older than any file that a run reads
STEP_S = 86_400


def linked() -> bool:
    """Whether DVC may put hard or symbolic links into the workspace. Copies and reflinks have times of their own."""
    query = subprocess.run(["dvc", "config", "cache.type"], capture_output=True, text=True, check=False)
    return bool({"hardlink", "symlink"} & {kind.strip() for kind in query.stdout.split(",")})


def let_contents_decide(outputs: list[list[str]]) -> None:
    """Set old times on results, older ones on a later stage's. outputs: by stage. UserError for a time that stays."""
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
