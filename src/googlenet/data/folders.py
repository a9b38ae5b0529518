"""What readers ask of folders, on disk or packed: are they there, which pictures lie in them, which are held out."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TypeVar, overload

from googlenet.config.schema.dataset import ClassificationSource, DataSource, SplitSources
from googlenet.data.archive_path import AnyPath, ArchivePath, ByteRange
from googlenet.data.records import SPLITS, Annotation, Candidate
from googlenet.errors import UserError

LONGEST_NAME = 240  # bytes; file systems take 255, and a suffix may be added
PICTURES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
PathT = TypeVar("PathT", bound=AnyPath)


def root_of(source: DataSource) -> Path:
    """The data set's folder. Raises UserError naming the key when it is not set or not there."""
    key = f"{source.key}.root"
    if not source.root:
        raise UserError(f"{key}: not set; give the folder that holds the data set")
    root = Path(source.root).expanduser()
    if not root.is_dir():
        raise UserError(f"{key}: no folder {root}; fetch the data set or correct the path")
    return root


def check_splits(source: DataSource) -> None:
    """See that `splits` names three different sources.

    In classification, validation may be "" where images are held out of training instead; and training may be "" too, for
    a data set that nothing is trained on: then test stands alone.
    """
    key, splits, held_out = f"{source.key}.splits", source.splits, False
    if isinstance(source, ClassificationSource):
        if test_alone(splits):
            if source.validation_per_class:
                raise UserError(
                    f"{source.key}.validation_per_class: no training pictures to hold out of; set it to 0"
                )
            if not splits.test:
                raise UserError(f"{key}.test: not set; name the part of the data set to use")
            return
        held_out = source.validation_per_class > 0
        if held_out == bool(splits.validation):
            raise UserError(
                f"{key}.validation: either name a folder and set {source.key}.validation_per_class to 0, "
                'or set it to "" and that key above 0'
            )
    needed = {split: splits.of(split) for split in SPLITS if not (held_out and split == "validation")}
    for split, name in needed.items():
        if not name:
            raise UserError(f"{key}.{split}: not set; name the part of the data set to use")
    if len(set(needed.values())) < len(needed):
        raise UserError(
            f"{key}: two splits read the same source; name another, since choices and figures need different pictures"
        )


def test_alone(splits: SplitSources) -> bool:
    """Whether a data set has neither training nor validation images."""
    return not splits.train and not splits.validation


def require(path: PathT, key: str, folder: bool = True) -> PathT:
    """Return `path`, or raise UserError naming the key that leads there."""
    if not (path.is_dir() if folder else path.is_file()):
        raise UserError(
            f"{key}: no {'folder' if folder else 'file'} {path}; correct the key or complete the data set"
        )
    return path


@overload
def visible(folder: Path) -> list[Path]: ...
@overload
def visible(folder: AnyPath) -> list[AnyPath]: ...
def visible(folder: AnyPath) -> Sequence[AnyPath]:
    """A folder's entries in the order of their names, without the dot files that systems leave there."""
    return sorted(
        (path for path in folder.iterdir() if not path.name.startswith(".")), key=lambda path: path.name
    )


def inside(name: str) -> bool:
    """Whether a name, as a list gives it, is that of a file below its folder: relative, without "..", UTF-8."""
    path = PurePosixPath(name)
    try:
        longest = max((len(part.encode()) for part in path.parts), default=0)
    except UnicodeEncodeError:
        return False
    return (
        not path.is_absolute() and ".." not in path.parts and "\0" not in name and 0 < longest <= LONGEST_NAME
    )


def is_picture(path: AnyPath) -> bool:
    """Whether the name is that of a picture file."""
    return path.suffix.lower() in PICTURES and path.is_file()


def candidate(
    split: str,
    name: str,
    path: AnyPath,
    label: int = -1,
    annotation: Annotation | None = None,
    partial: tuple[int, ...] = (),
) -> Candidate:
    """An image at a path, be it a file or a range of an archive's bytes."""
    if isinstance(path, ArchivePath):
        where = path.node
        if not isinstance(where, ByteRange):
            raise UserError(f"{path}: lies in a compressed archive; unpack that one")
        return Candidate(split, name, where.archive, label, annotation, partial, where.offset, where.size)
    return Candidate(split, name, path, label, annotation, partial)


def hold_out(
    train: list[Candidate], classes: list[str], per_class: int, key: str
) -> tuple[list[Candidate], list[Candidate]]:
    """Move `per_class` pictures of each class from training to validation; return (train, validation).

    Which ones depends on their names alone (those of the smallest SHA-256), so that another picture in the
    folder moves at most one of them. Raises UserError when a class has no more pictures than are held out.
    """
    names_of: list[list[str]] = [[] for _ in classes]
    for item in train:
        names_of[item.label].append(item.name)
    chosen = set()
    for class_name, names in zip(classes, names_of, strict=True):
        if len(names) <= per_class:
            raise UserError(
                f"{key}: {per_class}, but class '{class_name}' has only {len(names)} pictures; lower it"
            )
        chosen.update(sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())[:per_class])
    kept = [item for item in train if item.name not in chosen]
    moved = [replace(item, split="validation") for item in train if item.name in chosen]
    return kept, moved
