"""Neither the order of files on disk nor that of the entries of lists affects what is prepared: the same bytes."""

import json
import pathlib
import random

import pytest

from data.datasets import SPLITS, class_tree, classification, coco_tree, detection, jpeg, put, voc_tree, xml
from data.det_tree import settings as det_settings
from data.det_tree import tree as det_tree
from googlenet.data.prepare import prepare

HELD = {"train": "train", "validation": "", "test": "test"}
COCO = {"images": "{split}", "annotations": "annotations/instances_{split}.json"}


def class_folders(root):
    held = {"splits": HELD, "validation_per_class": 1}
    return "train/cat/1.jpg", classification("class_folders", class_tree(root), max_bad_fraction=0.2, **held)


def class_list(root):
    lines = [f"validation/{name}/{number}.jpg {name}\n" for name in ("dog", "cat") for number in range(3)]
    put(class_tree(root) / "val.txt", "".join(lines))
    splits = SPLITS | {"validation": "val.txt"}
    return "validation/cat/1.jpg", classification("class_folders", root, splits=splits, max_bad_fraction=0.2)


def voc(root):
    lines = ["test_0 1", "test_3 -1", "test_0.jpg 0", "train_3 1", "test_1.PNG -1", "test_1.jpg 1"]
    put(voc_tree(root, 4) / "ImageSets/Main/test.txt", "\n".join(lines))
    put(root / "JPEGImages/test_1.PNG", jpeg())  # it and the .jpg want the same annotation
    return "JPEGImages/train_0.jpg", detection("voc", root, splits=HELD, validation_images=2, max_bad_fraction=0.4)


def beside(root):
    for split in SPLITS:
        for path in (voc_tree(root / "voc") / "JPEGImages").glob(f"{split}_*"):
            put(root / split / path.name, path.read_bytes())
            put(root / split / f"{path.stem}.xml", xml(("cat", 1, 1, 10, 8)))
    folders = {"images": "{split}", "annotations": "{split}", "lists": ""}
    return "train/train_0.jpg", detection("voc", root, max_bad_fraction=0.2, **folders)


def coco(root):
    return "train/train_0.jpg", detection("coco", coco_tree(root), max_bad_fraction=0.2, **COCO)


def ilsvrc(root):
    put(det_tree(root) / "ImageSets/DET/train.txt", "b/3 1\na/0 2\nextra/4 3\na/1 4\nextra/5 5\nb/2 6\n")
    put(root / "ILSVRC/black.txt", "2 cat\n3 n02000001\n")
    return "ILSVRC/Data/DET/train/a/1.JPEG", det_settings(root, blacklist="black.txt", max_bad_fraction=0.2)


def shuffled_copy(root, copy, rng):
    """Copy a tree, its files created in another order, the lines of its lists and the rows of its tables shuffled."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    rng.shuffle(files)
    for path in files:
        content = path.read_bytes()
        if path.suffix == ".txt" and path.name != "map_det.txt":
            lines = content.decode().splitlines()
            rng.shuffle(lines)
            content = "\n".join(lines)
        elif path.suffix == ".json":
            tables = json.loads(content)
            for rows in tables.values():
                rng.shuffle(rows)
            content = json.dumps(tables)
        put(copy / path.relative_to(root), content)


@pytest.mark.parametrize("make", [class_folders, class_list, voc, beside, coco, ilsvrc])
def test_shuffled_files_and_lists_give_the_same_bytes(tmp_path, monkeypatch, make):
    bad, settings = make(tmp_path / "plain")
    put(tmp_path / "plain" / bad, b"")  # what is left out does not depend on the order either
    prepared = prepare(settings, tmp_path / "a/made")
    assert any("empty file" in item.reason for item in prepared.refused)
    listing, rng = pathlib.Path.iterdir, random.Random(1)
    monkeypatch.setattr(
        pathlib.Path, "iterdir", lambda path: iter(rng.sample(items := list(listing(path)), len(items)))
    )
    for turn in range(3):
        shuffled_copy(tmp_path / "plain", tmp_path / f"shuffled{turn}", rng)
        again = settings.model_copy(update={"root": str(tmp_path / f"shuffled{turn}")})
        assert prepare(again, tmp_path / f"b{turn}/made") == prepared
        for path in (tmp_path / "a/made").iterdir():
            assert (tmp_path / f"b{turn}/made" / path.name).read_bytes() == path.read_bytes(), path.name
