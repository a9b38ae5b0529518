"""COCO's layout: sides become inclusive corners, crowds by either rule, and every way a JSON can be wrong."""

import json

import pytest

from data.datasets import coco_json, coco_tree, detection, jpeg, put, write_manifest
from googlenet.data.prepare import check_source, prepare
from googlenet.data.readers import coco
from googlenet.data.store import open_split
from googlenet.errors import UserError

LAYOUT = {"images": "{split}", "annotations": "annotations/instances_{split}.json"}
TRAIN = "annotations/instances_train.json"


def settings(root, **changes):
    return detection("coco", root, **(LAYOUT | changes))


def read(root, **changes):
    return coco.read(settings(root, **changes))


def train(root, *images, **changes):
    """COCO's layout with another training JSON; the images that it names are there."""
    coco_tree(root)
    for name, _ in images:
        put(root / "train" / name, jpeg())
    put(root / TRAIN, json.dumps(coco_json(*images, **changes)))
    return root


def only_reason(reading):
    assert len(reading.refused) == 1, reading.refused
    return reading.refused[0].reason


def test_what_is_read(tmp_path):
    reading = read(coco_tree(tmp_path))
    assert reading.classes == reading.keys == ["cat", "dog"] and not reading.refused
    assert [item.name for item in reading.splits["test"]] == ["test_0.jpg", "test_1.jpg"]
    assert reading.splits["train"][1].path == tmp_path / "train/train_1.jpg"


def test_sides_become_inclusive_corners(tmp_path):
    manifest = prepare(settings(coco_tree(tmp_path / "raw")), tmp_path / "out")
    assert manifest.classes == ("cat", "dog") and manifest.splits["test"].per_class == (2, 2)
    write_manifest(tmp_path / "out", manifest)
    record = open_split(tmp_path / "out", "train")[0]
    # 10 x 8 px from (0, 0); 27.5 x 20 px up to the image's last pixel.
    assert record.boxes.tolist() == [[0, 0, 9, 7], [4.5, 4, 31, 23]]
    assert record.box_labels.tolist() == [0, 1] and record.partial.tolist() == []


def test_classes_are_the_categories_that_training_has_by_id_and_joined_by_name(tmp_path):
    """A test JSON that numbers its categories otherwise is understood; one without any box (Roboflow's) is no class."""
    train(tmp_path, ("train_0.jpg", [("dog", 0, 0, 9, 9), ("cat", 0, 0, 9, 9)]), categories=("none", "dog", "cat"))
    for split in ("validation", "test"):
        table = coco_json((f"{split}_0.jpg", [("cat", 0, 0, 9, 9)]), categories=("cat", "dog"))
        put(tmp_path / f"annotations/instances_{split}.json", json.dumps(table))
    reading = read(tmp_path)
    assert reading.classes == ["dog", "cat"] and not reading.refused
    assert reading.splits["test"][0].annotation.names == ("cat",)
    assert read(tmp_path, classes=["cat", "dog"]).classes == ["cat", "dog"]


def test_one_folder_of_images_for_all_splits(tmp_path):
    coco_tree(tmp_path)
    for split in ("train", "validation", "test"):
        for number in range(2):
            put(tmp_path / f"images/{split}_{number}.jpg", jpeg())
    assert read(tmp_path, images="images").splits["test"][0].path == tmp_path / "images/test_0.jpg"


CROWDED = ("train_0.jpg", [("cat", 0, 0, 30, 20, 1), ("dog", 1, 1, 9, 9)])


def test_a_crowd_is_a_difficult_object(tmp_path):
    item = read(train(tmp_path, CROWDED), crowd="difficult").splits["train"][0]
    assert item.annotation.names == ("cat", "dog") and item.annotation.difficult == (True, False)
    assert item.partial == ()


