"""What DVC knows about a stage that it runs: what has changed, and whether all its jobs run (`--force`, or lost files).

DVC does not pass its options to a stage's command, so they are read from the command lines of the parent processes. If
none shows them (a queued experiment, DVC's Python interface), a stage without any change must have been forced.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from googlenet.errors import UserError


def forced(stage: str) -> bool:
    """Whether DVC runs `stage` (its address, as in DVC_STAGE) although nothing that it depends on has changed."""
    words = next(commands(os.getppid()), [])
    if words and not any("f" in word for word in words if word.startswith("-")):
        return False  # saves the second that it takes to import DVC
    options = parsed(words)
    if getattr(options, "force", False):
        return True
    unclear = not hasattr(options, "force") or options.force_downstream
    return unclear and unchanged(stage)


def parsed(words: list[str]) -> Any:
    """What DVC's own parser reads from its arguments; None for none, and for those of another program of that name."""
    from dvc.cli import DvcParserError, parse_args  # type: ignore[import-untyped]

    with suppress(DvcParserError):
        return parse_args(words) if words else None
    return None


def lost(stage: str) -> bool:
    """Whether files that dvc.lock lists for a stage are missing, although nothing that it depends on has changed.

    Snakemake misses only the files that its rules declare, and DVC would record the folder without the others. Raises
    UserError for DVC's errors.
    """
    with repository() as repo:
        (its,) = repo.stage.collect(stage)
        if its.cmd_changed or any(dependency.status() for dependency in its.deps):
            return False
        listed = ((out.fs_path, out.get_obj()) for out in its.outs if out.hash_info and out.hash_info.isdir)
        return any(not Path(folder, *key).exists() for folder, tree in listed for key, *_ in tree or ())


def commands(pid: int) -> Iterator[list[str]]:
    """The arguments of each `dvc` among a process and its ancestors, the nearest first."""
    return (words for _, words in processes(pid))


def processes(pid: int) -> Iterator[tuple[int, list[str]]]:
    """PID and arguments of each `dvc` among a process and its ancestors, the nearest first."""
    while pid > 1:
        try:
            words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")[:-1]
            parent = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[1]
        except OSError:  # it has ended, or this system has no /proc
            return
        names = [Path(word).name for word in words[:3]]  # dvc ..., python dvc ..., python -m dvc ...
        if "dvc" in names:
            yield pid, words[names.index("dvc") + 1 :]
        pid = int(parent)


def unchanged(target: str) -> bool:
    """Whether nothing that dvc.lock records for a stage has changed."""
    return not any(dependencies or rest for dependencies, rest in changes(target).values())


def changes(target: str) -> dict[str, tuple[set[str], set[str]]]:
    """How a stage, or each stage of a dvc.yaml, differs from dvc.lock: in its dependencies; in its outputs or command.

    In DVC's words: modified, deleted, ... `dvc status` itself fails while DVC runs a stage, whose files it locks.
    Raises UserError for DVC's errors.
    """

    def states(items: Iterable[Any]) -> set[str]:
        return {state for item in items for state in item.status().values()}

    with repository() as repo:
        stages = repo.stage.collect(target)
        edited = {stage.name: {"another command"} if stage.cmd_changed else set() for stage in stages}
        return {stage.name: (states(stage.deps), states(stage.outs) | edited[stage.name]) for stage in stages}


@contextmanager
def repository() -> Iterator[Any]:
    """DVC's repository here. Raises UserError for DVC's errors within the block."""
    from dvc.exceptions import DvcException  # type: ignore[import-untyped]
    from dvc.repo import Repo  # type: ignore[import-untyped]

    try:
        with Repo() as repo:
            yield repo
    except DvcException as error:
        raise UserError(f"DVC: {error}") from None
