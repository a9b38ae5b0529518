"""Which clone of the project this is: several may mirror to one server, and a run supersedes only runs of its own clone."""

import json
import os
import uuid
from pathlib import Path

from googlenet.errors import UserError

FILE = Path(".googlenet/clone.json")
OF_DVC = "/.dvc/tmp/exps/"  # where `dvc exp run --temp`, or --queue, makes a folder that it removes after the run


def clone_of(root: Path) -> Path:
    """The clone whose store has the runs of the project in `root`: the one around it if DVC made that folder for a run."""
    return Path(Path(root).resolve().as_posix().partition(OF_DVC)[0])


def clone_id(root: Path) -> str:
    """The clone's id, created at the first call. A moved folder keeps it; a copy, whose inode is new, gets its own.

    Raises UserError if the file cannot be written."""
    path = Path(root).resolve() / FILE
    try:
        content = json.loads(path.read_bytes())
        if content["inode"] == path.stat().st_ino:
            return str(content["id"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # none yet, or damaged
    made = uuid.uuid4().hex
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(
            path, "w", encoding="utf-8"
        ) as file:  # not written atomically: the file contains its own inode number
            json.dump({"id": made, "inode": os.fstat(file.fileno()).st_ino}, file)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}); make room for it") from None
    return made
