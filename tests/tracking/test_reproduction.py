"""Completed reproductions as runs of a real MLflow store: what they hold, whose runs they have, and two users of one server."""

import json
import shutil
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts

from browser import DESKTOP, started
from googlenet.tracking import deliver, event_log, job_run, open_store, reproduction, shown_runs, store
from googlenet.tracking.clone import clone_id
from googlenet.tracking.pages import VIEW
from googlenet.tracking.pages import server as configured_server
from tracking.servables import NAMES, servable

HARMLESS = "users/current"  # asked for by MLflow's pages, and absent where nobody logs in
FIGURES = {"top1_error_percent_ensemble_144": 1.6, "mean_ap_percent_ensemble": 92.3}


@pytest.fixture(autouse=True)
def own_store(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def job(root, stage, name="all", stamp="1"):
    """Run a job that logs nothing, and return its run's id."""
    with job_run(root, "demo", stage, name, {}, {"stamp": stamp}, {}) as run:
        run.metrics({"loss": 1.0}, 0)
    return {"stage": stage, "job": name, "run_id": run.run_id}


def report(root, jobs, settings, stamp="1", figures=FIGURES, models=None):
    """Run a job that completes a reproduction."""
    page = root / "report.html"
    page.write_text("<html>")
    with job_run(root, "demo", "make_report", "all", {}, {"stamp": stamp, "commit": "c0ffee"}, {}) as run:
        run.artifact(page)
        edits = {"evaluate_detection.nms_iou": "0.3 → 0.4"} if stamp == "2" else {}
        run.completes(figures, settings, jobs, edits=edits, models=models)


def runs(root, selection="tags.kind = 'reproduction'"):
    client = MlflowClient(open_store(root))
    experiment = client.get_experiment_by_name("googlenet/demo").experiment_id
    return client.search_runs([experiment], selection, order_by=["attributes.start_time ASC"])


def children(root, run):
    found = runs(root, f"tags.kind = 'job' and tags.`mlflow.parentRunId` = '{run.info.run_id}'")
    return sorted(f"{each.data.tags['stage']}/{each.data.tags['job']}" for each in found)


def test_two_reproductions_before_and_after_an_edit(tmp_path):
    trained = [job(tmp_path, "train_classifier", name) for name in ("m1", "m2")]
    evaluated = job(tmp_path, "evaluate_detection")
    before = {"evaluate_detection.nms_iou": "0.3", "train_classifier.epochs": "10"}
    report(tmp_path, [*trained, evaluated], before)
    assert deliver(tmp_path)
    (first,) = runs(tmp_path)
    assert (first.info.run_name, first.info.status) == ("demo, first", "FINISHED")
    assert (first.data.metrics, first.data.params) == (FIGURES, before)
    tags = first.data.tags
    assert (tags["commit"], tags["changes"], tags["jobs_run"]) == ("c0ffee", "first", "4 of 4")
    ran = ["evaluate_detection/all", "make_report/all", "train_classifier/m1", "train_classifier/m2"]
    assert children(tmp_path, first) == ran
    files = MlflowClient(open_store(tmp_path)).list_artifacts(first.info.run_id)
    assert [file.path for file in files] == ["report.html"]
    again = job(tmp_path, "evaluate_detection", stamp="2")
    after = before | {"evaluate_detection.nms_iou": "0.4"}
    report(tmp_path, [*trained, again], after, stamp="2")
    assert deliver(tmp_path)
    first, second = runs(tmp_path)
    assert second.info.run_name == "demo, nms_iou 0.4"
    assert (first.data.tags["edits"], second.data.tags["edits"]) == ("none", "evaluate_detection.nms_iou: 0.3 → 0.4")
    assert second.data.tags["changes"] == "nms_iou: 0.3 → 0.4" and second.data.tags["jobs_run"] == "2 of 4"
    assert (children(tmp_path, first), children(tmp_path, second)) == (
        ran,
        ["evaluate_detection/all", "make_report/all"],
    )
    note = second.data.tags["mlflow.note.content"]
    reused = runs(tmp_path, "tags.stage = 'train_classifier' and tags.job = 'm2'")[0].info.run_id
    assert f"[train_classifier/m2](#/experiments/{second.info.experiment_id}/runs/{reused})" in note
    shown = shown_runs(tmp_path, "demo", ["m1"])  # m2 has left the table since
    assert shown.reproductions == [second.info.run_id, first.info.run_id]
    assert shown.members == [run.info.run_id for run in runs(tmp_path, "tags.job = 'm1'")]
    tags = MlflowClient(open_store(tmp_path)).get_experiment_by_name("googlenet/demo").tags
    columns = json.loads(tags["mlflow.sharedViewState.reproductions"])["selectedColumns"]
    assert [name for name in columns if name.startswith("metrics.")] == [
        f"metrics.`{name}`" for name in sorted(FIGURES)
    ]
    (folder,) = runs(tmp_path, "tags.kind = 'experiment'")
    MlflowClient(open_store(tmp_path)).delete_run(folder.info.run_id)
    waiting = job(tmp_path, "train_classifier", "m3")
    assert deliver(tmp_path) and children(tmp_path, first) == ran
    (folder,) = runs(tmp_path, "tags.kind = 'experiment'")
    assert children(tmp_path, folder) == [f"{waiting['stage']}/{waiting['job']}"]


def test_a_report_that_fails_completes_nothing(tmp_path):
    with (
        pytest.raises(ZeroDivisionError),
        job_run(tmp_path, "demo", "make_report", "all", {}, {"stamp": "1"}, {}) as run,
    ):
        run.completes(FIGURES, {}, [])
        raise ZeroDivisionError
    assert deliver(tmp_path) and runs(tmp_path) == []


def test_a_reproduction_that_is_made_again_after_a_kill_is_one_run(tmp_path, monkeypatch):
    made = reproduction.make

    def interrupted(*given):
        made(*given)
        raise store.Unavailable("killed before it was noted")

    monkeypatch.setattr(reproduction, "make", interrupted)
    report(tmp_path, [job(tmp_path, "train_classifier", "m1")], {"a.b": "1"})
    assert not deliver(tmp_path)
    monkeypatch.setattr(reproduction, "make", made)
    assert deliver(tmp_path)
    (run,) = runs(tmp_path)
    assert run.data.tags["jobs_run"] == "2 of 2" and run.info.run_name == "demo, first"
    history = MlflowClient(open_store(tmp_path)).get_metric_history(run.info.run_id, "mean_ap_percent_ensemble")
    assert len(history) == 1
    assert not list(event_log.tracking_folder(tmp_path, "demo").rglob("*.jsonl"))


def test_a_reproduction_has_the_jobs_of_hosts_whose_clocks_are_ahead(tmp_path, monkeypatch):
    now = time.time
    with monkeypatch.context() as ahead:
        ahead.setattr(event_log.time, "time", lambda: now() + 3600)
        trained = job(tmp_path, "train_classifier", "m1")
    report(tmp_path, [trained], {})
    assert deliver(tmp_path)
    (run,) = runs(tmp_path)
    assert children(tmp_path, run) == ["make_report/all", "train_classifier/m1"]


def test_changes_name_a_key_once_and_code_by_its_stage():
    before = {"a.model.width": "1", "b.model.width": "1", "c/m1.seed": "1", "a.code": "x", "b.gone": "1"}
    now = {"a.model.width": "2", "b.model.width": "2", "c/m1.seed": "3", "a.code": "y"}
    changes = [tuple(each) for each in reproduction.changes_between(before, now)]
    assert changes == [
        ("code of a", "former", "present"),
        ("model.width", "1", "2"),
        ("gone", "1", "absent"),
        ("m1: seed", "1", "3"),
    ]
    assert reproduction.name_of("demo", reproduction.changes_between(before, now), False) == "demo, 4 changes"
    assert reproduction.name_of("demo", [], False) == "demo, again"


def test_a_moved_clone_keeps_its_id_and_a_copy_gets_one(tmp_path):
    made = clone_id(tmp_path / "a")
    assert clone_id(tmp_path / "a") == made
    shutil.move(tmp_path / "a", tmp_path / "b")
    assert clone_id(tmp_path / "b") == made
    shutil.copytree(tmp_path / "b", tmp_path / "c")
    copy = clone_id(tmp_path / "c")
    assert copy != made and (clone_id(tmp_path / "c"), clone_id(tmp_path / "b")) == (copy, made)


@pytest.mark.long
def test_two_reproductions_compare_on_mlflows_pages_in_two_clicks(server, tmp_path):
    trained, settings = job(tmp_path, "train_classifier", "m1"), {"train_classifier.epochs": "10"}
    for stamp, nms_iou, mean_ap in (("1", "0.3", 92.3), ("2", "0.4", 91.7)):
        jobs = [trained, job(tmp_path, "evaluate_detection", stamp=stamp)]
        changed = settings | {"evaluate_detection.nms_iou": nms_iou}
        report(tmp_path, jobs, changed, stamp, FIGURES | {"mean_ap_percent_ensemble": mean_ap})
        assert deliver(tmp_path)
    runs = f"{configured_server()}/#/experiments/{shown_runs(tmp_path, 'demo', ()).experiment_id}/runs"
    with started() as browser:
        browser.look(DESKTOP)
        browser.open(f"{runs}?workflowType=machine_learning&viewStateShareKey={VIEW}")
        browser.one(".ag-row", "nms_iou: 0.3 → 0.4")
        assert {each.text for each in browser.all(".ag-row a") if each.text} >= {"demo, nms_iou 0.4", "demo, first"}
        for box in browser.all(".ag-row .ag-checkbox-input-wrapper")[:2]:
            box.click()
        browser.one("button", "Compare").click()
        browser.one("h1, h2", "Comparing 2 Runs from 1 Experiment")
        page = browser.one("body", "train_classifier.epochs")
        for kind in ("Parameters", "Metrics"):
            browser.one(f"button[aria-label='{kind} - Show diff only']").click()
        browser.until(lambda: "train_classifier.epochs" not in page.text, "equal settings disappear")
        assert {"evaluate_detection.nms_iou", "0.3", "0.4", "92.3", "91.7"} <= set(page.text.split())
        assert not [error for error in browser.errors() if HARMLESS not in error]


@pytest.mark.parametrize(
    ("uri", "pages"),
    [
        ("http://host:5000/", "http://host:5000"),
        ("https://anna:secret@host/mlflow", "https://host/mlflow"),
        ("sqlite:////srv/mlflow.db", ""),
        ("", ""),
    ],
)
def test_a_server_has_pages_of_its_own_and_a_store_has_none(monkeypatch, uri, pages):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert configured_server() == pages


@pytest.mark.long
def test_two_clones_that_share_a_server_supersede_only_their_own_runs(server, tmp_path):
    clones = [tmp_path / name for name in ("anna", "ben")]
    for stamp in ("1", "2"):
        for clone in clones:
            clone.mkdir(exist_ok=True)
            models = servable(clone, m2="two" if stamp == "1" else clone.name)
            report(clone, [job(clone, "train_classifier", "m1", stamp)], {"a.b": stamp}, stamp, models=models)
            assert deliver(clone)
    for clone in clones:
        mine = [run for run in runs(clone, "tags.kind = 'job'") if run.data.tags["clone"] == clone_id(clone)]
        current = [run for run in mine if run.data.tags["current"] == "true"]
        assert len(mine) == 4 and len(current) == 2 and all(run.data.tags["stamp"] == "2" for run in current)
        shown = shown_runs(clone, "demo", ["m1"])
        assert shown.members == [run.info.run_id for run in current if run.data.tags["stage"] == "train_classifier"]
        later = MlflowClient(server.uri).get_run(shown.reproductions[0])
        assert (later.info.run_name, len(shown.reproductions)) == ("demo, b 2", 2)
        assert children(clone, later) == ["make_report/all", "train_classifier/m1"]
        assert shown.models == NAMES
    client = MlflowClient(server.uri)
    made = sorted(client.search_model_versions(f"name = '{NAMES[0]}'"), key=lambda version: int(version.version))
    ids = [clone_id(clone) for clone in clones]
    assert [version.tags["clone"] for version in made] == [ids[0], *ids]  # what is equal is one version for both
    assert not any(version.aliases for version in made)  # nobody's is the current one of all
    there = download_artifacts(f"models:/{NAMES[0]}/3", dst_path=str(tmp_path), tracking_uri=server.uri)
    assert (Path(there) / "data/networks/m2.safetensors").read_text() == "ben" * 1000
