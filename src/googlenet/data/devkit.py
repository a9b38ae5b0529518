"""What ILSVRC's development kits say: the competition's numbers of the classes, the truth of val, the blacklist.

    data/meta.mat, meta_clsloc.mat, meta_det.mat     `synsets`: number, wnid, words; 2012's has parents of the classes too
    data/ILSVRC2012_validation_ground_truth.txt      the number of the class of each val picture, in the order of their names
    data/ILSVRC2014_clsloc_validation_blacklist.txt  the numbers of val pictures that the competition of 2014 leaves out

The numbers are in no order of the alphabet: whoever takes them for one has every label wrong.
"""

import io
import re

import numpy as np

from googlenet.config.schema.dataset import Kind
from googlenet.data.archive_path import AnyPath
from googlenet.data.class_table import ClassRow, lines_of
from googlenet.data.folders import visible
from googlenet.errors import UserError

NUMBER = re.compile(r"ILSVRC\d{4}(_[A-Z]+)?_ID")
TRUTH = re.compile(r"ILSVRC\d{4}_(clsloc_)?validation_ground_truth\.txt")
AGAIN = "fetch the development kit again"
META: dict[Kind, tuple[str, ...]] = {
    "classification": ("meta.mat", "meta_clsloc.mat"),
    "detection": ("meta_det.mat",),
}


def classes_in(data: AnyPath, kind: Kind) -> list[ClassRow]:
    """The classes of the competition with their numbers, from the folder `data` of a kit. Raises UserError."""
    from scipy.io import loadmat

    path = next((data / name for name in META[kind] if (data / name).is_file()), None)
    if path is None:
        raise UserError(f"{data}: has no {' or '.join(META[kind])}; {AGAIN}")
    try:
        synsets = np.atleast_1d(loadmat(io.BytesIO(path.read_bytes()), squeeze_me=True)["synsets"])
    except Exception as error:  # of damaged bytes SciPy's reader raises anything from KeyError to zlib.error
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
    """Return (name of the file, the class's number of each val picture, in the order of their names)."""
    files = [path for path in visible(data) if TRUTH.fullmatch(path.name)]
    if not files:
        raise UserError(f"{data}: has no ILSVRC2012_validation_ground_truth.txt; fetch the kit again")
    return files[0].name, numbers_in(files[0])


def numbers_in(path: AnyPath) -> list[int]:
    """The numbers of a file that has one on each line. Raises UserError naming file and line."""
    numbers = []
    for at, line in lines_of(path):
        if not line.isdecimal():
            raise UserError(f"{path.name}, line {at}: '{line}' is no number; mend the line")
        numbers.append(int(line))
    return numbers
