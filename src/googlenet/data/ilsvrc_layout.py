"""ILSVRC's own layout, CLS-LOC and DET, wherever it is stored: on disk, in an archive, or as generated images.

    Data/CLS-LOC/train/<wnid>/*.JPEG     Data/DET/<split>/...
    Data/CLS-LOC/val/*.JPEG              Annotations/DET/<split>/...xml
    Annotations/CLS-LOC/val/*.xml        ImageSets/DET/<list>.txt
    LOC_synset_mapping.txt, map_det.txt  optional: the words of a wnid, beside Data, in devkit/data/, or one folder up

Lists are <split>.txt, with <image> [<index>] on each line (an index on all lines or on none), and <split>_<number>.txt
for the class of that number in map_det.txt, with <image> 1 | 0 | -1: 1 means that every object of the class has a box,
0 that some may lack one, -1 that there is none; nothing is known about classes that do not list an image. Without
<split>.txt the images are those listed by any class.

The flat validation images take their class from their XML, which names objects by wnid: the challenge's
numeric ground truth does not number classes alphabetically. ILSVRC's boxes are 0-based.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from googlenet.config.schema.dataset import ClassificationSource, DataSource, DetectionSource, Kind
from googlenet.data import class_table, folders
from googlenet.data.annotations import class_keys, drop_repeated, listed, read_annotation
from googlenet.data.archive_path import AnyPath
from googlenet.data.class_table import ClassRow, key_of, lines_of, names_for
from googlenet.data.image_files import ImageFiles, inside, is_image, names_in, split_suffix
from googlenet.data.image_list import Blacklist, ImageList, blacklist_note, read_blacklist, read_list
from googlenet.data.records import SPLITS, Candidate, Reading, Refused
from googlenet.errors import UserError, printable
from googlenet.tracking.progress import counted

PARTS: dict[Kind, str] = {"classification": "CLS-LOC", "detection": "DET"}
TABLES: dict[Kind, tuple[str, ...]] = {
    "classification": ("LOC_synset_mapping.txt",),
    "detection": ("map_det.txt", "LOC_synset_mapping.txt"),
}
BOX_ORIGIN = 0
MARKS = {"1", "0", "-1"}
INDEX = re.compile(r"\s+(\d+)$")
BLACKLISTED = "val"  # the list whose numbers the competition's blacklist uses


def check(source: DataSource, top: AnyPath) -> None:
    """Check that the folders and lists of the splits exist in `top`. Raises UserError naming the key."""
    folders.check_splits(source)
    part = PARTS[source.kind]
    for split in filter(source.splits.of, SPLITS):
        name, key = source.splits.of(split), f"{source.key}.splits.{split}"
        folder = folder_of(top, name) if source.kind == "detection" else name
        if source.kind == "detection" and not _class_lists(top, name):
            folders.require(_list(top, name), key, folder=False)
        folders.require(top / "Data" / part / folder, key)
        if split != "train" or source.kind == "detection":
            folders.require(top / "Annotations" / part / folder, key)
    if isinstance(source, DetectionSource) and source.blacklist:
        _blacklist_file(source, top)


def read(source: DataSource, top: AnyPath, table: list[ClassRow] | None = None) -> Reading:
    """Read one part from `top`, which holds Data, Annotations and ImageSets. `table`: by default the data's own."""
    check(source, top)
    table = table_of(top, source.kind) if table is None else table
    if isinstance(source, DetectionSource):
        return _detection(source, top, table)
    return _classification(source, top, table)


def _classification(source: ClassificationSource, top: AnyPath, table: list[ClassRow]) -> Reading:
    data, keys = top / "Data/CLS-LOC", None
    splits: dict[str, list[Candidate]] = {}
    refused: list[Refused] = []
    if not folders.test_alone(source.splits):
        keys = folders.class_names(data / source.splits.train, f"{source.key}.splits.train")
        splits["train"] = folders.images_in(data / source.splits.train, "train", keys, refused)
    for split in ("validation", "test"):
        if name := source.splits.of(split):
            named = _flat(split, data / name, top / "Annotations/CLS-LOC" / name, keys, refused)
            keys = sorted({key for _, key in named}) if keys is None else keys
            labels = {key: label for label, key in enumerate(keys)}
            splits[split] = [folders.candidate(path.name, path, labels[key]) for path, key in named]
    keys = keys or []
    folders.hold_out(source, splits, keys)
    return Reading(names_for(table, keys), keys, splits, refused, "ILSVRC CLS-LOC")


