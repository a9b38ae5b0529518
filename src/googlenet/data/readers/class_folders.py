"""Reader of `<root>/<split>/<class>/<picture>`: the layout that most classification data sets come in."""

from pathlib import Path

from googlenet.config.schema.dataset import ClassificationSource
from googlenet.data.class_trees import class_names, pictures_in
from googlenet.data.folders import check_splits, hold_out, require, root_of, test_alone
from googlenet.data.records import SPLITS, Candidate, Reading, Refused


def check(source: ClassificationSource) -> None:
    """See that the root and each split's folder exist. Raises UserError naming the key."""
    root = root_of(source)
    check_splits(source)
    for split in SPLITS:
        if name := source.splits.of(split):
            require(root / name, f"{source.key}.splits.{split}")


def read(source: ClassificationSource, scratch: Path | None = None) -> Reading:
    """Read the folders: the classes are those of training, or of test alone, in the order of their names."""
    check(source)
    root = root_of(source)
    first = "test" if test_alone(source.splits) else "train"
    classes = class_names(root / source.splits.of(first), f"{source.key}.splits.{first}")
    splits: dict[str, list[Candidate]] = {}
    refused: list[Refused] = []
    for split in SPLITS:
        if name := source.splits.of(split):
            splits[split], bad = pictures_in(root / name, split, classes)
            refused += bad
    if first == "train" and "validation" not in splits:
        key = f"{source.key}.validation_per_class"
        splits["train"], splits["validation"] = hold_out(
            splits["train"], classes, source.validation_per_class, key
        )
    return Reading(classes, classes, splits, refused, "photographs in one folder per class")
