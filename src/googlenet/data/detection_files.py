"""Input files for scoring: a folder of XML annotations, a blacklist and the detections, of the images in a list.

Detections have one of three formats, chosen by the file's suffix:

    .csv     a header line with image,class,score,xmin,ymin,xmax,ymax, in any order; images and classes by name
    .json    a list of {"image": ..., "class": ..., "score": ..., "box": [xmin, ymin, xmax, ymax]}, by name
    others   ILSVRC's submission: <image number> <class number> <score> <xmin> <ymin> <xmax> <ymax> on each line

Boxes have inclusive corners and the origin of the XML. Every error names the file, the line (JSON: the entry) and the
fix.
"""

import csv
import json
import math
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from googlenet.data.annotations import CORNERS, as_text, read_annotation
from googlenet.data.class_table import WNID, ClassRow, by_any_name, key_of, text_of
from googlenet.data.image_files import inside
from googlenet.data.image_list import ImageList, read_blacklist
from googlenet.errors import UserError, nearest

COLUMNS = ("image", "class", "score", *CORNERS)
XML_ORIGIN = 0  # boxes are kept as in the XML: the overlap of two does not depend on the origin

Row = tuple[str, Any, Any, Sequence[Any]]  # location for error messages, image, class, score and corners
Columns = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


class Classes(NamedTuple):
    """The scored classes: keys as in the XML, display names, the key of any name, and the label by number."""

    keys: list[str]
    names: list[str]
    known: dict[str, str]
    by_number: dict[str, int]  # empty if no numbers are given