def _flat(
    split: str, images: AnyPath, annotations: AnyPath, keys: list[str] | None, refused: list[Refused]
) -> list[tuple[AnyPath, str]]:
    """List a folder's images with the class that their XML names: one of `keys`, or any if None."""
    named, known, subfolders = [], set(keys or ()), 0
    for path in counted(folders.visible(images), f"annotations of {split}"):
        try:
            if not inside(path.name):
                raise UserError(f"{path.name}: its name is not UTF-8, or too long; rename it")
            if not is_image(path):
                subfolders += path.is_dir()
                raise UserError(f"{path.name}: not an image file")
            names = set(read_annotation(annotations / f"{path.stem}.xml", BOX_ORIGIN).names)
            if len(names) != 1 or (keys is not None and not names <= known):
                reason = "not one class" if keys is None else "not one class of training"
                raise UserError(f"{path.stem}.xml: names {', '.join(sorted(names))}, {reason}")
            named.append((path, names.pop()))
        except UserError as error:
            refused.append(Refused(split, printable(path.name), str(error)))
    if subfolders:
        fix = "move the images up, or read class folders with reader: class_folders"
        raise UserError(f"{images}: has {subfolders:,} subfolders, which are not read, where images should be; {fix}")
    return named


def table_of(top: AnyPath, kind: Kind) -> list[ClassRow]:
    """Read the table of class wnids and words stored with the data; empty if there is none."""
    places = [base / inner for base in (top, top.parent) for inner in ("", "devkit/data")]
    tables = [place / name for name in TABLES[kind] for place in places if (place / name).is_file()]
    return class_table.read_class_table(tables[0]) if tables else []


def _detection(source: DetectionSource, top: AnyPath, table: list[ClassRow]) -> Reading:
    """Read lists and annotations; the classes are wnids."""
    known = class_table.by_any_name(table)
    splits: dict[str, list[Candidate]] = {}
    refused: list[Refused] = []
    marked: dict[str, _Marked | None] = {}
    for split in filter(source.splits.of, SPLITS):
        name = source.splits.of(split)
        folder = folder_of(top, name)
        images, annotations = ImageFiles(top / "Data/DET" / folder), top / "Annotations/DET" / folder
        items, marked[split], negatives = _items(top, name, table, images)
        if not source.negatives:
            items = [item for item in items if split_suffix(item)[0] not in negatives]
        # Without per-class lists, as in val, every image was searched for every class; some contain no object.
        unmarked = marked[split] is None
        candidates, bad = listed(split, items, images, annotations, BOX_ORIGIN, unmarked, negatives)
        refused += bad
        splits[split] = [_by_key(item, known) for item in candidates]
    drop_repeated(splits, refused, by_stem=True)
    keys = [_wnid(name, known, f"{source.key}.classes") for name in source.classes] or class_keys(splits["train"])
    read_names = {split_suffix(item.name)[0] for candidates in splits.values() for item in candidates}
    entries, black = _blacklist(source, top, keys, known, read_names), dict[str, set[int]]()
    for image, key in entries.pairs:
        black.setdefault(image, set()).add(keys.index(key))
    for split, candidates in splits.items():
        splits[split] = [_judged(item, marked[split], black, keys) for item in candidates]
    folders.hold_out(source, splits)
    notes = blacklist_note(source.blacklist, len(entries.pairs), entries.outside)
    return Reading(names_for(table, keys), keys, splits, refused, "ILSVRC DET", notes)


def folder_of(top: AnyPath, name: str) -> str:
    """Return the folder of a list's images: `val1`, one of the two usual halves of val, reads from `val`."""
    return name if (top / "Data/DET" / name).is_dir() else name.rstrip("0123456789").rstrip("_")


class _Marked:
    """Content of the per-class lists: the classes of which an image has all its boxes."""

    def __init__(self, items: list[str], classes: list[str]):
        self.row = {item: row for row, item in enumerate(items)}
        self.column = {key: column for column, key in enumerate(classes)}
        self.complete = np.zeros((len(items), len(classes)), bool)
        self._partial: dict[bytes, tuple[int, ...]] = {}

    def partial(self, item: str, keys: list[str]) -> tuple[int, ...]:
        """Return indices in `keys` of classes that may have objects without a box; cached, as few tuples differ."""
        row = self.complete[self.row[item]] if item in self.row else np.zeros(len(self.column), bool)
        mark = row.tobytes()
        if mark not in self._partial:
            complete = [key in self.column and row[self.column[key]] for key in keys]
            self._partial[mark] = tuple(label for label, known in enumerate(complete) if not known)
        return self._partial[mark]


