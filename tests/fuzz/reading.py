"""What the product does with a data set, from its files to decoded images, and small data sets as bytes."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from data.datasets import write_manifest
from fuzz.child import Files
from googlenet.config.schema.dataset import DataSource
from googlenet.data.prepare import prepare
from googlenet.data.store import open_split

MOST = 0.99  # so large a share of the files may be bad: they are left out, with a line each


def prepared(source: DataSource) -> list[str]:
    """Prepare a data set, read all of it back, and return the lines of what was left out."""
    folder = Path(source.root) / "prepared"
    manifest = prepare(source, folder)
    write_manifest(folder, manifest)
    for name in manifest.splits:
        split = open_split(folder, name)
        for at, record in enumerate(split):
            height, width = split.image(at).shape[:2]
            assert (width, height) == (record.width, record.height), f"{record.name}: validated as another size"
            corners = record.boxes.reshape(-1, 2, 2)
            assert (corners >= 0).all() and (corners < np.array([width, height])).all(), f"{record.name}: box outside"
    return [item.reason for item in manifest.refused]


def tree(make: Callable[[Path], object]) -> Files:
    """The files that a function writes into a folder."""
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder))
        return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(Path(folder).rglob("*")) if p.is_file()}
