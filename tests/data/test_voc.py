"""VOC's layout: lists, annotations and images that belong together, and those that do not."""

import os
import shutil

import numpy as np
import pytest

from data.datasets import SPLITS, detection, jpeg, put, voc_tree, write_manifest, xml
from googlenet.data.prepare import prepare
from googlenet.data.readers import voc
from googlenet.data.store import open_split
from googlenet.errors import UserError


def read(root, **changes):
    return voc.read(detection("voc", root, **changes))


def test_what_is_read(tmp_path):
    reading = read(voc_tree(tmp_path))
    assert reading.classes == ["cat", "dog"] and not reading.refused
    assert [item.name for item in reading.splits["test"]] == ["test_0.jpg", "test_1.jpg"]
    assert reading.splits["train"][0].annotation.boxes == ((1, 1, 10, 8), (5, 5, 32, 24))


def test_classes_can_be_given_and_then_their_order_holds(tmp_path):
    assert read(voc_tree(tmp_path), classes=["dog", "cat"]).classes == ["dog", "cat"]


@pytest.mark.parametrize(
    ("break_it", "reason"),
    [
        (lambda root: (root / "JPEGImages/train_0.jpg").unlink(), "train_0: no image of that name in JPEGImages"),
        (lambda root: (root / "Annotations/train_0.xml").unlink(), "train_0.xml: no such annotation file"),
        (lambda root: put(root / "Annotations/train_0.xml", ""), "train_0.xml: is empty"),
        (lambda root: put(root / "Annotations/train_0.xml", xml()), "train_0.xml: has no object"),
        (lambda root: put(root / "JPEGImages/train_0.jpg", b"x"), "train_0.jpg: not an image"),
        (lambda root: put(root / "JPEGImages/train_0.jpg", b""), "train_0.jpg: empty file"),
        (
            lambda root: put(root / "Annotations/train_0.xml", xml(("cat", 5, 5, 5, 5))),
            "train_0.xml: box (5, 5, 5, 5) is inverted or has no area",
        ),
        (
            lambda root: put(root / "Annotations/train_0.xml", xml(("cat", 1, 1, 99, 5))),
            "train_0.xml: box (1, 1, 99, 5) lies outside its image of 32x24 px",
        ),
    ],
)
def test_one_bad_record_is_left_out_with_its_reason(tmp_path, break_it, reason):
    break_it(voc_tree(tmp_path / "raw", images=3))
    settings = detection("voc", tmp_path / "raw", max_bad_fraction=0.2)
    manifest = prepare(settings, tmp_path / "out")
    assert [item.reason for item in manifest.refused] == [reason]
    assert manifest.splits["train"].records == 2 and manifest.splits["train"].objects == 4


def test_class_that_training_lacks(tmp_path):
    voc_tree(tmp_path / "raw")
    put(tmp_path / "raw/Annotations/test_1.xml", xml(("cow", 1, 1, 5, 5)))
    manifest = prepare(detection("voc", tmp_path / "raw", max_bad_fraction=0.2), tmp_path / "out")
    assert manifest.classes == ("cat", "dog")
    assert [(item.split, item.name, item.reason) for item in manifest.refused] == [
        ("test", "test_1.jpg", "test_1.xml: unknown class 'cow'")
    ]


def test_image_listed_twice_counts_once_in_the_first_split(tmp_path):
    voc_tree(tmp_path)
    put(tmp_path / "ImageSets/Main/test.txt", "test_0\ntest_0\ntrain_1\n")
    reading = read(tmp_path)
    assert [item.name for item in reading.splits["test"]] == ["test_0.jpg"]
    assert [item.reason for item in reading.refused] == [
        "test_0.jpg: already listed in test", "train_1.jpg: already listed in train"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        ("JPEGImages", r"dataset\.detection\.images: no folder"),
        ("Annotations", r"dataset\.detection\.annotations: no folder"),
        ("ImageSets/Main", r"dataset\.detection\.lists: no folder"),
        ("ImageSets/Main/test.txt", r"dataset\.detection\.splits\.test: no file .*test\.txt; correct"),
    ],
)
def test_missing_parts_name_their_key(tmp_path, gone, message):
    path = voc_tree(tmp_path) / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(UserError, match=message):
        voc.check(detection("voc", tmp_path))


def test_images_without_objects_are_kept_where_the_settings_say_so(tmp_path):
    put(voc_tree(tmp_path / "raw") / "Annotations/train_0.xml", xml())
    settings = detection("voc", tmp_path / "raw", images_without_objects="keep")
    manifest = prepare(settings, tmp_path / "out")
    assert manifest.refused == () and manifest.splits["train"].records == 2
    write_manifest(tmp_path / "out", manifest)
    record = open_split(tmp_path / "out", "train")[0]
    assert record.boxes.shape == (0, 4) and record.box_labels.shape == record.partial.shape == (0,)


def test_class_without_examples_in_a_split_stops(tmp_path):
    voc_tree(tmp_path / "raw")
    for number in range(2):
        put(tmp_path / f"raw/Annotations/test_{number}.xml", xml(("cat", 1, 1, 10, 8)))
    message = r"dataset\.detection\.splits\.test: nothing of class 'dog' there; add some or remove the class"
    with pytest.raises(UserError, match=message):
        prepare(detection("voc", tmp_path / "raw"), tmp_path / "out")


def test_image_too_small_to_segment_is_refused(tmp_path):
    put(voc_tree(tmp_path / "raw") / "JPEGImages/train_0.jpg", jpeg(6, 32))
    put(tmp_path / "raw/Annotations/train_0.xml", xml(("cat", 1, 1, 5, 5), size=None))
    settings = detection("voc", tmp_path / "raw", max_bad_fraction=0.2)
    assert [item.reason for item in prepare(settings, tmp_path / "out").refused] == [
        "train_0.jpg: 32x6 px; sides below min_side_px (8) are too small"
    ]


def test_thousands_of_objects_in_one_image(tmp_path):
    rng = np.random.default_rng(0)
    low = rng.integers(1, 20, (5000, 2))
    boxes = np.concatenate([low, low + rng.integers(1, 5, (5000, 2))], axis=1)
    objects = [("cat" if box[0] % 2 else "dog", *box) for box in boxes.tolist()]
    put(voc_tree(tmp_path / "raw") / "Annotations/train_0.xml", xml(*objects))
    manifest = prepare(detection("voc", tmp_path / "raw"), tmp_path / "out")
    write_manifest(tmp_path / "out", manifest)
    record = open_split(tmp_path / "out", "train")[0]
    assert manifest.splits["train"].objects == 5002 and np.array_equal(record.boxes, boxes - 1)
    assert record.box_labels.tolist() == [int(box[0] % 2 == 0) for box in boxes.tolist()]


@pytest.mark.skipif("GOOGLENET_TEST_DATA" not in os.environ, reason="GOOGLENET_TEST_DATA is not set")
def test_real_blood_cells(real_data, tmp_path):
    splits = {**SPLITS, "validation": "val"}
    settings = detection("voc", real_data / "bccd/BCCD", splits=splits, max_bad_fraction=0.01)
    manifest = prepare(settings, tmp_path / "bccd")
    assert manifest.classes == ("Platelets", "RBC", "WBC")
    assert [manifest.splits[split].records for split in SPLITS] == [204, 86, 72]
    assert [item.name for item in manifest.refused] == ["BloodImage_00343.jpg", "BloodImage_00338.jpg"]
    assert all("no area" in item.reason for item in manifest.refused)
