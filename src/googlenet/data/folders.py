"""Folder operations of the readers, on disk or packed: existence checks, listing images, holding out validation."""

import hashlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TypeVar

from googlenet.config.schema.dataset import ClassificationSource, DataSource, SplitSources
from googlenet.data.archive_path import AnyPath, ByteRange
from googlenet.data.records import SPLITS, Annotation, Candidate, Refused
from googlenet.errors import UserError, nearest, printable

LONGEST_NAME = 240  # bytes; file systems allow 255, and a suffix may be added
SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
PathT = TypeVar("PathT", Path, AnyPath)


def root_of(source: DataSource) -> Path:
    """Return the data set's folder. Raises UserError naming the key if it is unset or does not exist."""
    key = f"{source.key}.root"
    if not source.root:
        raise UserError(f"{key}: not set; give the folder that holds the data set")
    root = Path(source.root).expanduser()
    if not root.is_dir():
        raise UserError(f"{key}: no folder {root}; fetch the data set or correct the path")
    return root


def check_splits(source: DataSource) -> None:
    """Check that `splits` names distinct sources; classification allows "" for held-out validation, or all but test."""
    key, splits, needed = f"{source.key}.splits", source.splits, list(SPLITS)
    if isinstance(source, ClassificationSource):
        alone, held_out = test_alone(splits), source.validation_per_class > 0
        if alone and held_out:
            raise UserError(f"{source.key}.validation_per_class: no training images to hold out of; set it to 0")
        if not alone and held_out == bool(splits.validation):
            named = f"either name a folder and set {source.key}.validation_per_class to 0"
            raise UserError(f'{key}.validation: {named}, or set it to "" and that key above 0')
        needed = ["test"] if alone else [split for split in SPLITS if split != "validation" or not held_out]
    for split in needed:
        if not splits.of(split):
            raise UserError(f"{key}.{split}: not set; name the part of the data set to use")
    if len({splits.of(split) for split in needed}) < len(needed):
        reason = "choices and figures need different images"
        raise UserError(f"{key}: two splits read the same source; name another, since {reason}")


def test_alone(splits: SplitSources) -> bool:
    """Whether a data set has neither training nor validation images."""
    return not splits.train and not splits.validation


def require(path: PathT, key: str, folder: bool = True) -> PathT:
    """Return `path`, or raise UserError naming the key that leads there."""
    if not (path.is_dir() if folder else path.is_file()):
        raise UserError(f"{key}: no {'folder' if folder else 'file'} {path}; correct the key or complete the data set")
    return path


def file_in(folders: Sequence[AnyPath], name: str | Path, key: str) -> AnyPath:
    """Return the file of that name in the first folder that has it. Raises UserError naming the key."""
    paths = (folder / name for folder in folders if (folder / name).is_file())
    return next(paths, None) or require(folders[0] / name, key, folder=False)


def visible(folder: PathT) -> list[PathT]:
    """List a folder's entries in name order, without the dot files that operating systems leave there."""
    entries = [path for path in folder.iterdir() if not path.name.startswith(".")]
    return sorted(entries, key=lambda path: path.name)


def inside(name: str) -> bool:
    """Whether a listed name refers to a file below its folder: relative, without "..", UTF-8."""
    path = PurePosixPath(name)
    try:
        longest = max((len(part.encode()) for part in path.parts), default=0)
    except UnicodeEncodeError:
        return False
    unsafe = path.is_absolute() or ".." in path.parts or "\0" in name
    return not unsafe and 0 < longest <= LONGEST_NAME


def is_image(path: AnyPath) -> bool:
    """Whether this is a file with the suffix of an image."""
    return path.suffix.lower() in SUFFIXES and path.is_file()


def candidate(name: str, path: AnyPath, label: int = -1, annotation: Annotation | None = None) -> Candidate:
    """Return the image at a path, either a file or a range of an archive's bytes."""
    if isinstance(path, Path):
        return Candidate(name, path, label, annotation)
    if not isinstance(path.node, ByteRange):
        raise UserError(f"{path}: lies in a compressed archive; unpack that one")
    archive, offset, size = path.node
    return Candidate(name, archive, label, annotation, (), offset, size)


def class_names(folder: AnyPath, key: str) -> list[str]:
    """Return the names of a folder's subfolders, sorted. Raises UserError if there are none or one has no image."""
    class_folders = [path for path in visible(folder) if path.is_dir()]
    if not class_folders:
        raise UserError(f"{key}: {folder} has no class folders; it should hold one folder of images per class")
    for path in class_folders:
        if not inside(path.name):
            raise UserError(f"{path}: the name of this class folder is no UTF-8, or too long; rename it")
        if not any(is_image(item) for item in path.iterdir()):
            raise UserError(f"{path}: class folder without images; fill it or remove it")
    return [path.name for path in class_folders]


def images_in(folder: AnyPath, split: str, classes: list[str], refused: list[Refused]) -> list[Candidate]:
    """Return a split's images with classes; add other files to `refused`. UserError for a class not in training."""
    candidates, labels = [], {name: label for label, name in enumerate(classes)}

    def refuse(name: str, reason: str) -> None:
        refused.append(Refused(split, printable(name), f"{printable(name)}: {reason}"))

    for entry in visible(folder):
        if not entry.is_dir():
            refuse(entry.name, "lies in no class folder")
            continue
        if entry.name not in labels:
            reason = f"class '{entry.name}' is not in training{nearest(entry.name, classes)}"
            raise UserError(f"{entry}: {reason}; add images of it there, or take this folder away")
        for path in visible(entry):
            name = f"{entry.name}/{path.name}"
            if not inside(path.name):
                refuse(name, "its name is no UTF-8, or too long; rename it")
            elif is_image(path):
                candidates.append(candidate(name, path, labels[entry.name]))
            else:
                refused.append(Refused(split, name, f"{name}: not an image file"))
    return candidates


def hold_out(source: ClassificationSource, splits: dict[str, list[Candidate]], classes: list[str]) -> None:
    """Move `validation_per_class` training images of each class to validation, if that split does not exist.

    Moved are those whose names have the smallest SHA-256, so that adding an image changes at most one. Raises
    UserError if a class has no more images than that.
    """
    if "train" not in splits or "validation" in splits:
        return
    train, per_class = splits["train"], source.validation_per_class
    names_of: list[list[str]] = [[] for _ in classes]
    for item in train:
        names_of[item.label].append(item.name)
    chosen = set()
    for class_name, names in zip(classes, names_of, strict=True):
        if len(names) <= per_class:
            only = f"class '{class_name}' has only {len(names)} images"
            raise UserError(f"{source.key}.validation_per_class: {per_class}, but {only}; lower it")
        chosen.update(sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())[:per_class])
    splits["train"] = [item for item in train if item.name not in chosen]
    splits["validation"] = [item for item in train if item.name in chosen]
