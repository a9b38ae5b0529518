"""Reader of ILSVRC's archives as they are downloaded, under their official names, all in the folder `root`.

classification, the set of 2012, which 2014 uses too (the readme of its kit says how all of it is named and packed):

    ILSVRC2012_img_train.tar          n01440764.tar, ...: a tar of n01440764_10026.JPEG, ... for each class
    ILSVRC2012_img_val.tar            ILSVRC2012_val_00000001.JPEG, ...
    ILSVRC2012_devkit_t12.tar.gz      classes and truth: devkit.py

detection, either the one archive of the later releases, ILSVRC/{Data,Annotations,ImageSets}/DET as in ilsvrc_layout.py:

    ILSVRC2017_DET.tar                (or 2015; it comes as .tar.gz, whose pictures cannot be read singly: gunzip it once)
    ILSVRC2017_devkit.tar.gz          map_det.txt, the blacklist
    ImageSets/DET/val1.txt, ...       lists of one's own, if any

or the archives of 2014. How pictures and boxes are foldered in these we know from what others' programs expect only, so
both are found by the names of their files, which are unique:

    ILSVRC2014_DET_train.tar          n02672831.tar, ILSVRC2013_DET_train_extra0.tar, ILSVRC2014_train_0000.tar, ...
    ILSVRC2013_DET_val.tar            ILSVRC2012_val_00000001.JPEG, ...
    ILSVRC2014_DET_bbox_train.tgz     one XML for each picture with boxes
    ILSVRC2013_DET_bbox_val.tgz
    ILSVRC2014_devkit.tgz             data/det_lists/{train_pos_1,train_part_1,train_neg_1,...,val}.txt, the blacklist

Each may also lie there unpacked, as a folder of that name (without .tar; train, val and devkit will do for the first
three). Nothing is unpacked, and pictures are read from where they lie in the archive.
"""

import re
from pathlib import Path

from googlenet.config.schema.dataset import ClassificationSource, DataSource, Kind
from googlenet.data import ilsvrc_layout, tar_index
from googlenet.data.archive_path import (
    TAR,
    AnyPath,
    ArchivePath,
    Tree,
    files_below,
    node_of,
    opened,
    opened_small,
    put,
    tree_of,
)
from googlenet.data.class_table import ClassRow
from googlenet.data.class_trees import pictures_in
from googlenet.data.det_archives import det_tree
from googlenet.data.devkit import blacklist_in, classes_in, truth_in
from googlenet.data.folders import candidate, check_splits, hold_out, is_picture, root_of, test_alone, visible
from googlenet.data.records import SPLITS, Candidate, Reading, Refused
from googlenet.errors import UserError, nearest

SUFFIXES = (TAR, ".tgz", ".tar.gz")
# The kit of 2012 has no detection; both may lie in one folder.
LATER_KIT = r"ILSVRC201[3-7]_devkit|devkit"
KIT_2012 = r"ILSVRC2012_devkit_t12"
WHOLE: dict[Kind, str] = {"classification": r"ILSVRC201[5-7]_CLS-LOC", "detection": r"ILSVRC201[5-7]_DET"}
PARTS: dict[Kind, dict[str, tuple[str, ...]]] = {  # what a split may name: pictures, and in detection boxes
    "classification": {"train": (r"ILSVRC2012_img_train|train",), "val": (r"ILSVRC2012_img_val|val",)},
    "detection": {
        part: (rf"ILSVRC201[34]_DET_{part}", rf"ILSVRC201[34]_DET_bbox_{part}") for part in ("train", "val")
    },
}
OFFICIAL = {
    WHOLE["classification"]: "ILSVRC2017_CLS-LOC.tar",
    PARTS["classification"]["train"][0]: "ILSVRC2012_img_train.tar",
    PARTS["classification"]["val"][0]: "ILSVRC2012_img_val.tar",
    PARTS["detection"]["train"][0]: "ILSVRC2014_DET_train.tar",
    PARTS["detection"]["train"][1]: "ILSVRC2014_DET_bbox_train.tgz",
    PARTS["detection"]["val"][0]: "ILSVRC2013_DET_val.tar",
    PARTS["detection"]["val"][1]: "ILSVRC2013_DET_bbox_val.tgz",
    KIT_2012: "ILSVRC2012_devkit_t12.tar.gz",
    LATER_KIT: "ILSVRC2014_devkit.tgz",
}
VAL = re.compile(r"ILSVRC2012_val_(\d{8})\.JPEG")
# Of the one archive with all in it: what no split of ours reads.
UNREAD = re.compile(r"(.*/)?(Data/(DET|CLS-LOC)/test|Annotations/CLS-LOC/train)/.*")


