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
from typing import NamedTuple

from googlenet.config.schema.dataset import ClassificationSource, DataSource, Kind
from googlenet.data import archive_path, folders, ilsvrc_layout
from googlenet.data.archive_path import TAR, AnyPath, ArchivePath, Tree, node_of, opened
from googlenet.data.class_table import ClassRow, classes_in, names_for, numbers_in, truth_in
from googlenet.data.det_archives import det_tree
from googlenet.data.folders import visible
from googlenet.data.image_files import is_image
from googlenet.data.image_list import blacklist_note
from googlenet.data.records import SPLITS, Candidate, Reading, Refused
from googlenet.data.tar_index import check_archive
from googlenet.errors import UserError, nearest


class Archive(NamedTuple):
    """An archive, or the folder that it unpacks to: its name's pattern, and the file to request if it is missing."""

    pattern: str  # without the suffix
    official: str


# The 2012 kit has no detection data; both kits may be in one folder.
KIT_2012 = Archive(r"ILSVRC2012_devkit_t12", "ILSVRC2012_devkit_t12.tar.gz")
LATER_KIT = Archive(r"ILSVRC201[3-7]_devkit|devkit", "ILSVRC2014_devkit.tgz")
# The single archive of later releases, which holds images, boxes and lists.
SINGLE: dict[Kind, str] = {"classification": r"ILSVRC201[5-7]_CLS-LOC", "detection": r"ILSVRC201[5-7]_DET"}
IMAGES: dict[Kind, dict[str, Archive]] = {  # by the part of the data that a split names
    "classification": {
        "train": Archive(r"ILSVRC2012_img_train|train", "ILSVRC2012_img_train.tar"),
        "val": Archive(r"ILSVRC2012_img_val|val", "ILSVRC2012_img_val.tar"),
    },
    "detection": {
        "train": Archive(r"ILSVRC201[34]_DET_train", "ILSVRC2014_DET_train.tar"),
        "val": Archive(r"ILSVRC201[34]_DET_val", "ILSVRC2013_DET_val.tar"),
    },
}
BOXES = {
    "train": Archive(r"ILSVRC201[34]_DET_bbox_train", "ILSVRC2014_DET_bbox_train.tgz"),
    "val": Archive(r"ILSVRC201[34]_DET_bbox_val", "ILSVRC2013_DET_bbox_val.tgz"),
}
VAL = re.compile(r"ILSVRC2012_val_(\d{8})\.JPEG")
# The parts of the single archive that none of our splits reads.
UNREAD = re.compile(r"(.*/)?(Data/(DET|CLS-LOC)/test|Annotations/CLS-LOC/train)/.*")


def check(source: DataSource) -> None:
    """Check that the archives (or folders) exist and begin and end as tars do. Raises UserError naming the key."""
    root, kind = folders.root_of(source), source.kind
    folders.check_splits(source)
    if single := _find(root, SINGLE[kind]):
        check_archive(single)
        return
    for part in _parts(source):
        check_archive(_require(root, IMAGES[kind][part], kind))
        if kind == "detection":
            _require(root, BOXES[part], kind)
    _kit(root, kind)


def read(source: DataSource, scratch: Path | None = None) -> Reading:
    """Read headers, lists and annotations. Classes: wnids in alphabetical order, displayed by their words."""
    check(source)
    root = folders.root_of(source)
    if isinstance(source, ClassificationSource) and not _find(root, SINGLE[source.kind]):
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
    notes: tuple[str, ...] = ()
    for split in SPLITS:
        if part := source.splits.of(split):
            archive = _require(root, IMAGES["classification"][part], "classification")
            if part == "train":
                splits[split] = folders.images_in(_by_class(archive, keys), split, keys, refused)
            else:
                excluded, key = source.blacklist, f"{source.key}.blacklist"
                file = folders.file_in((root, data.parent, data), excluded, key) if excluded else None
                numbers = set(numbers_in(file)) if file else set[int]()
                every = _val(split, archive, data, rows, refused)
                splits[split] = [item for number, item in every if number not in numbers]
                left_out = len(every) - len(splits[split])
                notes = blacklist_note(excluded, left_out, len(numbers) - left_out)
    folders.hold_out(source, splits, keys)
    splits = {split: splits[split] for split in SPLITS if split in splits}
    return Reading(names_for(rows, keys), keys, splits, refused, "ILSVRC CLS-LOC", notes)


