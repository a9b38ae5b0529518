"""Images kept in memory up to a limit, and the splits that one training is given."""

import numpy as np

from data.datasets import jpeg, manifest_of, shard, write_manifest
from googlenet.data.decoded import DecodedImages, labelled
from googlenet.data.records import SPLITS, Record
from googlenet.data.store import open_split

ONE_MB = 24 * 32 * 3 / 1e6  # a decoded image


def store(folder):
    """Three splits of four images each, labelled 0 to 3."""
    rows = {}
    for split in SPLITS:
        items = [Record(f"{split}{n}", jpeg(seed=n), 32, 24, n) for n in range(4)]
        rows[split] = shard(folder, split, items)
    write_manifest(folder, manifest_of(rows))
    return folder


def kept(images):
    """Which images are the same object when asked for twice: those that memory holds."""
    return [n for n in range(len(images)) if images[n] is images[n]]


def test_images_are_kept_up_to_the_limit(tmp_path):
    split = open_split(store(tmp_path), "train")
    assert kept(DecodedImages(split, 0)) == []
    assert kept(DecodedImages(split, 2.5 * ONE_MB)) == [0, 1]
    images = DecodedImages(split, 100)
    assert kept(images) == [0, 1, 2, 3]
    assert all(np.array_equal(images[n], split.image(n)) for n in range(4))


def test_memory_is_for_training_and_validation(tmp_path):
    splits = labelled(store(tmp_path), 4.5 * ONE_MB)
    assert {name: kept(images) for name, (images, _) in splits.items()} == {
        "train": [0, 1],
        "validation": [0, 1],
        "test": [],
    }
    assert all(labels.tolist() == [0, 1, 2, 3] for _, labels in splits.values())