def check(source: DataSource) -> None:
    """See that the archives (or folders) are there, begin and end as they should. Raises UserError naming the key."""
    root, kind = root_of(source), source.kind
    check_splits(source)
    whole = _find(root, WHOLE[kind])
    if whole:
        _whole_archive(whole)
        return
    for part in _parts(source):
        pictures, *boxes = PARTS[kind][part]
        _whole_archive(_needed(root, pictures, kind))
        for pattern in boxes:
            _needed(root, pattern, kind)
    _kit(root, kind)


def read(source: DataSource, scratch: Path | None = None) -> Reading:
    """Read headers, lists and annotations. Classes: wnids in the order of the alphabet, shown by their words."""
    check(source)
    root = root_of(source)
    if isinstance(source, ClassificationSource) and not _find(root, WHOLE[source.kind]):
        return _classification(source, root)
    base = _base(source, root)
    top = base / "ILSVRC"
    table = ilsvrc_layout.table_of(top, source.kind)
    if source.kind == "detection" and not table and (base / "devkit/data/meta_det.mat").is_file():
        table = classes_in(base / "devkit/data", source.kind)
    return ilsvrc_layout.read(source, top, table)


def _classification(source: ClassificationSource, root: Path) -> Reading:
    names = source.splits
    data = _devkit(root, "classification") / "data"
    rows = classes_in(data, "classification")
    keys = sorted(row.key for row in rows)
    splits: dict[str, list[Candidate]] = {}
    refused: list[Refused] = []
    for split in SPLITS:
        if names.of(split) == "train":
            folder = _by_class(_needed(root, PARTS["classification"]["train"][0], "classification"), keys)
            splits[split], bad = pictures_in(folder, split, keys)
            refused += bad
        elif names.of(split):
            splits[split], bad = _val(split, root, data, rows, keys, source.blacklist)
            refused += bad
    if "validation" not in splits and not test_alone(names):
        key, count = f"{source.key}.validation_per_class", source.validation_per_class
        splits["train"], splits["validation"] = hold_out(splits["train"], keys, count, key)
    ordered = {split: splits[split] for split in SPLITS if split in splits}
    return Reading(ilsvrc_layout.words(rows, keys), keys, ordered, refused, "ILSVRC CLS-LOC")


def _by_class(found: Path, keys: list[str]) -> AnyPath:
    """The folder of one folder, or tar, for each class. Raises UserError unless they are those of the kit."""
    folder = opened(found)
    entries = visible(folder) if isinstance(folder, Path) else []
    if any(entry.suffix == TAR for entry in entries):  # the inner tars on disk
        tree: Tree = {
            entry.stem if entry.suffix == TAR else entry.name: node_of(opened(entry)) for entry in entries
        }
        folder = ArchivePath(found.name, tree, found.parent)
    there = {entry.name for entry in visible(folder) if entry.is_dir()}
    for wrong, what in (
        (sorted(set(keys) - there), "nothing of class"),
        (sorted(there - set(keys)), "the development kit has no class"),
    ):
        if wrong:
            raise UserError(
                f"{found.name}: {what} '{wrong[0]}' ({len(wrong)} such); use the pictures and the kit of one release"
            )
    return folder


def _val(
    split: str, root: Path, data: AnyPath, rows: list[ClassRow], keys: list[str], black: str
) -> tuple[list[Candidate], list[Refused]]:
    """The flat val pictures, each with the class that the kit's truth gives for the number in its name."""
    found = _needed(root, PARTS["classification"]["val"][0], "classification")
    called, truth = truth_in(data)
    label = {key: at for at, key in enumerate(keys)}
    label_of = {row.number: label[row.key] for row in rows}
    unknown = sorted(set(truth) - set(label_of))
    if unknown:
        raise UserError(f"{called}: no class has the number {unknown[0]}; use the files of one kit")
    left_out = blacklist_in((root, data.parent, data), black) if black else set()
    candidates, refused = [], []
    for path in sorted(files_below(opened(found)), key=lambda path: path.name):
        match = VAL.fullmatch(path.name)
        if not match or not is_picture(path):
            refused.append(Refused(split, path.name, f"{path.name}: not named as a val picture is"))
            continue
        number = int(match[1])
        if not 1 <= number <= len(truth):
            raise UserError(
                f"{found.name}: '{path.name}', but {called} has {len(truth)} lines; use the kit of the same release"
            )
        if number not in left_out:
            candidates.append(candidate(split, path.name, path, label_of[truth[number - 1]]))
    return candidates, refused


