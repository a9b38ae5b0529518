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
        ("ImageSets/Main/test.txt", r"dataset\.detection\.splits\.test: no file .*test\.txt; to read"),
    ],
)
def test_missing_parts_name_their_key(tmp_path, gone, message):
    path = voc_tree(tmp_path) / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(UserError, match=message):
        voc.check(detection("voc", tmp_path))


def named(root, split, lines, **changes):
    """The images that a list of these lines is read as, by name, and why the others are refused."""
    put(root / f"ImageSets/Main/{split}.txt", "\n".join(lines) + "\n")
    reading = read(root, **changes)
    return [item.name for item in reading.splits[split]], [item.reason for item in reading.refused]


def add(root, *files):
    for file in files:
        put(root / "JPEGImages" / file, jpeg())
        put(root / f"Annotations/{file.rpartition('.')[0]}.xml", xml(("cat", 1, 1, 10, 8)))


@pytest.mark.parametrize("name", ["holiday (1)", "holiday 1", "holiday -1 b", "a  b", "Zürich, 3 Uhr"])
@pytest.mark.parametrize("suffix", ["", ".jpg"])
def test_a_name_is_the_whole_line(tmp_path, name, suffix):
    add(voc_tree(tmp_path), f"{name}.jpg", "holiday.jpg")
    assert named(tmp_path, "test", ["test_0", name + suffix]) == ([f"{name}.jpg", "test_0.jpg"], [])
    assert named(tmp_path, "test", [f"{name}{suffix}\r"]) == ([f"{name}.jpg"], [])
    (tmp_path / f"JPEGImages/{name}.jpg").unlink()
    names, reasons = named(tmp_path, "test", ["test_0", name + suffix])
    assert names == ["test_0.jpg"] and "no image of that name in JPEGImages" in reasons[0]


def test_the_marks_of_a_list_by_class_are_no_part_of_its_names(tmp_path):
    add(voc_tree(tmp_path), "an image.jpg")
    assert named(tmp_path, "test", ["test_0 -1", "test_1  1", "an image 0"])[0] == [
        "an image.jpg", "test_0.jpg", "test_1.jpg"
    ]  # fmt: skip
    # One line without a mark: the list has no such column.
    names, reasons = named(tmp_path, "test", ["test_0", "an image 0"])
    assert names == ["test_0.jpg"] and reasons == ["an image 0: no image of that name in JPEGImages"]


@pytest.mark.parametrize("mark", ["", " -1"])
def test_quotes_around_a_name_are_no_part_of_it(tmp_path, mark):
    """CVAT and datumaro write them where a name has blanks."""
    add(voc_tree(tmp_path), "holiday (1).jpg", '"odd".jpg')
    lines = [f"{name}{mark}" for name in ("test_0", '"holiday (1)"', '"odd"')]
    assert named(tmp_path, "test", lines) == (['"odd".jpg', "holiday (1).jpg", "test_0.jpg"], [])


def test_names_written_on_windows(tmp_path):
    add(voc_tree(tmp_path), "deep/er/y.jpg")
    names, reasons = named(tmp_path, "test", [r"deep\er\y.jpg", "test_0", r"..\JPEGImages\test_1.jpg"])
    assert names == ["deep/er/y.jpg", "test_0.jpg"]
    assert reasons == ["../JPEGImages/test_1.jpg: points outside JPEGImages, or is not a valid file name"]


def test_two_images_that_would_share_an_annotation(tmp_path):
    add(voc_tree(tmp_path), "a.jpg", "a.png")
    put(tmp_path / "ImageSets/Main/train.txt", "train_0\na.jpg\n")
    names, reasons = named(tmp_path, "test", ["test_0", "a.png"])
    assert names == ["test_0.jpg"] and reasons == ["a.png: shares its annotation with a.jpg, listed in train"]


@pytest.mark.parametrize("suffix", [".jpg", ".JPG", ".Jpg", ".JPEG", ".jfif", ".PNG", ".tiff", ".WebP"])
@pytest.mark.parametrize("item", ["IMG_1", "IMG_1{same}", "IMG_1{other}"])
def test_an_images_suffix_may_have_any_case_in_list_and_folder(tmp_path, suffix, item):
    add(voc_tree(tmp_path), f"IMG_1{suffix}")
    line = item.format(same=suffix, other=suffix.swapcase())
    assert named(tmp_path, "test", [line]) == ([f"IMG_1{suffix}"], [])
    assert read(tmp_path).splits["test"][0].annotation.file == "IMG_1.xml"


