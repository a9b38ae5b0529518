"""DET's lists by class, images without objects, the blacklist, and classes by wnid or by name."""

import pytest

from data.datasets import put, write_manifest, xml
from data.det_tree import CAT, DOG, FOX, TABLE, image, settings, tree
from googlenet.data.prepare import prepare
from googlenet.data.readers import ilsvrc
from googlenet.data.store import open_split
from googlenet.errors import UserError


def read(root, **changes):
    return ilsvrc.read(settings(root, **changes))


def partial(reading, split="train"):
    """The names of the classes of which each image may have more objects than boxes."""
    return {item.name: [reading.keys[label] for label in item.partial] for item in reading.splits[split]}


def test_lists_by_class_say_what_is_known_of_an_image(tmp_path):
    tree(tmp_path)
    reading = read(tmp_path)
    assert reading.keys == [DOG, CAT, FOX] and reading.classes == ["domestic dog", "cat", "fox"]
    assert not reading.refused
    assert partial(reading) == {
        "a/0.JPEG": [DOG, FOX],  # all its cats have boxes
        "a/1.JPEG": [CAT, FOX],  # all its dogs, some of its cats
        "b/2.JPEG": [FOX],  # all its dogs, and no cat
        "b/3.JPEG": [DOG, CAT],
        "extra/4.JPEG": [DOG, FOX],
        "extra/5.JPEG": [],  # none of any class: all of it is background
    }
    assert set(map(tuple, partial(reading, "validation").values())) == {()}  # every class is looked for in val


def test_images_that_lists_call_negative_need_no_annotation_and_can_be_left_out(tmp_path):
    tree(tmp_path)
    names = {item.name: item.annotation.names for item in read(tmp_path).splits["train"]}
    assert names["extra/4.JPEG"] == names["extra/5.JPEG"] == ()
    reading = read(tmp_path, negatives=False)
    assert [item.name for item in reading.splits["train"]] == ["a/0.JPEG", "a/1.JPEG", "b/2.JPEG", "b/3.JPEG"]
    assert partial(reading)["b/2.JPEG"] == [FOX]


@pytest.mark.parametrize("lines", ["b/3 9\na/0 7\n", "b/3\na/0\n", "b/3.JPEG\na/0.jpeg\n"])
def test_a_list_that_stands_beside_those_by_class_says_which_images(tmp_path, lines):
    put(tree(tmp_path) / "ImageSets/DET/train.txt", lines)
    reading = read(tmp_path)
    assert partial(reading) == {"a/0.JPEG": [FOX], "b/3.JPEG": [CAT]}  # no dogs left: two classes


@pytest.mark.parametrize("index", [True, False])
def test_names_in_lists_may_contain_blanks_and_end_with_numbers(tmp_path, index):
    top, names = tree(tmp_path), ["c d/holiday (1)", "c d/holiday 1", "holiday"]
    image(top, "train", {name: [CAT, DOG, FOX] for name in names})
    for number in (1, 2, 3):
        put(top / f"ImageSets/DET/train_{number}.txt", "".join(f"{name} 1\n" for name in names[:2]))
    put(
        top / "ImageSets/DET/train.txt",
        "".join(f"{name} {at}\n" if index else f"{name}\n" for at, name in enumerate(names[:2])),
    )
    reading = read(tmp_path)
    assert not reading.refused and partial(reading) == {f"{name}.JPEG": [] for name in names[:2]}


def test_a_suffix_in_a_list_decides_between_two_images(tmp_path):
    top = tree(tmp_path)
    put(top / "Data/DET/train/extra/5.png", b"")
    put(top / "ImageSets/DET/train.txt", "a/0.jpeg 1\nextra/5.JPEG 2\n")
    reading = read(tmp_path, classes=[CAT])
    assert not reading.refused and partial(reading) == {"a/0.JPEG": [], "extra/5.JPEG": []}
    assert not read(tmp_path, classes=[CAT], negatives=False).splits["train"][1:]


def test_positive_images_without_annotation_or_object_are_refused(tmp_path):
    top = tree(tmp_path)
    (top / "Annotations/DET/train/a/0.xml").unlink()
    put(top / "Annotations/DET/train/b/2.xml", xml())
    assert [item.reason for item in read(tmp_path).refused] == [
        "0.xml: no such annotation file",
        "2.xml: has no object",
    ]


def test_val_images_without_objects_are_kept_but_not_without_xml(tmp_path):
    top = tree(tmp_path)
    put(top / "Annotations/DET/val/val_0.xml", xml())
    (top / "Annotations/DET/val/val_1.xml").unlink()
    reading = read(tmp_path)
    assert [item.reason for item in reading.refused] == ["val_1.xml: no such annotation file"]
    assert [item.annotation.names for item in reading.splits["validation"]] == [(), (FOX,)]


def test_the_blacklist_marks_classes_of_images_by_number_or_name(tmp_path):
    top = tree(tmp_path)
    put(top / "devkit/data/black.txt", f"1 {FOX}\n1 {DOG}\nval_2 domestic dog\n")
    reading = read(tmp_path, blacklist="devkit/data/black.txt")
    assert partial(reading, "validation") == {"val_0.JPEG": [DOG, FOX], "val_1.JPEG": [], "val_2.JPEG": [DOG]}
    assert set(map(tuple, partial(reading, "test").values())) == {()}  # its numbers are those of val alone


def test_validation_can_be_held_out(tmp_path):
    tree(tmp_path)
    splits = {"train": "train", "validation": "", "test": "val"}
    reading = read(tmp_path, splits=splits, validation_images=2)
    assert [len(reading.splits[split]) for split in ("train", "validation", "test")] == [4, 2, 3]


