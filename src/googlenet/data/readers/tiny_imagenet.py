"""Reader of Tiny ImageNet (Stanford's CS231n): 200 classes of ILSVRC, photographs of 64 x 64 px, one box in each.

    tiny-imagenet-200/wnids.txt                         the classes
    tiny-imagenet-200/words.txt                         wnid, words: of all of WordNet's nouns
    tiny-imagenet-200/train/<wnid>/images/<wnid>_0.JPEG, ...   500 images of each class
    tiny-imagenet-200/train/<wnid>/<wnid>_boxes.txt     image, xmin, ymin, xmax, ymax
    tiny-imagenet-200/val/images/val_0.JPEG, ...        50 images of each class
    tiny-imagenet-200/val/val_annotations.txt           image, wnid, xmin, ymin, xmax, ymax
    tiny-imagenet-200/test/                             images without labels, which are not read

Columns are separated by tabs. Boxes are integers from 0 to 63, the first and the last pixel inside, so that a box of
the whole image is 0 0 63 63; some, scaled down with their photographs, are one pixel wide or high, and are rejected
as boxes without area. `root` is this folder, the one that contains it, an archive of it (tiny-imagenet-200.zip as
downloaded, or a .tar, .tar.xz or .tar.gz), or the archive's folder. The splits name the parts `train` and `val`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from googlenet.config.schema.dataset import DataSource, DetectionSource
from googlenet.data import class_lists, folders, whole_archive
from googlenet.data.archive_path import AnyPath
from googlenet.data.class_table import ClassRow, by_any_name, key_of, lines_of, names_for
from googlenet.data.folders import INNER, candidate, require, visible
from googlenet.data.image_files import ImageFiles, is_image
from googlenet.data.records import SPLITS, Annotation, Candidate, Reading, Refused
from googlenet.errors import UserError, nearest
from googlenet.tracking.progress import counted

TOP, ARCHIVE = "tiny-imagenet-200", "tiny-imagenet-200.zip"
PARTS = ("train", "val")
TABLE = "val/val_annotations.txt"
MOST_BYTES = 2 << 30  # of the whole set, which has 0.25 GB
Boxes = tuple[float, float, float, float]


class Line(NamedTuple):
    """A line of a table of boxes."""

    where: str
    image: str
    wnid: str
    box: Boxes


def check(source: DataSource) -> None:
    """Check that the folder or an archive exists, and what needs no unpacking. Raises UserError naming the key."""
    folders.check_splits(source)
    for split in filter(source.splits.of, SPLITS):
        if (part := source.splits.of(split)) not in PARTS:
            unlabelled = "; the images of test have no labels" if part == "test" else nearest(part, PARTS)
            raise UserError(f"{source.key}.splits.{split}: no part '{part}'{unlabelled}; name train or val")
    place = _place(source)
    if place.is_dir():
        _check_parts(place, source)


def read(source: DataSource, scratch: Path) -> Reading:
    """Read tables and file names. Classes: wnids in alphabetical order, or `classes` of them, shown by their words."""
    check(source)
    top = _opened(_place(source), scratch)
    _check_parts(top, source)
    every, table = _classes(top, source)
    refused: list[Refused] = []
    splits: dict[str, list[Candidate]] = {}
    keys = every
    if isinstance(source, DetectionSource) and source.classes:
        known = by_any_name(table)
        keys = sorted({key_of(name, known, f"{source.key}.classes") for name in source.classes})
    for split in filter(source.splits.of, SPLITS):
        part = source.splits.of(split)
        if isinstance(source, DetectionSource):
            lines = _training_boxes(top, keys) if part == "train" else _validation_boxes(top, every, keys)
            splits[split] = _with_boxes(top, part, lines, split, refused)
        elif part == "train":
            splits[split] = folders.images_in(top / part, split, keys, refused)
        else:
            splits[split] = class_lists.images_in(top / TABLE, split, keys, refused)
    folders.hold_out(source, splits, () if isinstance(source, DetectionSource) else keys)
    return Reading(names_for(table, keys), keys, splits, refused, "Tiny ImageNet: photographs of 64 px")


def _place(source: DataSource) -> Path:
    """Return the folder of the layout, or the archive. Raises UserError naming the key if there is neither."""
    key = f"{source.key}.root"
    if not source.root:
        raise UserError(f"{key}: not set; give the folder of Tiny ImageNet, or its archive")
    root = Path(source.root).expanduser()
    if root.is_file():
        if not root.name.lower().endswith(whole_archive.SUFFIXES):
            raise UserError(f"{key}: {root} is not an archive; give {ARCHIVE}, a .tar or .tar.xz, or the folder {TOP}")
        return root
    if not root.is_dir():
        raise UserError(f"{key}: no file or folder {root}; fetch {ARCHIVE} or correct the path")
    for folder in (root, root / TOP):
        if any((folder / part).is_dir() for part in PARTS):
            return folder
    names = {TOP, TOP.replace("-200", ""), "tiny_imagenet"}
    archives = [
        p for p in visible(root) if p.is_file() and any(p.name == n + s for n in names for s in whole_archive.SUFFIXES)
    ]
    if not archives:
        raise UserError(f"{key}: {root} has neither train and val nor {ARCHIVE}; fetch that or correct the path")
    return archives[0]


def _opened(place: Path, scratch: Path) -> AnyPath:
    """Return the folder that holds train and val; of an archive, from its files in `scratch`."""
    if place.is_dir():
        return place
    unlabelled = ("test/", f"{TOP}/test/")
    archive = whole_archive.unpacked(place, scratch, lambda name: not name.startswith(unlabelled), MOST_BYTES)
    return archive / TOP if (archive / TOP).is_dir() else archive


def _check_parts(top: AnyPath, source: DataSource) -> None:
    """Raise UserError naming the key if a part that a split names is missing."""
    for part in {source.splits.of(split) for split in SPLITS if source.splits.of(split)}:
        require(top / part, f"{source.key}.root")
        if part == "val":
            require(top / TABLE, f"{source.key}.root", folder=False)


def _classes(top: AnyPath, source: DataSource) -> tuple[list[str], list[ClassRow]]:
    """Return the wnids, and the table of their words. Raises UserError if the folders are not those of wnids.txt."""
    if source.splits.train:
        keys = folders.class_names(top / "train", f"{source.key}.root")
    else:
        keys = sorted({line.wnid for line in _lines(top / TABLE)})
    if (file := top / "wnids.txt").is_file() and source.splits.train:
        listed = {line for _, line in lines_of(file)}
        if missing := sorted(listed - set(keys)):
            raise UserError(f"{file}: class '{missing[0]}' has no folder in train; complete the data set")
        if unknown := sorted(set(keys) - listed):
            raise UserError(f"{top / 'train' / unknown[0]}: not a class of wnids.txt; add it there or move the folder")
    wanted = set(keys)
    words = dict[str, str]()
    if (file := top / "words.txt").is_file():
        rows = (line.partition("\t") for _, line in lines_of(file))
        words = {key: text.split(",")[0].strip() for key, _, text in rows if key in wanted}
    return keys, [ClassRow(key, words.get(key) or key, 0) for key in keys]


def _training_boxes(top: AnyPath, keys: list[str]) -> Iterator[Line]:
    """Yield the training boxes of some classes. Raises UserError for a class without any."""
    for key in counted(keys, "classes whose boxes are read"):
        file = top / "train" / key / f"{key}_boxes.txt"
        lines = list(_lines(file, key)) if file.is_file() else []
        if not lines:
            raise UserError(
                f"{file}: class '{key}' has no boxes; fetch the file again, or list other classes (dataset.detection.classes)"
            )
        yield from lines


def _validation_boxes(top: AnyPath, every: list[str], keys: list[str]) -> Iterator[Line]:
    """Yield the validation boxes of some classes. Raises UserError for a class that is not among all of them."""
    for line in _lines(top / TABLE):
        if line.wnid not in every:
            raise UserError(
                f"{line.where}: class '{line.wnid}' is not in training{nearest(line.wnid, every)}; correct the line"
            )
        if line.wnid in keys:
            yield line


def _with_boxes(top: AnyPath, part: str, lines: Iterator[Line], split: str, refused: list[Refused]) -> list[Candidate]:
    """Return a part's images with their box; add to `refused` lines without an image, and images without a line."""
    places: dict[str, ImageFiles] = {}
    found: dict[str, Candidate] = {}
    for line in lines:
        folder = f"{line.wnid}/{INNER}" if part == "train" else INNER
        name = f"{folder}/{line.image}"
        try:
            if folder not in places:
                places[folder] = ImageFiles(top / part / folder)
            file, path = places[folder].find(line.image)
            name = f"{folder}/{file}"
            if name in found:
                raise UserError(f"{line.image}: listed twice")
            annotation = Annotation(line.where, (line.wnid,), (line.box,), (False,), (0, 0), 0)
            found[name] = candidate(name, path, -1, annotation)
        except UserError as error:
            refused.append(Refused(split, name, f"{line.where}: {error}"))
    if part == "train":  # in val, images of classes that are not requested are no error
        for folder in places:
            for path in filter(is_image, visible(top / part / folder)):
                if f"{folder}/{path.name}" not in found:
                    refused.append(Refused(split, f"{folder}/{path.name}", f"{folder}/{path.name}: has no box"))
    return list(found.values())


def _lines(path: AnyPath, wnid: str = "") -> Iterator[Line]:
    """Yield the lines of a box table; the second column is the class if none is given. UserError names the line."""
    for at, line in lines_of(path):
        image, *columns = line.split("\t")
        of_line = wnid or (columns.pop(0) if columns else "")
        if len(columns) != 4 or not of_line or not all(text.isdecimal() and len(text) < 6 for text in columns):
            wanted = f"an image,{'' if wnid else ' a class,'} and the four corners of its box, separated by tabs"
            raise UserError(f"{path.name}, line {at}: not {wanted}; correct the line")
        xmin, ymin, xmax, ymax = map(float, columns)
        yield Line(f"{path.name}, line {at}", image, of_line, (xmin, ymin, xmax, ymax))