def test_xml_in_upper_case(tmp_path):
    expected = read(voc_tree(tmp_path)).splits
    for file in list((tmp_path / "Annotations").iterdir()):
        file.rename(file.with_suffix(".XML"))
    reading = read(tmp_path)
    boxes = [
        {s: [item.annotation.boxes for item in items] for s, items in each.items()}
        for each in (reading.splits, expected)
    ]
    assert not reading.refused and boxes[0] == boxes[1] and all(boxes[0].values())


def test_names_with_dots_and_folders(tmp_path):
    add(voc_tree(tmp_path), "clip.001.jpg", "x.png.jpg", "deep/er/y.JPG")
    assert named(tmp_path, "test", ["clip.001", "x.png", "deep/er/y", "./test_0"]) == (
        ["clip.001.jpg", "deep/er/y.JPG", "test_0.jpg", "x.png.jpg"], []
    )  # fmt: skip
    assert [item.annotation.file for item in read(tmp_path).splits["test"]] == [
        "clip.001.xml", "y.xml", "test_0.xml", "x.png.xml"
    ]  # fmt: skip


def test_a_name_that_may_be_two_images_is_refused_and_its_suffix_decides(tmp_path):
    add(voc_tree(tmp_path), "a.jpg", "a.PNG")
    names, reasons = named(tmp_path, "test", ["test_0", "a"])
    assert names == ["test_0.jpg"] and reasons == ["a: may be a.PNG or a.jpg; list it with its suffix"]
    assert named(tmp_path, "test", ["a.png"]) == (["a.PNG"], [])


def test_a_listed_file_that_is_no_image_is_refused(tmp_path):
    put(voc_tree(tmp_path) / "JPEGImages/test_0.xml", "<annotation/>")
    assert named(tmp_path, "test", ["test_1", "test_0.xml"]) == (["test_1.jpg"], ["test_0.xml: not an image file"])


BESIDE = {"images": "{split}", "annotations": "{split}", "lists": ""}


def beside(root, images=""):
    """A folder of XML for each split, with the images beside it or in a folder in it; no lists."""
    voc_tree(root / "voc")
    for split in SPLITS:
        for number in range(2):
            put(root / split / images / f"{split}_{number}.JPG", jpeg(seed=number))
            shutil.copy(root / f"voc/Annotations/{split}_{number}.xml", root / split)
    shutil.rmtree(root / "voc")
    return root


def test_xml_beside_the_images_needs_no_lists(tmp_path):
    splits = {**SPLITS, "validation": "validation"}
    reading = read(beside(tmp_path), splits=splits, **BESIDE)
    assert [[item.name for item in reading.splits[split]] for split in SPLITS] == [
        [f"{split}_0.JPG", f"{split}_1.JPG"] for split in SPLITS
    ]
    assert reading.classes == ["cat", "dog"] and not reading.refused
    put(tmp_path / "test/alone.jpg", jpeg())
    put(tmp_path / "test/lost.xml", xml())
    assert [item.reason for item in read(tmp_path, splits=splits, **BESIDE).refused] == [
        "alone.xml: no such annotation file", "lost: no image of that name in test"
    ]  # fmt: skip
    put(tmp_path / "test/more/1.jpg", jpeg())
    with pytest.raises(UserError, match=r"test: 1 image in subfolders that are not read \(more\); move"):
        read(tmp_path, splits=splits, **BESIDE)


def test_a_file_beside_the_xml_whose_name_is_no_utf8_is_left_out(tmp_path):
    folder = os.fsencode(beside(tmp_path / "raw") / "test")
    open(folder + b"/\xff.jpg", "wb").close()
    manifest = prepare(detection("voc", tmp_path / "raw", max_bad_fraction=0.2, **BESIDE), tmp_path / "out")
    assert [(item.name, item.reason) for item in manifest.refused] == [
        ("\\udcff", "\\udcff: points outside test, or is not a valid file name")
    ]
    write_manifest(tmp_path / "out", manifest)


