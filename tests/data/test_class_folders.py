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
    put(tmp_path / "train/cat/Thumbs.db", "x")
    (tmp_path / "train/dog/inner").mkdir()
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
    ("files", "message"),
    [
        (["cat/indoor/0.jpg", "cat/indoor/deep/1.PNG"], r"train/cat: 2 images in subfolders .* \(indoor\); move the .* into cat, or"),
        (["cow/indoor/0.jpg", "cow/outdoor/0.jpg"], r"train/cow: 2 images in subfolders .* \(indoor, outdoor\);"),
        (["cow/images/0.jpg", "cow/masks/0.png"], r"train/cow: 1 image in subfolders .* \(masks\);"),
        (["cat/images/0.jpg"], r"train/cat: 1 image in subfolders .* \(images\);"),
    ],
)  # fmt: skip
def test_images_in_subfolders_of_a_class_stop_with_both_remedies(tmp_path, files, message):
    """They are not one bad file, however many images the limit allows to be bad."""
    class_tree(tmp_path)
    for split in SPLITS if files[0].startswith("cow") else ("train",):
        for file in files:
            put(tmp_path / split / file, jpeg())
    with pytest.raises(UserError, match=message) as caught:
        read(tmp_path, max_bad_fraction=1.0)
    assert str(caught.value).endswith("or move the subfolders up beside it, each as a class")


def test_a_link_that_leads_back_ends(tmp_path):
    class_tree(tmp_path)
    (tmp_path / "train/cat/again").symlink_to(tmp_path / "train/cat")
    with pytest.raises(UserError, match=r"train/cat: 3 images in subfolders that are not read \(again\)"):
        read(tmp_path)


def tiny_imagenet(root):
    """Tiny ImageNet's own layout: train/<class>/images/, notes beside it; val/ flat, with a table."""
    rows = []
    for label, name in enumerate(("n01", "n02")):
        put(root / f"train/{name}/{name}_boxes.txt", f"{name}_0.JPEG\t0\t0\t9\t9\n")
        for number in range(3):
            put(root / f"train/{name}/images/{name}_{number}.JPEG", jpeg(seed=10 * label + number))
        for number in range(label + 1):
            put(root / f"val/images/val_{label}{number}.JPEG", jpeg(seed=50 + 10 * label + number))
            rows.append(f"val_{label}{number}.JPEG\t{name}\t0\t32\t44\t62\n")
    put(root / "val/val_annotations.txt", "".join(reversed(rows)))
    return root


TINY = {
    "splits": {"train": "train", "validation": "", "test": "val/val_annotations.txt"},
    "validation_per_class": 1,
}


def test_tiny_imagenet_as_it_is(tmp_path):
    reading = read(tiny_imagenet(tmp_path), **TINY)
    assert reading.classes == ["n01", "n02"] and not reading.refused
    assert [len(reading.splits[split]) for split in SPLITS] == [4, 2, 3]
    assert {item.name: item.label for item in reading.splits["test"]} == {
        "val_00.JPEG": 0, "val_10.JPEG": 1, "val_11.JPEG": 1
    }  # fmt: skip
    assert reading.splits["train"][0].name.startswith("n01/images/n01_")


CAFFE = {"train": "train", "validation": "val.txt", "test": "test"}


@pytest.mark.parametrize("place", ["val/{}", "{}", "images/{}"])
@pytest.mark.parametrize(("cat", "dog"), [("0", "1"), ("cat", "dog")])
def test_a_list_of_flat_images_gives_their_classes_by_number_or_name(tmp_path, place, cat, dog):
    for name in ("a b", "c"):
        put(class_tree(tmp_path) / place.format(f"{name}.JPEG"), jpeg())
    put(tmp_path / "val.txt", f"a b.JPEG {dog}\nc.JPEG {cat}\n")
    reading = read(tmp_path, splits=CAFFE)
    assert not reading.refused
    assert {item.name: item.label for item in reading.splits["validation"]} == {"a b.JPEG": 1, "c.JPEG": 0}


def test_every_split_may_be_a_list(tmp_path):
    for split in SPLITS:
        put(
            class_tree(tmp_path) / f"{split}.txt",
            "".join(f"{split}/{c}/0.jpg {n}\n" for c, n in (("cat", 10), ("dog", 9))),
        )
    reading = read(tmp_path, splits={split: f"{split}.txt" for split in SPLITS})
    assert reading.classes == ["9", "10"] and not reading.refused
    assert [item.label for item in reading.splits["test"]] == [1, 0]


