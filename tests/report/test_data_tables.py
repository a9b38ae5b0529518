"""The tables of a prepared data set, from a manifest as the stages write it."""

from data.datasets import class_tree, classification, detection, put, voc_tree
from googlenet.data.prepare import prepare
from googlenet.report import data_tables
from googlenet.report.words import NONE
from report import sample
from settings import changed


def by_title(manifest):
    return {table.title: table for table in data_tables.tables(manifest)}


def test_absent_parts_have_no_table():
    sizes, *others = "Image sizes of digits", "File types of digits", "Duplicates in digits"
    assert list(by_title(sample.manifest("classification"))) == [
        f"{title}: classification" for title in ("Splits of digits", sizes, *others, "Rejected records of digits")
    ]
    names = [f"{title}: detection" for title in ("Splits of digits", sizes, *others)]
    assert list(by_title(sample.manifest("detection"))) == [*names[:2], "Objects of digits", *names[2:]]


def test_what_does_not_vary_is_a_sentence():
    tables = by_title(sample.manifest("classification", "same"))
    assert tables["File types of same: classification"].sentence == "All are JPEG RGB, and none is turned by EXIF."
    assert tables["Duplicates in same: classification"].sentence.startswith("No image occurs twice")
    sizes = tables["Image sizes of same: classification"]
    assert not sizes.sentence and len(sizes.rows) == 15 and not sizes.note
    square = {name: changed(look, width_px=[64] * 3, height_px=[64] * 3) for name, look in looks().items()}
    sizes = data_tables.sizes(changed(sample.manifest("classification"), look={"splits": square}))
    assert len(sizes.rows) == 9 and {row.cells[1] for row in sizes.rows} == {
        *("Shorter side, px", "Megapixels", "File size, bytes")
    }
    assert sizes.note == "The same for all in train, validation, test: Width, px 64; Height, px 64."


def looks():
    return sample.manifest("classification").look.splits


def test_classification(tmp_path):
    root = class_tree(tmp_path / "raw")
    put(root / "train/cat/9.jpg", b"x")
    source = classification("class_folders", root, max_bad_fraction=0.2)
    tables = by_title(prepare(source, tmp_path / "pets"))
    assert list(tables) == [
        f"{title}: classification"
        for title in (
            *("Splits of pets", "Image sizes of pets", "File types of pets"),
            *("Duplicates in pets", "Why images of pets were excluded", "Rejected records of pets"),
        )
    ]
    sizes = tables["Image sizes of pets: classification"]
    assert [column.label for column in sizes.columns] == [
        *("Split", "What", "Smallest", "5 %", "25 %", "Median", "75 %", "95 %", "Largest")
    ]
    assert sizes.note == (
        "The same for all in train, validation, test: Width, px 32; Height, px 24; Shorter side, px 24."
    )
    assert {row.cells[1] for row in sizes.rows} == {"File size, bytes"} and len(sizes.rows) == 3
    assert [row.cells for row in tables["File types of pets: classification"].rows] == [
        ("JPEG RGB", "6", "6", "6"), ("turned by EXIF", "0", "0", "0")
    ]  # fmt: skip
    across = tables["Duplicates in pets: classification"].rows[3].cells
    assert across[:3] == ("the same bytes, in several splits", "6", "18")
    assert across[3].startswith("train: cat/0.jpg = validation: cat/0.jpg = test: cat/0.jpg; train: cat/1.jpg = ")
    assert tables["Duplicates in pets: classification"].rows[5].cells == (
        "the same bytes, in several classes",
        "0",
        "0",
        NONE,
    )
    put(root / "test/dog/9.jpg", (root / "train/cat/1.jpg").read_bytes())
    again = by_title(prepare(source, tmp_path / "pets"))["Duplicates in pets: classification"].rows[5].cells
    # 1.jpg of cat is in every split.
    assert again[:3] == ("the same bytes, in several classes", "1", "4")
    assert again[3] == "train: cat/1.jpg (cat) = test: dog/9.jpg (dog) = validation: cat/1.jpg (cat)"
    assert tables["Why images of pets were excluded: classification"].rows[0].cells == ("train", "not an image", "1")


def test_detection(tmp_path):
    source = detection("voc", voc_tree(tmp_path / "raw"))
    table = by_title(prepare(source, tmp_path / "out"))["Objects of out"]
    assert "train: 50.0 % of 4 below 20 px; train: 100.0 % of 4 below 32 px; validation" in table.caption
    assert "Objects per image 2" in table.note
    assert table.rows[0].cells[2] == "9" and table.rows[0].cells[-1] == "24"
