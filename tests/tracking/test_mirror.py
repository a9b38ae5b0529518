"""What reaches MLflow when it, the job or the mirror dies in between: everything, in order, and once."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

from googlenet.errors import UserError
from googlenet.tracking import deliver, job_run, mirror, open_store
from googlenet.tracking.cursor import Cursor
from googlenet.tracking.mirror import Mirror, follow
from googlenet.tracking.processes import process

STAMP = {"stamp": "0123456789ab"}
# It logs `epochs` from `first` on, and is killed by GOOGLENET_FAULT at one of its events.
JOB = """
import sys
from pathlib import Path
from googlenet.storage import faults
from googlenet.tracking import job_run
root, first, epochs = Path(sys.argv[1]), *map(int, sys.argv[2:])
faults.of_job("train_classifier/m1")
(root / "metrics.json").write_text("{}")
tags = {"stamp": "0123456789ab"}
with job_run(root, "demo", "train_classifier", "m1", {"rate": 0.5}, tags, {"train": "ab" * 32}) as run:
    for epoch in range(first, first + epochs):
        run.metrics({"train_loss": 1 / (1 + epoch), "epoch_s": 2.0}, epoch)
    run.artifact(root / "metrics.json")
"""
MIRROR = ["-m", "googlenet.tracking.mirror_process", "demo"]


@pytest.fixture(autouse=True)
def own_store(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def python(root, *words, fault=""):
    """Run Python in a process of its own, with nobody at its standard input; its exit code and what it printed."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | ({"GOOGLENET_FAULT": fault} if fault else {})
    given = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "check": False, "timeout": 300}
    done = subprocess.run([sys.executable, *map(str, words)], cwd=root, env=environment, **given)
    return done.returncode, done.stdout + done.stderr


def killed_after(root, events, first=0, epochs=6):
    """Run the job, and kill it after so many events."""
    fault = f"event {events} job train_classifier/m1"
    assert python(root, "-c", JOB, root, first, epochs, fault=fault)[0] == -signal.SIGKILL


def follow_to_the_end(root, experiment):
    """What a mirror does when its engine has ended."""
    reading, writing = os.pipe()
    os.close(writing)
    try:
        return follow(root, experiment, reading)
    finally:
        os.close(reading)


def stored(root, experiment="demo", selection="tags.kind = 'job'"):
    client = MlflowClient(open_store(root))
    experiment_id = client.get_experiment_by_name(f"googlenet/{experiment}").experiment_id
    return client.search_runs([experiment_id], selection, order_by=["attributes.start_time ASC"])


def history(root, run_id, key="train_loss"):
    metrics = MlflowClient(open_store(root)).get_metric_history(run_id, key)
    assert [m.timestamp for m in metrics] == sorted(m.timestamp for m in metrics)
    return [(m.step, m.value) for m in metrics]


def epochs(count):
    return [(epoch, 1 / (1 + epoch)) for epoch in range(count)]


def left(root):
    """Files of event logs that are still there."""
    kept = ("lock", "clone.json")
    return sorted(path.name for path in (root / ".googlenet").rglob("*") if path.is_file() and path.name not in kept)


@pytest.mark.long
def test_a_server_that_goes_away_and_comes_back(server, tmp_path, capsys):
    kept, mirroring = tmp_path / "metrics.json", Mirror(tmp_path, "away")
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
            assert mirroring.catch_up(now=True) == (not 5 <= epoch < 10)
    assert mirroring.catch_up()
    assert capsys.readouterr().err == "MLflow has all events again\n"
    (made,) = stored(tmp_path, "away")
    assert (made.data.tags["run_id"], made.info.status, made.data.tags["current"]) == (run.run_id, "FINISHED", "true")
    assert history(tmp_path, made.info.run_id) == epochs(15)
    assert Path(MlflowClient(server.uri).download_artifacts(made.info.run_id, "metrics.json")).read_text() == "then"
    assert left(tmp_path) == []