def test_listed_images_that_are_not_there_or_listed_twice_are_refused(tmp_path):
    put(class_tree(tmp_path) / "val.txt", "train/cat/0.jpg 0\nnone.jpg 1\ntrain/cat/0.jpg cat\n../x.jpg 0\n")
    assert [item.reason for item in read(tmp_path, splits=CAFFE).refused] == [
        f"none.jpg: no image of that name in {tmp_path.name}", "train/cat/0.jpg: listed twice",
        f"../x.jpg: points outside {tmp_path.name}, or is not a valid file name",
    ]  # fmt: skip


@pytest.mark.parametrize("lines", [("cat", "dog"), ("dog", "cat")])
def test_a_listed_image_of_two_classes_stops_in_any_order(tmp_path, lines):
    put(class_tree(tmp_path) / "val.txt", "".join(f"train/cat/0.jpg {name}\n" for name in lines))
    with pytest.raises(
        UserError, match=rf"^val\.txt, line 2: train/cat/0\.jpg is of class '{lines[1]}', but of another"
    ):
        read(tmp_path, splits=CAFFE)


def test_a_class_folder_in_another_unicode_form_is_named(tmp_path):
    class_tree(tmp_path)
    for split, name in (
        ("train", "cafe\N{COMBINING ACUTE ACCENT}"),
        ("validation", "caf\N{LATIN SMALL LETTER E WITH ACUTE}"),
    ):
        (tmp_path / split / "cat").rename(tmp_path / split / name)
    with pytest.raises(UserError, match=r"is not in training; 'cafe\u0301' is the same in another Unicode form"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "train/cat/0.jpg 2",
            r"val\.txt, line 1: class '2' is not in training; it has 2 classes, counted from 0; correct",
        ),
        ("train/cat/0.jpg cta", r"val\.txt, line 1: class 'cta' is not in training; did you mean 'cat'\?; correct"),
        ("train/cat/0.jpg", r"val\.txt, line 1: 'train/cat/0\.jpg' is not an image and a class; correct"),
        ("train/cat/0.jpg\t", r"val\.txt, line 1: 'train/cat/0\.jpg' is not an image and a class; correct"),
    ],
)
def test_lines_that_name_no_class_stop(tmp_path, line, message):
    put(class_tree(tmp_path) / "val.txt", line + "\n")
    with pytest.raises(UserError, match=message):
        read(tmp_path, splits=CAFFE)


@pytest.mark.parametrize(
    ("make", "keys"),
    [
        (lambda root: shutil.rmtree(class_tree(root) / "test"), "{splits: {train: train, validation: '', test: validation}, validation_per_class: 10}"),
        (lambda root: (class_tree(root) / "validation").rename(root / "val"), "{splits: {train: train, validation: val, test: test}}"),
        (lambda root: shutil.rmtree(class_tree(root) / "validation"), "{splits: {train: train, validation: '', test: test}, validation_per_class: 10}"),
        (tiny_imagenet, "{splits: {train: train, validation: '', test: val/val_annotations.txt}, validation_per_class: 10}"),
        (lambda root: [shutil.rmtree(class_tree(root) / "validation"), shutil.rmtree(root / "test"), put(root / "val/a.JPEG", jpeg()),
                       put(root / "val.txt", "a.JPEG 0\n")], "{splits: {train: train, validation: '', test: val.txt}, validation_per_class: 10}"),
        (lambda root: class_tree(root / "inner/most"), "{root: HERE/inner/most}"),
        (lambda root: [(class_tree(root / "made") / split).rename(root / split.title()) for split in SPLITS], "{splits: {train: Train, validation: Validation, test: Test}}"),
    ],
)  # fmt: skip
def test_another_layout_is_rejected_with_the_keys_that_read_it(tmp_path, make, keys):
    make(tmp_path)
    with pytest.raises(UserError) as caught:
        class_folders.check(classification("class_folders", tmp_path))
    shown = str(caught.value).replace(str(tmp_path), "HERE")
    assert shown.endswith(f"; to read the folder as it is, set dataset.classification: {keys}")


def test_a_folder_of_unknown_layout_is_given_no_keys(tmp_path):
    put(tmp_path / "cats/0.jpg", jpeg())
    with pytest.raises(UserError, match=r"splits\.train: no folder .*train; correct the key or complete the data set$"):
        class_folders.check(classification("class_folders", tmp_path))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"root": ""}, r"dataset\.classification\.root: not set; give the folder"),
        ({"root": "/no/such"}, r"dataset\.classification\.root: no folder /no/such; fetch the data set or correct"),
        ({"splits": {**SPLITS, "test": ""}}, r"splits\.test: not set; name the part"),
        ({"splits": {**SPLITS, "test": "validation"}}, r"two splits read the same source"),
        ({"splits": {**SPLITS, "test": "./validation/"}}, r"two splits read the same source"),
        ({"splits": {**SPLITS, "validation": ""}}, r"splits\.validation: either name its source and set"),
        ({"validation_per_class": 2}, r"splits\.validation: either name its source and set"),
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
