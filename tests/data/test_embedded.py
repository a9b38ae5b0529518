"""The embedded data: writers and regions apart, ink brighter than paper, tight boxes, same bytes twice."""

import hashlib

import numpy as np
import pytest

from data.datasets import SPLITS, WRITERS, classification, detection
from googlenet.config.schema.base import replaced
from googlenet.config.schema.dataset import SplitCounts
from googlenet.data.compositions import composite, ink_box, overlap, scene, stroke
from googlenet.data.images import decode
from googlenet.data.readers import embedded
from googlenet.data.readers.embedded import digits_of, load_digits, photographs, writers_of
from googlenet.errors import UserError

COUNTS = SplitCounts(**WRITERS)


@pytest.fixture(scope="module")
def readings(tmp_path_factory):
    sources = (classification("embedded"), detection("embedded"))
    return {source.kind: embedded.read(source, tmp_path_factory.mktemp(source.kind)) for source in sources}


def digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_sheets_are_found_by_their_counting():
    labels = load_digits()[1]
    writers = writers_of(labels)
    assert writers.max() == 13 and (np.diff(writers) >= 0).all()
    sizes = [130, 126, 130, 130, 130, 130, 130, 123, 128, 130, 128, 130, 122, 130]
    assert np.bincount(writers).tolist() == sizes
    for writer in range(14):
        counting = labels[writers == writer][:6].tolist()
        assert counting in ([0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6])


def test_sheets_by_hand():
    sheet = [0, 1, 2, 3, 4, 5, *[9] * 60]
    assert writers_of(np.array(sheet + sheet[1:] + sheet)).tolist() == [0] * 66 + [1] * 65 + [2] * 66


def test_writers_of_the_splits_are_apart_and_none_is_lost():
    ink, _ = load_digits()
    parts = [digits_of(split, COUNTS)[0] for split in SPLITS]
    assert np.array_equal(np.concatenate(parts), ink)
    assert [len(part) for part in parts] == [1287, 128, 382]


def test_regions_of_the_photographs_are_apart_and_complete():
    for number, height in enumerate((427, 427)):
        strips = [photographs(split)[number] for split in SPLITS]
        assert [strip.shape for strip in strips] == [(height, width, 3) for width in (320, 128, 192)]
        bounds = [(0, 320), (320, 448), (448, 640)]
        whole = np.concatenate(strips, axis=1)
        for strip, (left, right) in zip(strips, bounds, strict=True):
            assert np.array_equal(whole[:, left:right], strip)


def test_ink_is_always_brighter_than_its_background():
    ink, _ = load_digits()
    strips, scale = photographs("train"), (0.7, 0.95)
    for index in range(30):
        streams = [embedded.stream(0, "classification", "train", index) for _ in range(2)]
        paper = composite(np.zeros_like(ink[index]), strips, 64, scale, streams[0]).astype(int)
        drawn = composite(ink[index], strips, 64, scale, streams[1]).astype(int)
        assert (drawn - paper).mean(axis=2).min() >= 0  # soft edges: between the two
        brightest = drawn.reshape(-1, 3)[drawn.sum(axis=2).argmax()]
        opaque = (np.abs(drawn - brightest) <= 2).all(axis=2)
        assert opaque.sum() > 40 and drawn[opaque].min() >= 160 and paper.max() <= 90


def test_scene_boxes_are_the_ink(monkeypatch):
    ink, _ = load_digits()
    black = [np.zeros((200, 200, 3), np.uint8)]
    monkeypatch.setattr("googlenet.data.compositions.scratches", lambda *args: None)
    for index in range(5):
        image, placed = scene([ink[index]], black, 96, (40, 60), embedded.stream(1, "detection", "test", index))
        (_, box) = placed[0]
        visible = image.max(axis=2) >= 0.5 * image.max()
        rows, columns = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
        found = (columns[0], rows[0], columns[-1], rows[-1])
        assert np.abs(np.subtract(found, box)).max() <= 1


