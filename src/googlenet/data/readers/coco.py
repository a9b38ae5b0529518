"""Reader of COCO's layout: one JSON of images, boxes and categories per split, and the image files.

`images` and `annotations` are a folder and a file below the root. {split} in them stands for the split's name:
"{split}" and "annotations/instances_{split}.json", for example, with the splits train2017 and val2017.

Boxes are 0-based [x, y, width, height] and cover the pixels x to x + width - 1. The setting `crowd` decides what a
crowd region (iscrowd 1: many objects in one box) is: `partial`, not an object, but the image may hold objects of its
class without a box; or `difficult`, an object that is not trained on and counts neither way. The latter is for boxes of
about the crowd's size: one of a single object within the crowd is background, and a false positive. COCO's own
evaluation divides the intersection with a crowd by the area of the detection, and so tolerates both.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from googlenet.config.schema.dataset import DetectionSource
from googlenet.data.annotations import drop_repeated, flag
from googlenet.data.folders import PLACE, at, candidate, check_splits, hold_out, require, root_of
from googlenet.data.image_files import ImageFiles
from googlenet.data.records import SPLITS, Annotation, Candidate, Reading, Refused
from googlenet.errors import UserError
from googlenet.tracking.progress import counted

Row = dict[str, Any]  # of one of the tables, as in the file
TABLES = ("images", "annotations", "categories")


def check(source: DetectionSource) -> None:
    """Check that the files exist. Raises UserError naming the key."""
    root = root_of(source)
    check_splits(source)
    if PLACE not in source.annotations:
        reason = f"'{source.annotations}' has no {PLACE}"
        raise UserError(f"{source.key}.annotations: {reason}; COCO's is annotations/instances_{PLACE}.json")
    for split in filter(source.splits.of, SPLITS):
        require(at(root, source.images, source, split), f"{source.key}.images")
        require(at(root, source.annotations, source, split), f"{source.key}.annotations", folder=False)


def read(source: DetectionSource, scratch: Path | None = None) -> Reading:
    """Read the JSON of every split. Classes: `classes` if given, else the categories that have boxes in training."""
    check(source)
    root = root_of(source)
    files = {s: _File(at(root, source.annotations, source, s)) for s in SPLITS if source.splits.of(s)}
    keys = list(source.classes) or files["train"].used()
    splits: dict[str, list[Candidate]] = {split: [] for split in files}
    refused: list[Refused] = []
    for split, file in files.items():
        images = ImageFiles(at(root, source.images, source, split))
        for row in counted(file.images, f"images listed for {split}"):
            try:
                splits[split].append(_candidate(file, row, images, keys, source))
            except UserError as error:
                refused.append(Refused(split, row["file_name"], str(error)))
    drop_repeated(splits, refused)
    hold_out(source, splits)
    return Reading(keys, keys, splits, refused, "images with COCO boxes")


class _File:
    """One JSON file, its three tables checked and joined; errors in single boxes are reported with their image."""

    def __init__(self, path: Path):
        self.name = path.name
        images, annotations, categories = _tables(path)
        self.images = list(self._rows("images", images, "id", "file_name"))
        for name, times in Counter(row["file_name"] for row in self.images).items():
            if times > 1:  # either row's boxes would be taken for all that the image has
                raise UserError(f"{self.name}: {times} of its images have the file name '{name}'; merge them into one")
        self.categories: dict[Any, str] = {}
        for i, row in enumerate(self._rows("categories", categories, "id", "name")):
            if row["id"] in self.categories or row["name"] in self.categories.values():
                other = f"another has the id {row['id']} or the name '{row['name']}'"
                raise UserError(f"{self.name}: categories[{i}]: {other}; remove one of them")
            self.categories[row["id"]] = row["name"]
        self.boxes: dict[Any, list[tuple[int, Row]]] = {row["id"]: [] for row in self.images}
        if len(self.boxes) < len(self.images):
            raise UserError(f"{self.name}: two of its images have one id; give each its own")
        for i, row in enumerate(self._rows("annotations", annotations, "image_id", "category_id")):
            if (image := row["image_id"]) not in self.boxes:
                reason = f"no image has the id {image}"
                raise UserError(f"{self.name}: annotations[{i}]: {reason}; remove it or add the image")
            self.boxes[image].append((i, row))
        for rows in self.boxes.values():
            rows.sort(key=_order)

    def used(self) -> list[str]:
        """Return the names of the categories that occur, in the order of their ids."""
        ids = {row["category_id"] for rows in self.boxes.values() for _, row in rows}
        known = sorted(ids & self.categories.keys(), key=lambda number: (isinstance(number, str), number))
        return [self.categories[number] for number in known]

    def _rows(self, table: str, rows: list[Any], *keys: str) -> Iterator[Row]:
        """Yield a table's rows after checking that each has `keys`: ids are numbers or strings, the others strings."""
        for i, row in enumerate(rows):
            if not isinstance(row, dict):
                raise UserError(f"{self.name}: {table}[{i}] is not an object; correct the file")
            for key in keys:
                value = row.get(key)
                right = type(value) in (int, str) if key.endswith("id") else isinstance(value, str)
                if not right or value == "" or (isinstance(value, str) and not is_text(value)):
                    raise UserError(f"{self.name}: {table}[{i}] has no usable '{key}'; correct the file")
            yield row


