"""Reader of `<root>/<split>/<class>/<image>`, the layout of most classification data sets."""

from pathlib import Path

from googlenet.config.schema.dataset import ClassificationSource
from googlenet.data import folders
from googlenet.data.records import SPLITS, Candidate, Reading, Refused


def check(source: ClassificationSource) -> None:
    """Check that the root and each split's folder exist. Raises UserError naming the key."""
    root = folders.root_of(source)
    folders.check_splits(source)
    for split in SPLITS:
        if name := source.splits.of(split):
            folders.require(root / name, f"{source.key}.splits.{split}")


def read(source: ClassificationSource, scratch: Path | None = None) -> Reading:
    """Read the folders: the classes are those of training, or of test if it is the only split, in name order."""
    check(source)
    root = folders.root_of(source)
    first = "test" if folders.test_alone(source.splits) else "train"
    classes = folders.class_names(root / source.splits.of(first), f"{source.key}.splits.{first}")
    splits: dict[str, list[Candidate]] = {}
    refused: list[Refused] = []
    for split in SPLITS:
        if name := source.splits.of(split):
            splits[split] = folders.images_in(root / name, split, classes, refused)
    folders.hold_out(source, splits, classes)
    return Reading(classes, classes, splits, refused, "photographs in one folder per class")
