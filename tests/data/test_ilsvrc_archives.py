"""ILSVRC's archives in little: the right labels, the same as unpacked, nothing written, what may be wrong with them."""

import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path

import official_archives as official
import pytest

from data.datasets import classification, put, shown, unpack, write_manifest, xml
from googlenet.data.prepare import check_source, prepare
from googlenet.data.readers import ilsvrc, ilsvrc_archives
from googlenet.data.store import open_split
from googlenet.errors import UserError

CLASSES, TRAIN, VAL = 5, 4, 2
HELD_OUT = {"splits": {"train": "train", "validation": "", "test": "val"}, "validation_per_class": 1}
SRC = Path(ilsvrc.__file__).parents[3]


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    root = tmp_path_factory.mktemp("archives")
    official.write_classification(root, CLASSES, TRAIN, VAL)
    return root


@pytest.fixture
def own(archives, tmp_path):
    """A copy that a test may damage."""
    return Path(shutil.copytree(archives, tmp_path / "own"))


def read(root, **changes):
    settings = classification("ilsvrc_archives", root, **(HELD_OUT | changes))
    return ilsvrc_archives.read(settings)


def truth():
    """The wnid of each val image, worked out apart from the reader: the maker's numbers, the kit's lines."""
    number_of = official.numbers(CLASSES)
    return {number: wnid for wnid, number in number_of.items()}


def test_the_made_numbers_are_not_in_the_order_of_the_alphabet():
    order = list(official.numbers(CLASSES).values())
    assert order != sorted(order) and sorted(order) == list(range(1, CLASSES + 1))


def test_labels_are_those_of_the_wnids_though_the_numbers_are_not(archives, tmp_path):
    reading = read(archives)
    assert reading.keys == sorted(official.wnids(CLASSES)) and not reading.refused
    assert reading.classes == [f"thing {wnid}" for wnid in reading.keys]
    for split in ("train", "validation"):
        for item in reading.splits[split]:
            assert item.name.startswith(f"{reading.keys[item.label]}/{reading.keys[item.label]}_")
            assert item.name.split("/")[1].encode() in item.read()  # the maker's comment in that very image
    unpack(archives / official.KIT, tmp_path)
    lines = (tmp_path / "ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt").read_text().split()
    test = reading.splits["test"]
    assert [item.name for item in test] == [f"ILSVRC2012_val_{at:08d}.JPEG" for at in range(1, len(lines) + 1)]
    assert [reading.keys[item.label] for item in test] == [truth()[int(line)] for line in lines]
    assert all(item.name.encode() in item.read() for item in test)


def test_some_of_each_class_are_held_out(archives):
    splits = read(archives).splits
    assert {name: len(items) for name, items in splits.items()} == {
        "train": CLASSES * (TRAIN - 1),
        "validation": CLASSES,
        "test": CLASSES * VAL,
    }
    assert sorted(item.label for item in splits["validation"]) == list(range(CLASSES))
    assert not {item.place for item in splits["train"]} & {item.place for item in splits["validation"]}


def test_val_may_stand_alone(archives):
    alone = {"splits": {"train": "", "validation": "", "test": "val"}, "validation_per_class": 0}
    reading = read(archives, **alone)
    assert shown(reading)[2]["test"] == shown(read(archives))[2]["test"]
    assert list(reading.splits) == ["test"] and reading.keys == official.wnids(CLASSES)


@pytest.mark.parametrize("folders", ["official", "short", "inner tars"])
def test_unpacked_they_give_the_same(archives, tmp_path, folders):
    train, val, kit = (
        ("train", "val", "devkit")
        if folders == "short"
        else ("ILSVRC2012_img_train", "ILSVRC2012_img_val", "ILSVRC2012_devkit_t12")
    )
    unpack(archives / official.TRAIN, tmp_path / train)
    unpack(archives / official.VAL, tmp_path / val)
    unpack(archives / official.KIT, tmp_path)
    (tmp_path / "ILSVRC2012_devkit_t12").rename(tmp_path / kit)
    if folders != "inner tars":
        for inner in (tmp_path / train).glob("*.tar"):
            unpack(inner, tmp_path / train / inner.stem)
            inner.unlink()
    assert shown(read(tmp_path)) == shown(read(archives))


def test_another_file_beside_the_unpacked_tars_is_refused(archives, tmp_path):
    unpack(archives / official.TRAIN, tmp_path / "train")
    unpack(archives / official.VAL, tmp_path / "val")
    unpack(archives / official.KIT, tmp_path)
    put(tmp_path / "train/extract.sh", "tar -xf")
    reading = read(tmp_path)
    assert [item.reason for item in reading.refused] == ["extract.sh: lies in no class folder"]
    assert shown(reading)[2] == shown(read(archives))[2]