@pytest.mark.parametrize(
    ("written", "crowd"),
    [(True, True), ("1", True), (1.0, True), ("true", True), (False, False), ("0", False), (0.0, False), (None, False)],
)
def test_a_crowd_in_the_spellings_of_tools(tmp_path, written, crowd):
    table = coco_json(("train_0.jpg", [("cat", 0, 0, 9, 9)]))
    table["annotations"][0]["iscrowd"] = written
    put(coco_tree(tmp_path) / TRAIN, json.dumps(table))
    assert read(tmp_path, crowd="difficult").splits["train"][0].annotation.difficult == (crowd,)


def test_a_file_name_may_have_its_suffix_in_another_case_or_lack_it(tmp_path):
    root = train(tmp_path, ("a.jpg", [("cat", 0, 0, 9, 9)]), ("b", [("dog", 0, 0, 9, 9)]))
    (root / "train/a.jpg").rename(root / "train/a.JPG")
    (root / "train/b").rename(root / "train/b.Png")
    reading = read(root)
    assert [item.name for item in reading.splits["train"]] == ["a.JPG", "b.Png"] and not reading.refused


def test_validation_can_be_held_out(tmp_path):
    splits = {"train": "train", "validation": "", "test": "validation"}
    reading = read(coco_tree(tmp_path), splits=splits, validation_images=1)
    assert [len(reading.splits[split]) for split in ("train", "validation", "test")] == [1, 1, 2]


def test_a_crowd_makes_its_class_partial(tmp_path):
    reading = read(train(tmp_path, CROWDED), crowd="partial")
    item = reading.splits["train"][0]
    assert item.annotation.names == ("dog",) and item.partial == (reading.keys.index("cat"),)


def test_the_order_of_the_annotations_does_not_matter(tmp_path):
    table = coco_json(("train_0.jpg", [("cat", 0, 0, 9, 9), ("dog", 1, 1, 9, 9), ("cat", 2, 2, 9, 9)]))
    read_in = []
    for order in (list, reversed):
        put(coco_tree(tmp_path) / TRAIN, json.dumps(table | {"annotations": list(order(table["annotations"]))}))
        read_in.append(read(tmp_path).splits["train"][0].annotation.boxes)
    assert read_in[0] == read_in[1] and len(read_in[0]) == 3


def test_two_rows_of_one_image_stop(tmp_path):
    root = train(tmp_path, ("a.jpg", [("cat", 0, 0, 9, 9)]), ("a.jpg", [("dog", 0, 0, 9, 9)]))
    with pytest.raises(UserError, match=r"^instances_train\.json: 2 of its images have the file name 'a\.jpg'; merge"):
        read(root)


def test_partial_classes_reach_the_shards(tmp_path):
    root = train(tmp_path / "raw", CROWDED, ("train_1.jpg", [("cat", 0, 0, 9, 9)]))
    manifest = prepare(settings(root, crowd="partial"), tmp_path / "out")
    write_manifest(tmp_path / "out", manifest)
    split = open_split(tmp_path / "out", "train")
    assert [split[i].partial.tolist() for i in range(2)] == [[0], []]
    assert split[0].box_labels.tolist() == [1]


def test_images_without_objects_by_rule(tmp_path):
    root = train(tmp_path, ("train_0.jpg", []), ("train_1.jpg", [(c, 0, 0, 9, 9) for c in ("cat", "dog")]))
    assert only_reason(read(root)) == "instances_train.json: train_0.jpg has no object"
    kept = read(root, images_without_objects="keep")
    assert not kept.refused and kept.splits["train"][0].annotation.names == ()


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ([5, 5, 0, 9], "bbox of 0 x 9 px is inverted or has no area"),
        ([5, 5, 9, -2], "bbox of 9 x -2 px is inverted or has no area"),
        ([5, 5, 9], "bbox is not four numbers x, y, width, height"),
        ([5, 5, 9, "9"], "bbox is not four numbers"),
        ([5, 5, 9, True], "bbox is not four numbers"),
        ([5, 5, float("nan"), 9], "bbox is not four numbers"),
        ([5, 5, float("inf"), 9], "bbox is not four numbers"),
        ([5, 5, 10**400, 9], "bbox is not four numbers"),
        (None, "bbox is not four numbers"),
    ],
)
def test_a_box_that_cannot_be_refuses_its_image(tmp_path, box, reason):
    table = coco_json(("train_0.jpg", [("cat", 0, 0, 9, 9)]), ("train_1.jpg", [("dog", 0, 0, 9, 9)]))
    table["annotations"][0]["bbox"] = box
    put(coco_tree(tmp_path) / TRAIN, json.dumps(table))
    reading = read(tmp_path)
    assert only_reason(reading).startswith(f"instances_train.json: annotations[0] of train_0.jpg: {reason}")
    assert [item.name for item in reading.splits["train"]] == ["train_1.jpg"]


