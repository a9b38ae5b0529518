"""Reader of ILSVRC's archives as downloaded, under their official names, all in the folder `root`.

classification, the 2012 set, which 2014 also uses (its kit's readme documents how everything is named and packed):

    ILSVRC2012_img_train.tar          n01440764.tar, ...: a tar of n01440764_10026.JPEG, ... for each class
    ILSVRC2012_img_val.tar            ILSVRC2012_val_00000001.JPEG, ...
    ILSVRC2012_devkit_t12.tar.gz      classes and truth: class_table.py

detection, either the single archive of later releases, ILSVRC/{Data,Annotations,ImageSets}/DET as in ilsvrc_layout.py:

    ILSVRC2017_DET.tar                (or 2015; comes as .tar.gz, whose images cannot be read singly: gunzip it once)
    ILSVRC2017_devkit.tar.gz          map_det.txt, the blacklist
    ImageSets/DET/val1.txt, ...       your own lists, if any

or the archives of 2014, whose folders are undocumented, so that files are found by their names, which are unique:

    ILSVRC2014_DET_train.tar          n02672831.tar, ILSVRC2013_DET_train_extra0.tar, ILSVRC2014_train_0000.tar, ...
    ILSVRC2013_DET_val.tar            ILSVRC2012_val_00000001.JPEG, ...
    ILSVRC2014_DET_bbox_train.tgz     one XML for each image with boxes
    ILSVRC2013_DET_bbox_val.tgz
    ILSVRC2014_devkit.tgz             data/det_lists/{train_pos_1,train_part_1,train_neg_1,...,val}.txt, the blacklist

Each may also be unpacked, as a folder of that name (without .tar; train, val and devkit are accepted for the first
three). Nothing is extracted: images are read in place from the archive.
"""

import re
from pathlib import Path

from googlenet.config.schema.dataset import ClassificationSource, DataSource, Kind
from googlenet.data import archive_path, folders, ilsvrc_layout
from googlenet.data.archive_path import TAR, AnyPath, ArchivePath, Tree, node_of, opened
from googlenet.data.class_table import ClassRow, classes_in, names_for, numbers_in, truth_in
from googlenet.data.det_archives import det_tree
from googlenet.data.folders import visible
from googlenet.data.records import SPLITS, Candidate, Reading, Refused
from googlenet.data.tar_index import check_archive
from googlenet.errors import UserError, nearest

