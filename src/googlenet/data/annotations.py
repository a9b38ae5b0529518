"""Boxes in VOC's XML, which ILSVRC also uses: reading a file, placing its boxes in an image, lists of such images."""

import math
from collections.abc import Collection, Sequence
from sys import intern
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from googlenet.data.archive_path import AnyPath
from googlenet.data.folders import candidate
from googlenet.data.image_files import ImageFiles, split_suffix
from googlenet.data.records import Annotation, Candidate, Refused
from googlenet.errors import UserError, printable
from googlenet.tracking.progress import counted

LONGEST_SIDE = 9  # digits
FLAGS = dict.fromkeys(("1", "1.0", "true", "t", "yes", "y", "on"), True)
FLAGS |= dict.fromkeys(("", "0", "0.0", "false", "f", "no", "n", "off"), False)
CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read_annotation(path: AnyPath, origin: int, empty: bool = False) -> Annotation:
    """Read a VOC XML file, boxes unchecked. `empty`: it may have no object. Raises UserError naming the file."""
    content = None
    try:
        content = path.read_bytes()
        root = fromstring(content)
    except FileNotFoundError:
        raise UserError(f"{path.name}: no such annotation file") from None
    except DefusedXmlException:
        raise UserError(f"{path.name}: declares XML entities, which an annotation never needs") from None
    except (ParseError, OSError, ValueError, LookupError) as error:
        kind = "is empty" if content == b"" else f"is not XML ({error})"
        raise UserError(f"{path.name}: {kind}") from None
    objects = root.findall("object")
    if not objects and not empty:
        raise UserError(f"{path.name}: has no object")
    names = tuple(_name(item, path) for item in objects)
    boxes = tuple(_box(item, path) for item in objects)
    difficult = tuple(flag(item.findtext("difficult"), f"{path.name}: <difficult>") for item in objects)
    size = (_side(root, "width", path), _side(root, "height", path))
    return Annotation(path.name, names, boxes, difficult, size, origin)