@pytest.mark.parametrize(
    ("box", "placed"),
    [
        ([0, 0, 32, 24], [0, 0, 31, 23]),
        ([31, 23, 1, 1], [31, 23, 31, 23]),  # one pixel
        ([1, 1, 32, 24], [1, 1, 31, 23]),  # counted from 1: the last pixel of doubt is cut off
        ([-0.5, 0, 9, 9], [0, 0, 7.5, 8]),
        ([0, 0, 34, 9], "lies outside its image of 32x24 px"),
        ([-2, 0, 9, 9], "lies outside"),
        ([40, 0, 9, 9], "lies outside"),
        ([5, 5, 0.5, 9], "is under one pixel wide or high"),
        ([31.6, 5, 1, 9], [31, 5, 31, 13]),
        ([32, 5, 1, 9], "lies outside"),
        ([-1, 5, 1, 9], "lies outside"),
    ],
)
def test_boxes_at_the_edge(tmp_path, box, placed):
    root = train(
        tmp_path / "raw", ("train_0.jpg", [("cat", *box)]), ("train_1.jpg", [(c, 0, 0, 9, 9) for c in ("cat", "dog")])
    )
    manifest = prepare(settings(root, max_bad_fraction=0.5), tmp_path / "out")
    write_manifest(tmp_path / "out", manifest)
    record = open_split(tmp_path / "out", "train")[0]
    if isinstance(placed, str):
        assert [item.name for item in manifest.refused] == [record.name.replace("1", "0")]
        assert placed in manifest.refused[0].reason and "train_0.jpg: box (" in manifest.refused[0].reason
    else:
        assert record.boxes.tolist() == [placed]


@pytest.mark.parametrize("sides", [{"width": -1, "height": -1}, {"width": None, "height": 0}])
def test_a_size_that_the_file_does_not_know(tmp_path, sides):
    table = coco_json(("train_0.jpg", [("cat", 0, 0, 9, 9), ("dog", 0, 0, 9, 9)]))
    table["images"][0] |= sides
    put(coco_tree(tmp_path / "raw") / TRAIN, json.dumps(table))
    assert prepare(settings(tmp_path / "raw"), tmp_path / "out").splits["train"].records == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"file_name": "../train_0.jpg"},
            "../train_0.jpg: points outside train, or is not a valid file name",
        ),
        ({"file_name": "/etc/passwd"}, "/etc/passwd: points outside train, or is not a valid file name"),
        ({"file_name": "none.jpg"}, "instances_train.json: none.jpg: no image of that name in train"),
        ({"width": "wide"}, "instances_train.json, train_0.jpg: width is 'wide', not a number of pixels"),
        ({"height": -3}, "instances_train.json, train_0.jpg: height is -3, not a number of pixels"),
    ],
)
def test_an_image_that_cannot_be_is_refused(tmp_path, change, reason):
    table = coco_json(("train_0.jpg", [("cat", 0, 0, 9, 9)]), ("train_1.jpg", [("dog", 0, 0, 9, 9)]))
    table["images"][0] |= change
    put(coco_tree(tmp_path) / TRAIN, json.dumps(table))
    assert only_reason(read(tmp_path)).endswith(reason)


