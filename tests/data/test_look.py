"""What a person learns about a data set before training: worked by hand on images made for it."""

import numpy as np
import pytest
from PIL import Image

from data.datasets import class_tree, classification, detection, jpeg, noise, put, saved, voc_tree, xml
from googlenet.data.look import kind_of, reasons, warnings
from googlenet.data.prepare import prepare, prepared
from googlenet.data.records import Refused
from googlenet.metrics.data import Groups, RefusalCount


def folders(tmp_path, **changes):
    settings = classification("class_folders", tmp_path / "raw", **changes)
    return prepare(settings, tmp_path / "pets")


def own_trees(root):
    """Class folders in which every image is another."""
    class_tree(root)
    for number, path in enumerate(sorted(root.rglob("*.jpg"))):
        put(path, jpeg(seed=100 + number))
    return root


def test_sizes_forms_and_turned_images(tmp_path):
    root, turned = own_trees(tmp_path / "raw"), Image.Exif()
    turned[0x0112] = 6
    put(root / "train/cat/3.jpg", saved(Image.fromarray(noise(40, 50, 7)), "JPEG", exif=turned))
    put(root / "train/cat/4.png", saved(Image.fromarray(noise(100, 80, 8)).convert("L"), "PNG"))
    put(root / "train/cat/5.jpg", saved(Image.fromarray(noise(30, 30, 9)).convert("CMYK"), "JPEG"))
    look = folders(tmp_path).look
    train = look.splits["train"]
    assert train.pictures == 9 and train.turned_by_exif == 1 and train.objects is None
    assert train.forms == {"JPEG RGB": 7, "PNG L": 1, "JPEG CMYK": 1}
    at = dict(zip(look.quantiles_percent, range(7), strict=True))
    assert [train.width_px[at[q]] for q in (0, 50, 100)] == [30, 32, 80]  # six of 32, 30, 40, 80
    assert [train.height_px[at[q]] for q in (0, 50, 100)] == [24, 24, 100]
    assert [train.shorter_side_px[at[q]] for q in (0, 95, 100)] == [24, 80, 80]
    assert train.megapixels[at[100]] == 0.008
    assert train.bytes[at[100]] == max(path.stat().st_size for path in (root / "train").rglob("*.*"))
    assert look.splits["test"].forms == {"JPEG RGB": 6}


def test_sizes_are_those_before_resizing(tmp_path):
    put(own_trees(tmp_path / "raw") / "train/cat/0.jpg", jpeg(60, 90))
    assert folders(tmp_path, resize_shorter_side_px=30).look.splits["train"].width_px[-1] == 90


def test_duplicates_within_and_across_splits(tmp_path):
    root = own_trees(tmp_path / "raw")
    there = folders(tmp_path).look.duplicates
    nothing = Groups(groups=0, pictures=0)
    assert there.across == there.likely_across == there.within["train"] == nothing
    assert warnings(there) == []
    same = (root / "train/cat/1.jpg").read_bytes()
    for name in ("train/dog/7.jpg", "test/dog/9.jpg", "test/dog/8.jpg"):
        put(root / name, same)
    put(root / "validation/cat/5.jpg", (root / "validation/cat/0.jpg").read_bytes())
    found = folders(tmp_path, shard_mb=0.003).look.duplicates
    assert found.within == {
        "train": Groups(groups=1, pictures=2),
        "validation": Groups(groups=1, pictures=2),
        "test": Groups(groups=1, pictures=2),
    }
    assert found.across == Groups(groups=1, pictures=4) and found.likely_across == nothing
    (group,) = found.shown.across
    assert [(item.split, item.name) for item in group] == [
        ("train", "cat/1.jpg"),
        ("train", "dog/7.jpg"),
        ("test", "dog/8.jpg"),
        ("test", "dog/9.jpg"),
    ]
    assert [[item.split for item in group] for group in found.shown.within] == [["validation"] * 2]
    assert warnings(found)[0].startswith("warning: 1 image is in more than one split, byte for byte")


def test_the_same_image_in_two_classes_is_named(tmp_path):
    root = own_trees(tmp_path / "raw")
    for number in range(4):  # copies in one class alone, before the other class in the order of names
        put(root / f"train/cat/a{number}.jpg", (root / "train/cat/1.jpg").read_bytes())
    put(root / "test/dog/9.jpg", (root / "train/cat/1.jpg").read_bytes())
    for number in range(12):
        put(root / f"train/cat/b{number:02d}.jpg", jpeg(seed=200 + number))
        put(root / f"train/dog/b{number:02d}.jpg", jpeg(seed=200 + number))
    found = folders(tmp_path).look.duplicates
    assert found.across_classes == Groups(groups=13, pictures=6 + 24)
    named = [[str(item) for item in group] for group in found.shown.across_classes]
    assert len(named) == 13 and ["train: cat/b11.jpg (cat)", "train: dog/b11.jpg (dog)"] in named
    assert ["train: cat/1.jpg (cat)", "test: dog/9.jpg (dog)", "train: cat/a0.jpg (cat)"] in [g[:3] for g in named]
    lines = [line for line in warnings(found) if "class" in line]
    assert lines[0].startswith("warning: 13 images are in more than one class, byte for byte")
    assert lines[1] == (
        "in several classes: train: cat/1.jpg (cat) = test: dog/9.jpg (dog) = train: cat/a0.jpg (cat) = ..."
    )
    assert lines[2] == "in several classes: train: cat/b00.jpg (cat) = train: dog/b00.jpg (dog)" and len(lines) == 11


