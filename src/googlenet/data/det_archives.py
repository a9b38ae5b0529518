"""The archives of ILSVRC2014's DET presented in the layout of later releases, so that one reader handles both.

Data/DET/train/<tar>/<image>.JPEG          images by the tar that holds them; those of val without a folder
Annotations/DET/train/<tar>/<image>.xml    boxes, in the folders of the images they are named after
ImageSets/DET/train_<number>.txt           train_pos, train_part and train_neg of that class, merged: 1, 0 and -1
ImageSets/DET/val.txt                      and other lists of the kit, unchanged
"""

import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from googlenet.data.archive_path import AnyPath, Node, Tree, files_below, node_of, opened, put
from googlenet.data.class_table import lines_of
from googlenet.data.folders import require, visible
from googlenet.data.image_files import is_image
from googlenet.data.tar_index import contents
from googlenet.errors import UserError
from googlenet.tracking.progress import counted

BY_CLASS = re.compile(r"train_(pos|part|neg)_(\d+)\.txt")
MARKS = {"pos": "1", "part": "0", "neg": "-1"}


def det_tree(sources: dict[str, list[Path]], data: AnyPath) -> Tree:
    """Build the tree of images, boxes and lists. `sources`: images and boxes of each part; `data`: the kit's folder."""
    images: Tree = {}
    annotations: Tree = {}
    folders: dict[str, dict[str, str]] = {}
    for part, (image_archive, box_archive) in sources.items():
        images[part], folders[part] = _images(image_archive, flat=part != "train")
        annotations[part] = _boxes(box_archive, folders[part])
    lists = _lists(require(data / "det_lists", "dataset.detection.root"), folders.get("train", {}))
    return {"Data": {"DET": images}, "Annotations": {"DET": annotations}, "ImageSets": {"DET": lists}}


def _images(archive: Path, flat: bool) -> tuple[Tree, dict[str, str]]:
    """Return (images in the folders of their tars, the folder of each, as "name/", by its name without .JPEG)."""
    tree: Tree = {}
    folder_of: dict[str, str] = {}
    for path in counted(files_below(opened(archive)), f"files of {archive.name}"):
        if not is_image(path):
            continue  # no list names it
        folder, stem = "" if flat else f"{path.parent.name}/", path.stem
        if stem in folder_of:
            raise UserError(f"{archive.name}: two images are called '{path.name}'; fetch it again")
        folder_of[stem] = folder
        put(tree, folder + path.name, node_of(path), archive.name)
    return tree, folder_of


def _boxes(archive: Path, folder_of: dict[str, str]) -> Tree:
    """Return the XML of the images, in their folders; XML of other images is left out."""
    tree: Tree = {}
    nodes: Iterator[tuple[str, Node]]
    if archive.is_dir():
        nodes = ((path.name, node_of(path)) for path in files_below(archive) if path.suffix == ".xml")
    else:  # a small archive, read in one pass
        packed = contents(archive, lambda name: name.endswith(".xml"))
        nodes = ((name.rpartition("/")[2], zlib.compress(content, 1)) for name, content in packed)
    for name, node in counted(nodes, f"files of {archive.name}"):
        if (stem := name.removesuffix(".xml")) in folder_of:
            put(tree, folder_of[stem] + name, node, archive.name)
    return tree


def _lists(folder: AnyPath, folder_of: dict[str, str]) -> Tree:
    """Return the lists of the kit: the per-class ones merged, with the folders of the images."""
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
