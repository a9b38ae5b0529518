"""Reader of `<root>/<split>/<class>/<image>`, the layout of most classification data sets.

As in Tiny ImageNet, images may be in `<class>/images/`, and a split may be a list of images (class_lists.py).
"""

from pathlib import Path

from googlenet.config.schema.dataset import ClassificationSource
from googlenet.data import class_lists, folders, layouts
from googlenet.data.records import SPLITS, Candidate, Reading, Refused


def check(source: ClassificationSource) -> None:
    """Check that the root and each split's class folders or list exist. Raises UserError naming the key."""
    root = folders.root_of(source)
    folders.check_splits(source)
    with layouts.advised(source, root):
        for split in filter(source.splits.of, SPLITS):
            path, key = root / source.splits.of(split), f"{source.key}.splits.{split}"
            folders.require(path, key, folder=not _is_list(path))
            if not _is_list(path):
                folders.require_class_folders(path, key)


def read(source: ClassificationSource, scratch: Path | None = None) -> Reading:
    """Read the folders: the classes are those of training, or of test if it is the only split, in name order."""
    check(source)
    root = folders.root_of(source)
    first = "test" if folders.test_alone(source.splits) else "train"
    path = root / source.splits.of(first)
    key = f"{source.key}.splits.{first}"
    classes = class_lists.class_names(path) if _is_list(path) else folders.class_names(path, key)
    splits: dict[str, list[Candidate]] = {}
    refused: list[Refused] = []
    for split in filter(source.splits.of, SPLITS):
        path = root / source.splits.of(split)
        images_in = class_lists.images_in if _is_list(path) else folders.images_in
        splits[split] = images_in(path, split, classes, refused)
    folders.hold_out(source, splits, classes)
    return Reading(classes, classes, splits, refused, "photographs in one folder per class")


def _is_list(path: Path) -> bool:
    return path.suffix == ".txt"