def test_the_layout_of_kaggle_gives_the_same_by_its_own_reader(archives, tmp_path):
    top = tmp_path / "ILSVRC"
    packed = read(archives)
    rows = "".join(f"{key} {name}, made thing\n" for key, name in zip(packed.keys, packed.classes, strict=True))
    put(tmp_path / "LOC_synset_mapping.txt", rows)
    unpack(archives / official.TRAIN, top / "Data/CLS-LOC/train")
    for inner in (top / "Data/CLS-LOC/train").glob("*.tar"):
        unpack(inner, inner.with_suffix(""))
        inner.unlink()
    unpack(archives / official.VAL, top / "Data/CLS-LOC/val")
    for item in packed.splits["test"]:
        file = top / f"Annotations/CLS-LOC/val/{item.name.removesuffix('.JPEG')}.xml"
        put(file, xml((packed.keys[item.label], 0, 0, 5, 5)))
    reading = ilsvrc.read(classification("ilsvrc", tmp_path, **HELD_OUT))
    assert shown(reading) == shown(packed)
    whole = put(
        tmp_path / "whole/ILSVRC2017_CLS-LOC.tar",
        official.packed(
            (path.relative_to(tmp_path).as_posix(), path.read_bytes())
            for path in sorted(top.rglob("*"))
            if path.is_file()
        ),
    )
    shutil.copy(tmp_path / "LOC_synset_mapping.txt", whole.parent)
    assert shown(read(whole.parent)) == shown(packed)


def test_images_of_the_archives_reach_the_shards(archives, tmp_path):
    settings = classification("ilsvrc_archives", archives, **HELD_OUT)
    manifest = prepare(settings, tmp_path)
    write_manifest(tmp_path, manifest)
    assert list(manifest.class_keys) == official.wnids(CLASSES) and not manifest.refused
    first, item = open_split(tmp_path, "test")[0], read(archives).splits["test"][0]
    assert (first.name, first.label, first.image) == (item.name, item.label, item.read())


