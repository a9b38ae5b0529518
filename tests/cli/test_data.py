"""The commands that look at a prepared data set."""

import io
import subprocess
import sys

import pytest

from data.datasets import class_tree, classification, detection, put, voc_tree, write_manifest
from googlenet.cli.main import main
from googlenet.data.prepare import prepare


@pytest.fixture
def pets(tmp_path):
    return written(classification("class_folders", class_tree(tmp_path / "raw")), tmp_path / "pets")


def written(source, folder):
    write_manifest(folder, prepare(source, folder), "s")
    return folder


def test_verify_ends_with_0_or_names_what_is_bad_and_ends_with_1(pets, capsys):
    assert main(["data", "verify", str(pets)]) == 0
    assert capsys.readouterr().out == f"{pets}: 18 records in 3 shards; all as packed\n"
    (pets / "test-00000.arrow").unlink()
    assert main(["data", "verify", str(pets)]) == 1
    said = capsys.readouterr()
    assert said.out == f"bad: {pets}/test-00000.arrow: missing\n{pets}: 18 records in 3 shards; faults: 1\n"
    assert said.err.splitlines()[-1] == "3 of 3 shards: test-00000.arrow"


def test_any_name_is_shown_whatever_the_outputs_encoding(tmp_path, monkeypatch):
    (class_tree(tmp_path / "raw") / "test/dog/2.jpg").rename(tmp_path / "raw/test/dog/壊.jpg")
    folder = written(classification("class_folders", tmp_path / "raw"), tmp_path / "pets")
    stdout = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(stdout, "ascii"))
    assert main(["data", "show", str(folder), "test", "dog/壊.jpg"]) == 0
    sys.stdout.flush()
    assert b"\nname:    dog/\\u58ca.jpg\n" in stdout.getvalue()


def test_show_by_number_and_by_name(pets, tmp_path, capsys):
    assert main(["data", "show", str(pets), "train", "4", "--save", str(tmp_path / "p.jpg")]) == 0
    said = capsys.readouterr().out
    image = (tmp_path / "raw/train/dog/1.jpg").read_bytes()
    assert (tmp_path / "p.jpg").read_bytes() == image
    for line in ("record:  4 of 6 in train", "name:    dog/1.jpg", "class:   1 dog"):
        assert line in said.splitlines()
    assert f"32 x 24 px upright, {len(image):,} bytes" in said
    assert main(["data", "show", str(pets), "train", "dog/1.jpg"]) == 0
    assert capsys.readouterr().out == said.replace(f"written: {tmp_path / 'p.jpg'}\n", "")


def test_show_objects(tmp_path, capsys):
    folder = written(detection("voc", voc_tree(tmp_path / "raw")), tmp_path / "out")
    assert main(["data", "show", str(folder), "test", "0"]) == 0
    assert "object:  cat (0, 0, 9, 7)\nobject:  dog (4, 4, 31, 23)\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train", "99"], "error: train: no record 99; it has 6, counted from 0"),
        (["train", "dog/11.jpg"], "error: train: no record 'dog/11.jpg'; did you mean 'dog/1.jpg'?"),
        (["train", "9" * 5000], "error: train: no record '9999"),
        (["train", "0", "--save", "."], "error: .: is a folder; name a file"),
        (["tran", "0"], "no split 'tran'; did you mean 'train'?"),
    ],
)
def test_what_is_not_there_is_one_line(pets, capsys, words, said):
    assert main(["data", "show", str(pets), *words]) == 1
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_report_is_markdown_of_what_was_found(tmp_path):
    root = voc_tree(tmp_path / "raw")
    put(root / "JPEGImages/train_0.jpg", b"x")
    folder = written(detection("voc", root, max_bad_fraction=0.5), tmp_path / "out")
    words = [sys.executable, "-m", "googlenet", "data", "report", str(folder)]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    for text in (
        "## out: detection", "Splits of out", "Image sizes of out", "All are JPEG RGB, and none is turned by EXIF",
        "test: 50.0 % of 4 below 20 px", "likely the same, in several splits", "| train | not an image | 1 |",
    ):  # fmt: skip
        assert text in said, text


def test_a_name_with_an_escape_sequence_is_printed_without(tmp_path, capsys):
    tree = class_tree(tmp_path / "raw")
    (tree / "test/dog/2.jpg").rename(tree / "test/dog/2\x1b]0;title\x07.jpg")
    folder = written(classification("class_folders", tree), tmp_path / "pets")
    assert main(["data", "show", str(folder), "test", "dog/2\x1b]0;title\x07.jpg"]) == 0
    assert "name:    dog/2\\x1b]0;title\\x07.jpg\n" in capsys.readouterr().out
