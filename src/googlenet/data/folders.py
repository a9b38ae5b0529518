"""Folder operations of the readers, on disk or packed: existence checks, listing images, holding out validation."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from googlenet.config.schema.dataset import ClassificationSource, DataSource, SplitSources
from googlenet.data.archive_path import AnyPath, ByteRange, files_below
from googlenet.data.image_files import inside, is_image, split_suffix
from googlenet.data.records import SPLITS, Annotation, Candidate, Refused
from googlenet.errors import UserError, nearest, printable
from googlenet.tracking.progress import counted

LITTER = {"thumbs.db", "desktop.ini", "__macosx", "@eadir"}  # from Windows, zips made on a Mac, a Synology
PLACE = "{split}"  # in a setting: the split's name
INNER = "images"  # a class folder may have its images in a folder of this name, as in Tiny ImageNet
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
    """Check that `splits` names distinct sources; "" for held-out validation or, in classification, all but test."""
    key, splits, needed = f"{source.key}.splits", source.splits, list(SPLITS)
    (count_key, count), alone = held_out(source), test_alone(splits)
    if alone and source.kind == "classification":
        needed = ["test"]
        if count:
            raise UserError(f"{count_key}: no training images to hold out of; set it to 0")
    elif (count > 0) == bool(splits.validation):
        named = f"either name its source and set {count_key} to 0"
        raise UserError(f'{key}.validation: {named}, or set it to "" and that key above 0')
    elif count:
        needed.remove("validation")
    for split in needed:
        if not splits.of(split):
            raise UserError(f"{key}.{split}: not set; name the part of the data set to use")
    if len({os.path.normpath(splits.of(split)) for split in needed}) < len(needed):
        reason = "choices and figures need different images"
        raise UserError(f"{key}: two splits read the same source; name another, since {reason}")


def held_out(source: DataSource) -> tuple[str, int]:
    """Return the key and number of images held out of train, per class or in total, if there is no validation."""
    if isinstance(source, ClassificationSource):
        return f"{source.key}.validation_per_class", source.validation_per_class
    return f"{source.key}.validation_images", source.validation_images


def test_alone(splits: SplitSources) -> bool:
    """Whether a data set has neither training nor validation images."""
    return not splits.train and not splits.validation


def require(path: PathT, key: str, folder: bool = True) -> PathT:
    """Return `path` if it exists, or raise UserError naming the key that leads there."""
    if not (path.is_dir() if folder else path.is_file()):
        raise UserError(f"{key}: no {'folder' if folder else 'file'} {path}; correct the key or complete the data set")
    return path


def at(root: Path, pattern: str, source: DataSource, split: str) -> Path:
    """Return a split's folder or file, named by a pattern that may contain {split}."""
    return root / pattern.replace(PLACE, source.splits.of(split))


def file_in(folders: Sequence[AnyPath], name: str | Path, key: str) -> AnyPath:
    """Return the file of that name in the first folder that has it. Raises UserError naming the key."""
    paths = (folder / name for folder in folders if (folder / name).is_file())
    return next(paths, None) or require(folders[0] / name, key, folder=False)


def visible(folder: PathT) -> list[PathT]:
    """List a folder's entries in name order, without the files that operating systems leave there."""
    return sorted(filter(_is_visible, folder.iterdir()), key=lambda path: path.name)


def _is_visible(path: AnyPath) -> bool:
    return not path.name.startswith(".") and path.name.lower() not in LITTER


def candidate(name: str, path: AnyPath, label: int = -1, annotation: Annotation | None = None) -> Candidate:
    """Return the image at a path, either a file or a range of an archive's bytes."""
    if isinstance(path, Path):
        return Candidate(name, path, label, annotation)
    if not isinstance(path.node, ByteRange):
        raise UserError(f"{path}: lies in a compressed archive; unpack that one")
    archive, offset, size = path.node
    return Candidate(name, archive, label, annotation, (), offset, size)


def require_class_folders(folder: AnyPath, key: str) -> None:
    """Raise UserError naming the key if a folder is not empty but has no class folder."""
    entries = visible(folder)
    if entries and not any(path.name != INNER and path.is_dir() for path in entries):
        raise UserError(f"{key}: {folder} has no class folders; it should hold one folder of images per class")


