"""Class tables, one class per line, as in ILSVRC's archives and kits, or plain names; other files of the kits.

    data/meta.mat, meta_clsloc.mat, meta_det.mat   `synsets`: number, wnid, words; 2012's also has class parents
    data/ILSVRC2012_validation_ground_truth.txt    the class number of each val image, in the order of their names
    data/ILSVRC2014_clsloc_validation_blacklist.txt          the numbers of the val images excluded from the competition

The numbers are not in alphabetical order: code that assumes they are gets every label wrong.
"""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from googlenet.config.schema.dataset import Kind
from googlenet.data.archive_path import AnyPath
from googlenet.data.folders import visible
from googlenet.errors import UserError, nearest

WNID = re.compile(r"n\d{8}")
NUMBER = re.compile(r"ILSVRC\d{4}(_[A-Z]+)?_ID")
TRUTH = re.compile(r"ILSVRC\d{4}_(clsloc_)?validation_ground_truth\.txt")
LONGEST_NUMBER = 9  # digits
AGAIN = "fetch the development kit again"
META: dict[Kind, tuple[str, ...]] = {"classification": ("meta.mat", "meta_clsloc.mat"), "detection": ("meta_det.mat",)}


class ClassRow(NamedTuple):
    """A class: its key in annotations, its display name, and its number (0: the file gives none)."""

    key: str
    name: str
    number: int


def read_class_table(path: AnyPath) -> list[ClassRow]:
    """Read lines of `wnid number name`, `wnid words, more words`, or `name`. Raises UserError naming file and line."""
    rows: list[ClassRow] = []
    seen: dict[str | int, int] = {}
    for at, line in lines_of(path):
        row = _row(line)
        for value in (row.key, row.number):
            if value and value in seen:
                earlier = f"'{value}' is already in line {seen[value]}"
                raise UserError(f"{path.name}, line {at}: {earlier}; remove one of them")
            seen[value] = at
        rows.append(row)
    return rows


def lines_of(path: AnyPath) -> list[tuple[int, str]]:
    """Return a text file's non-blank lines, stripped, with their numbers from 1. Raises UserError if unreadable."""
    with text_of(path):
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    return [(at, line.strip()) for at, line in enumerate(lines, start=1) if line.strip()]


@contextmanager
def text_of(path: AnyPath) -> Iterator[None]:
    """Convert errors raised while reading a text file into a UserError that names it."""
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; correct the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as text ({error}); give a UTF-8 text file") from None


def by_any_name(rows: Sequence[ClassRow]) -> dict[str, str]:
    """Map each class's key and name to its key; a name shared by two classes is left out."""
    names = [row.name for row in rows]
    return {row.name: row.key for row in rows if names.count(row.name) == 1} | {row.key: row.key for row in rows}


def key_of(name: str, known: dict[str, str], where: str) -> str:
    """Return the key of a class given by key or name. Raises UserError, prefixed with `where`, for any other."""
    if name not in known:
        raise UserError(f"{where}: no class '{name}'{nearest(name, known)}")
    return known[name]


def names_for(table: list[ClassRow], keys: list[str]) -> list[str]:
    """Return each key's name if the table has one; the key is appended to a name shared by two keys."""
    names = {row.key: row.name for row in table}
    shown = [names.get(key, key) for key in keys]
    return [f"{name} ({key})" if shown.count(name) > 1 else name for name, key in zip(shown, keys, strict=True)]


def _row(line: str) -> ClassRow:
    first, _, rest = line.partition(" ")
    if not WNID.fullmatch(first):
        return ClassRow(line, line, 0)
    number, _, name = rest.strip().partition(" ")
    if number.isdecimal() and len(number) <= LONGEST_NUMBER and name:
        return ClassRow(first, name.strip().replace("_", " "), int(number))
    return ClassRow(first, rest.split(",")[0].strip() or first, 0)


def classes_in(data: AnyPath, kind: Kind) -> list[ClassRow]:
    """Read the competition's classes and their numbers from the folder `data` of a kit. Raises UserError."""
    from scipy.io import loadmat

    path = next((data / name for name in META[kind] if (data / name).is_file()), None)
    if path is None:
        raise UserError(f"{data}: has no {' or '.join(META[kind])}; {AGAIN}")
    try:
        synsets = np.atleast_1d(loadmat(io.BytesIO(path.read_bytes()), squeeze_me=True)["synsets"])
    except Exception as error:  # on damaged bytes SciPy's reader raises anything from KeyError to zlib.error
        raise UserError(f"{path}: no table 'synsets' to be read ({error}); {AGAIN}") from error
    columns = synsets.dtype.names or ()
    number = next((name for name in columns if NUMBER.fullmatch(name)), None)
    words = "words" if "words" in columns else "name"
    if number is None or not {"WNID", words} <= set(columns):
        raise UserError(f"{path}: 'synsets' has no number, WNID and words; {AGAIN}")
    rows = [
        ClassRow(str(row["WNID"]), str(row[words]).split(",")[0].strip(), int(row[number]))
        for row in synsets
        if not ("num_children" in columns and row["num_children"]) and int(row[number]) > 0
    ]
    if len({row.number for row in rows}) < len(rows) or len({row.key for row in rows}) < len(rows):
        raise UserError(f"{path}: two classes have one number or one wnid; {AGAIN}")
    return rows


def truth_in(data: AnyPath) -> tuple[str, list[int]]:
    """Return (file name, class number of each val image in the order of their names)."""
    path = next((path for path in visible(data) if TRUTH.fullmatch(path.name)), None)
    if path is None:
        raise UserError(f"{data}: has no ILSVRC2012_validation_ground_truth.txt; fetch the kit again")
    return path.name, numbers_in(path)


def numbers_in(path: AnyPath) -> list[int]:
    """Read the numbers of a file that has one per line. Raises UserError naming file and line."""
    numbers = []
    for at, line in lines_of(path):
        if not line.isdecimal() or len(line) > LONGEST_NUMBER:
            raise UserError(f"{path.name}, line {at}: '{line}' is not a number; correct the line")
        numbers.append(int(line))
    return numbers