def read_truth(images: ImageList, folder: Path, table: Sequence[ClassRow]) -> tuple[Columns, Classes]:
    """Read the XML of every image; the classes are those of `table` or, without one, those that occur, sorted.

    One row per object: image int64 [m], label int64 [m], box float64 [m, 4], difficult bool [m].
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; give the one that holds the XML of the images")
    known = by_any_name(table)
    image, boxes, difficult = array("q"), array("d"), array("b")
    names: list[str] = []
    files: list[str] = []
    for at, name in enumerate(images.names):
        if not inside(name):
            raise UserError(f"{images.file}: '{name}' points outside {folder}; correct the line")
        try:
            annotation = read_annotation(folder / f"{name}.xml", XML_ORIGIN, empty=True)
        except UserError as error:
            raise UserError(f"{images.file}, '{name}': {error}; correct the file or the list") from None
        image.extend([at] * len(annotation.names))
        names += annotation.names
        files += [annotation.file] * len(annotation.names)
        difficult.extend(annotation.difficult)
        for box in annotation.boxes:
            if box[0] > box[2] or box[1] > box[3]:
                raise UserError(f"{annotation.file}: box {as_text(box)} is inverted; correct the file")
            boxes.extend(box)
    if not table:
        known = {name: name for name in names}
    numbers = {str(row.number or at): at - 1 for at, row in enumerate(table, start=1)}
    keys = [row.key for row in table] or sorted(known)
    classes = Classes(keys, [row.name for row in table] or keys, known, numbers)
    label_of = {key: label for label, key in enumerate(keys)}
    labels = [label_of[key_of(name, known, file)] for name, file in zip(names, files, strict=True)]
    placed = np.array(boxes, np.float64).reshape(-1, 4)
    return (np.array(image), np.array(labels, np.int64), placed, np.array(difficult, bool)), classes


def blacklisted(
    path: Path, images: ImageList, classes: Classes, numbers: ImageList | None = None
) -> tuple[np.ndarray, int]:
    """Read a blacklist: (image, label) int64 [k, 2] of listed images and scored classes; the number of other entries.

    `numbers`: the list whose numbers the blacklist uses, if not that of `images`.
    """

    def class_of(name: str, where: str) -> str | None:
        # Without a table, or named by wnid, a class may simply not occur here.
        absent = name not in classes.known and (not classes.by_number or WNID.fullmatch(name))
        return None if absent else key_of(name, classes.known, where)

    remedy = "give the list whose numbers the blacklist has, the kit's val.txt, with --numbers"
    entries = read_blacklist(path, images.place, numbers or images, class_of, remedy)
    pairs = [(images.place[image], classes.keys.index(key)) for image, key in entries.pairs]
    return np.array(pairs, np.int64).reshape(-1, 2), entries.outside


def read_detections(path: Path, images: ImageList, classes: Classes) -> Columns:
    """Read detections of listed images, in order: image, label int64 [n], score float64 [n], box float64 [n, 4]."""
    rows = {".csv": _of_csv, ".json": _of_json}.get(path.suffix.lower(), _of_text)
    by_name, label_of = rows is not _of_text, classes.by_number
    if by_name:
        label_of = {name: classes.keys.index(key) for name, key in classes.known.items()}
    elif not label_of:
        next(_open(path), "")  # raises an error if it cannot be read: then a table would not help
        forms = "or detections that name them, as .csv or .json"
        raise UserError(f"{path.name}: its classes are numbers; give a table that says which (--classes), {forms}")
    indices, label, numbers = array("q"), array("q"), array("d")
    for where, image, name, values in rows(path):
        at = images.find(image) if by_name else images.by_number.get(image)
        if at is None:
            known = f"the {len(images.names)} of {images.file}"
            raise UserError(f"{where}: no image '{image}' among {known}; correct the line or the list")
        if name not in label_of:
            raise UserError(f"{where}: no class '{name}'{nearest(name, label_of)}")
        indices.append(at)
        label.append(label_of[name])
        numbers.extend(_checked(values, where))
    table = np.array(numbers, np.float64).reshape(-1, 5)
    return np.array(indices), np.array(label), table[:, 0], table[:, 1:]


def _checked(values: Sequence[Any], where: str) -> list[float]:
    """Return score and corners, checked to be finite numbers with the corners in order."""
    numbers = []
    for name, value in zip(("score", *CORNERS), values, strict=True):
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not math.isfinite(number):
            raise UserError(f"{where}: {name} is '{value}', not a finite number; correct it or leave the line out")
        numbers.append(number)
    if numbers[1] > numbers[3] or numbers[2] > numbers[4]:
        raise UserError(f"{where}: box {as_text(numbers[1:])} is inverted; write xmin ymin xmax ymax")
    return numbers


def _of_text(path: Path) -> Iterator[Row]:
    for at, line in enumerate(_open(path), start=1):
        words, where = line.split(), f"{path.name}, line {at}"
        if len(words) not in (0, 7):
            raise UserError(f"{where}: has {len(words)} words, not 7; write image class score xmin ymin xmax ymax")
        if words:
            yield where, words[0], words[1], words[2:]


def _of_csv(path: Path) -> Iterator[Row]:
    reader = csv.reader(_open(path))
    try:
        head = [word.strip() for word in next(reader, [])]
        if sorted(head) != sorted(COLUMNS):
            raise UserError(f"{path.name}, line 1: the header must name {', '.join(COLUMNS)}; correct it")
        image, name, *values = (head.index(column) for column in COLUMNS)
        for row in reader:
            where = f"{path.name}, line {reader.line_num}"
            if row and len(row) != len(head):
                raise UserError(f"{where}: has {len(row)} fields, not {len(head)}; correct the line")
            if row:
                yield where, row[image].strip(), row[name].strip(), [row[column] for column in values]
    except csv.Error as error:
        raise UserError(f"{path.name}, line {reader.line_num}: is not valid CSV ({error}); correct the line") from None


def _of_json(path: Path) -> Iterator[Row]:
    try:
        rows = json.loads("".join(_open(path)))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path.name}: not JSON ({error}); write it again") from None
    if not isinstance(rows, list):
        raise UserError(f"{path.name}: is not a list; write [{{image, class, score, box}}, ...]")
    lacking = "needs the texts image and class, a score, and a box of four numbers"
    for at, row in enumerate(rows, start=1):
        where = f"{path.name}, entry {at}"
        match row:
            case {"image": str(image), "class": str(name), "box": [_, _, _, _] as box}:
                yield where, image, name, [row.get("score"), *box]
            case _:
                raise UserError(f"{where}: {lacking}; correct it")


def _open(path: Path) -> Iterator[str]:
    """Yield a text file's lines one by one."""
    with text_of(path), open(path, encoding="utf-8-sig", newline="") as file:
        yield from file