def _base(source: DataSource, root: Path) -> ArchivePath:
    """What lies in `root`, as the later releases lay it out: ILSVRC/{Data,Annotations,ImageSets}, devkit/, tables."""
    whole = _find(root, WHOLE[source.kind])
    base: Tree = {path.name: path for path in visible(root) if path.suffix == ".txt"}
    kit = _devkit(root, source.kind) if not whole or _find(root, LATER_KIT) else None
    if kit:
        base["devkit"] = node_of(kit)
    if kit and not whole:
        base["ILSVRC"] = det_tree({part: _sources(root, part) for part in _parts(source)}, kit / "data")
    elif whole and whole.is_dir():
        inner = whole / "ILSVRC"
        base["ILSVRC"] = inner if inner.is_dir() else whole
    elif whole:
        tree = tree_of(whole, wanted=lambda name: not UNREAD.fullmatch(name))
        base["ILSVRC"] = tree.get("ILSVRC", tree)
    own = root / "ImageSets/DET"
    if isinstance(base["ILSVRC"], dict) and own.is_dir():
        for path in visible(own):
            put(base["ILSVRC"], f"ImageSets/DET/{path.name}", path, str(root))
    return ArchivePath(root.name, base, root.parent)


def _sources(root: Path, part: str) -> tuple[Path, Path]:
    pictures, boxes = PARTS["detection"][part]
    return _needed(root, pictures, "detection"), _needed(root, boxes, "detection")


def _parts(source: DataSource) -> list[str]:
    """The parts that the splits name: `val1`, a list of one's own in detection, is of val."""
    parts: list[str] = []
    for split in SPLITS:
        name = source.splits.of(split)
        part = name.rstrip("0123456789").rstrip("_") if source.kind == "detection" else name
        known = PARTS[source.kind]
        if name and part not in known:
            raise UserError(f"{source.key}.splits.{split}: no part '{name}'{nearest(name, known)}")
        if name and part not in parts:
            parts.append(part)
    return parts


def _devkit(root: Path, kind: Kind) -> AnyPath:
    """The development kit: the folder that holds `data`, which may lie one or two folders down (ILSVRC/devkit)."""
    kit = opened_small(_kit(root, kind))
    level = [kit]
    for _ in range(3):
        found = [folder for folder in level if (folder / "data").is_dir()]
        if found:
            return found[0]
        level = [entry for folder in level for entry in visible(folder) if entry.is_dir()]
    raise UserError(f"{kit}: no development kit, it has no folder data; fetch it again")


def _kit(root: Path, kind: Kind) -> Path:
    """Where the development kit lies."""
    found = _find(root, KIT_2012) or _find(root, LATER_KIT) if kind == "classification" else None
    return found or _needed(root, KIT_2012 if kind == "classification" else LATER_KIT, kind)


def _find(root: Path, pattern: str) -> Path | None:
    """The archive of a name, or the folder: rather the archive, which is as it came, and of two years the later."""
    found = [path for path in visible(root) if re.fullmatch(pattern, _bare(path))]
    return max(found, key=lambda path: (path.is_file(), path.name), default=None)


def _needed(root: Path, pattern: str, kind: Kind) -> Path:
    found = _find(root, pattern)
    if not found:
        raise UserError(
            f"dataset.{kind}.root: {root} has no {OFFICIAL[pattern]}, nor it unpacked; fetch it, or correct the key "
            "(for the layout of Kaggle, take reader: ilsvrc)"
        )
    return found


def _bare(path: Path) -> str:
    """A name without the suffix of an archive."""
    for suffix in SUFFIXES:
        if path.name.endswith(suffix) and path.is_file():
            return path.name.removesuffix(suffix)
    return path.name


def _whole_archive(path: Path) -> None:
    if path.is_file():
        tar_index.check_archive(path)
