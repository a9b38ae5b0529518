"""A prepared data set of random images, for tests that run a stage on one."""

import cv2

from classification import tiny
from data.datasets import manifest_of, write_manifest
from googlenet.data.records import Record
from googlenet.data.store import write_shard

CLASSES = tiny.spec().classes


def prepared(folder, splits):
    """A data set of random images of two shapes and three classes."""
    rows = {}
    for split, number in splits.items():
        sizes = [(40, 40), (36, 52)] * (number // 2)
        images = [cv2.imencode(".png", one)[1].tobytes() for one in tiny.images(sizes, seed=len(split))]
        records = [
            Record(f"{split}{i}.png", image, *size, label=i % 3)
            for i, (image, size) in enumerate(zip(images, sizes, strict=True))
        ]
        rows[split] = [write_shard(folder / f"{split}-00000.arrow", records)]
    write_manifest(folder, manifest_of(rows, CLASSES))
    return folder / "manifest.json"
