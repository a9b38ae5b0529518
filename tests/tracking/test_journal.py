"""A journal on the disk: what a kill leaves of it, and what it says of itself."""

import json
import os
import subprocess
import sys

import pytest

from googlenet.errors import UserError
from googlenet.tracking.journal import InUse, Journal, held, is_dead, journals, process, whole_lines

TAGS = {"stage": "train_classifier", "job": "m1"}


@pytest.fixture
def journal(tmp_path):
    made = Journal(tmp_path / "0123456789ab.jsonl")
    made.begin(TAGS, {"rate": "0.5"}, {"train": "ab"})
    made.add("metrics", step=0, values={"train_loss": float("nan")})
    return made


def again(journal):
    return Journal(journal.path)


def test_lines_are_numbered_and_read_again(journal):
    read = again(journal)
    assert [(line["n"], line["do"]) for line in read.lines] == list(
        enumerate(["begin", "parameters", "inputs", "metrics"])
    )
    assert (read.identity, read.status, read.logged) == (journal.identity, "RUNNING", {("train_loss", 0)})
    assert (read.sent, read.doubtful, len(read.pending)) == (-1, 4, 4)
    read.begin(TAGS, {"rate": "0.5"}, {"train": "ab"})
    assert [line["do"] for line in read.lines[4:]] == ["resume"]


def test_what_is_noted_is_no_longer_pending(journal):
    journal.run_id = "run"
    journal.note(2, "here")
    read = again(journal)
    assert ([line["n"] for line in read.pending], read.run_id, read.uri) == ([3], "run", "here")
    read.address("here")
    assert len(read.pending) == 1
    read.address("elsewhere")
    assert (len(read.pending), read.run_id) == (4, "")


@pytest.mark.parametrize("cut", (1, 2, 10, 40, 59))
def test_a_torn_last_line_is_as_if_it_had_not_been(journal, cut):
    content = journal.path.read_bytes()
    journal.path.write_bytes(content[:-cut])
    journal.note(3, "here")
    read = again(journal)
    assert [line["do"] for line in read.lines] == ["begin", "parameters", "inputs"] and not read.pending
    read.add("end", status="FINISHED")
    assert [line["do"] for line in again(journal).pending] == ["end"]


@pytest.mark.parametrize("noise", [b"\0" * 40 + b"\n", b'{"n": 9}\n', b"[]\n", b"\xff\xfe\n", b"17\n"])
def test_noise_ends_what_is_read(journal, noise):
    content = journal.path.read_bytes()
    lines, length = whole_lines(content + noise + b'{"n": 4, "do": "end"}\n')
    assert (len(lines), length) == (4, len(content))


def test_a_journal_torn_in_its_first_line_is_none(journal):
    journal.path.write_bytes(journal.path.read_bytes()[:20])
    journal.note(3, "here")
    assert journals(journal.path.parent) == []
    fresh = again(journal)
    fresh.begin(TAGS, {}, {})
    assert (fresh.sent, len(again(journal).pending)) == (-1, 3)
    assert fresh.identity != journal.identity


def test_a_kill_before_the_parameters_leaves_them_to_the_next_try(journal):
    first = journal.path.read_bytes().splitlines(keepends=True)[0]
    journal.path.write_bytes(first)
    read = again(journal)
    read.begin(TAGS, {"rate": "0.5"}, {"train": "ab"})
    assert [line["do"] for line in read.lines] == ["begin", "resume", "parameters", "inputs"]


def test_a_torn_note_makes_everything_doubtful(journal):
    journal.note(3, "here")
    (journal.path.parent / "0123456789ab.sent").write_text('{"sent": 3,')
    assert len(again(journal).pending) == again(journal).doubtful == 4


def test_small_artefacts_are_kept_as_they_are_and_large_ones_where_they_lie(journal, tmp_path, monkeypatch):
    file = tmp_path / "metrics.json"
    file.write_text("then")
    journal.keep(file)
    file.write_text("now, and longer")
    monkeypatch.setattr("googlenet.tracking.journal.COPIED_BYTES", 10)
    journal.keep(file)
    kept = [journal.files / line["file"] for line in again(journal).lines[4:]]
    assert [path.read_text() for path in kept] == ["then", "now, and longer"] and kept[1] == file


def test_what_is_over_is_removed_once_it_is_delivered(journal, tmp_path):
    (tmp_path / "metrics.json").write_text("{}")
    journal.keep(tmp_path / "metrics.json")
    journal.add("end", status="FAILED")
    journal.note(5, "here")
    journal.remove_if_done()
    assert journal.path.exists()  # somebody may go on with it
    journal.drop()
    journal.remove_if_done()
    assert journal.path.exists()  # MLflow does not know yet
    journal.note(6, "here")
    journal.remove_if_done()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["metrics.json"]


def test_a_journal_set_aside_is_the_same_one(journal, tmp_path):
    (tmp_path / "metrics.json").write_text("{}")
    journal.keep(tmp_path / "metrics.json")
    journal.note(1, "here")
    path = journal.path
    journal.set_aside()
    assert not path.exists()
    (read,) = journals(tmp_path)
    assert (read.identity, read.sent, len(read.lines)) == (journal.identity, 1, 5)
    assert (read.files / read.lines[4]["file"]).read_text() == "{}"


def test_a_file_that_cannot_be_written_is_named(journal):
    os.unlink(journal.path)
    journal.path.mkdir()
    with pytest.raises(UserError, match=r"0123456789ab\.jsonl: cannot be written \(Is a directory\); make room"):
        journal.add("end", status="FINISHED")
    assert journal.status == "RUNNING"


def test_one_at_a_time_holds_the_journals_of_a_job(tmp_path):
    code = "import sys; from googlenet.tracking.journal import held\nwith held(__import__('pathlib').Path(sys.argv[1]), 0): pass"
    words = [sys.executable, "-c", code, str(tmp_path)]
    given = {"env": os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, "capture_output": True, "text": True}
    with held(tmp_path, 0):
        assert InUse.__name__ in subprocess.run(words, **given, check=False).stderr
    assert subprocess.run(words, **given, check=False).returncode == 0


def test_who_is_dead(journal):
    assert not is_dead(process()) and not is_dead({}) and not is_dead({"host": process()["host"], "pid": "?"})
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    tags = process() | {"pid": str(child.pid), "started": ""}
    assert not is_dead(tags)
    child.kill()
    child.wait()
    assert is_dead(tags) and not is_dead(tags | {"host": "elsewhere"})
    journal.close_for_the_dead()
    assert journal.status == "RUNNING"  # we live
    lines = [json.loads(line) for line in journal.path.read_text().splitlines()]
    lines[0]["tags"] |= tags
    journal.path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    read = again(journal)
    read.close_for_the_dead()
    assert (read.status, again(journal).status) == ("KILLED", "KILLED")
