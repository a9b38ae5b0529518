"""Reader of `<root>/<split>/<class>/<picture>`: the layout that most classification data sets come in."""

from pathlib import Path

from googlenet.data.folders import (
    candidate,
    check_splits,
    hold_out,
    inside,
    is_picture,
    require,
    root_of,
    test_alone,
    visible,
)
from googlenet.data.packed import Packed
from googlenet.data.records import SPLITS, Candidate, Reading, Refused
from googlenet.errors import UserError, nearest, printable


def check(kind: str, settings: dict) -> None:
    """See that the root and each split's folder exist. Raises UserError naming the key."""
    root = root_of(kind, settings)
    check_splits(kind, settings, hold_out=True)
    for split in SPLITS:
        if settings["splits"][split]:
            require(root / settings["splits"][split], f"dataset.{kind}.splits.{split}")


def read(kind: str, settings: dict, scratch: Path | None = None) -> Reading:
    """Read the folders: the classes are those of training, or of test alone, in the order of their names."""
    check(kind, settings)
    root, names = root_of(kind, settings), settings["splits"]
    first = "test" if test_alone(settings) else "train"
    classes = class_names(root / names[first], f"dataset.{kind}.splits.{first}")
    splits, refused = {}, []
    for split in SPLITS:
        if names[split]:
            splits[split], bad = pictures_in(root / names[split], split, classes)
            refused += bad
    if first == "train" and "validation" not in splits:
        key = f"dataset.{kind}.validation_per_class"
        splits["train"], splits["validation"] = hold_out(
            splits["train"], classes, settings["validation_per_class"], key
        )
    return Reading(classes, classes, splits, refused, "photographs in one folder per class")


def class_names(folder: Path | Packed, key: str) -> list[str]:
    """The names of a folder's folders, sorted. Raises UserError when there is none or one has no picture."""
    found = [path for path in visible(folder) if path.is_dir()]
    if not found:
        raise UserError(
            f"{key}: {folder} has no class folders; it should hold one folder of pictures per class"
        )
    for path in found:
        if not inside(path.name):
            raise UserError(f"{path}: the name of this class folder is no UTF-8, or too long; rename it")
        if not any(is_picture(item) for item in path.iterdir()):
            raise UserError(f"{path}: class folder without pictures; fill it or remove it")
    return [path.name for path in found]


def pictures_in(
    folder: Path | Packed, split: str, classes: list[str]
) -> tuple[list[Candidate], list[Refused]]:
    """Every picture of one split with its class, and the files there that are no pictures.

    A class that training does not have is a UserError: its pictures could only ever count as wrong.
    """
    candidates, refused = [], []
    labels = {name: label for label, name in enumerate(classes)}
    for entry in visible(folder):
        if not entry.is_dir():
            name = printable(entry.name)
            refused.append(Refused(split, name, f"{name}: lies in no class folder"))
            continue
        if entry.name not in labels:
            raise UserError(
                f"{entry}: class '{entry.name}' is not in training{nearest(entry.name, classes)}; add pictures of it"
                " there, or take this folder away"
            )
        for path in visible(entry):
            name = f"{entry.name}/{path.name}"
            if not inside(path.name):
                name = printable(name)
                refused.append(Refused(split, name, f"{name}: its name is no UTF-8, or too long; rename it"))
            elif is_picture(path):
                candidates.append(candidate(split, name, path, labels[entry.name]))
            else:
                refused.append(Refused(split, name, f"{name}: not a picture file"))
    return candidates, refused