# The 2012 kit has no detection data; both kits may be in one folder.
LATER_KIT = r"ILSVRC201[3-7]_devkit|devkit"
KIT_2012 = r"ILSVRC2012_devkit_t12"
WHOLE: dict[Kind, str] = {"classification": r"ILSVRC201[5-7]_CLS-LOC", "detection": r"ILSVRC201[5-7]_DET"}
PARTS: dict[Kind, dict[str, tuple[str, ...]]] = {  # what a split may name: images, and in detection also boxes
    "classification": {"train": (r"ILSVRC2012_img_train|train",), "val": (r"ILSVRC2012_img_val|val",)},
    "detection": {part: (rf"ILSVRC201[34]_DET_{part}", rf"ILSVRC201[34]_DET_bbox_{part}") for part in ("train", "val")},
}
OFFICIAL = {  # the file name to ask for when it is missing
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
# The parts of the single archive that none of our splits reads.
UNREAD = re.compile(r"(.*/)?(Data/(DET|CLS-LOC)/test|Annotations/CLS-LOC/train)/.*")


def check(source: DataSource) -> None:
    """Check that the archives (or folders) exist, and begin and end as they should. Raises UserError naming the key."""
    root, kind = folders.root_of(source), source.kind
    folders.check_splits(source)
    if whole := _find(root, WHOLE[kind]):
        check_archive(whole)
        return
    for part in _parts(source):
        images, *boxes = PARTS[kind][part]
        check_archive(_needed(root, images, kind))
        for pattern in boxes:
            _needed(root, pattern, kind)
    _kit(root, kind)


def read(source: DataSource, scratch: Path | None = None) -> Reading:
    """Read headers, lists and annotations. Classes: wnids in alphabetical order, displayed by their words."""
    check(source)
    root = folders.root_of(source)
    if isinstance(source, ClassificationSource) and not _find(root, WHOLE[source.kind]):
        return _classification(source, root)
    base = _base(source, root)
    top = base / "ILSVRC"
    table = ilsvrc_layout.table_of(top, source.kind)
    if source.kind == "detection" and not table and (base / "devkit/data/meta_det.mat").is_file():
        table = classes_in(base / "devkit/data", source.kind)
    return ilsvrc_layout.read(source, top, table)


def _classification(source: ClassificationSource, root: Path) -> Reading:
    data = _devkit(root, "classification") / "data"
    rows = classes_in(data, "classification")
    keys = sorted(row.key for row in rows)
    splits: dict[str, list[Candidate]] = {}
    refused: list[Refused] = []
    for split in SPLITS:
        if name := source.splits.of(split):
            found = _needed(root, PARTS["classification"][name][0], "classification")
            if name == "train":
                splits[split] = folders.images_in(_by_class(found, keys), split, keys, refused)
            else:
                black, key = source.blacklist, f"{source.key}.blacklist"
                left_out = numbers_in(folders.file_in((root, data.parent, data), black, key)) if black else []
                splits[split] = _val(split, found, data, rows, set(left_out), refused)
    folders.hold_out(source, splits, keys)
    splits = {split: splits[split] for split in SPLITS if split in splits}
    return Reading(names_for(rows, keys), keys, splits, refused, "ILSVRC CLS-LOC")


def _by_class(found: Path, keys: list[str]) -> AnyPath:
    """Return the folder with a folder, or tar, per class. Raises UserError unless the classes are those of the kit."""
    folder = opened(found)
    entries = visible(folder) if isinstance(folder, Path) else []
    if any(entry.suffix == TAR for entry in entries):  # the inner tars on disk
        tree: Tree = {entry.name.removesuffix(TAR): node_of(opened(entry)) for entry in entries}
        folder = ArchivePath(found.name, tree, found.parent)
    there = {entry.name for entry in visible(folder) if entry.is_dir()}
    lacking, unknown = set(keys) - there, there - set(keys)
    for wrong, what in ((lacking, "nothing of class"), (unknown, "the development kit has no class")):
        if wrong:
            such = f"{what} '{min(wrong)}' ({len(wrong)} such)"
            raise UserError(f"{found.name}: {such}; use the images and the kit of one release")
    return folder


def _val(
    split: str, found: Path, data: AnyPath, rows: list[ClassRow], left_out: set[int], refused: list[Refused]
) -> list[Candidate]:
    """Return the flat val images, each with the class in the kit's ground truth for the number in its name."""
    called, truth = truth_in(data)
    label_of = {row.number: label for label, row in enumerate(sorted(rows, key=lambda row: row.key))}
    if unknown := sorted(set(truth) - set(label_of)):
        raise UserError(f"{called}: no class has the number {unknown[0]}; use the files of one kit")
    candidates = []
    for path in sorted(archive_path.files_below(opened(found)), key=lambda path: path.name):
        match = VAL.fullmatch(path.name)
        if not match or not folders.is_image(path):
            refused.append(Refused(split, path.name, f"{path.name}: not named as a val picture is"))
            continue
        if not 1 <= (number := int(match[1])) <= len(truth):
            lines = f"{called} has {len(truth)} lines"
            raise UserError(f"{found.name}: '{path.name}', but {lines}; use the kit of the same release")
        if number not in left_out:
            candidates.append(folders.candidate(path.name, path, label_of[truth[number - 1]]))
    return candidates


def _base(source: DataSource, root: Path) -> ArchivePath:
    """Return `root` in the layout of the later releases: ILSVRC/{Data,Annotations,ImageSets}, devkit/, tables."""
    whole = _find(root, WHOLE[source.kind])
    base: Tree = {path.name: path for path in visible(root) if path.suffix == ".txt"}
    kit = _devkit(root, source.kind) if not whole or _find(root, LATER_KIT) else None
    if kit:
        base["devkit"] = node_of(kit)
    if kit and not whole:
        patterns = {part: PARTS["detection"][part] for part in _parts(source)}
        sources = {part: [_needed(root, each, "detection") for each in both] for part, both in patterns.items()}
        base["ILSVRC"] = det_tree(sources, kit / "data")
    elif whole and whole.is_dir():
        inner = whole / "ILSVRC"
        base["ILSVRC"] = inner if inner.is_dir() else whole
    elif whole:
        tree = archive_path.tree_of(whole, wanted=lambda name: not UNREAD.fullmatch(name))
        base["ILSVRC"] = tree.get("ILSVRC", tree)
    if isinstance(base["ILSVRC"], dict) and (own := root / "ImageSets/DET").is_dir():
        for path in visible(own):
            archive_path.put(base["ILSVRC"], f"ImageSets/DET/{path.name}", path, str(root))
    return ArchivePath(root.name, base, root.parent)


def _parts(source: DataSource) -> list[str]:
    """Return the parts that the splits name: in detection `val1`, a custom list, belongs to val."""
    parts, known = [], PARTS[source.kind]
    for split in SPLITS:
        name = source.splits.of(split)
        part = name.rstrip("0123456789").rstrip("_") if source.kind == "detection" else name
        if name and part not in known:
            raise UserError(f"{source.key}.splits.{split}: no part '{name}'{nearest(name, known)}")
        if name:
            parts.append(part)
    return list(dict.fromkeys(parts))


def _devkit(root: Path, kind: Kind) -> AnyPath:
    """Return the development kit: the folder that holds `data`, which may be one or two levels down (ILSVRC/devkit)."""
    kit = archive_path.opened_small(_kit(root, kind))
    level = [kit]
    for _ in range(3):
        found = [folder for folder in level if (folder / "data").is_dir()]
        if found:
            return found[0]
        level = [entry for folder in level for entry in visible(folder) if entry.is_dir()]
    raise UserError(f"{kit}: no development kit, it has no folder data; fetch it again")


def _kit(root: Path, kind: Kind) -> Path:
    """Return the path of the development kit."""
    found = _find(root, KIT_2012) or _find(root, LATER_KIT) if kind == "classification" else None
    return found or _needed(root, KIT_2012 if kind == "classification" else LATER_KIT, kind)


def _find(root: Path, pattern: str) -> Path | None:
    """Find the archive or folder of a name: the archive, which is unmodified, is preferred, and the later year."""
    packed = rf"({pattern})(\.tar|\.tgz|\.tar\.gz)?"
    found = [p for p in visible(root) if re.fullmatch(packed if p.is_file() else pattern, p.name)]
    return max(found, key=lambda path: (path.is_file(), path.name), default=None)


def _needed(root: Path, pattern: str, kind: Kind) -> Path:
    if not (found := _find(root, pattern)):
        mend = "fetch it, or correct the key (for the layout of Kaggle, take reader: ilsvrc)"
        raise UserError(f"dataset.{kind}.root: {root} has no {OFFICIAL[pattern]}, nor it unpacked; {mend}")
    return found
