"""Reader of VOC's layout: images, one XML of boxes for each, and a list of names per split.

A list has a name on each line, with or without the image's suffix; VOC's per-class lists also have a mark (-1, 0 or 1),
which is not used. `images` and `annotations` may contain {split}, which stands for the split's name. With `lists: ""` a
split is everything in these two folders: for example "{split}" for both if the XML is beside the images.
"""

import re
from pathlib import Path

from googlenet.config.schema.dataset import DetectionSource
from googlenet.data import layouts
from googlenet.data.annotations import class_keys, drop_repeated, listed
from googlenet.data.class_table import lines_of
from googlenet.data.folders import PLACE, at, check_splits, hold_out, refuse_subfolders, require, root_of, visible
from googlenet.data.image_files import ImageFiles, names_in, split_suffix
from googlenet.data.records import SPLITS, Candidate, Reading, Refused
from googlenet.errors import UserError

MARK = re.compile(r"\s+(-1|0|1)$")


def check(source: DetectionSource) -> None:
    """Check that the folders and lists exist. Raises UserError naming the key."""
    root = root_of(source)
    check_splits(source)
    with layouts.advised(source, root):
        for split in filter(source.splits.of, SPLITS):
            require(at(root, source.images, source, split), f"{source.key}.images")
            require(at(root, source.annotations, source, split), f"{source.key}.annotations")
            if source.lists:
                require(root / source.lists, f"{source.key}.lists")
                require(_list(root, source, split), f"{source.key}.splits.{split}", folder=False)
            elif PLACE not in source.images or PLACE not in source.annotations:
                raise UserError(
                    f'{source.key}.lists: "" needs {PLACE} in images and annotations; name the lists\' folder'
                )


def read(source: DetectionSource, scratch: Path | None = None) -> Reading:
    """Read lists and annotations. Classes: `classes` if given, else those in the training XML, sorted."""
    check(source)
    root = root_of(source)
    keep_empty = source.images_without_objects == "keep"
    splits: dict[str, list[Candidate]] = {}
    refused: list[Refused] = []
    for split in filter(source.splits.of, SPLITS):
        folder, annotations = (at(root, name, source, split) for name in (source.images, source.annotations))
        images = ImageFiles(folder)
        if source.lists:
            items = names_in([line for _, line in lines_of(_list(root, source, split))], images, MARK)
        else:
            items = _in_folders(folder, annotations)
        splits[split], bad = listed(split, items, images, annotations, source.box_origin, keep_empty)
        refused += bad
    drop_repeated(splits, refused, by_stem=True)
    hold_out(source, splits)
    keys = list(source.classes) or class_keys(splits["train"])
    return Reading(keys, keys, splits, refused, "images with VOC boxes")


def _in_folders(images: Path, annotations: Path) -> list[str]:
    """Return the names of all images and XML in two folders, which may be the same."""
    entries = [path for folder in dict.fromkeys((images, annotations)) for path in visible(folder)]
    refuse_subfolders(images, (path for path in entries if path.parent == images))
    named = {path.stem for path in entries if path.suffix.lower() == ".xml"}
    return sorted(named | {stem for stem, suffix in (split_suffix(path.name) for path in entries) if suffix})


def _list(root: Path, source: DetectionSource, split: str) -> Path:
    return root / source.lists / f"{source.splits.of(split)}.txt"
