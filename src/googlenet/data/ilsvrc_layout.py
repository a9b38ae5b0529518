"""ILSVRC's own layout, CLS-LOC and DET, wherever it lies: on disk, in an archive, or drawn.

    Data/CLS-LOC/train/<wnid>/*.JPEG     Data/DET/<split>/...
    Data/CLS-LOC/val/*.JPEG              Annotations/DET/<split>/...xml
    Annotations/CLS-LOC/val/*.xml        ImageSets/DET/<list>.txt
    LOC_synset_mapping.txt, map_det.txt  optional: the words of a wnid, beside Data, in devkit/data/, or one folder up

Lists by class, pictures without objects and the blacklist of DET: ilsvrc_detection.py.

The flat validation pictures take their class from their XML, whose object is named by wnid: the challenge's
numeric ground truth counts classes in another order than the alphabet. ILSVRC's boxes are 0-based.
"""

from googlenet.config.schema.dataset import ClassificationSource, DataSource, DetectionSource, Kind
from googlenet.data import ilsvrc_detection
from googlenet.data.annotations import read_annotation
from googlenet.data.archive_path import AnyPath
from googlenet.data.class_table import ClassRow, read_class_table
from googlenet.data.class_trees import class_names, pictures_in
from googlenet.data.folders import (
    candidate,
    check_splits,
    hold_out,
    inside,
    is_picture,
    require,
    test_alone,
    visible,
)
from googlenet.data.records import SPLITS, Candidate, Reading, Refused
from googlenet.errors import UserError, printable

PARTS: dict[Kind, str] = {"classification": "CLS-LOC", "detection": "DET"}
TABLES: dict[Kind, tuple[str, ...]] = {
    "classification": ("LOC_synset_mapping.txt",),
    "detection": ("map_det.txt", "LOC_synset_mapping.txt"),
}
BOX_ORIGIN = 0


def check(source: DataSource, top: AnyPath) -> None:
    """See that the folders and lists of the splits exist in `top`. Raises UserError naming the key."""
    check_splits(source)
    if isinstance(source, DetectionSource):
        ilsvrc_detection.check(source, top)
        return
    part = PARTS[source.kind]
    for split in SPLITS:
        name, key = source.splits.of(split), f"{source.key}.splits.{split}"
        if name:
            require(top / "Data" / part / name, key)
        if name and split != "train":
            require(top / "Annotations" / part / name, key)


def read(source: DataSource, top: AnyPath, table: list[ClassRow] | None = None) -> Reading:
    """Read one of the two parts from `top`, the folder that holds Data, Annotations and ImageSets.

    The classes are wnids in the order of the alphabet, shown by their words. Their table lies with the data, if it is not given.
    """
    check(source, top)
    table = table_of(top, source.kind) if table is None else table
    if isinstance(source, DetectionSource):
        keys, splits, refused = ilsvrc_detection.read(source, top, table)
    else:
        keys, splits, refused = _classification(source, top)
    return Reading(words(table, keys), keys, splits, refused, f"ILSVRC {PARTS[source.kind]}")


def _classification(
    source: ClassificationSource, top: AnyPath
) -> tuple[list[str], dict[str, list[Candidate]], list[Refused]]:
    data, keys = top / "Data/CLS-LOC", None
    splits: dict[str, list[Candidate]] = {}
    refused: list[Refused] = []
    if not test_alone(source.splits):
        keys = class_names(data / source.splits.train, f"{source.key}.splits.train")
        splits["train"], refused = pictures_in(data / source.splits.train, "train", keys)
    for split in ("validation", "test"):
        if name := source.splits.of(split):
            named, bad = _flat(split, data / name, top / "Annotations/CLS-LOC" / name, keys)
            keys = sorted({key for _, key in named}) if keys is None else keys
            labels = {key: label for label, key in enumerate(keys)}
            splits[split] = [candidate(split, path.name, path, labels[key]) for path, key in named]
            refused += bad
    keys = keys or []
    if "validation" not in splits and "train" in splits:
        key = f"{source.key}.validation_per_class"
        splits["train"], splits["validation"] = hold_out(
            splits["train"], keys, source.validation_per_class, key
        )
    return keys, splits, refused


def _flat(
    split: str, images: AnyPath, annotations: AnyPath, keys: list[str] | None
) -> tuple[list[tuple[AnyPath, str]], list[Refused]]:
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
                lacking = "not one class" + (" of training" if keys is not None else "")
                raise UserError(f"{path.stem}.xml: names {', '.join(sorted(names))}, {lacking}")
            found.append((path, names.pop()))
        except UserError as error:
            refused.append(Refused(split, printable(path.name), str(error)))
    return found, refused


def table_of(top: AnyPath, kind: Kind) -> list[ClassRow]:
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
