"""ILSVRC's layout, written by hand: classes by wnid, labels from XML, lists with a second column."""

import shutil

import pytest

from data.datasets import SPLITS, classification, detection, jpeg, put, xml
from googlenet.data.readers import ilsvrc
from googlenet.errors import UserError
from ticking import lines_of

NAMES = {**SPLITS, "validation": "val"}
CAT, DOG = "n02000002", "n02000001"  # sorted, the dog comes first


def cls_tree(root):
    for wnid in (CAT, DOG):
        for number in range(3):
            put(root / f"ILSVRC/Data/CLS-LOC/train/{wnid}/{wnid}_{number}.JPEG", jpeg(seed=number))
    for split in ("val", "test"):
        for number, wnid in enumerate((CAT, DOG)):
            put(root / f"ILSVRC/Data/CLS-LOC/{split}/{split}_{number}.JPEG", jpeg(seed=number))
            put(root / f"ILSVRC/Annotations/CLS-LOC/{split}/{split}_{number}.xml", xml((wnid, 0, 0, 9, 9)))
    return root


def det_tree(root):
    for split in ("train", "val", "test"):
        for number in range(2):
            item = f"part/{split}_{number}" if split == "train" else f"{split}_{number}"
            put(root / f"ILSVRC/Data/DET/{split}/{item}.JPEG", jpeg(seed=number))
            put(root / f"ILSVRC/Annotations/DET/{split}/{item}.xml", xml((CAT, 0, 0, 9, 9), (DOG, 3, 3, 31, 23)))
        prefix = "part/" if split == "train" else ""
        put(root / f"ILSVRC/ImageSets/DET/{split}.txt", f"{prefix}{split}_0 1\n{prefix}{split}_1 2\n")
    return root


def read(kind, root, **changes):
    source = classification if kind == "classification" else detection
    return ilsvrc.read(source("ilsvrc", root, **({"splits": NAMES} | changes)))


def test_classification_takes_labels_from_folders_and_xml(tmp_path):
    put(cls_tree(tmp_path) / "LOC_synset_mapping.txt", f"{DOG} dog, domestic dog\n{CAT} cat\n")
    reading = read("classification", tmp_path)
    assert reading.classes == ["dog", "cat"] and reading.keys == [DOG, CAT] and not reading.refused
    assert [item.label for item in reading.splits["train"]] == [0, 0, 0, 1, 1, 1]
    found = [(item.name, item.label) for item in reading.splits["validation"]]
    assert found == [("val_0.JPEG", 1), ("val_1.JPEG", 0)]


def test_reading_the_xml_of_flat_images_reports_its_progress(tmp_path):
    cls_tree(tmp_path)
    lines = lines_of(lambda: read("classification", tmp_path))
    assert any(line.startswith("annotations of validation: 1 of 2, ") for line in lines)


def test_root_may_be_the_inner_folder_and_words_are_optional(tmp_path):
    assert read("classification", cls_tree(tmp_path) / "ILSVRC").classes == [DOG, CAT]


def test_words_that_two_classes_share_keep_the_wnid(tmp_path):
    put(cls_tree(tmp_path) / "ILSVRC/LOC_synset_mapping.txt", f"{DOG} crane\n{CAT} crane, wader\n")
    assert read("classification", tmp_path).classes == [f"crane ({DOG})", f"crane ({CAT})"]


def test_validation_can_be_held_out(tmp_path):
    splits = {"train": "train", "validation": "", "test": "val"}
    reading = read("classification", cls_tree(tmp_path), splits=splits, validation_per_class=1)
    assert [len(reading.splits[split]) for split in SPLITS] == [4, 2, 2]


def test_the_official_validation_images_may_stand_alone(tmp_path):
    shutil.rmtree(cls_tree(tmp_path) / "ILSVRC/Data/CLS-LOC/train")
    put(tmp_path / "LOC_synset_mapping.txt", f"{DOG} dog, domestic dog\n{CAT} cat\n")
    put(tmp_path / "ILSVRC/Annotations/CLS-LOC/val/val_2.xml", xml((CAT, 0, 0, 5, 5), (DOG, 0, 0, 5, 5)))
    put(tmp_path / "ILSVRC/Data/CLS-LOC/val/val_2.JPEG", jpeg())
    reading = read("classification", tmp_path, splits={"train": "", "validation": "", "test": "val"})
    assert reading.keys == [DOG, CAT] and reading.classes == ["dog", "cat"]
    assert [(item.name, item.label) for item in reading.splits["test"]] == [("val_0.JPEG", 1), ("val_1.JPEG", 0)]
    assert [item.reason for item in reading.refused] == [f"val_2.xml: names {DOG}, {CAT}, not one class"]


def test_flat_image_without_or_with_a_strange_annotation_is_refused(tmp_path):
    cls_tree(tmp_path)
    put(tmp_path / "ILSVRC/Data/CLS-LOC/val/val_2.JPEG", jpeg())
    put(tmp_path / "ILSVRC/Annotations/CLS-LOC/val/val_0.xml", xml((CAT, 0, 0, 5, 5), (DOG, 0, 0, 5, 5)))
    put(tmp_path / "ILSVRC/Annotations/CLS-LOC/test/test_1.xml", xml(("n1", 0, 0, 5, 5)))
    assert [item.reason for item in read("classification", tmp_path).refused] == [
        f"val_0.xml: names {DOG}, {CAT}, not one class of training",
        "val_2.xml: no such annotation file",
        "test_1.xml: names n1, not one class of training",
    ]


def test_flat_images_sorted_into_class_folders_stop_with_the_reader_to_take(tmp_path):
    folder = cls_tree(tmp_path) / "ILSVRC/Data/CLS-LOC/val"
    for number, wnid in enumerate((CAT, DOG)):
        (folder / wnid).mkdir()
        (folder / f"val_{number}.JPEG").rename(folder / wnid / f"val_{number}.JPEG")
    with pytest.raises(
        UserError, match=r"CLS-LOC/val: has 2 subfolders, .*; move the images up, or .* reader: class_fold"
    ):
        read("classification", tmp_path)


def test_detection_reads_lists_with_paths(tmp_path):
    reading = read("detection", det_tree(tmp_path))
    assert reading.keys == [DOG, CAT] and not reading.refused
    assert [item.name for item in reading.splits["train"]] == ["part/train_0.JPEG", "part/train_1.JPEG"]
    assert reading.splits["test"][0].annotation.origin == 0


def test_halves_of_val_read_from_val(tmp_path):
    det_tree(tmp_path)
    for half in (1, 2):
        put(tmp_path / f"ILSVRC/ImageSets/DET/val{half}.txt", f"val_{half - 1} 1\n")
    splits = {"train": "train", "validation": "val1", "test": "val2"}
    reading = read("detection", tmp_path, splits=splits)
    found = [item.name for split in ("validation", "test") for item in reading.splits[split]]
    assert found == ["val_0.JPEG", "val_1.JPEG"] and not reading.refused


def test_missing_parts_name_their_key(tmp_path):
    with pytest.raises(UserError, match=r"dataset\.detection\.root: no folder .*Data/DET; correct"):
        read("detection", cls_tree(tmp_path / "cls"))
    (det_tree(tmp_path / "det") / "ILSVRC/ImageSets/DET/test.txt").unlink()
    with pytest.raises(UserError, match=r"dataset\.detection\.splits\.test: no file .*test\.txt"):
        read("detection", tmp_path / "det")