@pytest.mark.long
def test_a_server_that_is_away_all_the_time(server, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(mirror, "NO_TRY_AFTER_S", 0)
    server.stop()
    for job in ("m1", "m2"):
        with job_run(tmp_path, "late", "train_classifier", job, {"rate": 0.5}, STAMP, {"train": "ab"}) as run:
            for epoch in range(4):
                run.metrics({"train_loss": 1 / (1 + epoch)}, epoch)
        assert capsys.readouterr().err == ""  # no job of it
        assert not follow_to_the_end(tmp_path, "late")
        first, last = capsys.readouterr().err.splitlines()
        assert first.startswith(f"warning: MLFLOW_TRACKING_URI: {server.uri}: no answer; ")
        assert last.startswith(f"warning: {9 if job == 'm1' else 18} events for MLflow wait in {tmp_path}/.googlenet/")
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


@pytest.mark.long
def test_a_finished_job_that_waits_and_runs_again_is_two_runs_and_the_later_is_current(tmp_path):
    for _ in range(2):
        with job_run(tmp_path, "twice", "evaluate", "all", {}, STAMP, {}) as run:
            run.metrics({"top1_error_percent": 5.0}, 0)
    assert deliver(tmp_path)
    former, later = stored(tmp_path, "twice")
    assert [run.data.tags["current"] for run in (former, later)] == ["false", "true"]
    assert former.data.tags["superseded_by"] == later.info.run_id
    assert left(tmp_path) == []


@pytest.mark.long
@pytest.mark.parametrize(
    "note", range(1, 8), ids=["begin", "parameters", "inputs", "metrics", "artifact", "metrics_again", "end"]
)
def test_a_kill_between_sending_and_noting(tmp_path, note):
    store = f"file://{tmp_path}/store"  # unlike SQL, it keeps what it is sent twice
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", store)
        patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        assert python(tmp_path, "-c", JOB, tmp_path, 0, 3) == (0, "")
        assert python(tmp_path, *MIRROR, fault=f"note {note} job mirror/demo") == (-signal.SIGKILL, "")
        (killed,) = stored(tmp_path)
        assert python(tmp_path, *MIRROR) == (0, "")
        (made,) = stored(tmp_path)
        assert (made.info.run_id, made.info.status) == (killed.info.run_id, "FINISHED")
        assert history(tmp_path, made.info.run_id) == epochs(3)
        assert len(history(tmp_path, made.info.run_id, "duration_s")) == 1
        assert made.data.params == {"rate": "0.5"} and len(made.inputs.dataset_inputs) == 1
    assert left(tmp_path) == []


@pytest.mark.long
def test_a_killed_job_is_resumed_as_the_same_run(tmp_path):
    killed_after(tmp_path, 9)  # begin, parameters, inputs and six epochs
    assert python(tmp_path, *MIRROR) == (0, "")
    (killed,) = stored(tmp_path, selection="tags.job = 'm1'")
    assert (killed.info.status, killed.data.tags["resumable"]) == ("KILLED", "true")
    assert python(tmp_path, "-c", JOB, tmp_path, 3, 7) == (0, "")  # as training does, from an earlier step
    assert python(tmp_path, *MIRROR) == (0, "")
    (made,) = stored(tmp_path, selection="tags.job = 'm1'")
    assert (made.info.run_id, made.info.status) == (killed.info.run_id, "FINISHED")
    assert (made.data.tags["resumable"], made.data.tags["current"]) == ("false", "true")
    assert made.data.tags["pid"] != killed.data.tags["pid"]
    assert history(tmp_path, made.info.run_id) == epochs(10)
    assert len(made.inputs.dataset_inputs) == 1
    assert left(tmp_path) == []


@pytest.mark.long
def test_an_undelivered_journal_of_a_former_version_is_mirrored(tmp_path):
    """One that waits whole, and one of a job that was killed: the run exists, and no note says so."""
    for job in ("m1", "m2"):
        with job_run(tmp_path, "demo", "train_classifier", job, {"rate": 0.5}, STAMP, {"train": "ab"}) as run:
            for epoch in range(4):
                run.metrics({"train_loss": 1 / (1 + epoch)}, epoch)
        (path,) = (tmp_path / f".googlenet/tracking/demo/train_classifier/{job}").glob("*.jsonl")
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        lines[0]["identity"] = lines[0].pop("run_id")
        path.unlink()
        kept = lines if job == "m1" else lines[:5]
        path.with_name("0123456789ab.jsonl").write_text("".join(json.dumps(line) + "\n" for line in kept))
    assert deliver(tmp_path, "demo")
    first, second = (stored(tmp_path, selection=f"tags.job = '{job}'")[0] for job in ("m1", "m2"))
    assert (first.info.status, first.data.tags["current"]) == ("FINISHED", "true")
    assert history(tmp_path, first.info.run_id) == epochs(4)
    assert second.info.status == "RUNNING" and second.data.tags["journal"] == run.run_id  # this process lives
    with job_run(tmp_path, "demo", "train_classifier", "m2", {"rate": 0.5}, STAMP, {"train": "ab"}) as again:
        for epoch in range(2, 6):
            again.metrics({"train_loss": 1 / (1 + epoch)}, epoch)
    assert deliver(tmp_path, "demo") and again.run_id == run.run_id
    (made,) = stored(tmp_path, selection="tags.job = 'm2'")
    assert (made.info.run_id, made.info.status) == (second.info.run_id, "FINISHED")
    assert history(tmp_path, made.info.run_id) == epochs(6)
    assert left(tmp_path) == []


@pytest.mark.long
def test_dead_runs_without_a_log_end_and_those_that_live_do_not(tmp_path):
    with job_run(tmp_path, "demo", "evaluate", "all", {}, STAMP, {}):
        pass
    assert deliver(tmp_path)
    client, here = MlflowClient(open_store(tmp_path)), process()
    experiment_id = client.get_experiment_by_name("googlenet/demo").experiment_id
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    cases = {
        "gone": here | {"pid": str(ended.pid)},
        "the number is another's": here | {"started": "another"},
        "lives": here,
        "elsewhere": {"host": "elsewhere", "pid": str(ended.pid), "started": "then"},
    }
    ids = {name: client.create_run(experiment_id, tags=tags).info.run_id for name, tags in cases.items()}
    assert deliver(tmp_path, "demo", thoroughly=True)
    states = {name: client.get_run(run_id).info.status for name, run_id in ids.items()}
    assert states == {"gone": "KILLED", "the number is another's": "KILLED", "lives": "RUNNING", "elsewhere": "RUNNING"}


def test_what_mlflow_refuses_is_reported_and_does_not_stop_the_rest(tmp_path, capsys):
    with job_run(tmp_path, "demo", "evaluate", "all", {}, STAMP, {}) as run:
        run.metrics({"right": 1.0}, 0)
        run.metrics({"what?": 1.0}, 0)
        run.metrics({"right": 2.0}, 1)
    assert deliver(tmp_path)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("warning: MLflow does not take line 4 (metrics) of ")
    (made,) = stored(tmp_path)
    assert history(tmp_path, made.info.run_id, "right") == [(0, 1.0), (1, 2.0)]
    assert left(tmp_path) == []


def test_another_store_gets_the_whole_run(tmp_path, monkeypatch):
    with pytest.raises(ZeroDivisionError), job_run(tmp_path, "demo", "evaluate", "all", {"a": 1}, STAMP, {}) as run:
        run.metrics({"train_loss": 1.0}, 0)
        raise ZeroDivisionError
    assert deliver(tmp_path)
    (first,) = stored(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    with job_run(tmp_path, "demo", "evaluate", "all", {"a": 1}, STAMP, {}) as again:
        again.metrics({"train_loss": 0.5}, 1)
    assert deliver(tmp_path)
    (made,) = stored(tmp_path)
    assert again.run_id == run.run_id == made.data.tags["run_id"] and made.info.run_id != first.info.run_id
    assert history(tmp_path, made.info.run_id) == [(0, 1.0), (1, 0.5)]
    assert made.data.params == {"a": "1"}


def test_a_job_that_ends_during_the_last_look_is_mirrored_whole(tmp_path, monkeypatch):
    """Its engine was killed; it ends after its log was read, and before anyone asks whether it is alive."""
    monkeypatch.setenv("GOOGLENET_ENGINE", "7@here")
    code = JOB.replace("    run.artifact", "    print(flush=True); input()\n    run.artifact")
    words = [sys.executable, "-c", code, str(tmp_path), "0", "3"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    job = subprocess.Popen(words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    job.stdout.readline()
    log_of, ended = Cursor.look, []

    def look(cursor):
        log_of(cursor)
        if not ended:
            assert cursor.is_live
            job.communicate(b"\n")
            ended.append(job.returncode)

    monkeypatch.setattr(Cursor, "look", look)
    assert follow_to_the_end(tmp_path, "demo") and ended == [0]
    (made,) = stored(tmp_path)
    assert (made.info.status, made.data.tags["engine"]) == ("FINISHED", "7@here") and left(tmp_path) == []


@pytest.mark.long
def test_a_store_in_the_place_of_another_gets_the_whole_run(tmp_path):
    with pytest.raises(ZeroDivisionError), job_run(tmp_path, "demo", "evaluate", "all", {"a": 1}, STAMP, {}) as run:
        run.metrics({"train_loss": 1.0}, 0)
        raise ZeroDivisionError
    assert python(tmp_path, *MIRROR) == (0, "")
    (tmp_path / "mlflow/mlflow.db").rename(tmp_path / "away.db")  # as our error about a damaged one advises
    with job_run(tmp_path, "demo", "evaluate", "all", {"a": 1}, STAMP, {}) as again:
        again.metrics({"train_loss": 0.5}, 1)
    assert python(tmp_path, *MIRROR) == (0, "")
    (made,) = stored(tmp_path)
    assert made.data.tags["run_id"] == run.run_id and made.info.status == "FINISHED"
    assert history(tmp_path, made.info.run_id) == [(0, 1.0), (1, 0.5)] and made.data.params == {"a": "1"}
    assert left(tmp_path) == []


def test_a_log_that_cannot_be_mirrored_keeps_no_other_waiting(tmp_path, monkeypatch, capsys):
    (tmp_path / "metrics.json").write_text("{}")
    for job in ("m1", "m2"):
        with job_run(tmp_path, "demo", "train_classifier", job, {}, STAMP, {}) as run:
            if job == "m1":
                run.artifact(tmp_path / "metrics.json")

    def fail(*_):
        raise RuntimeError("no credentials")  # as boto3's errors, which are of no class that MLflow knows

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_artifact", fail)
        assert not deliver(tmp_path) and not deliver(tmp_path)
    assert "no credentials" in capsys.readouterr().err
    assert {run.data.tags["job"]: run.info.status for run in stored(tmp_path)} == {"m1": "RUNNING", "m2": "FINISHED"}
    assert deliver(tmp_path) and left(tmp_path) == []
    assert {run.info.status for run in stored(tmp_path)} == {"FINISHED"}


@pytest.mark.long
def test_a_terminal_that_is_gone_does_not_end_the_mirror(tmp_path):
    with job_run(tmp_path, "demo", "evaluate", "all", {}, STAMP, {}) as run:
        run.metrics({"what?": 1.0}, 0)  # the mirror warns of it
        run.metrics({"right": 2.0}, 1)
    reading, writing = os.pipe()
    os.close(reading)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    given = {"cwd": tmp_path, "env": environment, "stdin": subprocess.DEVNULL, "stderr": writing, "check": False}
    assert subprocess.run([sys.executable, *MIRROR], **given).returncode == 0
    os.close(writing)
    assert stored(tmp_path)[0].data.metrics["right"] == 2.0 and left(tmp_path) == []


def test_an_unknown_experiment_is_an_error_and_makes_nothing(tmp_path):
    with job_run(tmp_path, "demo", "evaluate", "all", {}, STAMP, {}):
        pass
    for name in ("dmeo", "../demo"):
        with pytest.raises(UserError, match=f"^{name}: no job of this experiment has logged anything"):
            deliver(tmp_path, name, thoroughly=True)
    assert [path.name for path in (tmp_path / ".googlenet/tracking").iterdir()] == ["demo"]


def test_a_log_that_cannot_be_read_is_not_delivered(tmp_path, capsys):
    (tmp_path / ".googlenet/tracking/demo/evaluate/all/0123456789ab-5eed.jsonl").mkdir(parents=True)
    assert not deliver(tmp_path)
    assert "5eed.jsonl: cannot be read (Is a directory)" in capsys.readouterr().err


@pytest.mark.long
def test_only_one_process_mirrors_an_experiment(tmp_path):
    with job_run(tmp_path, "demo", "evaluate", "all", {}, STAMP, {}):
        pass
    with mirror.mirroring(tmp_path, "demo", 0):
        code = "import sys; from pathlib import Path; from googlenet.tracking import deliver; sys.exit(not deliver(Path.cwd()))"
        code, said = python(tmp_path, "-c", code)  # left to the one that is at it
        assert code == 1 and said.startswith("note: demo: another process is mirroring it; ")
    assert len(left(tmp_path)) == 1 and deliver(tmp_path) and left(tmp_path) == []
