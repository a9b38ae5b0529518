"""Data set readers, one module per layout; a data set's `reader` setting names the one to load.

A reader examines names and annotations only; `prepare` opens each image, checks it and its boxes, and packs it.
Unusable input becomes a `Refused` (one file) or a `UserError` (the whole data set): a line that names the file or key
and the remedy. Candidates have a fixed order and names unique within their split. Code shared by readers is in
googlenet/data, so that a job's code digest covers only the reader that it uses.
"""

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from googlenet.config.schema.dataset import READER, DataSource
from googlenet.data.records import Reading


class Reader(Protocol):
    """Interface of a reader. Each one takes ClassificationSource, DetectionSource or both as its settings."""

    def check(self, source: DataSource) -> None:
        """Check that everything exists, without opening images or heavy imports. Raises UserError naming the key."""

    def read(self, source: DataSource, scratch: Path) -> Reading:
        """Find classes, splits and refusals. `scratch`: an empty folder that exists until the images are packed."""


def of(source: DataSource) -> Reader:
    """Return the reader that a data set names."""
    return cast(Reader, import_module(READER.module(source.reader)))
