"""The order of names."""

from collections.abc import Iterable
from pathlib import Path


def natural(name: str) -> tuple[int, str]:
    """Return the sort key used wherever the order of names matters: m2 before m10, regardless of a table's order."""
    digits = "".join(letter for letter in name if letter.isdigit())
    return (int(digits) if digits else -1, name)


def by_job(paths: Iterable[Path]) -> dict[str, Path]:
    """Map each job (a member, a detector) to its file, <job>/<file>, in natural order."""
    return {path.parent.name: path for path in sorted(paths, key=lambda path: natural(path.parent.name))}