def test_without_lists_the_folders_must_be_those_of_the_splits(tmp_path):
    with pytest.raises(UserError, match=r'detection\.lists: "" needs \{split\} in images and annotations; .*ImageSets'):
        voc.check(detection("voc", voc_tree(tmp_path), lists=""))


def test_validation_is_held_out_by_name_where_there_is_no_list_of_it(tmp_path):
    voc_tree(tmp_path, images=9)
    held = {"splits": {**SPLITS, "validation": ""}, "validation_images": 3}
    reading = read(tmp_path, **held)
    train, validation = ({item.name for item in reading.splits[split]} for split in ("train", "validation"))
    assert len(train) == 6 and len(validation) == 3 and not train & validation
    with pytest.raises(
        UserError, match=r"validation_images: 9, but dataset\.detection\.splits\.train has only 9 images"
    ):
        read(tmp_path, **(held | {"validation_images": 9}))
    for wrong in ({"validation_images": 3}, {"splits": held["splits"]}):
        with pytest.raises(UserError, match=r"splits\.validation: either name its source and set dataset\.detection\."):
            read(tmp_path, **wrong)


HELD = "splits: {train: train, validation: '', test: %s}, validation_images: 50"


@pytest.mark.parametrize(
    ("make", "keys"),
    [
        (lambda root: (voc_tree(root) / "ImageSets/Main/test.txt").unlink(), HELD % "validation"),
        (lambda root: (voc_tree(root) / "ImageSets/Main/validation.txt").unlink(), HELD % "test"),
        (
            lambda root: (voc_tree(root) / "ImageSets/Main/validation.txt").rename(root / "ImageSets/Main/val.txt"),
            "splits: {train: train, validation: val, test: test}",
        ),
        (beside, "images: '{split}', annotations: '{split}', lists: ''"),
        (lambda root: beside(root, images="images"), "images: '{split}/images', annotations: '{split}', lists: ''"),
        (
            lambda root: shutil.rmtree(voc_tree(root) / "ImageSets"),
            "lists: ., and list the names of the images in its train.txt, val.txt and test.txt",
        ),
        (
            lambda root: [put(root / "a.jpg", jpeg()), put(root / "a.xml", xml())],
            "images: ., annotations: ., lists: ., and list the names of the images in its train.txt, val.txt and test.txt",
        ),
        (lambda root: voc_tree(root / "VOCdevkit/VOC2007"), "root: HERE/VOCdevkit/VOC2007"),
    ],
)
def test_another_layout_is_rejected_with_the_keys_that_read_it(tmp_path, make, keys):
    make(tmp_path)
    with pytest.raises(UserError, match=r"; to read the folder as it is, set dataset\.detection: \{") as caught:
        voc.check(detection("voc", tmp_path))
    shown = str(caught.value).replace(str(tmp_path), "HERE").rpartition("set dataset.detection: {")[2]
    assert shown.replace("}, and", ", and").removesuffix("}") == keys


def test_images_without_objects_are_kept_where_the_settings_say_so(tmp_path):
    put(voc_tree(tmp_path / "raw") / "Annotations/train_0.xml", xml())
    settings = detection("voc", tmp_path / "raw", images_without_objects="keep")
    manifest = prepare(settings, tmp_path / "out")
    assert manifest.refused == () and manifest.splits["train"].records == 2
    write_manifest(tmp_path / "out", manifest)
    record = open_split(tmp_path / "out", "train")[0]
    assert record.boxes.shape == (0, 4) and record.box_labels.shape == record.partial.shape == (0,)


def test_class_without_examples_in_what_is_held_out_stops(tmp_path):
    put(voc_tree(tmp_path / "raw", images=4) / "Annotations/train_3.xml", xml(("fox", 1, 1, 10, 8)))
    put(tmp_path / "raw/Annotations/test_0.xml", xml(("fox", 1, 1, 10, 8)))
    held = {"splits": {**SPLITS, "validation": ""}, "validation_images": 1}
    message = r"dataset\.detection\.validation_images: nothing of class 'fox' in what is held out; raise it, or remove"
    with pytest.raises(UserError, match=message):
        prepare(detection("voc", tmp_path / "raw", **held), tmp_path / "out")


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
