"""Runs, parents and experiments that the user deletes in MLflow's pages while jobs still need them."""

import pytest
from mlflow import MlflowClient
from mlflow.entities import ViewType

from googlenet.errors import Stopped
from googlenet.tracking import deliver, job_run, open_store
from googlenet.tracking.mirror import Mirror

STAMP = {"stamp": "0123456789ab"}


@pytest.fixture(autouse=True)
def own_store(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def job(root, name="m1", stamp=STAMP):
    return job_run(root, "demo", "train_classifier", name, {"rate": 0.5}, stamp, {"train": "ab"})


def client_of(root):
    client = MlflowClient(open_store(root))
    return client, client.get_experiment_by_name("googlenet/demo").experiment_id


def runs(root, kind="job", view=ViewType.ACTIVE_ONLY):
    client, experiment_id = client_of(root)
    return client.search_runs([experiment_id], f"tags.kind = '{kind}'", view)


def delete(root, *found):
    for run in found:
        client_of(root)[0].delete_run(run.info.run_id)


def stopped(root, name="m1"):
    with pytest.raises(Stopped), job(root, name) as run:
        run.metrics({"train_loss": 1.0}, 0)
        raise Stopped("asked to stop")
    assert deliver(root)


def assert_replaced(root, former, printed):
    """One new run has everything, names the deleted one, and one line says so."""
    (made,) = runs(root)
    assert (made.info.status, made.data.tags["current"]) == ("FINISHED", "true")
    assert made.data.tags["replaces"] == former.info.run_id != made.info.run_id
    assert made.data.tags["run_id"] == former.data.tags["run_id"] and made.data.params == {"rate": "0.5"}
    history = client_of(root)[0].get_metric_history(made.info.run_id, "train_loss")
    assert [(metric.step, metric.value) for metric in history] == [(0, 1.0), (1, 0.5)]
    (line,) = printed.splitlines()
    assert line == (
        f"warning: the MLflow run of train_classifier/m1 was deleted ({former.info.run_id}); a new one replaces it"
    )


def test_a_stopped_jobs_deleted_run_is_replaced_when_the_job_goes_on(tmp_path, capsys):
    stopped(tmp_path)
    (former,) = runs(tmp_path)
    delete(tmp_path, former, *runs(tmp_path, "experiment"))
    with job(tmp_path) as run:
        run.metrics({"train_loss": 0.5}, 1)
    assert deliver(tmp_path)
    assert_replaced(tmp_path, former, capsys.readouterr().err)
    (parent,) = runs(tmp_path, "experiment")
    assert runs(tmp_path)[0].data.tags["mlflow.parentRunId"] == parent.info.run_id


def test_a_run_that_is_deleted_while_its_job_writes_is_replaced_each_time(tmp_path, capsys):
    mirror = Mirror(tmp_path, "demo")
    with job(tmp_path) as run:
        for epoch in range(2):
            run.metrics({"train_loss": 1 / (1 + epoch)}, epoch)
            assert mirror.catch_up()
            (former,) = runs(tmp_path)
            delete(tmp_path, former)
            if not epoch:
                capsys.readouterr()
        (tmp_path / "metrics.json").write_text("{}")
        run.artifact(tmp_path / "metrics.json")
    first, second = len(runs(tmp_path, view=ViewType.DELETED_ONLY)), capsys.readouterr().err.count("was deleted")
    assert mirror.catch_up() and (first, second) == (2, 1)
    assert_replaced(tmp_path, former, capsys.readouterr().err)
    (made,) = runs(tmp_path)
    assert [file.path for file in client_of(tmp_path)[0].list_artifacts(made.info.run_id)] == ["metrics.json"]


def test_a_deleted_run_that_no_job_goes_on_with_stays_deleted(tmp_path, capsys):
    stopped(tmp_path)
    delete(tmp_path, *runs(tmp_path))
    with job(tmp_path, stamp={"stamp": "b" * 12}):
        pass
    assert deliver(tmp_path) and capsys.readouterr().err == ""
    (made,) = runs(tmp_path)
    assert "replaces" not in made.data.tags
    assert not list((tmp_path / ".googlenet").rglob("*.jsonl"))


def test_a_parent_that_was_deleted_is_made_anew_with_its_children(tmp_path):
    for name in ("m1", "m2"):
        stopped(tmp_path, name)
    delete(tmp_path, *runs(tmp_path, "experiment"))
    with job(tmp_path, "m3"):
        pass
    assert deliver(tmp_path)
    (parent,) = runs(tmp_path, "experiment")
    assert [run.data.tags["mlflow.parentRunId"] for run in runs(tmp_path)] == [parent.info.run_id] * 3


def test_an_experiment_that_is_deleted_during_a_run_says_how_to_restore_it(tmp_path, capsys):
    mirror = Mirror(tmp_path, "demo")
    with job(tmp_path) as run:
        run.metrics({"train_loss": 1.0}, 0)
        assert mirror.catch_up()
        client, experiment_id = client_of(tmp_path)
        client.delete_experiment(experiment_id)
        run.metrics({"train_loss": 0.5}, 1)
        assert not mirror.catch_up()
        assert (
            f"bring it back with: mlflow experiments restore --experiment-id {experiment_id}" in capsys.readouterr().err
        )
        client.restore_experiment(experiment_id)
    assert mirror.catch_up(now=True)
    (made,) = runs(tmp_path)
    history = client.get_metric_history(made.info.run_id, "train_loss")
    assert made.info.status == "FINISHED" and [metric.value for metric in history] == [1.0, 0.5]
