"""An event log on disk: what a kill leaves of it, and how far the mirror's note beside it says MLflow is."""

import json
import os
import subprocess
import sys

import pytest

from googlenet.errors import UserError
from googlenet.tracking.cursor import Cursor
from googlenet.tracking.event_log import EventLog, InUse, held, logs_of_job, whole_lines
from googlenet.tracking.processes import is_dead, process

TAGS = {"stage": "train_classifier", "job": "m1", "stamp": "0123456789abcdef"}


@pytest.fixture
def log(tmp_path):
    made = EventLog(tmp_path / "0123456789ab-5eed.jsonl", "5eed" * 8)
    made.begin(TAGS, {"rate": "0.5"}, {"train": "ab"})
    made.append("metrics", step=0, values={"train_loss": float("nan")})
    return made


def reopened(log):
    return EventLog(log.path)


def cursor(log):
    """As a mirror that starts now sees it."""
    return Cursor(reopened(log), is_new=False)


def test_events_are_numbered_and_read_again(log):
    read = reopened(log)
    assert [(event["n"], event["do"]) for event in read.events] == list(
        enumerate(["begin", "parameters", "inputs", "metrics"])
    )
    assert (read.run_id, read.status, read.logged) == ("5eed" * 8, "RUNNING", {("train_loss", 0)})
    assert read.stamp == "0123456789ab"
    assert (cursor(log).sent, cursor(log).doubtful, len(cursor(log).pending)) == (-1, 4, 4)
    read.begin(TAGS, {"rate": "0.5"}, {"train": "ab"})
    assert [event["do"] for event in read.events[4:]] == ["resume"]
    log.refresh()
    assert [json.dumps(event) for event in log.events] == [json.dumps(event) for event in read.events]  # NaN is not NaN


def test_a_log_that_appears_while_it_is_mirrored_holds_nothing_doubtful(log):
    assert Cursor(reopened(log), is_new=True).doubtful == 0


def test_what_is_noted_is_no_longer_pending(log):
    mirrored = cursor(log)
    mirrored.mlflow_run_id = "run"
    mirrored.open_at("here")
    mirrored.note(2)
    read = cursor(log)
    assert ([event["n"] for event in read.pending], read.mlflow_run_id, read.uri) == ([3], "run", "here")
    read.open_at("here")
    assert len(read.pending) == 1
    read.open_at("elsewhere")
    assert (len(read.pending), read.mlflow_run_id) == (4, "")


@pytest.mark.parametrize("cut", (1, 2, 10, 40, 59))
def test_a_torn_last_line_is_as_if_it_had_not_been(log, cut):
    content = log.path.read_bytes()
    cursor(log).note(2)
    log.path.write_bytes(content[:-cut])
    read = reopened(log)
    assert [event["do"] for event in read.events] == ["begin", "parameters", "inputs"] and not cursor(log).pending
    read.append("end", status="FINISHED")
    assert [event["do"] for event in cursor(log).pending] == ["end"]


def test_events_that_were_mirrored_and_lost_make_everything_doubtful(log):
    cursor(log).note(3)
    log.path.write_bytes(log.path.read_bytes()[:-5])
    assert (len(cursor(log).pending), cursor(log).doubtful) == (3, sys.maxsize)  # those that will follow as well
    reopened(log).append("metrics", step=0, values={"train_loss": 1.0})  # another event by the same number
    assert (len(cursor(log).pending), cursor(log).doubtful) == (4, sys.maxsize)


@pytest.mark.parametrize("noise", [b"\0" * 40 + b"\n", b'{"n": 9}\n', b"[]\n", b"\xff\xfe\n", b"17\n"])
def test_noise_ends_what_is_read(log, noise):
    content = log.path.read_bytes()
    events, length = whole_lines(content + noise + b'{"n": 4, "do": "end"}\n')
    assert (len(events), length) == (4, len(content))


def test_a_log_torn_in_its_first_line_is_none(log):
    log.path.write_bytes(log.path.read_bytes()[:20])
    assert logs_of_job(log.path.parent) == []
    fresh = EventLog(log.path, "f4e5" * 8)
    fresh.begin(TAGS, {}, {})
    assert (cursor(fresh).sent, len(cursor(fresh).pending)) == (-1, 3)
    assert reopened(fresh).run_id == "f4e5" * 8


