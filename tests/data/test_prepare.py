"""From settings to shards and manifest: what is counted, refused, or stops, and that nothing half stays."""

import subprocess
import sys

import cv2
import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from data.datasets import (
    SPLITS,
    class_tree,
    classification,
    detection,
    jpeg,
    noise,
    put,
    saved,
    voc_tree,
    write_manifest,
)
from googlenet.cli.data import faults
from googlenet.data import readers
from googlenet.data.images import encode_jpeg
from googlenet.data.prepare import check_source, prepare
from googlenet.data.store import open_split
from googlenet.errors import UserError


def folders(tmp_path, **changes):
    return prepare(classification("class_folders", tmp_path / "raw", **changes), tmp_path / "pets")


def test_classification_manifest_and_shards(tmp_path):
    class_tree(tmp_path / "raw")
    manifest = folders(tmp_path)
    assert manifest.kind == "classification" and manifest.dataset == "pets"
    assert manifest.classes == ("cat", "dog") and manifest.refused == () and manifest.about
    assert manifest.stamp == ""
    train = manifest.splits["train"]
    assert train.records == 6 and train.per_class == (3, 3) and train.objects is None
    write_manifest(tmp_path / "pets", manifest)
    assert list(faults(tmp_path / "pets")) == []
    split = open_split(tmp_path / "pets", "train")
    assert split.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert split[4].image == (tmp_path / "raw/train/dog/1.jpg").read_bytes() and split[4].name == "dog/1.jpg"
    assert (split[4].width, split[4].height, split[4].boxes.shape) == (32, 24, (0, 4))


def test_a_test_split_alone_leaves_no_shard_of_other_splits(tmp_path):
    class_tree(tmp_path / "raw")
    folders(tmp_path)
    manifest = folders(tmp_path, splits={"train": "", "validation": "", "test": "test"})
    assert list(manifest.splits) == ["test"] and manifest.class_keys == ("cat", "dog")
    write_manifest(tmp_path / "pets", manifest)
    assert list(faults(tmp_path / "pets")) == []
    assert [path.name for path in sorted((tmp_path / "pets").glob("*.arrow"))] == ["test-00000.arrow"]
    with pytest.raises(UserError, match=r"manifest\.json: no split 'train'"):
        open_split(tmp_path / "pets", "train")


def odd_images() -> dict[str, tuple[bytes, tuple[int, int]]]:
    """Images of every uncommon kind, with the (width, height) that a person sees."""

    colours, turned = Image.fromarray(noise(20, 30)), Image.Exif()
    turned[0x0112] = 6
    frames = {"save_all": True, "append_images": [Image.new("RGB", (30, 20), "blue")]}
    deep = (noise(20, 30).astype(np.uint16) * 257)[..., ::-1]
    clear = colours.quantize(8)
    return {
        "grey.jpg": (saved(colours.convert("L"), "JPEG"), (30, 20)),
        "grey_alpha.png": (saved(colours.convert("LA"), "PNG"), (30, 20)),
        "one_bit.png": (saved(colours.convert("1"), "PNG"), (30, 20)),
        "cmyk.jpg": (saved(colours.convert("CMYK"), "JPEG"), (30, 20)),
        "cmyk.tif": (saved(colours.convert("CMYK"), "TIFF"), (30, 20)),
        "deep_grey.png": (cv2.imencode(".png", deep[..., 0])[1].tobytes(), (30, 20)),
        "deep.png": (cv2.imencode(".png", deep)[1].tobytes(), (30, 20)),
        "palette.png": (saved(clear, "PNG", transparency=3), (30, 20)),
        "turned.jpg": (saved(colours, "JPEG", exif=turned), (20, 30)),
        "animated.gif": (saved(colours, "GIF", **frames), (30, 20)),
        "animated.webp": (saved(colours, "WEBP", **frames), (30, 20)),
        "animated.png": (saved(colours, "PNG", **frames), (30, 20)),
    }


def test_images_of_every_kind_arrive_upright_in_three_channels(tmp_path):
    class_tree(tmp_path / "raw")
    odd = odd_images()
    for name, (image, _) in odd.items():
        put(tmp_path / "raw/test/cat" / name, image)
    manifest = folders(tmp_path)
    assert manifest.refused == ()
    write_manifest(tmp_path / "pets", manifest)
    split = open_split(tmp_path / "pets", "test")
    found = {name.split("/")[1]: index for index, name in enumerate(split.names)}
    for name, (_, size) in odd.items():
        record, pixels = split[found[name]], split.image(found[name])
        assert (record.width, record.height) == size and pixels.dtype == np.uint8, name
        assert pixels.shape == (size[1], size[0], 3), name
        if name.startswith("animated"):  # the first frame, not the blue one
            assert pixels[..., 0].std() > 30, name


def test_detection_manifest_and_boxes(tmp_path):
    settings = detection("voc", voc_tree(tmp_path / "raw"), about="pets in the garden")
    manifest = prepare(settings, tmp_path / "pets")
    assert manifest.splits["test"].objects == 4 and manifest.splits["test"].per_class == (2, 2)
    assert manifest.about == "pets in the garden"
    write_manifest(tmp_path / "pets", manifest)
    record = open_split(tmp_path / "pets", "test")[0]
    assert record.boxes.tolist() == [[0, 0, 9, 7], [4, 4, 31, 23]] and record.box_labels.tolist() == [0, 1]
    assert record.label == -1