def class_names(folder: AnyPath, key: str) -> list[str]:
    """Return the names of a folder's subfolders, sorted. Raises UserError if there are none or one has no image."""
    class_folders = [path for path in visible(folder) if path.is_dir()]
    if not class_folders:
        raise UserError(f"{key}: {folder} has no class folders; it should hold one folder of images per class")
    for path in class_folders:
        if not inside(path.name):
            raise UserError(f"{path}: the name of this class folder is not UTF-8, or too long; rename it")
        if not any(map(is_image, filter(_is_visible, (inner_images(path) or path).iterdir()))):
            refuse_subfolders(path, visible(path))
            raise UserError(f"{path}: class folder without images; fill it or remove it")
    return [path.name for path in class_folders]


def inner_images(folder: AnyPath) -> AnyPath | None:
    """Return the folder `images` in a class folder that has no image of its own, as in Tiny ImageNet."""
    inner = None
    for path in filter(_is_visible, folder.iterdir()):
        if is_image(path):
            return None
        if path.name == INNER and path.is_dir():
            inner = path
    return inner


def refuse_subfolders(folder: AnyPath, entries: Iterable[AnyPath]) -> None:
    """Raise UserError if some of a class folder's entries are folders with images: those would not be read."""
    counts = {path.name: _images_below(path) for path in entries if path.is_dir()}
    if names := [name for name, count in counts.items() if count]:
        total = sum(counts.values())
        images = f"{total:,} image{'s' * (total > 1)} in subfolders that are not read ({', '.join(names[:3])})"
        fix = f"move the images up into {folder.name}, or move the subfolders up beside it, each as a class"
        raise UserError(f"{folder}: {images}; {fix}")


def _images_below(folder: AnyPath) -> int:
    if not isinstance(folder, Path):
        return sum(map(is_image, files_below(folder)))
    names = (name for _, _, names in os.walk(folder) for name in names)  # follows no link, so it ends
    return sum(not name.startswith(".") and bool(split_suffix(name)[1]) for name in names)


def images_in(folder: AnyPath, split: str, classes: list[str], refused: list[Refused]) -> list[Candidate]:
    """Return a split's images with classes; add other files to `refused`. UserError for a class that training lacks."""
    candidates, labels = [], {name: label for label, name in enumerate(classes)}

    def refuse(name: str, reason: str) -> None:
        refused.append(Refused(split, printable(name), f"{printable(name)}: {reason}"))

    for entry in counted(visible(folder), f"class folders of {split}"):
        if not entry.is_dir():
            refuse(entry.name, "lies in no class folder")
            continue
        if entry.name not in labels:
            reason = f"class '{entry.name}' is not in training{nearest(entry.name, classes)}"
            raise UserError(f"{entry}: {reason}; add images of it there, or take this folder away")
        inner = inner_images(entry)
        prefix = f"{entry.name}/{INNER}" if inner else entry.name
        others = [path for path in visible(entry) if path.name != INNER] if inner else []
        for path in visible(inner or entry):
            name = f"{prefix}/{path.name}"
            if not inside(path.name):
                refuse(name, "its name is not UTF-8, or too long; rename it")
            elif is_image(path):
                candidates.append(candidate(name, path, labels[entry.name]))
            else:
                others.append(path)
                refuse(name, "not an image file")
        refuse_subfolders(entry, others)
    return candidates


def hold_out(source: DataSource, splits: dict[str, list[Candidate]], classes: Sequence[str] = ()) -> None:
    """Move some training images to validation, if that split does not exist: of each class, or of all that have boxes.

    Those whose names have the smallest SHA-256 are moved, so that adding an image changes at most one. Raises UserError
    if no images would remain.
    """
    if "train" not in splits or "validation" in splits:
        return
    train, (key, count) = splits["train"], held_out(source)
    names_of: list[list[str]] = [[] for _ in classes or ("",)]
    for item in train:
        names_of[item.label if classes else 0].append(item.name)
    chosen = set()
    for class_name, names in zip(classes or ("",), names_of, strict=True):
        if len(names) <= count:
            only = f"class '{class_name}'" if class_name else f"{source.key}.splits.train"
            raise UserError(f"{key}: {count}, but {only} has only {len(names)} images; lower it")
        chosen.update(sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())[:count])
    splits["train"] = [item for item in train if item.name not in chosen]
    splits["validation"] = [item for item in train if item.name in chosen]
