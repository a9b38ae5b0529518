"""Tiny ImageNet's own layout: archives and folders give the same, and what stops or is left out says so in one line."""

import shutil
import zipfile

import numpy as np
import pytest

from data.datasets import classification, detection, jpeg, put, shown, write_manifest
from data.tiny_imagenet_tree import (
    CAT,
    CAT_BOXES,
    DOG,
    SPLITS,
    TABLE,
    TOP,
    edited,
    tarred,
    tiny_imagenet_tree,
    zipped,
)
from googlenet.data.prepare import check_source, prepare
from googlenet.data.readers import tiny_imagenet
from googlenet.data.store import open_split
from googlenet.errors import UserError


def labelled(root, **changes):
    return classification("tiny_imagenet", root, **({"splits": SPLITS, "validation_per_class": 1} | changes))


def boxed(root, **changes):
    return detection("tiny_imagenet", root, **({"splits": SPLITS, "validation_images": 2, "box_origin": 0} | changes))


@pytest.fixture(scope="module")
def top(tmp_path_factory):
    return tiny_imagenet_tree(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def own(top, tmp_path):
    """A copy that a test may spoil."""
    shutil.copytree(top, tmp_path / TOP)
    return tmp_path / TOP


def test_classes_words_and_splits(top, tmp_path):
    reading = tiny_imagenet.read(labelled(top), tmp_path)
    assert reading.keys == [DOG, CAT] and reading.classes == ["dog", "tabby"] and not reading.refused
    assert {split: len(items) for split, items in reading.splits.items()} == {"train": 6, "validation": 2, "test": 4}
    assert [item.label for item in reading.splits["test"]] == [1, 0, 1, 0]


@pytest.mark.parametrize("source", [labelled, boxed])
@pytest.mark.parametrize("form", ["zip", "tar", "tar.xz", "tar.gz", "folder above", "archive in a folder"])
def test_every_form_gives_the_same(top, tmp_path, source, form):
    (tmp_path / "scratch").mkdir()
    expected = shown(tiny_imagenet.read(source(top), tmp_path / "scratch"))
    if form == "folder above":
        place = top.parent
    elif form in ("zip", "archive in a folder"):
        place = zipped(top, tmp_path / f"{TOP}.zip")
        place = place if form == "zip" else place.parent
    else:
        place = tarred(top, tmp_path / f"{TOP}.{form}", f"w:{form[4:]}")
    check_source(source(place))
    # In an archive the same bytes; a table's name and line stand in both.
    assert shown(tiny_imagenet.read(source(place), tmp_path / "scratch")) == expected


def test_the_boxes_of_the_packed_images(top, tmp_path):
    """First and last pixel, from 0: as they stand in the files, in the image that they are of."""
    manifest = prepare(boxed(top, max_bad_fraction=0.5), tmp_path / "set")
    assert manifest.classes == ("dog", "tabby") and not manifest.refused
    write_manifest(tmp_path / "set", manifest)
    records = {record.name: record for record in open_split(tmp_path / "set", "test")}
    second = records["images/val_1.JPEG"]
    assert second.boxes.tolist() == [[4, 10, 20, 63]] and second.box_labels.tolist() == [0]
    assert records["images/val_0.JPEG"].boxes.tolist() == [[0, 0, 63, 63]]
    assert second.image == (top / "val/images/val_1.JPEG").read_bytes()


@pytest.mark.parametrize("name", ["tabby", CAT])
def test_some_of_the_classes_with_boxes(top, tmp_path, name):
    reading = tiny_imagenet.read(boxed(top, classes=[name], validation_images=1), tmp_path)
    assert reading.keys == [CAT] and not reading.refused
    assert {split: len(items) for split, items in reading.splits.items()} == {"train": 3, "validation": 1, "test": 2}
    with pytest.raises(UserError, match=r"^dataset\.detection\.classes: no class 'taby'; did you mean 'tabby'\?$"):
        tiny_imagenet.read(boxed(top, classes=["taby"]), tmp_path)


def test_without_words_the_classes_are_wnids(own, tmp_path):
    (own / "words.txt").unlink(), (own / "wnids.txt").unlink()
    assert tiny_imagenet.read(labelled(own), tmp_path).classes == [DOG, CAT]


def test_what_is_left_out(own, tmp_path):
    edited(own, CAT_BOXES, f"{CAT}_1.JPEG", f"{CAT}_7.JPEG")
    edited(own, TABLE, "val_2.JPEG", "val_0.JPEG")
    edited(own, CAT_BOXES, "1\t2\t3\t4", "1\t2\t1\t4")
    manifest = prepare(boxed(own, validation_images=3, max_bad_fraction=0.9), tmp_path / "set")
    assert sorted(item.reason for item in manifest.refused) == [
        f"{CAT}/images/{CAT}_1.JPEG: has no box",
        f"{CAT}_boxes.txt, line 2: {CAT}_7.JPEG: no image of that name in images",
        f"{CAT}_boxes.txt, line 3: box (1, 2, 1, 4) is inverted or has no area",
        "val_annotations.txt, line 3: val_0.JPEG: listed twice",
    ]


def test_damaged_and_unsafe_archives(top, tmp_path):
    path = zipped(top, tmp_path / f"{TOP}.zip")
    whole = path.read_bytes()
    for name, content, reason in (
        ("cut.zip", whole[:-300], r"cut\.zip: damaged archive \(.*\); fetch it again"),
        ("cut.tar.xz", tarred(top, tmp_path / "t.tar.xz").read_bytes()[:-300], r"cut\.tar\.xz: cut off before its end; .*"),
        ("no.tar.xz", b"\xfd7zXZ\0" + bytes(600), r"no\.tar\.xz: damaged archive \(.*\); fetch it again"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=f"^{reason}"):
            tiny_imagenet.read(labelled(put(tmp_path / name, content)), tmp_path)
    with zipfile.ZipFile(tmp_path / "out.zip", "w") as archive:
        archive.writestr("../evil.JPEG", jpeg())
    with pytest.raises(UserError, match=r"^out\.zip: '\.\./evil\.JPEG' is not a valid file name; fetch it again"):
        tiny_imagenet.read(labelled(tmp_path / "out.zip"), tmp_path)
    assert not (tmp_path.parent / "evil.JPEG").exists()


def test_a_zip_that_unpacks_to_gigabytes(tmp_path, monkeypatch):
    monkeypatch.setattr(tiny_imagenet, "MOST_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "big.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{TOP}/words.txt", np.zeros(2000, np.uint8).tobytes())
    with pytest.raises(UserError, match=rf"^big\.zip: unpacks to far more than it should, at '{TOP}/words\.txt'"):
        tiny_imagenet.read(labelled(tmp_path / "big.zip"), tmp_path)
