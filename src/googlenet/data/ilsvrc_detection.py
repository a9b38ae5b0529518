"""The detection part of ILSVRC's layout (DET): lists by class, pictures without objects, the blacklist.

    ImageSets/DET/<split>.txt             one picture to a line: <picture> [<index>]
    ImageSets/DET/<split>_<number>.txt    for the class of that number: <picture> 1 | 0 | -1

In the second kind 1 says that every object of the class has its box, 0 that some may lack it, -1 that there is none;
nothing is known of classes that do not list a picture. Where <split>.txt is not there, the pictures are those that any
class lists. The numbers are those of map_det.txt, which the development kit has.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from googlenet.config.schema.dataset import DetectionSource
from googlenet.data.archive_path import AnyPath
from googlenet.data.class_table import WNID, ClassRow, by_any_name, key_of, lines_of, pairs_in
from googlenet.data.folders import require
from googlenet.data.image_lists import class_keys, drop_repeated, listed
from googlenet.data.records import SPLITS, Candidate, Refused
from googlenet.errors import UserError

BOX_ORIGIN = 0
MARKS = {"1", "0", "-1"}
BLACKLISTED = "val"  # the list whose numbers the competition's blacklist uses


def check(source: DetectionSource, top: AnyPath) -> None:
    """See that the lists, the folders behind them and the blacklist are there. Raises UserError naming the key."""
    for split in SPLITS:
        name, key = source.splits.of(split), f"{source.key}.splits.{split}"
        if not _class_lists(top, name):
            require(_list(top, name), key, folder=False)
        for part in ("Data", "Annotations"):
            require(top / part / "DET" / folder_of(top, name), key)
    if source.blacklist:
        _blacklist_file(source, top)


def read(
    source: DetectionSource, top: AnyPath, table: Sequence[ClassRow]
) -> tuple[list[str], dict[str, list[Candidate]], list[Refused]]:
    """Return (wnids of the classes, candidates by split, what was refused)."""
    known = by_any_name(table)
    splits: dict[str, list[Candidate]] = {}
    refused: list[Refused] = []
    marked: dict[str, _Marked | None] = {}
    for split in SPLITS:
        name = source.splits.of(split)
        items, marked[split], negatives = _items(top, name, table)
        if not source.negatives:
            items = [item for item in items if item not in negatives]
        folder = folder_of(top, name)
        images, annotations = top / "Data/DET" / folder, top / "Annotations/DET" / folder
        # Without lists by class, as in val, every class is looked for in every picture: some have none.
        splits[split], bad = listed(
            split, items, images, annotations, BOX_ORIGIN, empty=marked[split] is None, negatives=negatives
        )
        splits[split] = [_by_key(item, known) for item in splits[split]]
        refused += bad
    splits, twice = drop_repeated(splits)
    asked = [_wnid(name, known, f"{source.key}.classes") for name in source.classes]
    keys = asked or class_keys(splits["train"])
    black = _blacklist(source, top, keys, known)
    for split, candidates in splits.items():
        splits[split] = [_judged(item, marked[split], black, keys) for item in candidates]
    return keys, splits, refused + twice


def folder_of(top: AnyPath, name: str) -> str:
    """Where a list's pictures lie: `val1`, one of the two usual halves of val, reads from `val`."""
    return name if (top / "Data/DET" / name).is_dir() else name.rstrip("0123456789").rstrip("_")


class _Marked:
    """What the lists by class say: of which classes a picture has all its boxes."""

    def __init__(self, items: Sequence[str], classes: Sequence[str]):
        self.row = {item: row for row, item in enumerate(items)}
        self.column = {key: column for column, key in enumerate(classes)}
        self.whole = np.zeros((len(items), len(classes)), bool)
        self._made: dict[bytes, tuple[int, ...]] = {}

    def partial(self, item: str, keys: Sequence[str]) -> tuple[int, ...]:
        """The classes, by their places in `keys`, of which the picture may have objects without a box.

        Few combinations occur, in many pictures: equal ones are one object in memory.
        """
        row = self.whole[self.row[item]]
        mark = row.tobytes()
        if mark not in self._made:
            whole = [key in self.column and row[self.column[key]] for key in keys]
            self._made[mark] = tuple(label for label, known in enumerate(whole) if not known)
        return self._made[mark]


