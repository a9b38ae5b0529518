"""What readers ask of folders, on disk or packed: are they there, which pictures lie in them, which are held out."""

import hashlib
from dataclasses import replace
from pathlib import Path, PurePosixPath

from googlenet.data.packed import Packed, Stretch
from googlenet.data.records import SPLITS, Annotation, Candidate
from googlenet.errors import UserError, nearest

EMPTY = ("refuse", "keep")
LONGEST_NAME = 240  # bytes; file systems take 255, and a suffix may be added
PICTURES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")


def root_of(kind: str, settings: dict) -> Path:
    """The data set's folder. Raises UserError naming the key when it is not set or not there."""
    key = f"dataset.{kind}.root"
    if not settings["root"]:
        raise UserError(f"{key}: not set; give the folder that holds the data set")
    root = Path(settings["root"]).expanduser()
    if not root.is_dir():
        raise UserError(f"{key}: no folder {root}; fetch the data set or correct the path")
    return root


def check_splits(kind: str, settings: dict, hold_out: bool = False) -> None:
    """See that `splits` names three sources; validation may be "" where pictures are held out instead.

    With `hold_out`, training may be "" too, for a data set that nothing is trained on: then test stands alone.
    """
    key, splits = f"dataset.{kind}.splits", settings["splits"]
    if sorted(splits) != sorted(SPLITS):
        raise UserError(f"{key}: has {', '.join(splits) or 'nothing'}; needs exactly {', '.join(SPLITS)}")
    if hold_out and test_alone(settings):
        if settings["validation_per_class"]:
            raise UserError(
                f"dataset.{kind}.validation_per_class: no training pictures to hold out of; set it to 0"
            )
        if not splits["test"]:
            raise UserError(f"{key}.test: not set; name the part of the data set to use")
        return
    held_out = hold_out and settings["validation_per_class"] > 0
    if hold_out and held_out == bool(splits["validation"]):
        raise UserError(
            f"{key}.validation: either name a folder and set dataset.{kind}.validation_per_class to 0, "
            'or set it to "" and that key above 0'
        )
    named = [splits[split] for split in SPLITS if not (held_out and split == "validation")]
    for split in SPLITS:
        if not splits[split] and not (held_out and split == "validation"):
            raise UserError(f"{key}.{split}: not set; name the part of the data set to use")
    if len(set(named)) < len(named):
        raise UserError(
            f"{key}: two splits read the same source; name another, since choices and figures need different pictures"
        )


def empty_kept(kind: str, settings: dict) -> bool:
    """Whether pictures whose annotation names no object are kept. Raises UserError for a word that is no rule."""
    rule = settings["pictures_without_objects"]
    if rule not in EMPTY:
        raise UserError(f"dataset.{kind}.pictures_without_objects: no rule '{rule}'{nearest(rule, EMPTY)}")
    return rule == "keep"


def test_alone(settings: dict) -> bool:
    """Whether a data set has neither training nor validation pictures."""
    return not settings["splits"]["train"] and not settings["splits"]["validation"]


def require(path: Path | Packed, key: str, folder: bool = True) -> Path | Packed:
    """Return `path`, or raise UserError naming the key that leads there."""
    if not (path.is_dir() if folder else path.is_file()):
        raise UserError(
            f"{key}: no {'folder' if folder else 'file'} {path}; correct the key or complete the data set"
        )
    return path


def visible(folder: Path | Packed) -> list[Path | Packed]:
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


def is_picture(path: Path | Packed) -> bool:
    """Whether the name is that of a picture file."""
    return path.suffix.lower() in PICTURES and path.is_file()


def candidate(
    split: str,
    name: str,
    path: Path | Packed,
    label: int = -1,
    annotation: Annotation | None = None,
    partial: tuple[int, ...] = (),
) -> Candidate:
    """A picture at a path, be it a file or a stretch of an archive."""
    if isinstance(path, Packed):
        where = path.what
        if not isinstance(where, Stretch):
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