def _by_class(archive: Path, keys: list[str]) -> AnyPath:
    """Return the folder with a folder, or tar, per class. Raises UserError unless the classes are those of the kit."""
    folder = opened(archive)
    entries = visible(folder) if isinstance(folder, Path) else []
    if any(entry.suffix == TAR for entry in entries):  # the inner tars on disk
        tree: Tree = {}
        for entry in entries:
            tree[entry.name.removesuffix(TAR)] = node_of(opened(entry)) if entry.suffix == TAR else entry
        folder = ArchivePath(archive.name, tree, archive.parent)
    present = {entry.name for entry in visible(folder) if entry.is_dir()}
    missing, unknown = set(keys) - present, present - set(keys)
    for classes, what in ((missing, "nothing of class"), (unknown, "the development kit has no class")):
        if classes:
            first = f"{what} '{min(classes)}' ({len(classes)} such)"
            raise UserError(f"{archive.name}: {first}; use the images and the kit of one release")
    return folder


def _val(
    split: str, archive: Path, data: AnyPath, rows: list[ClassRow], refused: list[Refused]
) -> list[tuple[int, Candidate]]:
    """Return the flat val images, each with its number and the class in the kit's ground truth for that number."""
    file, truth = truth_in(data)
    label_of = {row.number: label for label, row in enumerate(sorted(rows, key=lambda row: row.key))}
    if unknown := sorted(set(truth) - set(label_of)):
        raise UserError(f"{file}: no class has the number {unknown[0]}; use the files of one kit")
    candidates = []
    for path in sorted(archive_path.files_below(opened(archive)), key=lambda path: path.name):
        match = VAL.fullmatch(path.name)
        if not match or not is_image(path):
            refused.append(Refused(split, path.name, f"{path.name}: not named as a val image is"))
            continue
        if not 1 <= (number := int(match[1])) <= len(truth):
            lines = f"{file} has {len(truth)} lines"
            raise UserError(f"{archive.name}: '{path.name}', but {lines}; use the kit of the same release")
        candidates.append((number, folders.candidate(path.name, path, label_of[truth[number - 1]])))
    return candidates


def _base(source: DataSource, root: Path) -> ArchivePath:
    """Return `root` in the layout of the later releases: ILSVRC/{Data,Annotations,ImageSets}, devkit/, tables."""
    single = _find(root, SINGLE[source.kind])
    base: Tree = {path.name: path for path in visible(root) if path.suffix == ".txt"}
    kit = _devkit(root, source.kind) if not single or _find(root, LATER_KIT.pattern) else None
    if kit:
        base["devkit"] = node_of(kit)
    if single and single.is_dir():
        inner = single / "ILSVRC"
        base["ILSVRC"] = inner if inner.is_dir() else single
    elif single:
        tree = archive_path.tree_of(single, wanted=lambda name: not UNREAD.fullmatch(name))
        base["ILSVRC"] = tree.get("ILSVRC", tree)
    elif kit:
        archives = {part: (IMAGES["detection"][part], BOXES[part]) for part in _parts(source)}
        paths = {part: [_require(root, each, "detection") for each in both] for part, both in archives.items()}
        base["ILSVRC"] = det_tree(paths, kit / "data")
    if isinstance(base["ILSVRC"], dict) and (lists := root / "ImageSets/DET").is_dir():
        for path in visible(lists):
            archive_path.put(base["ILSVRC"], f"ImageSets/DET/{path.name}", path, str(root))
    return ArchivePath(root.name, base, root.parent)


def _parts(source: DataSource) -> list[str]:
    """Return the parts that the splits name: in detection `val1`, a custom list, belongs to val."""
    parts, known = [], IMAGES[source.kind]
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
        if folder := next((folder for folder in level if (folder / "data").is_dir()), None):
            return folder
        level = [entry for folder in level for entry in visible(folder) if entry.is_dir()]
    raise UserError(f"{kit}: no development kit, it has no folder data; fetch it again")


def _kit(root: Path, kind: Kind) -> Path:
    """Return the path of the development kit."""
    if kind == "detection":
        return _require(root, LATER_KIT, kind)
    return _find(root, KIT_2012.pattern) or _find(root, LATER_KIT.pattern) or _require(root, KIT_2012, kind)


def _find(root: Path, pattern: str) -> Path | None:
    """Find an archive or its folder, preferring the archive, which is unmodified, and the later year."""
    file_name = rf"({pattern})(\.tar|\.tgz|\.tar\.gz)?"
    paths = [p for p in visible(root) if re.fullmatch(file_name if p.is_file() else pattern, p.name)]
    return max(paths, key=lambda path: (path.is_file(), path.name), default=None)


def _require(root: Path, archive: Archive, kind: Kind) -> Path:
    """Return the path of an archive or its folder. Raises UserError if neither exists."""
    if not (path := _find(root, archive.pattern)):
        remedy = "fetch it, or correct the key (for the layout of Kaggle, take reader: ilsvrc)"
        raise UserError(f"dataset.{kind}.root: {root} has neither {archive.official} nor its unpacked folder; {remedy}")
    return path
