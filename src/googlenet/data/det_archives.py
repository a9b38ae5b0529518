"""The archives of ILSVRC2014's DET, laid out as the later releases are, so that one reader reads both.

Data/DET/train/<tar>/<picture>.JPEG        pictures by the tar that they are in; those of val in no folder
Annotations/DET/train/<tar>/<picture>.xml  boxes beside the pictures of their names
ImageSets/DET/train_<number>.txt           train_pos, train_part and train_neg of that class in one: 1, 0 and -1
ImageSets/DET/val.txt                      and other lists of the kit, as they are
"""

import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from googlenet.data.archive_path import AnyPath, Node, Tree, files_below, node_of, opened, put
from googlenet.data.class_table import lines_of
from googlenet.data.folders import is_picture, require, visible
from googlenet.data.tar_index import contents
from googlenet.errors import UserError

BY_CLASS = re.compile(r"train_(pos|part|neg)_(\d+)\.txt")
MARKS = {"pos": "1", "part": "0", "neg": "-1"}


def det_tree(sources: dict[str, list[Path]], data: AnyPath) -> Tree:
    """The tree of pictures, boxes and lists. `sources`: pictures and boxes of each part; `data`: the kit's folder."""
    images: Tree = {}
    annotations: Tree = {}
    folders: dict[str, dict[str, str]] = {}
    for part, (pictures, boxes) in sources.items():
        images[part], folders[part] = _pictures(pictures, flat=part != "train")
        annotations[part] = _boxes(boxes, folders[part])
    lists = _lists(require(data / "det_lists", "dataset.detection.root"), folders.get("train", {}))
    return {"Data": {"DET": images}, "Annotations": {"DET": annotations}, "ImageSets": {"DET": lists}}


def _pictures(archive: Path, flat: bool) -> tuple[Tree, dict[str, str]]:
    """Return (pictures in the folders of their tars, the folder of each, as "name/", by its name without .JPEG)."""
    tree: Tree = {}
    folder_of: dict[str, str] = {}
    for path in files_below(opened(archive)):
        if not is_picture(path):
            continue  # no list names it
        folder, stem = "" if flat else f"{path.parent.name}/", path.stem
        if stem in folder_of:
            raise UserError(f"{archive.name}: two pictures are called '{path.name}'; fetch it again")
        folder_of[stem] = folder
        put(tree, folder + path.name, node_of(path), archive.name)
    return tree, folder_of


def _boxes(archive: Path, folder_of: dict[str, str]) -> Tree:
    """The XML of the pictures, in their folders; that of other pictures is left out."""
    tree: Tree = {}
    nodes: Iterator[tuple[str, Node]]
    if archive.is_dir():
        nodes = ((path.name, node_of(path)) for path in files_below(archive) if path.suffix == ".xml")
    else:  # a small archive, which is read once through
        packed = contents(archive, lambda name: name.endswith(".xml"))
        nodes = ((name.rpartition("/")[2], zlib.compress(content, 1)) for name, content in packed)
    for name, node in nodes:
        if (stem := name.removesuffix(".xml")) in folder_of:
            put(tree, folder_of[stem] + name, node, archive.name)
    return tree


def _lists(folder: AnyPath, folder_of: dict[str, str]) -> Tree:
    """The lists of the kit: those by class joined, with the folders of the pictures."""
    tree: Tree = {}
    by_class: dict[str, list[bytes]] = {}
    for path in visible(folder):
        if not (match := BY_CLASS.fullmatch(path.name)):
            put(tree, path.name, node_of(path), folder.name)
            continue
        items = [line.split()[0].rpartition("/")[2] for _, line in lines_of(path)]
        lines = [f"{folder_of.get(item, '')}{item} {MARKS[match[1]]}\n" for item in items]
        by_class.setdefault(match[2], []).append("".join(lines).encode())
    for number, texts in by_class.items():
        put(tree, f"train_{number}.txt", zlib.compress(b"".join(texts), 1), folder.name)
    return tree
