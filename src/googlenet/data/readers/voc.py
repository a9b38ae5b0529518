"""Reader of VOC's layout: images, one XML of boxes for each, and a list of names per split."""

from pathlib import Path

from googlenet.config.schema.dataset import DetectionSource
from googlenet.data.annotations import class_keys, drop_repeated, listed
from googlenet.data.class_table import lines_of
from googlenet.data.folders import check_splits, require, root_of
from googlenet.data.records import SPLITS, Candidate, Reading, Refused


def check(source: DetectionSource) -> None:
    """Check that the folders and lists exist. Raises UserError naming the key."""
    root = root_of(source)
    check_splits(source)
    require(root / source.images, f"{source.key}.images")
    require(root / source.annotations, f"{source.key}.annotations")
    require(root / source.lists, f"{source.key}.lists")
    for split in SPLITS:
        require(_list(root, source, split), f"{source.key}.splits.{split}", folder=False)


def read(source: DetectionSource, scratch: Path | None = None) -> Reading:
    """Read lists and annotations. Classes: `classes` if given, else those in the training XML, sorted."""
    check(source)
    root = root_of(source)
    images, annotations = root / source.images, root / source.annotations
    keep_empty = source.images_without_objects == "keep"
    splits: dict[str, list[Candidate]] = {}
    refused: list[Refused] = []
    for split in SPLITS:
        items = [line.split()[0] for _, line in lines_of(_list(root, source, split))]
        splits[split], bad = listed(split, items, images, annotations, source.box_origin, keep_empty)
        refused += bad
    drop_repeated(splits, refused)
    keys = list(source.classes) or class_keys(splits["train"])
    return Reading(keys, keys, splits, refused, "images with VOC boxes")


def _list(root: Path, source: DetectionSource, split: str) -> Path:
    return root / source.lists / f"{source.splits.of(split)}.txt"