def place(
    annotation: Annotation, width: int, height: int, keys: list[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Convert an annotation's boxes to 0-based inclusive pixels of an image of `width` x `height` px.

    Tools disagree on whether the first pixel is 0 or 1: a corner outside the image by that one pixel is clipped.
    Returns boxes float32 [n, 4], labels int64 [n] (indices in `keys`), difficult bool [n]. Raises UserError naming the
    file for an image of another size, an unknown class, or a box that is inverted, without area or further outside.
    """
    file, (w, h) = annotation.file, annotation.size
    if (w and w != width) or (h and h != height):
        raise UserError(f"{file}: made for {w}x{h} px; the image has {width}x{height} px")
    label = {key: number for number, key in enumerate(keys)}
    if unknown := sorted(set(annotation.names) - set(label)):
        raise UserError(f"{file}: unknown class '{unknown[0]}'")
    placed = [_placed(annotation, box, width, height) for box in annotation.boxes]
    boxes = np.array(placed, np.float32).reshape(-1, 4)
    labels = np.array([label[name] for name in annotation.names], np.int64)
    return boxes, labels, np.array(annotation.difficult, bool)


def _placed(annotation: Annotation, box: tuple[float, ...], width: int, height: int) -> list[float]:
    """Convert one box to 0-based inclusive pixels, clipped by at most the one pixel in which origins differ."""
    shown = f"{annotation.file}: box {as_text(box)}"
    if not (box[0] < box[2] and box[1] < box[3]):
        raise UserError(f"{shown} is inverted or has no area")
    # The side on which a box of the other convention exceeds the image by one pixel.
    below, above = (1, 0) if annotation.origin == 1 else (1, 1) if annotation.exclusive else (0, 1)
    placed = []
    for corner, value in enumerate(box):
        last = (width, height)[corner % 2] - 1
        value -= annotation.origin + (annotation.exclusive and corner > 1)
        inside = -below <= value <= last + above
        if annotation.exclusive:  # and some part of the box is inside the image
            inside &= value < last + 1 if corner < 2 else value > -1
        if not inside:
            raise UserError(f"{shown} lies outside its image of {width}x{height} px")
        placed.append(min(max(value, 0.0), float(last)))
    if placed[0] > placed[2] or placed[1] > placed[3]:
        raise UserError(f"{shown} is under one pixel wide or high")
    return placed


def as_text(box: Sequence[float]) -> str:
    """Format a box for an error message."""
    return f"({', '.join(f'{value:g}' for value in box)})"


def flag(value: object, what: str) -> bool:
    """Return a flag as tools write it: 1, true, yes, 1.0, ...; nothing is false. Raises UserError for anything else."""
    text = "" if value is None else str(value).strip()
    if text.lower() not in FLAGS:
        raise UserError(f"{what} is '{text[:20]}', not 0 or 1")
    return FLAGS[text.lower()]


def _name(item: Element, path: AnyPath) -> str:
    if not (text := (item.findtext("name") or "").strip()):
        raise UserError(f"{path.name}: an object has no <name>")
    return intern(text)  # few distinct names, repeated a million times


def _box(item: Element, path: AnyPath) -> tuple[float, float, float, float]:
    texts = [item.findtext(f"bndbox/{corner}") or "" for corner in CORNERS]
    try:
        xmin, ymin, xmax, ymax = (float(text) for text in texts)
    except ValueError:
        xmin = ymin = xmax = ymax = math.nan
    if not all(math.isfinite(value) for value in (xmin, ymin, xmax, ymax)):
        raise UserError(f"{path.name}: an object's <bndbox> lacks a corner or has one that is not a number")
    return xmin, ymin, xmax, ymax


def _side(root: Element, tag: str, path: AnyPath) -> int:
    text = (root.findtext(f"size/{tag}") or "0").strip()
    if not text.isdecimal() or len(text) > LONGEST_SIDE:
        raise UserError(f"{path.name}: <{tag}> of <size> is '{text[:20]}', not a number of pixels")
    return int(text)


def listed(
    split: str,
    items: list[str],
    images: ImageFiles,
    annotations: AnyPath,
    origin: int,
    empty: bool = False,
    negatives: Collection[str] = (),
) -> tuple[list[Candidate], list[Refused]]:
    """Return a list's images with annotations, which may be `empty`, or missing for `negatives`, and the refusals."""
    candidates, refused = [], []
    for item in counted(items, f"annotations of {split}"):
        try:
            name, path = images.find(item)
            stem = split_suffix(name)[0]
            file = annotations / f"{stem}.xml"
            if not file.is_file() and (upper := annotations / f"{stem}.XML").is_file():
                file = upper
            if stem in negatives and not file.is_file():
                annotation = Annotation(file.name, (), (), (), (0, 0), origin)
            else:
                annotation = read_annotation(file, origin, empty or stem in negatives)
            candidates.append(candidate(name, path, -1, annotation))
        except UserError as error:
            refused.append(Refused(split, printable(item), str(error)))
    return candidates, refused


def drop_repeated(splits: dict[str, list[Candidate]], refused: list[Refused], by_stem: bool = False) -> None:
    """Keep each image once, in the first split that lists it: test must not contain training images.

    `by_stem`: annotations are named after their images without suffix, so that a.jpg and a.png cannot both have one.
    """
    seen: dict[tuple[str, int], tuple[str, Candidate]] = {}
    for split, candidates in splits.items():
        splits[split] = []
        for item in sorted(candidates, key=lambda item: item.name):  # independent of the list's order
            path, offset = str(item.path), item.offset
            first = seen.setdefault((split_suffix(path)[0] if by_stem else path, offset), (split, item))
            if first[1] is item:
                splits[split].append(item)
            else:
                same = "already" if first[1].path == item.path else f"shares its annotation with {first[1].name},"
                refused.append(Refused(split, item.name, f"{item.name}: {same} listed in {first[0]}"))


def class_keys(train: list[Candidate]) -> list[str]:
    """Return the names of all objects in the training annotations, sorted."""
    return sorted({name for item in train if item.annotation for name in item.annotation.names})