def test_an_image_of_another_size_is_refused(tmp_path):
    root = train(tmp_path / "raw", ("train_0.jpg", [("cat", 0, 0, 9, 9), ("dog", 0, 0, 9, 9)]), ("train_1.jpg", []))
    put(root / "train/train_1.jpg", jpeg(40, 40))
    changes = {"images_without_objects": "keep", "max_bad_fraction": 0.5}
    refused = prepare(settings(root, **changes), tmp_path / "out").refused
    assert [item.reason for item in refused] == [
        "instances_train.json, train_1.jpg: made for 32x24 px; the image has 40x40 px"
    ]


def test_unknown_category_and_strange_crowd_refuse_their_image(tmp_path):
    table = coco_json(("train_0.jpg", [("cat", 0, 0, 9, 9)]), ("train_1.jpg", [("dog", 0, 0, 9, 9)]))
    table["annotations"][0]["category_id"] = 7
    table["annotations"][1]["iscrowd"] = 2
    put(coco_tree(tmp_path) / TRAIN, json.dumps(table))
    assert [item.reason for item in read(tmp_path, classes=["cat", "dog"]).refused] == [
        "instances_train.json: annotations[0] of train_0.jpg: unknown class '7'",
        "instances_train.json: annotations[1] of train_1.jpg: iscrowd is '2', not 0 or 1",
    ]


ROW = {"id": 1, "file_name": "train_0.jpg"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "not JSON"),
        ('{"images": [', "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        ("[" * 200_000, "not JSON"),
        ("[]", "has no list 'images'; COCO's detection JSON has images, annotations, categories"),
        ({"images": [ROW], "categories": []}, "has no list 'annotations'"),
        (dict(coco_json(), categories={}), "has no list 'categories'"),
        (dict(coco_json(), images=[3]), "images[0] is not an object"),
        (dict(coco_json(), images=[{"file_name": "a.jpg"}]), "images[0] has no usable 'id'"),
        (dict(coco_json(), images=[{"id": True, "file_name": "a.jpg"}]), "images[0] has no usable 'id'"),
        (dict(coco_json(), images=[{"id": 1, "file_name": 5}]), "images[0] has no usable 'file_name'"),
        (dict(coco_json(), images=[ROW, ROW]), "2 of its images have the file name 'train_0.jpg'"),
        (dict(coco_json(), categories=[{"id": 1, "name": ""}]), "categories[0] has no usable 'name'"),
        (
            dict(coco_json(), categories=[{"id": 1, "name": "a"}, {"id": 2, "name": "a"}]),
            "categories[1]: another has the id 2",
        ),
        (dict(coco_json(), images=[ROW], annotations=[{"image_id": [1]}]), "annotations[0] has no usable 'image_id'"),
        (dict(coco_json(), images=[ROW], annotations=[{"image_id": 1}]), "annotations[0] has no usable 'category_id'"),
        (
            dict(coco_json(), images=[ROW], annotations=[{"image_id": 9, "category_id": 1}]),
            "annotations[0]: no image has the id 9; remove it or add the image",
        ),
    ],
    ids=str,
)
def test_malformed_files_stop_in_one_line(tmp_path, content, reason):
    put(coco_tree(tmp_path) / TRAIN, json.dumps(content) if isinstance(content, dict) else content)
    with pytest.raises(UserError, match=r"^instances_train\.json: ") as caught:
        read(tmp_path)
    assert reason in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"annotations": "instances.json"}, r"detection\.annotations: 'instances\.json' has no \{split\}; COCO's is"),
        ({"annotations": "{split}.json"}, r"detection\.annotations: no file .*train\.json; correct"),
        ({"images": "{split}2017"}, r"detection\.images: no folder .*train2017; correct"),
        (
            {"blacklist": "black.txt"},
            r"detection\.blacklist: only ilsvrc and ilsvrc_archives can have one; take it out",
        ),
    ],
)
def test_settings_that_stop_before_any_job(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        check_source(settings(coco_tree(tmp_path), **changes))