@pytest.mark.long
@pytest.mark.parametrize("kind", ["classification", "detection"])
def test_embedded_is_the_same_twice_and_leaves_no_raw_files(kind, tmp_path):
    settings = (classification if kind == "classification" else detection)("embedded")
    first = prepare(settings, tmp_path / "a/digits")
    assert first == prepare(settings, tmp_path / "b/digits")
    assert sorted(path.name for path in (tmp_path / "a/digits").iterdir()) == [
        f"{split}-00000.arrow" for split in sorted(SPLITS)
    ]


def test_too_many_bad_files_stop_and_are_listed(tmp_path):
    class_tree(tmp_path / "raw")
    put(tmp_path / "raw/train/cat/1.jpg", jpeg()[:-200])
    put(tmp_path / "raw/test/dog/2.jpg", b"x")
    with pytest.raises(UserError) as caught:
        folders(tmp_path, max_bad_fraction=0.1)
    message = str(caught.value)
    assert message.startswith(
        "dataset.classification: 2 of 18 files are bad (11.11 %), first in train: cat/1.jpg: damaged "
    )
    listed = tmp_path / "pets/quarantine.csv"
    assert message.endswith(
        f"; correct or remove what {listed} lists, or raise dataset.classification.max_bad_fraction (now 0.1)"
    )
    assert [line.split(",")[:2] for line in listed.read_text().splitlines()] == [
        ["split", "name"], ["train", "cat/1.jpg"], ["test", "dog/2.jpg"]
    ]  # fmt: skip
    manifest = folders(tmp_path, max_bad_fraction=0.12)
    assert [(item.split, item.name) for item in manifest.refused] == [
        ("train", "cat/1.jpg"), ("test", "dog/2.jpg")
    ]  # fmt: skip
    assert manifest.splits["train"].per_class == (2, 3) and listed.is_file()
    for name in ("train/cat/1.jpg", "test/dog/2.jpg"):
        (tmp_path / "raw" / name).unlink()
    assert folders(tmp_path).refused == () and not listed.exists()


def test_a_hopeless_data_set_stops_early(tmp_path):
    class_tree(tmp_path / "raw")
    for number in range(4):
        put(tmp_path / f"raw/train/cat/{number}.jpg", b"x")
    with pytest.raises(UserError, match=r"4 of 19 files \(7 looked at\) are bad \(21\.05 %\), first in train"):
        folders(tmp_path, max_bad_fraction=0.2)
    assert not (tmp_path / "pets/test-00000.arrow").exists()


def test_small_images_are_refused(tmp_path):
    put(class_tree(tmp_path / "raw") / "train/cat/0.jpg", jpeg(7, 40))
    reason = folders(tmp_path, max_bad_fraction=0.1).refused[0].reason
    assert reason == "cat/0.jpg: 40x7 px; sides below min_side_px (8) are too small"


def test_class_that_has_nothing_left_stops(tmp_path):
    class_tree(tmp_path / "raw", images=1)
    put(tmp_path / "raw/test/dog/0.jpg", b"x")
    with pytest.raises(UserError, match=r"classification\.splits\.test: nothing of class 'dog' there; add some"):
        folders(tmp_path, max_bad_fraction=0.5)


def test_split_that_has_nothing_left_stops(tmp_path):
    class_tree(tmp_path / "raw")
    for path in (tmp_path / "raw/validation").rglob("*.jpg"):
        path.unlink()
    with pytest.raises(UserError, match=r"splits\.validation: no image left in validation; add some"):
        folders(tmp_path)


def test_shorter_side_is_resized(tmp_path):
    put(class_tree(tmp_path / "raw") / "train/cat/0.jpg", encode_jpeg(noise(60, 90)))
    write_manifest(tmp_path / "pets", folders(tmp_path, resize_shorter_side_px=30))
    split = open_split(tmp_path / "pets", "train")
    assert (split[0].width, split[0].height) == (45, 30) and split.image(0).shape == (30, 45, 3)
    assert split[1].image == (tmp_path / "raw/train/cat/1.jpg").read_bytes()


@pytest.mark.parametrize(
    ("source", "reader", "message"),
    [
        (classification, "class_folders", r"dataset\.classification\.root: no folder /no/such"),
        (detection, "voc", r"dataset\.detection\.root: no folder /no/such"),
    ],
)
def test_a_source_that_is_not_there_stops_before_any_job(source, reader, message):
    with pytest.raises(UserError, match=message):
        check_source(source(reader, "/no/such"))


def test_a_kind_of_data_has_the_readers_that_read_it():
    """What each reader is written for is what the settings let it be chosen for."""
    for reader in ("embedded", "class_folders", "ilsvrc", "ilsvrc_archives"):
        assert readers.of(classification(reader)).check
    for reader in ("embedded", "voc", "ilsvrc", "ilsvrc_archives", "coco"):
        assert readers.of(detection(reader)).read
    for source, reader in ((classification, "voc"), (classification, "coco"), (detection, "class_folders")):
        with pytest.raises(ValidationError, match="reader"):
            source(reader)


def test_the_check_imports_nothing_heavy():
    heavy = ("cv2", "sklearn", "pyarrow", "PIL", "torch")
    names = "embedded", "class_folders", "ilsvrc", "ilsvrc_archives", "voc", "coco"
    code = f"import sys, googlenet.data.prepare, {', '.join(f'googlenet.data.readers.{name}' for name in names)}"
    code += f"; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
