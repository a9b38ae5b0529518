"""Tables of classes, one to a line, as ILSVRC's archives and development kits have them, or plain names."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from googlenet.data.archive_path import AnyPath
from googlenet.errors import UserError, nearest

WNID = re.compile(r"n\d{8}")


class ClassRow(NamedTuple):
    """A class: what annotations call it, its name for people, and its number (0: the file gives none)."""

    key: str
    name: str
    number: int


def read_class_table(path: AnyPath) -> list[ClassRow]:
    """Read `wnid number name` (map_det.txt), `wnid words, more words` (LOC_synset_mapping.txt), or `name` lines.

    A number is the competition's own for the class. Raises UserError naming file and line.
    """
    rows: list[ClassRow] = []
    seen: dict[str | int, int] = {}
    for at, line in lines_of(path):
        row = _row(line)
        for value in (row.key, row.number):
            if value and value in seen:
                raise UserError(
                    f"{path.name}, line {at}: '{value}' stands in line {seen[value]} already; remove one of them"
                )
            seen[value] = at
        rows.append(row)
    return rows


def lines_of(path: AnyPath) -> list[tuple[int, str]]:
    """A text file's lines that are not blank, stripped, with their numbers from 1. Raises UserError when it cannot be read."""
    with text_of(path):
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    return [(at, line.strip()) for at, line in enumerate(lines, start=1) if line.strip()]


@contextmanager
def text_of(path: AnyPath) -> Iterator[None]:
    """What goes wrong while a text file is read, as a UserError that names it."""
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; correct the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as text ({error}); give a UTF-8 text file") from None


def pairs_in(path: AnyPath) -> Iterator[tuple[str, str, str]]:
    """The lines of a blacklist, <picture's number or name> <class>, each with its place for an error."""
    for at, line in lines_of(path):
        where = f"{path.name}, line {at}"
        words = line.split(maxsplit=1)
        if len(words) == 1:
            raise UserError(f"{where}: '{line}' is not the number of a picture and a class; mend the line")
        yield where, words[0], words[1]


def by_any_name(rows: Sequence[ClassRow]) -> dict[str, str]:
    """The key of each class by its key and by its name; a name that two classes share leads nowhere."""
    names = [row.name for row in rows]
    found = {row.name: row.key for row in rows if names.count(row.name) == 1}
    return found | {row.key: row.key for row in rows}


def key_of(given: str, known: dict[str, str], where: str) -> str:
    """The key of a class given by key or name. Raises UserError, beginning with `where`, for any other."""
    if given not in known:
        raise UserError(f"{where}: no class '{given}'{nearest(given, known)}")
    return known[given]


def names_for(table: list[ClassRow], keys: list[str]) -> list[str]:
    """The name of each key if the table has one; a name that two keys share has the key beside it."""
    names = {row.key: row.name for row in table}
    shown = [names.get(key, key) for key in keys]
    return [
        f"{name} ({key})" if shown.count(name) > 1 else name for name, key in zip(shown, keys, strict=True)
    ]


def _row(line: str) -> ClassRow:
    first, _, rest = line.partition(" ")
    if not WNID.fullmatch(first):
        return ClassRow(line, line, 0)
    number, _, name = rest.strip().partition(" ")
    if number.isdecimal() and len(number) < 10 and name:
        return ClassRow(first, name.strip().replace("_", " "), int(number))
    return ClassRow(first, rest.split(",")[0].strip() or first, 0)
