"""A folder of files that are written together, such as a report's figures."""

from collections.abc import Mapping
from pathlib import Path

from googlenet.storage.files import write_bytes


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write each file atomically; remove files with other names, left by an earlier run."""
    for name, content in files.items():
        write_bytes(folder / name, content)
    for path in folder.glob("*") if folder.is_dir() else ():
        if path.is_file() and path.name not in files:
            path.unlink()
