"""Class folders: what is read, what is refused, and what stops with one line that names the key."""

import os
import shutil

import pytest

from data.datasets import SPLITS, class_tree, classification, jpeg, put
from googlenet.data.readers import class_folders
from googlenet.errors import UserError


def read(root, **changes):
    return class_folders.read(classification("class_folders", root, **changes))


def test_classes_and_names(tmp_path):
    put(class_tree(tmp_path) / "train/cat/Z.PNG", jpeg())
    reading = read(tmp_path)
    assert reading.classes == ["cat", "dog"] and not reading.refused
    assert [(item.name, item.label) for item in reading.splits["train"]] == [
        ("cat/0.jpg", 0), ("cat/1.jpg", 0), ("cat/2.jpg", 0), ("cat/Z.PNG", 0),
        ("dog/0.jpg", 1), ("dog/1.jpg", 1), ("dog/2.jpg", 1),
    ]  # fmt: skip
    assert [len(reading.splits[split]) for split in SPLITS] == [7, 6, 6]


def test_what_is_no_image_is_refused_and_dot_files_are_not_seen(tmp_path):
    class_tree(tmp_path)
    put(tmp_path / "train/cat/notes.txt", "x")
    put(tmp_path / "test/README.md", "x")
    put(tmp_path / "train/cat/.DS_Store", "x")
    put(tmp_path / "train/dog/inner/0.jpg", jpeg())
    refused = [(item.split, item.reason) for item in read(tmp_path).refused]
    assert refused == [
        ("train", "cat/notes.txt: not an image file"),
        ("train", "dog/inner: not an image file"),
        ("test", "README.md: lies in no class folder"),
    ]


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda root: shutil.rmtree(root / "train"), r"dataset\.classification\.splits\.train: no folder"),
        (lambda root: shutil.rmtree(root / "test"), r"dataset\.classification\.splits\.test: no folder"),
        (lambda root: (root / "train/cow").mkdir(), r"train/cow: class folder without images; fill it or"),
        (lambda root: put(root / "train/cow/a.txt", "x"), r"train/cow: class folder without images"),
        (lambda root: put(root / "test/dgo/a.jpg", jpeg()), r"test/dgo: class 'dgo' is not .* mean 'dog'"),
        (
            lambda root: [shutil.rmtree(root / "train" / name) for name in ("cat", "dog")],
            r"dataset\.classification\.splits\.train: .* has no class folders",
        ),
    ],
)  # fmt: skip
def test_what_stops(tmp_path, break_it, message):
    break_it(class_tree(tmp_path))
    with pytest.raises(UserError, match=message):
        read(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"root": ""}, r"dataset\.classification\.root: not set; give the folder"),
        ({"root": "/no/such"}, r"dataset\.classification\.root: no folder /no/such; fetch the data set or correct"),
        ({"splits": {**SPLITS, "test": ""}}, r"splits\.test: not set; name the part"),
        ({"splits": {**SPLITS, "test": "validation"}}, r"two splits read the same source"),
        ({"splits": {**SPLITS, "validation": ""}}, r"splits\.validation: either name a folder and set"),
        ({"validation_per_class": 2}, r"splits\.validation: either name a folder and set"),
    ],
)
def test_settings_that_stop(tmp_path, changes, message):
    class_tree(tmp_path)
    with pytest.raises(UserError, match=message):
        read(changes.pop("root", tmp_path), **changes)


def test_hold_out_is_by_name_and_moves_little(tmp_path):
    class_tree(tmp_path, images=6)
    held = {"splits": {**SPLITS, "validation": ""}, "validation_per_class": 2}
    first, again = read(tmp_path, **held), read(tmp_path, **held)
    assert first == again
    train, validation = ({item.name for item in first.splits[split]} for split in ("train", "validation"))
    assert len(train) == 8 and len(validation) == 4 and not train & validation
    assert [item.label for item in first.splits["validation"]] == [0, 0, 1, 1]
    put(tmp_path / "train/cat/new.jpg", jpeg())
    assert len(validation - {item.name for item in read(tmp_path, **held).splits["validation"]}) <= 1


TEST_ALONE = {"train": "", "validation": "", "test": "test"}


def test_a_data_set_that_nothing_is_trained_on_may_be_its_test_split_alone(tmp_path):
    for split in ("train", "validation"):
        shutil.rmtree(class_tree(tmp_path) / split)
    reading = read(tmp_path, splits=TEST_ALONE)
    assert list(reading.splits) == ["test"] and reading.classes == ["cat", "dog"]
    assert [item.label for item in reading.splits["test"]] == [0, 0, 0, 1, 1, 1]
    assert [len(read(tmp_path / "test", splits=TEST_ALONE | {"test": "."}).splits["test"])] == [6]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"splits": {**TEST_ALONE, "test": ""}}, r"splits\.test: not set; name the part"),
        ({"splits": {**TEST_ALONE, "validation": "test"}}, r"splits\.train: not set; name the part"),
        ({"splits": TEST_ALONE, "validation_per_class": 2}, r"validation_per_class: no training images to hold out"),
        ({"splits": {**TEST_ALONE, "test": "tst"}}, r"splits\.test: no folder .*tst"),
    ],
)
def test_a_test_split_alone_must_be_there(tmp_path, changes, message):
    class_tree(tmp_path)
    with pytest.raises(UserError, match=message):
        read(tmp_path, **changes)


def test_hold_out_leaves_training_something(tmp_path):
    class_tree(tmp_path, images=2)
    with pytest.raises(UserError, match=r"validation_per_class: 2, but class 'cat' has only 2 images; lower it"):
        read(tmp_path, splits={**SPLITS, "validation": ""}, validation_per_class=2)


@pytest.mark.skipif("GOOGLENET_TEST_DATA" not in os.environ, reason="GOOGLENET_TEST_DATA is not set")
def test_real_clothing(real_data):
    reading = read(real_data / "clothing")
    assert [len(reading.splits[split]) for split in SPLITS] == [3068, 341, 372]
    assert len(reading.classes) == 10 and reading.classes[-1] == "t-shirt" and not reading.refused
