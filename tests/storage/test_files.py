"""Files are whole or not there, and JSON has one form."""

import json
import os

import numpy as np
import pytest

from googlenet.errors import UserError, nearest
from googlenet.storage import checkpoint
from googlenet.storage.files import atomic, json_bytes, read_json, sha256, write_bytes, write_json


def test_json_has_one_form(tmp_path):
    write_json(tmp_path / "a.json", {"b": [1, 2.5], "a": {"z": None, "é": True}})
    expected = '{\n "a": {\n  "z": null,\n  "é": true\n },\n "b": [\n  1,\n  2.5\n ]\n}\n'
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == expected
    assert json_bytes({"x": 1, "y": 2}) == json_bytes({"y": 2, "x": 1})
    assert read_json(tmp_path / "a.json") == json.loads(expected)


def test_what_is_no_number_is_refused_and_leaves_the_old_file(tmp_path):
    write_json(tmp_path / "a.json", 1)
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert read_json(tmp_path / "a.json") == 1


def test_a_failed_write_leaves_the_old_file_and_no_part(tmp_path):
    path = tmp_path / "new" / "file"
    write_bytes(path, b"old")
    with pytest.raises(RuntimeError), atomic(path) as part:
        part.write_bytes(b"half")
        assert path.read_bytes() == b"old" and part.parent == path.parent
        raise RuntimeError
    assert [p.name for p in path.parent.iterdir()] == ["file"] and path.read_bytes() == b"old"
    with atomic(path) as part:
        part.write_bytes(b"new")
    assert [p.name for p in path.parent.iterdir()] == ["file"] and path.read_bytes() == b"new"


def test_nothing_but_a_file_is_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/null")
    for place, words in (
        (tmp_path / "pipe", "is not a regular file"),
        (tmp_path / "link", "is not a regular"),
        (".", "a folder"),
    ):
        with pytest.raises(UserError, match=words):
            write_bytes(place, b"new")
    assert (tmp_path / "pipe").is_fifo() and (tmp_path / "link").is_symlink()


def test_reading_names_the_file(tmp_path):
    with pytest.raises(UserError, match=r"absent\.json: not found"):
        read_json(tmp_path / "absent.json")
    (tmp_path / "cut.json").write_text('{"a": ')
    with pytest.raises(UserError, match=r"cut\.json: not JSON .*delete it"):
        read_json(tmp_path / "cut.json")


def test_sha256_of_a_known_text(tmp_path):
    write_bytes(tmp_path / "abc", b"abc")
    assert sha256(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_errors_are_one_line_and_name_the_nearest():
    assert str(UserError("a\n  b\tc ")) == "a b c"
    assert str(UserError("a\x1b[31m.jpg: \udcff")) == "a\\x1b[31m.jpg: \\udcff"
    long = str(UserError(f"a.yaml: {'x' * 9999}; correct it"))
    assert len(long) < 2100 and long.startswith("a.yaml: xxx") and long.endswith("xxx; correct it")
    assert nearest("momentun", ["momentum", "epochs"]) == "; did you mean 'momentum'?"
    assert nearest("zzz", ["b", "a"]) == "; known: a, b" and nearest("zzz", []) == "; known: none"


def test_a_durable_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    """Else a loss of power can leave an empty file in its place: on some file systems the name is there first."""
    done = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (done.append(os.path.isdir(f"/dev/fd/{file}")), sync(file)))
    monkeypatch.setattr(os, "replace", lambda *paths: (done.append("named"), replace(*paths)))
    write_bytes(tmp_path / "state", b"weights", durable=True)
    assert done == [False, "named", True] and (tmp_path / "state").read_bytes() == b"weights"
    write_bytes(tmp_path / "page", b"text")
    assert done[3:] == ["named"]


def test_tensors_are_durable(tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr(os, "fsync", done.append)
    checkpoint.save(tmp_path / "state", {"w": np.zeros(1)}, {})
    checkpoint.save_arrays(tmp_path / "piece", {"w": np.zeros(1)}, {})
    assert len(done) == 4  # each: the file, then its folder
