"""What reaches MLflow when it, or the job, dies in between: everything, in order, and once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

from googlenet.tracking import deliver, delivery, job_run, open_store
from googlenet.tracking.journal import process

STAMP = {"stamp": "0123456789ab"}
# It logs `epochs` from `first` on, and kills itself as soon as MLflow has been told the line `deadly`.
JOB = """
import os, signal, sys
from pathlib import Path
from googlenet.tracking import delivery, job_run
from googlenet.tracking.journal import Journal
root, first, epochs, deadly = Path(sys.argv[1]), *map(int, sys.argv[2:])
note = Journal.note
def noted(journal, sent, uri):
    if sent >= deadly >= 0:
        os.kill(os.getpid(), signal.SIGKILL)
    note(journal, sent, uri)
Journal.note = noted
delivery.BATCH_S = 0
(root / "metrics.json").write_text("{}")
tags = {"stamp": "0123456789ab"}
with job_run(root, "demo", "train_classifier", "m1", {"rate": 0.5}, tags, {"train": "ab" * 32}) as run:
    for epoch in range(first, first + epochs):
        run.metrics({"train_loss": 1 / (1 + epoch), "epoch_s": 2.0}, epoch)
    run.artifact(root / "metrics.json")
"""


@pytest.fixture(autouse=True)
def own_store(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def call(root, *numbers, **environment):
    """Run the job in a process of its own; its exit code and what it printed."""
    given = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | environment
    words = [sys.executable, "-c", JOB, str(root), *map(str, numbers)]
    done = subprocess.run(words, env=given, capture_output=True, text=True, check=False, timeout=300)
    return done.returncode, done.stdout + done.stderr


def stored(root, experiment="demo", selection="tags.kind = 'job'"):
    client = MlflowClient(open_store(root))
    experiment_id = client.get_experiment_by_name(f"googlenet/{experiment}").experiment_id
    return client.search_runs([experiment_id], selection, order_by=["attributes.start_time ASC"])


def history(root, run_id, key="train_loss"):
    found = MlflowClient(open_store(root)).get_metric_history(run_id, key)
    assert [m.timestamp for m in found] == sorted(m.timestamp for m in found)
    return [(m.step, m.value) for m in found]


def epochs(count):
    return [(epoch, 1 / (1 + epoch)) for epoch in range(count)]


def left(root):
    """Files of journals that are still there."""
    return sorted(path.name for path in (root / ".googlenet").rglob("*") if path.is_file() and path.name != "lock")


def test_a_server_that_goes_away_and_comes_back(server, tmp_path, capsys):
    kept = tmp_path / "metrics.json"
    with job_run(tmp_path, "away", "train_classifier", "m1", {"rate": 0.5}, STAMP, {"train": "ab"}) as run:
        for epoch in range(15):
            if epoch == 5:
                server.stop()
            if epoch == 8:
                kept.write_text("then")
                run.artifact(kept)
                kept.write_text("now")
            if epoch == 10:
                assert not [line for line in capsys.readouterr().err.splitlines()[1:] if line]
                server.start()
            run.metrics({"train_loss": 1 / (1 + epoch)}, epoch)
    assert capsys.readouterr().err == "MLflow answers again, and has all that was kept\n"
    (made,) = stored(tmp_path, "away")
    assert (made.info.run_id, made.info.status, made.data.tags["current"]) == (run.run_id, "FINISHED", "true")
    assert history(tmp_path, run.run_id) == epochs(15)
    assert Path(MlflowClient(server.uri).download_artifacts(run.run_id, "metrics.json")).read_text() == "then"
    assert left(tmp_path) == []


def test_a_server_that_is_away_all_the_time(server, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(delivery, "NO_TRY_AFTER_S", 0)
    server.stop()
    for job in ("m1", "m2"):
        with job_run(tmp_path, "late", "train_classifier", job, {"rate": 0.5}, STAMP, {"train": "ab"}) as run:
            for epoch in range(4):
                run.metrics({"train_loss": 1 / (1 + epoch)}, epoch)
        assert (run.run_id, run.experiment_id, run.tracking_uri) == ("", "", server.uri)
        first, last = capsys.readouterr().err.splitlines()
        assert first.startswith(f"warning: MLFLOW_TRACKING_URI: {server.uri}: no answer; ")
        assert "entries for MLflow wait in" in last and f"{job}/0123456789ab.jsonl" in last
    assert not deliver(tmp_path, "late")
    server.start()
    assert deliver(tmp_path, "late")
    assert left(tmp_path) == []
    (parent,) = stored(tmp_path, "late", "tags.kind = 'experiment'")
    for made in stored(tmp_path, "late"):
        assert (made.info.status, made.data.tags["current"]) == ("FINISHED", "true")
        assert made.info.end_time - made.info.start_time < 60_000 < made.info.start_time  # of the job, not of now
        assert (made.data.params, made.data.tags["mlflow.parentRunId"]) == ({"rate": "0.5"}, parent.info.run_id)
        assert history(tmp_path, made.info.run_id) == epochs(4)


def test_a_finished_job_that_waits_and_runs_again_is_two_runs_and_the_later_is_current(server, tmp_path, monkeypatch):
    monkeypatch.setattr(delivery, "NO_TRY_AFTER_S", 0)
    server.stop()
    for _ in range(2):
        with job_run(tmp_path, "twice", "evaluate", "all", {}, STAMP, {}) as run:
            run.metrics({"top1_error_percent": 5.0}, 0)
    server.start()
    assert deliver(tmp_path)
    former, later = stored(tmp_path, "twice")
    assert [run.data.tags["current"] for run in (former, later)] == ["false", "true"]
    assert former.data.tags["superseded_by"] == later.info.run_id
    assert left(tmp_path) == []


@pytest.mark.parametrize("deadly", [0, 2, 4, 6, 8], ids=["begin", "inputs", "metrics", "artifact", "end"])
def test_a_kill_between_sending_and_noting(tmp_path, deadly):
    store = f"file://{tmp_path}/store"  # unlike SQL, it keeps what it is sent twice
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", store)
        patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        assert call(tmp_path, 0, 3, deadly) == (-signal.SIGKILL, "")
        (killed,) = stored(tmp_path)
        assert call(tmp_path, 0, 3, -1) == (0, "")
        made = stored(tmp_path)[0]
        assert len(stored(tmp_path)) == (2 if deadly == 8 else 1)  # with its end written it had finished
        assert (made.info.run_id, made.info.status) == (killed.info.run_id, "FINISHED")
        assert history(tmp_path, made.info.run_id) == epochs(3)
        assert len(history(tmp_path, made.info.run_id, "duration_s")) == 1
        assert made.data.params == {"rate": "0.5"} and len(made.inputs.dataset_inputs) == 1
    assert left(tmp_path) == []


def test_a_killed_job_is_gone_on_with_as_the_same_run(tmp_path):
    assert call(tmp_path, 0, 6, 8)[0] == -signal.SIGKILL  # lines 0 to 2, and six epochs
    (killed,) = stored(tmp_path)
    assert killed.info.status == "RUNNING"
    with job_run(tmp_path, "demo", "evaluate", "all", {}, STAMP, {}):  # whoever starts next finds it dead
        (found,) = stored(tmp_path, selection="tags.job = 'm1'")
        assert (found.info.status, found.data.tags["resumable"]) == ("KILLED", "true")
    assert call(tmp_path, 3, 7, -1) == (0, "")  # as training does, from an earlier step
    (made,) = stored(tmp_path, selection="tags.job = 'm1'")
    assert (made.info.run_id, made.info.status) == (killed.info.run_id, "FINISHED")
    assert (made.data.tags["resumable"], made.data.tags["current"]) == ("false", "true")
    assert made.data.tags["pid"] != killed.data.tags["pid"]
    assert history(tmp_path, made.info.run_id) == epochs(10)
    assert len(made.inputs.dataset_inputs) == 1
    assert left(tmp_path) == []


def test_dead_runs_without_a_journal_end_and_those_that_live_do_not(tmp_path):
    with job_run(tmp_path, "demo", "evaluate", "all", {}, STAMP, {}) as run:
        pass
    client, here = MlflowClient(open_store(tmp_path)), process()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    cases = {
        "gone": here | {"pid": str(ended.pid)},
        "the number is another's": here | {"started": "another"},
        "lives": here,
        "elsewhere": {"host": "elsewhere", "pid": str(ended.pid), "started": "then"},
    }
    ids = {name: client.create_run(run.experiment_id, tags=tags).info.run_id for name, tags in cases.items()}
    assert deliver(tmp_path, "demo", thoroughly=True)
    states = {name: client.get_run(run_id).info.status for name, run_id in ids.items()}
    assert states == {"gone": "KILLED", "the number is another's": "KILLED", "lives": "RUNNING", "elsewhere": "RUNNING"}


def test_what_mlflow_does_not_take_is_told_and_does_not_stop_the_rest(tmp_path, capsys):
    with job_run(tmp_path, "demo", "evaluate", "all", {}, STAMP, {}) as run:
        run.metrics({"right": 1.0}, 0)
        run.metrics({"what?": 1.0}, 0)
        run.metrics({"right": 2.0}, 1)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and said[0].startswith("warning: MLflow does not take line 4 (metrics) of ")
    assert history(tmp_path, run.run_id, "right") == [(0, 1.0), (1, 2.0)]
    assert left(tmp_path) == []


def test_another_store_gets_the_whole_run(tmp_path, monkeypatch):
    with pytest.raises(ZeroDivisionError), job_run(tmp_path, "demo", "evaluate", "all", {"a": 1}, STAMP, {}) as run:
        run.metrics({"train_loss": 1.0}, 0)
        raise ZeroDivisionError
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    with job_run(tmp_path, "demo", "evaluate", "all", {"a": 1}, STAMP, {}) as again:
        again.metrics({"train_loss": 0.5}, 1)
    (made,) = stored(tmp_path)
    assert again.run_id == made.info.run_id != run.run_id
    assert history(tmp_path, made.info.run_id) == [(0, 1.0), (1, 0.5)]
    assert made.data.params == {"a": "1"}


def test_the_command_delivers(tmp_path):
    assert call(tmp_path, 0, 6, 8)[0] == -signal.SIGKILL
    words = [sys.executable, "-m", "googlenet.tracking"]
    given = {"cwd": tmp_path, "capture_output": True, "text": True, "check": False}
    given["env"] = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert "usage: " in subprocess.run(words, **given).stderr
    done = subprocess.run([*words, "deliver", "demo"], **given)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    (made,) = stored(tmp_path)
    assert made.info.status == "KILLED" and history(tmp_path, made.info.run_id) == epochs(6)
