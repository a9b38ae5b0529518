"""Readers of data sets, one module for each layout: a data set's `reader` names the one that is loaded.

A reader looks at names and annotations only; `prepare` opens each image, checks it and its boxes, and packs it. What
cannot be used is `Refused` (one file) or a `UserError` (the whole data set), a line that names the file or key and the
remedy. Candidates come in a fixed order, their names unique within their split. What readers share lies in
googlenet/data, so that a job's code digest covers the reader that it uses and no other.
"""

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from googlenet.config.schema.dataset import READER, DataSource
from googlenet.data.records import Reading


class Reader(Protocol):
    """The contract of a reader. Settings of the kinds that it reads are of ClassificationSource, DetectionSource or either."""

    def check(self, source: DataSource) -> None:
        """See that everything is there, opening no image and importing nothing heavy. Raises UserError naming the key."""

    def read(self, source: DataSource, scratch: Path) -> Reading:
        """Find classes, splits and refusals. `scratch`: an empty folder, there until the images are packed."""


def of(source: DataSource) -> Reader:
    """The reader that a data set names."""
    return cast(Reader, import_module(READER.module(source.reader)))
