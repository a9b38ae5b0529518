"""Runs of jobs, mirrored to a real SQLite store: one parent, one child per job, one of them current."""

import os
import subprocess
import sys
import time

import pytest
from mlflow import MlflowClient

from googlenet.errors import Stopped, UserError
from googlenet.tracking import LIBRARIES, deliver, flattened, job_run, open_store
from googlenet.tracking.event_log import EventLog

JOB = """
import sys
from pathlib import Path
from googlenet.tracking import job_run
with job_run(Path(sys.argv[1]), "demo", "train_classifier", sys.argv[2], {}, {}, {}) as run:
    for epoch in range(20):
        run.metrics({"train_loss": 1 / (1 + epoch)}, epoch)
"""


@pytest.fixture(autouse=True)
def own_store(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def four_at_once(tmp_path_factory):
    """A root where four jobs started in the same moment; their exit codes and what they printed."""
    root = tmp_path_factory.mktemp("four")
    environment = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    jobs = [
        subprocess.Popen(
            [sys.executable, "-c", JOB, str(root), f"m{number}"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for number in (1, 2, 3, 4)
    ]
    printed = [job.communicate(timeout=120)[0] for job in jobs]
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        assert deliver(root)
    return root, [job.returncode for job in jobs], printed


def runs(root, selection="tags.kind = 'job'", experiment="demo"):
    """What MLflow has, once what is pending is mirrored."""
    assert deliver(root, experiment)
    client = MlflowClient(open_store(root))
    experiment_id = client.get_experiment_by_name(f"googlenet/{experiment}").experiment_id
    return client.search_runs([experiment_id], selection, order_by=["attributes.start_time ASC"])


def test_four_jobs_at_once_share_one_parent_and_print_nothing(four_at_once):
    root, codes, printed = four_at_once
    assert (codes, printed) == ([0] * 4, [""] * 4)
    (parent,) = runs(root, "tags.kind = 'experiment'")
    assert (parent.info.run_name, parent.info.status) == ("demo", "FINISHED")
    children = runs(root)
    assert sorted(run.info.run_name for run in children) == [f"train_classifier/m{n}" for n in (1, 2, 3, 4)]
    for run in children:
        assert run.info.status == "FINISHED"
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        history = MlflowClient(open_store(root)).get_metric_history(run.info.run_id, "train_loss")
        assert [(m.step, m.value) for m in history] == [(e, 1 / (1 + e)) for e in range(20)]
    assert sorted(path.name for path in (root / "mlflow").iterdir()) == ["lock", "mlflow.db"]


def test_a_rerun_supersedes_and_a_failed_one_does_not(four_at_once):
    root = four_at_once[0]
    (first,) = runs(root, "tags.job = 'm1'")
    with job_run(root, "demo", "train_classifier", "m1", {}, {}, {}) as second:
        assert first.info.run_id in [run.info.run_id for run in runs(root, "tags.current = 'true'")]
    with (
        pytest.raises(ZeroDivisionError),
        job_run(root, "demo", "train_classifier", "m1", {}, {"stamp": "third"}, {}) as third,
    ):
        raise ZeroDivisionError
    with (
        pytest.raises(KeyboardInterrupt),
        job_run(root, "demo", "train_classifier", "m1", {}, {"stamp": "fourth"}, {}) as fourth,
    ):
        raise KeyboardInterrupt
    by_id = {run.data.tags["run_id"]: run for run in runs(root, "tags.job = 'm1'")}
    tags = by_id[first.data.tags["run_id"]].data.tags
    superseded_by = by_id[second.run_id].info.run_id
    assert (tags["current"], tags["superseded"], tags["superseded_by"]) == ("false", "true", superseded_by)
    states = [(by_id[r.run_id].info.status, by_id[r.run_id].data.tags["current"]) for r in (second, third, fourth)]
    assert states == [("FINISHED", "true"), ("FAILED", "false"), ("KILLED", "false")]
    assert len(runs(root, "tags.current = 'true'")) == 4  # the other members' runs stay current
    assert len(runs(root, "tags.kind = 'experiment'")) == 1


def test_a_run_holds_what_the_job_gave(four_at_once, tmp_path):
    root, digest = four_at_once[0], "0123456789abcdef" * 4
    (tmp_path / "metrics.json").write_text("{}")
    parameters = {"member": {"name": "m1", "order_seed": 11}, "settings": {f"key_{i}": i for i in range(250)}}
    with job_run(root, "other", "evaluate", "all", parameters, {"commit": "abc"}, {"train": digest}) as run:
        run.metrics({"top1_error_percent": 5.3, "top5_error_percent": float("nan")}, step=0)
        run.artifact(tmp_path / "metrics.json")
        with pytest.raises(ValueError, match="twice at step 0: top1_error_percent"):
            run.metrics({"top1_error_percent": 5.3}, step=0)
        with pytest.raises(UserError, match="absent: not found"):
            run.artifact(tmp_path / "absent")
    (stored,) = runs(root, experiment="other")
    assert stored.data.tags["run_id"] == run.run_id
    assert stored.data.params == flattened(parameters)
    assert stored.data.metrics["top1_error_percent"] == 5.3
    assert 0 < stored.data.metrics["duration_s"] < 60
    assert (stored.data.tags["commit"], stored.data.tags["input.train"]) == ("abc", digest)
    (data,) = stored.inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest) == ("train", digest[:36])
    kept = list((root / "mlflow" / "artifacts" / "other").rglob("metrics.json"))
    assert [path.read_text() for path in kept] == ["{}"]


def test_flattened_by_hand():
    tree = {"a": {"b": 1, "c": {"d": None, "e": [1, 2]}}, "f": "text", "g": {}, "h": True, "long": "x" * 7000}
    assert flattened(tree) == {
        "a.b": "1",
        "a.c.d": "null",
        "a.c.e": "[1, 2]",
        "f": "text",
        "g": "{}",
        "h": "true",
        "long": "x" * 6000,
    }


@pytest.mark.parametrize(("error", "status"), [(Stopped, "KILLED"), (UserError, "FAILED")])
def test_the_same_stamp_goes_on_with_a_run_that_did_not_finish(four_at_once, tmp_path, error, status):
    root, name = four_at_once[0], status.lower()
    (tmp_path / "metrics.json").write_text("{}")
    with pytest.raises(error), job_run(root, name, "stage", "all", {"a": 1}, {"stamp": "0" * 12}, {}) as first:
        for epoch in range(3):
            first.metrics({"train_loss": 1 / (1 + epoch)}, epoch)
        raise error("told to end")
    (ended,) = runs(root, experiment=name)
    assert (ended.info.status, ended.data.tags.get("resumable")) == (status, "true" if error is Stopped else None)
    with job_run(root, name, "stage", "all", {"a": 1}, {"stamp": "0" * 12}, {}) as second:
        (going,) = runs(root, experiment=name)
        assert (going.info.status, going.data.tags["resumable"]) == ("RUNNING", "false")
        for epoch in range(1, 5):
            second.metrics({"train_loss": 1 / (1 + epoch)}, epoch)
            with pytest.raises(ValueError, match=f"twice at step {epoch}: train_loss"):
                second.metrics({"train_loss": 0}, epoch)
    (made,) = runs(root, experiment=name)
    assert (made.info.run_id, made.info.status, second.run_id) == (ended.info.run_id, "FINISHED", first.run_id)
    history = MlflowClient(open_store(root)).get_metric_history(made.info.run_id, "train_loss")
    assert [(m.step, m.value) for m in history] == [(e, 1 / (1 + e)) for e in range(5)]


def test_with_other_libraries_a_run_begins_again(four_at_once):
    """No saved state is valid for them, so that every epoch is trained again, with other numbers."""
    root, stamp = four_at_once[0], {"stamp": "0" * 12}
    for versions, loss in (("aa", 1.0), ("bb", 2.0)):
        labels = stamp | {LIBRARIES: versions}
        with pytest.raises(Stopped), job_run(root, "updated", "stage", "all", {}, labels, {}) as run:
            run.metrics({"train_loss": loss}, 0)
            raise Stopped("told to end")
    found = runs(root, experiment="updated")
    assert [made.data.metrics["train_loss"] for made in found] == [1.0, 2.0]
    assert [made.data.tags["resumable"] for made in found] == ["false", "true"]
    with job_run(root, "updated", "stage", "all", {}, stamp | {LIBRARIES: "bb"}, {}) as resumed:
        assert resumed.run_id == run.run_id


def test_another_stamp_is_another_run_and_the_former_is_not_gone_on_with(four_at_once, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1_764_000_000.0)  # a clock that stands: the order is the jobs' own
    root = four_at_once[0]
    with pytest.raises(Stopped), job_run(root, "edited", "stage", "all", {}, {"stamp": "0" * 12}, {}):
        raise Stopped("told to end")
    for stamp in ("1" * 12, "0" * 12):
        with job_run(root, "edited", "stage", "all", {}, {"stamp": stamp}, {}):
            pass
    found = runs(root, experiment="edited")
    assert [run.info.status for run in found] == ["KILLED", "FINISHED", "FINISHED"]
    assert [run.data.tags["current"] for run in found] == ["false", "false", "true"]
    assert found[0].data.tags["resumable"] == "false"
    assert not list((root / ".googlenet" / "tracking" / "edited").rglob("*.jsonl"))


@pytest.mark.long
def test_a_broken_store_fails_no_job(tmp_path):
    (tmp_path / "mlflow").mkdir()
    (tmp_path / "mlflow" / "mlflow.db").write_text("not a database")
    words, given = [sys.executable, "-c", JOB, str(tmp_path), "m1"], {"capture_output": True, "text": True}
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(words, env=environment, **given, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    words = [sys.executable, "-m", "googlenet.tracking.mirror_process", "demo"]
    mirrored = subprocess.run(words, cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, **given, check=False)
    message = "mlflow.db: file is not a database; move the file away"
    assert mirrored.returncode == 3 and message in mirrored.stderr
    (tmp_path / "mlflow" / "mlflow.db").unlink()
    assert [made.data.metrics["train_loss"] for made in runs(tmp_path)] == [1 / 20]


def test_neither_the_module_nor_a_job_imports_mlflow(tmp_path):
    code = JOB.replace("sys.argv[1]", repr(str(tmp_path))).replace("sys.argv[2]", "'m1'")
    code += "sys.exit('mlflow' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert list(tmp_path.rglob("*.jsonl"))


def test_progress_is_in_the_log_and_not_in_mlflow(tmp_path):
    with job_run(tmp_path, "demo", "train_classifier", "m1", {}, {}, {}) as run:
        run.metrics({"train_loss": 1.0}, 1)
        for done in (10, 20):
            run.progress("steps", done, 40, 0.12345678)
        run.metrics({"train_loss": 0.5}, 2)
        (path,) = tmp_path.glob(".googlenet/tracking/demo/train_classifier/m1/*.jsonl")
        event = EventLog(path).events[-2]
    assert {key: event[key] for key in ("do", "what", "done", "total", "each_s")} == {
        "do": "progress", "what": "steps", "done": 20, "total": 40, "each_s": 0.1235
    }  # fmt: skip
    (made,) = runs(tmp_path)
    assert made.data.metrics.keys() == {"train_loss", "duration_s"} and not path.exists()