def _items(top: AnyPath, name: str, table: Sequence[ClassRow]) -> tuple[list[str], _Marked | None, set[str]]:
    """A split's pictures, what the lists by class say of them (None without such lists), and the negatives."""
    lists = _class_lists(top, name)
    plain = _list(top, name)
    items = [line.split()[0] for line in lines_of(plain) if line] if plain.is_file() else None
    if not lists:
        return items or [], None, set()
    wnids = {row.number: row.key for row in table if row.number}
    unknown = sorted(set(lists) - set(wnids))
    if unknown:
        raise UserError(
            f"{lists[unknown[0]].name}: no class has the number {unknown[0]}; put map_det.txt of the development "
            f"kit (wnid, number, name in each line) into {top}"
        )
    # Read twice, kept once: 200 lists of some 65,000 lines each.
    items = (
        items if items is not None else sorted({item for path in lists.values() for item, _ in _marks(path)})
    )
    marked = _Marked(items, [wnids[number] for number in lists])
    listed_at_all, shown = np.zeros((2, len(items)), bool)
    for column, path in enumerate(lists.values()):
        for item, mark in _marks(path):
            row = marked.row.get(item)
            if row is not None:
                marked.whole[row, column] = mark != "0"
                listed_at_all[row] = True
                shown[row] |= mark != "-1"
    return items, marked, {items[row] for row in np.flatnonzero(listed_at_all & ~shown)}


def _marks(path: AnyPath) -> Iterator[tuple[str, str]]:
    """Pictures with "1", "0" or "-1", of one class's list."""
    for at, line in enumerate(lines_of(path), start=1):
        words = line.split()
        if words and (len(words) != 2 or words[1] not in MARKS):
            raise UserError(
                f"{path.name}, line {at}: '{line}' is not a picture and 1, 0 or -1 (all objects have boxes, some "
                "may lack them, none there); mend the line"
            )
        if words:
            yield words[0], words[1]


def _judged(
    item: Candidate, marked: _Marked | None, black: dict[str, set[int]], keys: list[str]
) -> Candidate:
    """A candidate with the classes of which it may have objects without a box."""
    stem = item.name.rsplit(".", 1)[0]
    partial = marked.partial(stem if stem in marked.row else item.name, keys) if marked else ()
    extra = black.get(stem, set()) - set(partial)
    return replace(item, partial=tuple(sorted({*partial, *extra})) if extra else partial)


def _by_key(item: Candidate, known: dict[str, str]) -> Candidate:
    """A candidate whose objects are named by wnid, whether its file names them so or by words."""
    annotation = item.annotation
    names = tuple(known.get(name, name) for name in annotation.names) if annotation else ()
    if annotation is None or names == annotation.names:
        return item
    return replace(item, annotation=replace(annotation, names=names))


def _blacklist(
    source: DetectionSource, top: AnyPath, keys: list[str], known: dict[str, str]
) -> dict[str, set[int]]:
    """Picture -> classes, by their places in `keys`, that the blacklist names. Its lines: <index or picture> <class>."""
    if not source.blacklist:
        return {}
    path = _blacklist_file(source, top)
    numbers = _numbers(_list(top, BLACKLISTED))
    found: dict[str, set[int]] = {}
    for where, picture, name in pairs_in(path):
        if picture.isdecimal() and picture not in numbers:
            raise UserError(f"{where}: no picture {picture} in {BLACKLISTED}.txt; mend the line or the list")
        key = _wnid(name, known, where)
        if key in keys:
            found.setdefault(numbers.get(picture, picture), set()).add(keys.index(key))
    return found


def _wnid(given: str, known: dict[str, str], where: str) -> str:
    """The wnid of a class given by wnid or, where there is a table of the classes, by name."""
    return given if WNID.fullmatch(given) or not known else key_of(given, known, where)


def _numbers(path: AnyPath) -> dict[str, str]:
    """The picture of each index of a list: its second column, or the number of the line, from 1, if there is none."""
    lines = [line.split() for line in lines_of(path) if line] if path.is_file() else []
    return {words[1] if len(words) > 1 else str(at): words[0] for at, words in enumerate(lines, start=1)}


def _blacklist_file(source: DetectionSource, top: AnyPath) -> AnyPath:
    """The blacklist, whose key is a path from the folder that holds Data or from the one above it."""
    given = Path(source.blacklist).expanduser()
    found = [folder / given for folder in (top, top.parent) if (folder / given).is_file()]
    return found[0] if found else require(top / given, f"{source.key}.blacklist", folder=False)


def _list(top: AnyPath, name: str) -> AnyPath:
    return top / f"ImageSets/DET/{name}.txt"


def _class_lists(top: AnyPath, name: str) -> dict[int, AnyPath]:
    """The lists by class of a split, by the classes' numbers."""
    pattern = re.compile(rf"{re.escape(name)}_(\d+)\.txt")
    paths = (top / "ImageSets/DET").iterdir() if (top / "ImageSets/DET").is_dir() else ()
    found = {int(match[1]): path for path in paths if (match := pattern.fullmatch(path.name))}
    return dict(sorted(found.items()))