def test_stroke_and_box_by_hand():
    ink = np.zeros((8, 8), np.float32)
    ink[2:6, 3:5] = 1
    xmin, ymin, xmax, ymax = ink_box(stroke(ink, 80, 0.0), 100, 200)
    assert abs(xmin - 130) <= 2 and abs(xmax - 149) <= 2 and abs(ymin - 220) <= 2 and abs(ymax - 259) <= 2


def test_overlap_by_hand():
    assert overlap((0, 0, 9, 9), (5, 0, 14, 9)) == 0.5
    assert overlap((0, 0, 9, 9), (10, 0, 19, 9)) == 0
    assert overlap((0, 0, 9, 9), (2, 2, 3, 3)) == 1


def test_classification_is_read_as_ilsvrc(readings):
    reading = readings["classification"]
    assert reading.classes == list(embedded.WORDS) and reading.keys[3] == "n90000003" and not reading.refused
    assert [len(reading.splits[split]) for split in SPLITS] == [24, 12, 12]
    truth = digits_of("test", COUNTS)[1][:12].tolist()
    assert [item.label for item in reading.splits["test"]] == truth
    assert decode(reading.splits["train"][0].path.read_bytes()).shape == (48, 48, 3)
    assert "real handwriting" in reading.about


def test_detection_scenes_have_every_class_and_little_overlap(readings):
    reading = readings["detection"]
    assert reading.classes == list(embedded.WORDS) and not reading.refused
    assert [len(reading.splits[split]) for split in SPLITS] == [6, 5, 5]
    for split in SPLITS:
        names = {name for item in reading.splits[split] for name in item.annotation.names}
        assert len(names) >= 8
        for item in reading.splits[split]:
            boxes = item.annotation.boxes
            assert 1 <= len(boxes) <= 3 and item.annotation.size == (96, 96)
            pairs = [(a, b) for place, a in enumerate(boxes) for b in boxes[:place]]
            assert all(overlap(a, b) <= 0.15 for a, b in pairs)


@pytest.mark.parametrize("kind", ["classification", "detection"])
def test_same_seed_same_bytes_and_another_seed_another_image(kind, tmp_path):
    recipe = (classification if kind == "classification" else detection)("embedded").embedded
    make = embedded.make_classification if kind == "classification" else embedded.make_detection
    make(recipe, tmp_path / "a")
    make(recipe, tmp_path / "b")
    make(replaced(recipe, seed=4), tmp_path / "c")
    first, again, other = (digests(tmp_path / name) for name in "abc")
    assert first == again
    images = [name for name in first if name.endswith("JPEG")]
    assert images and all(first[name] != other[name] for name in images)


def test_one_more_image_changes_no_other(tmp_path):
    recipe = classification("embedded").embedded
    embedded.make_classification(recipe, tmp_path / "a")
    embedded.make_classification(replaced(recipe, limit_per_split=15), tmp_path / "b")
    small, large = digests(tmp_path / "a"), digests(tmp_path / "b")
    assert small.items() < large.items()


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        ("classification", {"writers": {**WRITERS, "test": 4}}, r"embedded\.writers: \[10, 1, 4\] for .* at most 14"),
        ("classification", {"writers": {**WRITERS, "test": 0}}, r"embedded\.writers: \[10, 1, 0\]"),
        ("classification", {"digit_scale": [0.9, 1.2]}, r"embedded\.digit_scale: \[0\.9, 1\.2\]; needs 0 < low"),
        ("detection", {"digits_per_scene": [3, 2]}, r"embedded\.digits_per_scene: \[3, 2\]; needs 1 <= low"),
        ("detection", {"digit_px": [36, 97]}, r"embedded\.digit_px: \[36, 97\]; needs 8 <= low <= high <= 96"),
    ],
)
def test_recipes_that_cannot_be_drawn(kind, change, message):
    source = classification if kind == "classification" else detection
    with pytest.raises(UserError, match=message):
        embedded.check(source("embedded", embedded=change))