def _order(numbered: tuple[int, Row]) -> tuple[bool, Any]:
    """The sort key of an image's boxes: their ids, which do not depend on the order of the file."""
    value = numbered[1].get("id")
    return isinstance(value, str), value if type(value) in (int, str) else 0


def is_text(value: str) -> bool:
    """Whether a string of a JSON file can be encoded again: JSON may contain lone surrogates."""
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def _tables(path: Path) -> list[list[Any]]:
    """Return the three lists of a COCO file."""
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError, OSError) as error:
        raise UserError(f"{path.name}: not JSON ({error}); export it again") from None
    for table in TABLES:
        if not isinstance(value, dict) or not isinstance(value.get(table), list):
            raise UserError(f"{path.name}: has no list '{table}'; COCO's detection JSON has {', '.join(TABLES)}")
    return [value[table] for table in TABLES]


def _candidate(file: _File, row: Row, images: ImageFiles, keys: list[str], source: DetectionSource) -> Candidate:
    """Return one image with its boxes. Raises UserError for a missing image or an invalid box."""
    try:
        name, path = images.find(row["file_name"])
    except UserError as error:
        raise UserError(f"{file.name}: {error}") from None
    boxes = file.boxes[row["id"]]
    if not boxes and source.images_without_objects == "refuse":
        raise UserError(f"{file.name}: {name} has no object")
    names, corners, difficult, partial = [], [], [], set()
    for number, box in boxes:
        where = f"{file.name}: annotations[{number}] of {name}"
        category = file.categories.get(box["category_id"])
        if category is None or category not in keys:
            raise UserError(f"{where}: unknown class '{category or box['category_id']}'")
        crowd = flag(box.get("iscrowd"), f"{where}: iscrowd")
        if crowd and source.crowd == "partial":
            partial.add(keys.index(category))
        else:
            names.append(category)
            corners.append(_corners(box.get("bbox"), where))
            difficult.append(crowd)
    where = f"{file.name}, {name}"
    size = (_side(row, "width", where), _side(row, "height", where))
    annotation = Annotation(where, tuple(names), tuple(corners), tuple(difficult), size, 0, exclusive=True)
    return replace(candidate(name, path, -1, annotation), partial=tuple(sorted(partial)))


def _corners(box: Any, where: str) -> tuple[float, float, float, float]:
    """Convert [x, y, width, height] to (x, y, x + width, y + height)."""
    right = isinstance(box, list) and len(box) == 4 and all(type(side) in (int, float) for side in box)
    if not right or not all(abs(side) <= sys.float_info.max for side in box):
        raise UserError(f"{where}: bbox is not four numbers x, y, width, height")
    x, y, width, height = map(float, box)
    if width <= 0 or height <= 0:
        raise UserError(f"{where}: bbox of {width:g} x {height:g} px is inverted or has no area")
    return x, y, x + width, y + height


def _side(row: Row, key: str, where: str) -> int:
    """Return a side in pixels as stated in the file; 0 if it states none, as the tool VIA does with -1."""
    side = row.get(key) or 0
    side = 0 if side == -1 else side
    if type(side) is not int or side < 0:
        raise UserError(f"{where}: {key} is {side!r}, not a number of pixels")
    return side
