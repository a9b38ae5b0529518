"""Reader of the official archives, extracted: ILSVRC/{Data,Annotations,ImageSets}; see ilsvrc_layout.py."""

from pathlib import Path

from googlenet.config.schema.dataset import DataSource
from googlenet.data import ilsvrc_layout
from googlenet.data.folders import require, root_of
from googlenet.data.records import Reading


def check(source: DataSource) -> None:
    """Check that the folders and lists of the splits exist. Raises UserError naming the key."""
    ilsvrc_layout.check(source, _top(source))


def read(source: DataSource, scratch: Path | None = None) -> Reading:
    """Read one of the two parts."""
    return ilsvrc_layout.read(source, _top(source))


def _top(source: DataSource) -> Path:
    """Return the folder that holds Data, Annotations and ImageSets: the root, or ILSVRC in it."""
    root = root_of(source)
    top = root / "ILSVRC" if (root / "ILSVRC").is_dir() else root
    require(top / "Data" / ilsvrc_layout.PARTS[source.kind], f"{source.key}.root")
    return top
