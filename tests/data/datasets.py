"""Small data sets on disk for the tests of this folder, and the settings that read them."""

import io
import json
import tarfile
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from googlenet.config.schema.dataset import ClassificationSource, DetectionSource
from googlenet.data.store import write_shard
from googlenet.metrics.base import write_metrics
from googlenet.metrics.data import DuplicateExamples, Duplicates, Groups, Look, Manifest, PackedSplit, Shard
from googlenet.storage.files import load_yaml
from settings import ROOT, laid_over

SPLITS = {"train": "train", "validation": "validation", "test": "test"}
WRITERS = {"train": 10, "validation": 1, "test": 3}
SHARED = {"splits": SPLITS, "max_bad_fraction": 0.0, "min_side_px": 8}
DIGITS = {"writers": WRITERS, "composites_per_digit": 2, "side_px": 48, "limit_per_split": 12, "seed": 3}
SCENES = {"writers": WRITERS, "scenes": {"train": 6, "validation": 5, "test": 5}, "scene_side_px": 96}
SCENES |= {"digits_per_scene": [2, 3], "digit_px": [24, 40], "seed": 3}


@cache
def defaults() -> dict[str, Any]:
    """Every key of a data set with its default."""
    return load_yaml(ROOT / "conf/dataset/full.yaml")


def classification(reader: str, root: Path | str = "", **changes: Any) -> ClassificationSource:
    """Settings of a small classification data set."""
    small = SHARED | {"reader": reader, "root": str(root), "embedded": DIGITS}
    values = laid_over(laid_over(defaults()["classification"], small), changes)
    return ClassificationSource.model_validate(values)


def detection(reader: str, root: Path | str = "", **changes: Any) -> DetectionSource:
    """Settings of a small detection data set."""
    small = SHARED | {"reader": reader, "root": str(root), "embedded": SCENES}
    return DetectionSource.model_validate(laid_over(laid_over(defaults()["detection"], small), changes))


def write_manifest(folder: Path, manifest: Manifest, stamp: str = "") -> None:
    """Write a manifest beside its shards, as the stages do."""
    write_metrics(folder / "manifest.json", manifest, stamp)


def manifest_of(splits: dict[str, list[Shard]], classes: tuple[str, ...] = ("cat", "dog")) -> Manifest:
    """A manifest that lists these shards, and says nothing else that is true."""
    none, shown = Groups(groups=0, pictures=0), DuplicateExamples(within=(), across=(), likely_across=())
    same = Duplicates(within=dict.fromkeys(splits, none), across=none, likely_across=none, shown=shown)
    packed = {
        name: PackedSplit(shards=tuple(rows), records=sum(row.records for row in rows), per_class=(0,) * len(classes))
        for name, rows in splits.items()
    }
    look = Look(quantiles_percent=(), splits={}, duplicates=same, refused=())
    return Manifest(
        kind="classification",
        dataset="made",
        classes=classes,
        class_keys=classes,
        splits=packed,
        refused=(),
        look=look,
        about="",
    )


def noise(height: int = 24, width: int = 32, seed: int = 0) -> np.ndarray:
    """An image with detail: uint8 [height, width, 3]."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def jpeg(height: int = 24, width: int = 32, seed: int = 0) -> bytes:
    """The bytes of a JPEG of noise."""
    return cv2.imencode(".jpg", noise(height, width, seed))[1].tobytes()


def saved(image: Image.Image, kind: str, **options) -> bytes:
    """The bytes of an image file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def shard(folder: Path, split: str, items: list, number: int = 0) -> list[Shard]:
    """Write records as one shard; the manifest's rows."""
    return [write_shard(folder / f"{split}-{number:05d}.arrow", items)]


def put(path: Path, content: bytes | str) -> Path:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def class_tree(root: Path, images: int = 3) -> Path:
    """Class folders of three splits and two classes."""
    for split in SPLITS:
        for label, name in enumerate(("cat", "dog")):
            for number in range(images):
                put(root / split / name / f"{number}.jpg", jpeg(seed=10 * label + number))
    return root


def coco_json(*files: tuple, categories: tuple = ("cat", "dog"), **changes) -> dict:
    """COCO's detection JSON of (file_name, [(category, x, y, width, height), ...]) of images of 32 x 24 px.

    A sixth entry of a box is its iscrowd.
    """
    images, annotations = [], []
    for number, (name, boxes) in enumerate(files, start=1):
        images.append({"id": number, "file_name": name, "width": 32, "height": 24})
        for category, *box in boxes:
            row = {"id": len(annotations) + 1, "image_id": number, "bbox": box[:4], "iscrowd": (*box, 0)[4]}
            annotations.append(row | {"category_id": 1 + categories.index(category)})
    rows = [{"id": i, "name": name} for i, name in enumerate(categories, start=1)]
    return {"images": images, "annotations": annotations, "categories": rows} | changes


def coco_tree(root: Path) -> Path:
    """COCO's layout with both classes in every image."""
    for split in SPLITS:
        names = [f"{split}_{number}.jpg" for number in range(2)]
        for number, name in enumerate(names):
            put(root / split / name, jpeg(seed=number))
        boxes = [("cat", 0, 0, 10, 8), ("dog", 4.5, 4, 27.5, 20)]
        table = coco_json(*((name, boxes) for name in names))
        put(root / f"annotations/instances_{split}.json", json.dumps(table))
    return root


def xml(*objects: tuple, size: tuple[int, int] | None = (32, 24), difficult: int | str = 0) -> str:
    """VOC XML with (name, xmin, ymin, xmax, ymax) objects."""
    text = "<annotation>"
    if size:
        text += f"<size><width>{size[0]}</width><height>{size[1]}</height></size>"
    for name, *box in objects:
        corners = "".join(f"<{k}>{v}</{k}>" for k, v in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True))
        text += f"<object><name>{name}</name><difficult>{difficult}</difficult>"
        text += f"<bndbox>{corners}</bndbox></object>"
    return text + "</annotation>"


def voc_tree(root: Path, images: int = 2) -> Path:
    """VOC's layout with both classes in every image."""
    for split in SPLITS:
        names = [f"{split}_{number}" for number in range(images)]
        put(root / f"ImageSets/Main/{split}.txt", "\n".join(names) + "\n")
        for number, name in enumerate(names):
            put(root / f"JPEGImages/{name}.jpg", jpeg(seed=number))
            put(root / f"Annotations/{name}.xml", xml(("cat", 1, 1, 10, 8), ("dog", 5, 5, 32, 24)))
    return root


def shown(reading) -> tuple:
    """A reading as plain values, with the images' bytes."""
    splits = {
        split: [(c.name, c.label, c.partial, c.annotation, c.read()) for c in items]
        for split, items in reading.splits.items()
    }
    return reading.classes, reading.keys, splits, reading.refused, reading.about


def unpack(archive: Path, folder: Path) -> None:
    """Extract a tar."""
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