def test_halves_of_val_keep_the_numbers_of_val(tmp_path):
    top = tree(tmp_path)
    put(top / "ImageSets/DET/val1.txt", "val_0 1\n")
    put(top / "ImageSets/DET/val2.txt", "val_2 1\nval_1 2\n")  # numbered anew: those are not the blacklist's
    put(tmp_path / "black.txt", f"3 {CAT}\n")
    splits = {"train": "train", "validation": "val1", "test": "val2"}
    reading = read(tmp_path, splits=splits, blacklist="black.txt")
    assert partial(reading, "test") == {"val_2.JPEG": [CAT], "val_1.JPEG": []}
    assert partial(reading, "validation") == {"val_0.JPEG": []}


def test_what_a_blacklist_has_beyond_the_set_is_skipped_and_counted(tmp_path):
    top = tree(tmp_path)
    (top / "ImageSets/DET/val.txt").write_text("val_1 2\nval_2 5\n")  # a part of the official list
    put(top / "black.txt", f"1 {FOX}\n2 {FOX}\n5 n02009999\n20121 {CAT}\n")
    reading = read(tmp_path, blacklist="black.txt")
    assert partial(reading, "validation") == {"val_1.JPEG": [FOX], "val_2.JPEG": []}
    assert reading.notes == ("black.txt: 1 entries apply; 3 are on images or classes not in the set",)


def test_numbers_need_the_list_of_val(tmp_path):
    top = tree(tmp_path)
    (top / "ImageSets/DET/val.txt").rename(top / "ImageSets/DET/val1.txt")
    splits = {"train": "train", "validation": "val1", "test": "test"}
    put(top / "black.txt", f"val_1 {FOX}\n")
    assert partial(read(tmp_path, splits=splits, blacklist="black.txt"), "validation")["val_1.JPEG"] == [FOX]
    put(top / "black.txt", f"2 {FOX}\n")
    with pytest.raises(
        UserError, match=r"line 1: no image 2: .* put the development kit's val\.txt into .*ImageSets/DET$"
    ):
        read(tmp_path, splits=splits, blacklist="black.txt")


def test_blacklisted_classes_reach_the_shards(tmp_path):
    top = tree(tmp_path / "raw")
    put(top / "black.txt", f"2 {FOX}\n")
    manifest = prepare(settings(tmp_path / "raw", blacklist="black.txt"), tmp_path / "out")
    write_manifest(tmp_path / "out", manifest)
    validation, train = (open_split(tmp_path / "out", split) for split in ("validation", "train"))
    assert [validation[i].partial.tolist() for i in range(3)] == [[], [2], []]
    assert train[5].partial.tolist() == [] and train[5].boxes.shape == (0, 4) and train[4].partial.tolist() == [0, 2]


def test_annotations_may_name_classes_by_their_words(tmp_path):
    top = tree(tmp_path)
    put(top / "Annotations/DET/val/val_1.xml", xml(("domestic dog", 3, 3, 31, 23), (CAT, 0, 0, 9, 9)))
    reading = read(tmp_path, classes=["cat", DOG, "fox"])
    assert reading.keys == [CAT, DOG, FOX] and reading.classes == ["cat", "domestic dog", "fox"]
    assert reading.splits["validation"][1].annotation.names == (DOG, CAT)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("ImageSets/DET/train_2.txt", "a/1 1\nb/2 2\n", r"^train_2\.txt, line 2: 'b/2 2' is not an image and 1, 0"),
        ("ImageSets/DET/train_2.txt", "a/1\n", r"^train_2\.txt, line 1: 'a/1' is not an image and 1, 0"),
        ("ImageSets/DET/train_9.txt", "a/1 1\n", r"^train_9\.txt: no class has the number 9; put map_det\.txt"),
        (
            "black.txt",
            f"1 {CAT}\n9 {CAT}\n",
            r"^black\.txt, line 2: no image 9: the 3 of val\.txt .* put the development kit's",
        ),
        ("black.txt", "1 cta\n", r"^black\.txt, line 1: no class 'cta'; did you mean 'cat'"),
        ("black.txt", "1\n", r"^black\.txt, line 1: '1' is not the number of an image and a class; correct"),
        (
            "devkit/data/map_det.txt",
            TABLE + f"{FOX} 4 fox\n",
            r"^map_det\.txt, line 4: 'n02000003' is already in line 3",
        ),
        ("devkit/data/map_det.txt", b"\xff\xfe\xfa", r"map_det\.txt: cannot be read as text"),
    ],
)
def test_bad_lists_are_reported_with_file_and_line(tmp_path, file, content, message):
    top = tree(tmp_path)
    put(top / "black.txt", "")
    put(top / file, content)
    with pytest.raises(UserError, match=message):
        read(tmp_path, blacklist="black.txt")


def test_what_is_missing_is_reported_before_any_job(tmp_path):
    top = tree(tmp_path)
    with pytest.raises(UserError, match=r"detection\.blacklist: no file .*black\.txt; correct"):
        ilsvrc.check(settings(tmp_path, blacklist="black.txt"))
    with pytest.raises(UserError, match=r"detection\.classes: no class 'wolf'; known: "):
        read(tmp_path, classes=["wolf"])
    for path in (top / "ImageSets/DET").glob("train_*.txt"):
        path.unlink()
    with pytest.raises(UserError, match=r"detection\.splits\.train: no file .*train\.txt; correct"):
        ilsvrc.check(settings(tmp_path))