def test_a_line_that_was_written_and_not_counted_is_kept(log):
    with log.path.open("ab") as file:  # a signal came in between
        file.write(b'{"n": 4, "do": "metrics", "step": 1, "values": {"train_loss": 1.0}}\n{"n": 5, "do":')
    log.append("end", status="KILLED")
    assert [(event["n"], event["do"]) for event in reopened(log).events[3:]] == [
        (3, "metrics"),
        (4, "metrics"),
        (5, "end"),
    ]


def test_a_kill_before_the_parameters_leaves_them_to_the_next_attempt(log):
    first = log.path.read_bytes().splitlines(keepends=True)[0]
    log.path.write_bytes(first)
    read = reopened(log)
    read.begin(TAGS, {"rate": "0.5"}, {"train": "ab"})
    assert [event["do"] for event in read.events] == ["begin", "resume", "parameters", "inputs"]


@pytest.mark.parametrize(
    "note",
    [
        '{"sent": 3,',
        '{"sent": 3, "run_id": "1", "identity": "former", "uri": "here"}',
        f'{{"sent": 3, "run_id": "{"5eed" * 8}"}}',
        "{}",
    ],
)
def test_a_note_that_is_torn_or_a_former_version_s_makes_everything_doubtful(log, note):
    cursor(log).note(3)
    log.path.with_suffix(".sent").write_text(note)
    assert len(cursor(log).pending) == cursor(log).doubtful == 4


def test_a_note_that_cannot_be_read_makes_everything_doubtful(log):
    log.path.with_suffix(".sent").mkdir()
    assert len(cursor(log).pending) == cursor(log).doubtful == 4


def test_small_artefacts_are_copied_and_large_ones_stay_where_they_are(log, tmp_path, monkeypatch):
    file = tmp_path / "metrics.json"
    file.write_text("then")
    log.append_artifact(file)
    file.write_text("now, and longer")
    monkeypatch.setattr("googlenet.tracking.event_log.COPIED_BYTES", 10)
    log.append_artifact(file)
    kept = [log.artifact_path(event) for event in reopened(log).events[4:]]
    assert [path.read_text() for path in kept] == ["then", "now, and longer"] and kept[1] == file


def test_what_is_over_is_removed_once_it_is_mirrored(log, tmp_path):
    (tmp_path / "metrics.json").write_text("{}")
    log.append_artifact(tmp_path / "metrics.json")
    log.append("end", status="FAILED")
    mirrored = Cursor(log, is_new=True)
    mirrored.note(5)
    assert not mirrored.remove_if_done() and log.path.exists()  # a job may resume it
    log.drop()
    assert not mirrored.remove_if_done() and log.path.exists()  # MLflow does not know yet
    mirrored.note(6)
    assert mirrored.remove_if_done()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["metrics.json"]


def test_a_file_that_cannot_be_written_is_named(log):
    os.unlink(log.path)
    log.path.mkdir()
    with pytest.raises(UserError, match=r"0123456789ab-5eed\.jsonl: cannot be written \(Is a directory\); make room"):
        log.append("end", status="FINISHED")
    assert log.status == "RUNNING"


def test_one_process_at_a_time_holds_the_lock_of_a_job(tmp_path):
    code = "import sys; from googlenet.tracking.event_log import held\nwith held(__import__('pathlib').Path(sys.argv[1]), 0): pass"
    words = [sys.executable, "-c", code, str(tmp_path)]
    given = {"env": os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, "capture_output": True, "text": True}
    with held(tmp_path, 0):
        assert InUse.__name__ in subprocess.run(words, **given, check=False).stderr
    assert subprocess.run(words, **given, check=False).returncode == 0


def test_which_processes_are_dead(log):
    assert not is_dead(process()) and not is_dead({}) and not is_dead({"host": process()["host"], "pid": "?"})
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    tags = process() | {"pid": str(child.pid), "started": ""}
    assert not is_dead(tags)
    child.kill()
    child.wait()
    assert is_dead(tags) and not is_dead(tags | {"host": "elsewhere"})
    log.close_if_dead()
    assert log.status == "RUNNING"  # this process lives
    lines = [json.loads(line) for line in log.path.read_text().splitlines()]
    lines[0]["tags"] |= tags
    log.path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    read = reopened(log)
    with held(log.path.parent, 0):  # another attempt is about to begin: two at once would write the end
        code = "import sys; from pathlib import Path; from googlenet.tracking.event_log import EventLog; EventLog(Path(sys.argv[1])).close_if_dead()"
        given = {"env": os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}}
        subprocess.run([sys.executable, "-c", code, str(log.path)], **given, check=True)
        assert reopened(log).status == "RUNNING"
    read.close_if_dead()
    assert (read.status, reopened(log).status) == ("KILLED", "KILLED")
