"""Reader of ILSVRC's own layout, as the official archives extract: CLS-LOC and DET.

    ILSVRC/Data/CLS-LOC/train/<wnid>/*.JPEG     ILSVRC/Data/DET/<split>/...
    ILSVRC/Data/CLS-LOC/val/*.JPEG              ILSVRC/Annotations/DET/<split>/...xml
    ILSVRC/Annotations/CLS-LOC/val/*.xml        ILSVRC/ImageSets/DET/<list>.txt
    LOC_synset_mapping.txt, map_det.txt         optional: the words of a wnid, in ILSVRC/, its devkit/data/, or beside

Lists by class, pictures without objects and the blacklist of DET: ilsvrc_detection.py.

The flat validation pictures take their class from their XML, whose object is named by wnid: the challenge's
numeric ground truth counts classes in another order than the alphabet. ILSVRC's boxes are 0-based.
"""

from pathlib import Path

from googlenet.data import ilsvrc_detection
from googlenet.data.annotations import read_annotation
from googlenet.data.class_folders import class_names, pictures_in
from googlenet.data.class_table import ClassRow, read_class_table
from googlenet.data.folders import (
    candidate,
    check_splits,
    hold_out,
    inside,
    is_picture,
    require,
    root_of,
    test_alone,
    visible,
)
from googlenet.data.packed import Packed
from googlenet.data.records import SPLITS, Reading, Refused
from googlenet.errors import UserError, printable

PARTS = {"classification": "CLS-LOC", "detection": "DET"}
TABLES = {
    "classification": ("LOC_synset_mapping.txt",),
    "detection": ("map_det.txt", "LOC_synset_mapping.txt"),
}
BOX_ORIGIN = 0


def check(kind: str, settings: dict) -> None:
    """See that the folders and lists of the splits exist. Raises UserError naming the key."""
    _complete(_top(kind, settings), kind, settings)


def _complete(top: Path | Packed, kind: str, settings: dict) -> None:
    part = PARTS[kind]
    check_splits(kind, settings, hold_out=kind == "classification")
    if kind == "detection":
        ilsvrc_detection.check(top, settings)
        return
    for split in SPLITS:
        name, key = settings["splits"][split], f"dataset.{kind}.splits.{split}"
        if name:
            require(top / "Data" / part / name, key)
        if name and split != "train":
            require(top / "Annotations" / part / name, key)


def read(kind: str, settings: dict, scratch: Path | None = None) -> Reading:
    """Read one of the two parts; the classes are wnids in the order of the alphabet, shown by their words."""
    return read_top(kind, settings, _top(kind, settings))


def read_top(kind: str, settings: dict, top: Path | Packed, table: list[ClassRow] | None = None) -> Reading:
    """Read the folder that holds Data, Annotations and ImageSets; the classes' table lies with it, if it is not given."""
    _complete(top, kind, settings)
    table = table_of(top, kind) if table is None else table
    if kind == "detection":
        keys, splits, refused = ilsvrc_detection.read(top, settings, table)
    else:
        keys, splits, refused = _classification(top, settings)
    return Reading(words(table, keys), keys, splits, refused, f"ILSVRC {PARTS[kind]}")


def _classification(top: Path | Packed, settings: dict) -> tuple[list[str], dict, list[Refused]]:
    names, data = settings["splits"], top / "Data/CLS-LOC"
    splits, refused, keys = {}, [], None
    if not test_alone(settings):
        keys = class_names(data / names["train"], "dataset.classification.splits.train")
        splits["train"], refused = pictures_in(data / names["train"], "train", keys)
    for split in ("validation", "test"):
        if names[split]:
            named, bad = _flat(split, data / names[split], top / "Annotations/CLS-LOC" / names[split], keys)
            keys = sorted({key for _, key in named}) if keys is None else keys
            labels = {key: label for label, key in enumerate(keys)}
            splits[split] = [candidate(split, path.name, path, labels[key]) for path, key in named]
            refused += bad
    if "validation" not in splits and "train" in splits:
        key, count = "dataset.classification.validation_per_class", settings["validation_per_class"]
        splits["train"], splits["validation"] = hold_out(splits["train"], keys, count, key)
    return keys, splits, refused


def _flat(
    split: str, images: Path | Packed, annotations: Path | Packed, keys: list[str] | None
) -> tuple[list[tuple[Path | Packed, str]], list[Refused]]:
    """A folder of pictures whose class is the name of the objects in their XML: one of `keys`, or any for None."""
    found, refused, known = [], [], set(keys or ())
    for path in visible(images):
        try:
            if not inside(path.name):
                raise UserError(f"{path.name}: its name is no UTF-8, or too long; rename it")
            if not is_picture(path):
                raise UserError(f"{path.name}: not a picture file")
            names = set(read_annotation(annotations / f"{path.stem}.xml", BOX_ORIGIN).names)
            if len(names) != 1 or (keys is not None and not names <= known):
                said = "not one class" + (" of training" if keys is not None else "")
                raise UserError(f"{path.stem}.xml: names {', '.join(sorted(names))}, {said}")
            found.append((path, names.pop()))
        except UserError as error:
            refused.append(Refused(split, printable(path.name), str(error)))
    return found, refused


def _top(kind: str, settings: dict) -> Path:
    """The folder that holds Data, Annotations and ImageSets: the root, or ILSVRC in it."""
    root = root_of(kind, settings)
    top = root / "ILSVRC" if (root / "ILSVRC").is_dir() else root
    require(top / "Data" / PARTS[kind], f"dataset.{kind}.root")
    return top


def table_of(top: Path | Packed, kind: str) -> list[ClassRow]:
    """The table of the classes' wnids and words that lies with the data; empty if there is none."""
    folders = [base / inner for base in (top, top.parent) for inner in ("", "devkit/data")]
    found = [folder / name for name in TABLES[kind] for folder in folders if (folder / name).is_file()]
    return read_class_table(found[0]) if found else []


def words(table: list[ClassRow], keys: list[str]) -> list[str]:
    """The first word of each wnid if the table has one; a word that two wnids share keeps the wnid too."""
    names = {row.key: row.name for row in table}
    words = [names.get(key, key) for key in keys]
    return [
        f"{word} ({key})" if words.count(word) > 1 else word for word, key in zip(words, keys, strict=True)
    ]