def _items(
    top: AnyPath, name: str, table: list[ClassRow], images: ImageFiles
) -> tuple[list[str], _Marked | None, set[str]]:
    """Return a split's images, their per-class marks (None without such lists), and the negatives, without suffix."""
    lists, plain, items = _class_lists(top, name), _list(top, name), None
    if plain.is_file():
        items = names_in([line for _, line in lines_of(plain)], images, INDEX)
    if not lists:
        return items or [], None, set()
    wnids = {row.number: row.key for row in table if row.number}
    if unknown := sorted(set(lists) - set(wnids)):
        remedy = f"put map_det.txt of the development kit (wnid, number, name in each line) into {top}"
        raise UserError(f"{lists[unknown[0]].name}: no class has the number {unknown[0]}; {remedy}")
    # Read twice to save memory: 200 lists of some 65,000 lines each.
    if items is None:
        items = sorted({item for path in lists.values() for item, _ in _marks(path)})
    stems = [split_suffix(item)[0] for item in items]
    marked = _Marked(stems, [wnids[number] for number in lists])
    mentioned, positive = np.zeros((2, len(items)), bool)
    for column, path in enumerate(lists.values()):
        for item, mark in _marks(path):
            if (row := marked.row.get(item)) is not None:
                marked.complete[row, column] = mark != "0"
                mentioned[row] = True
                positive[row] |= mark != "-1"
    return items, marked, {stems[row] for row in np.flatnonzero(mentioned & ~positive)}


def _marks(path: AnyPath) -> Iterator[tuple[str, str]]:
    """Yield the images of one class's list, each with "1", "0" or "-1"."""
    for at, line in lines_of(path):
        words = line.rsplit(maxsplit=1)
        if len(words) != 2 or words[1] not in MARKS:
            form = "an image and 1, 0 or -1 (all objects have boxes, some may lack them, none there)"
            raise UserError(f"{path.name}, line {at}: '{line}' is not {form}; correct the line")
        yield split_suffix(words[0])[0], words[1]


def _judged(item: Candidate, marked: _Marked | None, black: dict[str, set[int]], keys: list[str]) -> Candidate:
    """Return the candidate with `partial` set: the classes of which it may have objects without a box."""
    stem = split_suffix(item.name)[0]
    partial = marked.partial(stem, keys) if marked else ()
    extra = black.get(stem, set()) - set(partial)
    return replace(item, partial=tuple(sorted({*partial, *extra})) if extra else partial)


def _by_key(item: Candidate, known: dict[str, str]) -> Candidate:
    """Return the candidate with its objects named by wnid, whether its file uses wnids or words."""
    if item.annotation is None:
        return item
    names = tuple(known.get(name, name) for name in item.annotation.names)
    return replace(item, annotation=replace(item.annotation, names=names))


def _blacklist(
    source: DetectionSource, top: AnyPath, keys: list[str], known: dict[str, str], images: Collection[str]
) -> Blacklist:
    """Read the blacklist of a data set, whose numbers are those of val.txt: the entries on `images` and `keys`."""
    if not source.blacklist:
        return Blacklist([], 0)
    plain = _list(top, BLACKLISTED)
    numbers = read_list(plain) if plain.is_file() else ImageList(plain.name, [], {}, {})

    def class_of(name: str, where: str) -> str | None:
        key = _wnid(name, known, where)
        return key if key in keys else None

    remedy = f"put the development kit's {plain.name} into {plain.parent}"
    return read_blacklist(_blacklist_file(source, top), images, numbers, class_of, remedy)


def _wnid(name: str, known: dict[str, str], where: str) -> str:
    """Return the wnid of a class given by wnid or, if there is a class table, by name."""
    return name if class_table.WNID.fullmatch(name) or not known else key_of(name, known, where)


def _blacklist_file(source: DetectionSource, top: AnyPath) -> AnyPath:
    """Return the blacklist; its setting is a path relative to the folder that holds Data or to the parent folder."""
    return folders.file_in((top, top.parent), Path(source.blacklist).expanduser(), f"{source.key}.blacklist")


def _list(top: AnyPath, name: str) -> AnyPath:
    return top / f"ImageSets/DET/{name}.txt"


def _class_lists(top: AnyPath, name: str) -> dict[int, AnyPath]:
    """Return a split's per-class lists, keyed by class number."""
    pattern = re.compile(rf"{re.escape(name)}_(\d+)\.txt")
    paths = (top / "ImageSets/DET").iterdir() if (top / "ImageSets/DET").is_dir() else ()
    by_number = {int(match[1]): path for path in paths if (match := pattern.fullmatch(path.name))}
    return dict(sorted(by_number.items()))