def test_nothing_is_written_and_nothing_outside_is_read(archives, tmp_path):
    """Python's own account of every file that is opened: none for writing, and of `root` the archives alone."""
    settings = classification("ilsvrc_archives", archives, **HELD_OUT)
    program = f"""
import sys, os
from googlenet.config.schema.dataset import ClassificationSource
from googlenet.data.readers import ilsvrc_archives
import scipy.io
source = ClassificationSource.model_validate_json({settings.model_dump_json()!r})
seen = []
def account(event, given):
    if event == "open" and (given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) or isinstance(given[0], str)):
        seen.append((str(given[0]), given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)))
    elif event.split(".")[0] in ("os", "shutil", "tempfile") and event not in ("os.listdir", "os.scandir"):
        seen.append((event, 1))
sys.addaudithook(account)
ilsvrc_archives.read(source)
print([item for item in seen if item[1]])
print(sorted({{os.path.basename(name) for name, _ in seen if name.startswith({str(archives)!r})}}))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(SRC), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    written, opened = done.stdout.splitlines()
    assert written == "[]" and not list(tmp_path.iterdir())
    assert opened == str(sorted([official.TRAIN, official.VAL, official.KIT]))


def test_the_blacklist_leaves_val_images_out(archives, own):
    put(own / "black.txt", "2\n5\n40000\n")
    reading = read(own, blacklist="black.txt")
    test = reading.splits["test"]
    assert reading.notes == ("black.txt: 2 entries apply; 1 are on images or classes not in the set",)
    assert len(test) == CLASSES * VAL - 2
    left = {item.name: item.label for item in test}
    assert not {"ILSVRC2012_val_00000002.JPEG", "ILSVRC2012_val_00000005.JPEG"} & left.keys()
    whole = {item.name: item.label for item in read(archives).splits["test"]}
    assert left.items() <= whole.items()  # the others keep their labels
    put(own / "black.txt", "two\n")
    with pytest.raises(UserError, match=r"^black\.txt, line 1: 'two' is not a number"):
        read(own, blacklist="black.txt")
    with pytest.raises(UserError, match=r"classification\.blacklist: no file .*white\.txt; correct"):
        read(own, blacklist="white.txt")
    with pytest.raises(UserError, match=r"blacklist: only ilsvrc_archives can have one; take it out"):
        check_source(classification("class_folders", own, blacklist="black.txt"))


def test_a_cut_download_is_reported_before_any_job(own):
    path = own / official.TRAIN
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(UserError, match=r"ILSVRC2012_img_train\.tar: stops after [\d,]+ bytes .*fetch it"):
        check_source(classification("ilsvrc_archives", own, **HELD_OUT))


@pytest.mark.parametrize("name", [official.TRAIN, official.VAL, official.KIT])
def test_what_is_missing_is_reported_before_any_job(own, name):
    (own / name).unlink()
    with pytest.raises(UserError, match=rf"^dataset\.classification\.root: .* has neither .*{name}.*; fetch it"):
        check_source(classification("ilsvrc_archives", own, **HELD_OUT))


def test_compressed_images_are_refused_with_the_mend(own):
    path = own / official.VAL
    put(own / f"{official.VAL}.gz", gzip.compress(path.read_bytes()))
    path.unlink()
    with pytest.raises(UserError, match=r"img_val\.tar\.gz: is compressed.*becomes ILSVRC2012_img_val\.tar"):
        check_source(classification("ilsvrc_archives", own, **HELD_OUT))


def test_a_part_that_is_none_is_reported_with_the_nearest(archives):
    with pytest.raises(UserError, match=r"splits\.test: no part 'vall'; did you mean 'val'"):
        read(archives, splits={**HELD_OUT["splits"], "test": "vall"})


def test_kits_of_both_years_may_lie_in_one_folder(archives, own):
    official.write_detection(own)
    assert shown(read(own)) == shown(read(archives))


def test_archives_and_kit_of_different_sets(own, tmp_path):
    official.write_classification(tmp_path / "more", CLASSES + 1, TRAIN, VAL)
    shutil.copy(tmp_path / "more" / official.TRAIN, own)
    with pytest.raises(UserError, match=r"img_train\.tar: the development kit has no class 'n\d+' \(1 such\)"):
        read(own)
    shutil.copy(tmp_path / "more" / official.KIT, own)
    official.write_classification(tmp_path / "less", CLASSES, TRAIN, VAL)
    shutil.copy(tmp_path / "less" / official.TRAIN, own)
    with pytest.raises(UserError, match=r"img_train\.tar: nothing of class 'n\d+' \(1 such\)"):
        read(own)


def test_images_beyond_the_truth_and_of_other_names(own):
    unpack(own / official.VAL, own / "val")
    (own / official.VAL).unlink()
    put(own / "val/readme.txt", "no image")
    put(own / "val/ILSVRC2012_val_1.JPEG", b"")
    assert [item.reason for item in read(own).refused] == [
        "ILSVRC2012_val_1.JPEG: not named as a val image is",
        "readme.txt: not named as a val image is",
    ]
    put(own / "val/ILSVRC2012_val_00000011.JPEG", b"")
    with pytest.raises(UserError, match=r"^val: 'ILSVRC2012_val_00000011\.JPEG', but ILSVRC2012_valid.* 10 li"):
        read(own)


def test_a_missing_val_image_moves_no_label(archives, own):
    unpack(own / official.VAL, own / "val")
    (own / official.VAL).unlink()
    (own / "val/ILSVRC2012_val_00000003.JPEG").unlink()
    left = {item.name: item.label for item in read(own).splits["test"]}
    whole = {item.name: item.label for item in read(archives).splits["test"]}
    assert len(left) == len(whole) - 1 and left.items() <= whole.items()


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("meta.mat", b"no matlab", r"meta\.mat: no table 'synsets' to be read .*fetch the development kit"),
        ("meta.mat", None, r"has no meta\.mat or meta_clsloc\.mat; fetch the development kit again"),
        ("ILSVRC2012_validation_ground_truth.txt", "1\n7\n", r"ground_truth\.txt: no class has the number 7"),
        ("ILSVRC2012_validation_ground_truth.txt", "1\nx\n", r"ground_truth\.txt, line 2: 'x' is not a number"),
        (
            "ILSVRC2012_validation_ground_truth.txt",
            "1\n" + "9" * 5000,
            r"ground_truth\.txt, line 2: '9+ .* is not a number",
        ),
        ("ILSVRC2012_validation_ground_truth.txt", None, r"has no ILSVRC2012_validation_ground_truth\.txt"),
    ],
)
def test_a_kit_with_something_wrong(own, file, content, message):
    unpack(own / official.KIT, own)
    (own / official.KIT).unlink()
    path = own / "ILSVRC2012_devkit_t12/data" / file
    path.unlink()
    if content is not None:
        put(path, content)
    with pytest.raises(UserError, match=message):
        read(own)
