"""Reader of ILSVRC's own layout, as the official archives extract: CLS-LOC and DET.

    ILSVRC/Data/CLS-LOC/train/<wnid>/*.JPEG     ILSVRC/Data/DET/<split>/...
    ILSVRC/Data/CLS-LOC/val/*.JPEG              ILSVRC/Annotations/DET/<split>/...xml
    ILSVRC/Annotations/CLS-LOC/val/*.xml        ILSVRC/ImageSets/DET/<list>.txt
    LOC_synset_mapping.txt                      optional: the words of a wnid, beside or in ILSVRC/

The flat validation pictures take their class from their XML, whose object is named by wnid: the challenge's
numeric ground truth counts classes in another order than the alphabet. ILSVRC's boxes are 0-based.
"""

from pathlib import Path

from googlenet.data.annotations import read_annotation
from googlenet.data.class_folders import class_names, pictures_in
from googlenet.data.folders import check_splits, hold_out, is_picture, require, root_of, visible
from googlenet.data.records import SPLITS, Candidate, Reading, Refused
from googlenet.data.voc import class_keys, drop_repeated, listed
from googlenet.errors import UserError

PARTS = {"classification": "CLS-LOC", "detection": "DET"}
BOX_ORIGIN = 0


def check(kind: str, settings: dict) -> None:
    """See that the folders and lists of the splits exist. Raises UserError naming the key."""
    top, part = _top(kind, settings), PARTS[kind]
    check_splits(kind, settings, hold_out=kind == "classification")
    for split in SPLITS:
        name, key = settings["splits"][split], f"dataset.{kind}.splits.{split}"
        if kind == "detection":
            require(top / "ImageSets" / part / f"{name}.txt", key, folder=False)
            name = _folder(top, name)
        if name:
            require(top / "Data" / part / name, key)
        if name and (kind == "detection" or split != "train"):
            require(top / "Annotations" / part / name, key)


def read(kind: str, settings: dict, scratch: Path | None = None) -> Reading:
    """Read one of the two parts; the classes are wnids in the order of the alphabet, shown by their words."""
    check(kind, settings)
    top = _top(kind, settings)
    keys, splits, refused = (_classification if kind == "classification" else _detection)(top, settings)
    return Reading(_words(top, keys), keys, splits, refused, f"ILSVRC {PARTS[kind]}")


def _classification(top: Path, settings: dict) -> tuple[list[str], dict, list[Refused]]:
    names, data = settings["splits"], top / "Data/CLS-LOC"
    keys = class_names(data / names["train"], "dataset.classification.splits.train")
    splits, refused = {}, []
    splits["train"], refused = pictures_in(data / names["train"], "train", keys)
    for split in ("validation", "test"):
        if names[split]:
            splits[split], bad = _flat(
                split, data / names[split], top / "Annotations/CLS-LOC" / names[split], keys
            )
            refused += bad
    if "validation" not in splits:
        key, count = "dataset.classification.validation_per_class", settings["validation_per_class"]
        splits["train"], splits["validation"] = hold_out(splits["train"], keys, count, key)
    return keys, splits, refused


def _flat(
    split: str, images: Path, annotations: Path, keys: list[str]
) -> tuple[list[Candidate], list[Refused]]:
    """A folder of pictures whose class is the name of the objects in their XML."""
    candidates, refused = [], []
    labels = {key: label for label, key in enumerate(keys)}
    for path in visible(images):
        try:
            if not is_picture(path):
                raise UserError(f"{path.name}: not a picture file")
            names = set(read_annotation(annotations / f"{path.stem}.xml", BOX_ORIGIN).names)
            if len(names) != 1 or not names <= labels.keys():
                raise UserError(
                    f"{path.stem}.xml: names {', '.join(sorted(names))}, not one class of training"
                )
            candidates.append(Candidate(split, path.name, path, labels[names.pop()]))
        except UserError as error:
            refused.append(Refused(split, path.name, str(error)))
    return candidates, refused


def _detection(top: Path, settings: dict) -> tuple[list[str], dict, list[Refused]]:
    splits, refused = {}, []
    for split in SPLITS:
        name = settings["splits"][split]
        lines = (top / f"ImageSets/DET/{name}.txt").read_text(encoding="utf-8").splitlines()
        items = [line.split()[0] for line in lines if line.strip()]
        folder = _folder(top, name)
        images, annotations = top / "Data/DET" / folder, top / "Annotations/DET" / folder
        splits[split], bad = listed(split, items, images, annotations, BOX_ORIGIN)
        refused += bad
    splits, twice = drop_repeated(splits)
    return list(settings["classes"]) or class_keys(splits["train"]), splits, refused + twice


def _top(kind: str, settings: dict) -> Path:
    """The folder that holds Data, Annotations and ImageSets: the root, or ILSVRC in it."""
    root = root_of(kind, settings)
    top = root / "ILSVRC" if (root / "ILSVRC").is_dir() else root
    require(top / "Data" / PARTS[kind], f"dataset.{kind}.root")
    return top


def _folder(top: Path, name: str) -> str:
    """Where a list's pictures lie: `val1`, one of the two usual halves of val, reads from `val`."""
    return name if (top / "Data/DET" / name).is_dir() else name.rstrip("0123456789").rstrip("_")


def _words(top: Path, keys: list[str]) -> list[str]:
    """The first word of each wnid if the mapping has one; a word that two wnids share keeps the wnid too."""
    found = [
        path
        for path in (top / "LOC_synset_mapping.txt", top.parent / "LOC_synset_mapping.txt")
        if path.is_file()
    ]
    lines = found[0].read_text(encoding="utf-8").splitlines() if found else []
    mapping = {
        wnid: words.split(",")[0].strip() for wnid, _, words in (line.partition(" ") for line in lines)
    }
    words = [mapping.get(key) or key for key in keys]
    return [
        f"{word} ({key})" if words.count(word) > 1 else word for word, key in zip(words, keys, strict=True)
    ]