def test_objects_of_two_classes_are_no_image_in_two_classes(tmp_path):
    root = voc_tree(tmp_path / "raw")
    put(root / "JPEGImages/train_1.jpg", (root / "JPEGImages/train_0.jpg").read_bytes())
    found = prepare(detection("voc", root), tmp_path / "out").look.duplicates
    assert found.within["train"].groups == 1 and found.across_classes.groups == 0


def test_a_copy_of_another_size_in_another_split_is_likely(tmp_path):
    root = own_trees(tmp_path / "raw")
    waves = np.sin(np.arange(320) / 23)[None, :] * np.cos(np.arange(240) / 31)[:, None]
    image = Image.fromarray((127 + 120 * waves).astype(np.uint8)).convert("RGB")
    put(root / "train/cat/w.jpg", saved(image, "JPEG", quality=90))
    put(root / "train/dog/w.jpg", saved(image, "JPEG", quality=70))
    put(root / "test/dog/w.png", saved(image.resize((160, 120)), "PNG"))
    for split in ("train", "test"):  # too plain to tell
        put(root / split / "cat/plain.png", saved(Image.new("RGB", (40 + len(split), 40), "red"), "PNG"))
    found = folders(tmp_path).look.duplicates
    assert found.across.groups == 0 and found.likely_across == Groups(groups=1, pictures=3)
    assert [item.name for item in found.shown.likely_across[0]] == ["cat/w.jpg", "dog/w.jpg", "dog/w.png"]
    assert "look alike" in warnings(found)[0]


def test_of_many_groups_the_first_are_named_and_all_counted(tmp_path, monkeypatch):
    from googlenet.data import look

    root = own_trees(tmp_path / "raw")
    for number in range(3):
        put(root / f"test/cat/{number}.jpg", (root / f"train/cat/{number}.jpg").read_bytes())
    monkeypatch.setattr(look, "GROUPS_SHOWN", 2)
    monkeypatch.setattr(look, "NAMES_SHOWN", 1)
    found = folders(tmp_path).look.duplicates
    assert found.across == Groups(groups=3, pictures=6)
    assert [[item.name for item in group] for group in found.shown.across] == [["cat/0.jpg"], ["cat/1.jpg"]]


def test_objects(tmp_path):
    root = voc_tree(tmp_path / "raw")
    put(root / "Annotations/train_0.xml", xml(("cat", 1, 1, 16, 4), ("cat", 1, 1, 8, 8), ("dog", 1, 1, 32, 24)))
    found = prepare(detection("voc", root), tmp_path / "out").look.splits["train"].objects
    # Of the first image 16 x 4, 8 x 8 and 32 x 24 px, of the second 10 x 8 and 28 x 20.
    assert found.count == 5 and found.in_a_picture[0] == 2 and found.in_a_picture[-1] == 3
    assert found.side_px == (8.0, 8.0, 8.0, 8.9, 23.7, 27.7, 27.7)
    assert found.width_over_height[0] == 1.0 and found.width_over_height[-1] == 4.0
    assert found.smaller_percent == {"20": 60.0, "32": 100.0}


def test_images_without_objects_count_as_none(tmp_path):
    root = voc_tree(tmp_path / "raw")
    put(root / "Annotations/train_0.xml", xml())
    settings = detection("voc", root, images_without_objects="keep")
    found = prepare(settings, tmp_path / "out").look.splits["train"].objects
    assert found.count == 2 and found.in_a_picture == (0, 0, 0, 0, 2, 2, 2)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("cat/1.jpg: damaged image (image file is truncated (3 bytes))", "damaged image (…)"),
        ("a.jpg: 40x7 px; sides below min_side_px (8) are too small", "… px; sides below min_side_px (…) are too small"),
        ("val_2.xml: unknown class 'cow'", "unknown class '…'"),
        ("cat/0.jpg: not an image", "not an image"),
    ],
)  # fmt: skip
def test_reasons_are_distinguished_by_kind(reason, kind):
    assert kind_of(reason) == kind


def test_reasons_are_counted_the_most_frequent_first():
    bad = [Refused("train", "a", "a: empty file")] + [Refused("test", n, f"{n}: not an image") for n in "bc"]
    assert reasons(bad) == (
        RefusalCount(split="test", kind="not an image", count=2),
        RefusalCount(split="train", kind="empty file", count=1),
    )


def test_the_log_says_what_was_left_out_and_what_is_there_twice(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = own_trees(tmp_path / "raw")
    put(root / "train/dog/7.jpg", b"x")
    put(root / "test/dog/9.jpg", (root / "train/cat/1.jpg").read_bytes())
    settings, lines = classification("class_folders", root, max_bad_fraction=0.1), []
    with prepared(settings, tmp_path / "pets", "0" * 64, 1, bool, lines.append):
        assert not lines
    assert lines[0] == "left out: train: dog/7.jpg: not an image" and len(lines) == 4
    assert lines[1].startswith("warning: 1 image is in more than one split, byte for byte")
    assert lines[3] == "in several classes: train: cat/1.jpg (cat) = test: dog/9.jpg (dog)"
