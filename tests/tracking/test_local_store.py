"""A store whose project was moved or copied, and one that the installed MLflow cannot read."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest
from mlflow import MlflowClient

from googlenet.errors import UserError
from googlenet.tracking import check, deliver, event_log, job_run, open_store, shown_runs


@pytest.fixture(autouse=True)
def own_store(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def made_store(tmp_path_factory):
    """A store without runs, to copy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        return Path(open_store(tmp_path_factory.mktemp("store")).removeprefix("sqlite:///"))


def finished(root, stamp, experiment="demo", stage="train_classifier"):
    """Run a job that attaches one file, whose content is its stamp."""
    root.mkdir(exist_ok=True)
    (root / "metrics.json").write_text(stamp)
    with job_run(root, experiment, stage, "m1", {}, {"stamp": stamp}, {}) as run:
        run.artifact(root / "metrics.json")


def runs_by_stamp(root):
    """The jobs' runs in the store."""
    client = MlflowClient(open_store(root))
    experiment_id = client.get_experiment_by_name("googlenet/demo").experiment_id
    return {run.data.tags["stamp"]: run for run in client.search_runs([experiment_id], "tags.kind = 'job'")}


def current(root):
    """The stamps of the runs that are their jobs' current ones."""
    return {stamp for stamp, run in runs_by_stamp(root).items() if run.data.tags["current"] == "true"}


def run_of(root, stamp):
    """MLflow's id of a run."""
    return runs_by_stamp(root)[stamp].info.run_id


def attached_paths(root, experiment="demo"):
    """The paths of the runs' files, as MLflow has them."""
    client = MlflowClient(open_store(root))
    experiment_id = client.get_experiment_by_name(f"googlenet/{experiment}").experiment_id
    runs = client.search_runs([experiment_id], "tags.kind = 'job'")
    assert {run.info.status for run in runs} == {"FINISHED"}
    return [Path(url2pathname(urlsplit(run.info.artifact_uri).path), "metrics.json") for run in runs]


def attached(root, experiment="demo"):
    """The same, by the content of the files."""
    return {path.read_text(): path for path in attached_paths(root, experiment)}


@pytest.mark.parametrize("move", [Path.rename, shutil.copytree])
@pytest.mark.parametrize("names", [("project", "renamed"), ("my project (1)", "50% #é")], ids=["plain", "odd"])
def test_artefacts_follow_a_project_that_is_moved_or_copied(made_store, tmp_path, capsys, move, names):
    former, present = (tmp_path / name for name in names)
    (former / "mlflow").mkdir(parents=True)
    shutil.copy(made_store, former / "mlflow")
    for experiment in ("demo", "smoke"):
        finished(former, "a" * 12, experiment)
    assert deliver(former) and capsys.readouterr().err == ""
    move(former, present)
    before = sorted(former.rglob("*"))
    for stamp in ("b" * 12, "c" * 12):
        finished(present, stamp)
        assert deliver(present)
    printed = capsys.readouterr().err.splitlines()
    assert printed == [f"note: {present}/mlflow/mlflow.db was in {former}; it now keeps its artefacts here"]
    files = attached(present)
    assert set(files) == {"a" * 12, "b" * 12, "c" * 12} and set(attached(present, "smoke")) == {"a" * 12}
    assert all(path.is_relative_to(present / "mlflow" / "artifacts" / "demo") for path in files.values())
    assert sorted(former.rglob("*")) == before  # nothing is made at the former place


def test_a_run_in_a_temporary_folder_of_dvcs_reaches_the_clones_store(tmp_path, capsys):
    clone, temporary = tmp_path / "clone", tmp_path / "clone/.dvc/tmp/exps/standalone/tmpa1b2"
    temporary.mkdir(parents=True)
    finished(clone, "a" * 12)
    finished(temporary, "b" * 12)
    assert deliver(clone) and deliver(temporary)
    shutil.rmtree(temporary)
    assert set(attached(clone)) == {"a" * 12, "b" * 12} and capsys.readouterr().err == ""
    assert current(clone) == {"a" * 12, "b" * 12}  # it supersedes nothing: the clone's results are still those
    assert shown_runs(clone, "demo", ["m1"]).members == [run_of(clone, "a" * 12)]
    finished(clone, "c" * 12)
    assert deliver(clone) and current(clone) == {"b" * 12, "c" * 12}
    assert not temporary.exists()


def test_artefacts_that_a_copied_store_has_elsewhere_are_fetched(tmp_path):
    former, present = tmp_path / "former", tmp_path / "present"
    finished(former, "a" * 12)
    assert deliver(former)
    (present / "mlflow").mkdir(parents=True)
    shutil.copy(former / "mlflow/mlflow.db", present / "mlflow")
    assert attached(present)["a" * 12].is_relative_to(present)
    assert attached(former)["a" * 12].is_relative_to(former)


def test_runs_whose_artefacts_are_in_another_place_keep_it(tmp_path):
    finished(tmp_path / "former", "a" * 12)
    assert deliver(tmp_path / "former")
    with sqlite3.connect(tmp_path / "former/mlflow/mlflow.db") as store:
        store.execute("update runs set artifact_uri = 'file:///elsewhere'")
    (tmp_path / "former").rename(tmp_path / "present")
    assert list(attached_paths(tmp_path / "present")) == [Path("/elsewhere/metrics.json")]


def test_an_empty_file_becomes_a_store(tmp_path):
    (tmp_path / "mlflow").mkdir()
    (tmp_path / "mlflow/mlflow.db").touch()
    check(tmp_path, "demo")
    finished(tmp_path, "a" * 12)
    assert deliver(tmp_path) and list(attached(tmp_path)) == ["a" * 12]


def test_a_large_artefact_that_waits_is_found_in_the_moved_project(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(event_log, "COPIED_BYTES", 0)  # larger than that, it is not copied into the log
    finished(tmp_path / "project", "a" * 12)
    (tmp_path / "project").rename(tmp_path / "renamed")
    assert deliver(tmp_path / "renamed") and capsys.readouterr().err == ""
    assert list(attached(tmp_path / "renamed")) == ["a" * 12]


def test_a_users_own_store_whose_artefacts_are_gone_is_reported(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/own.db")
    monkeypatch.chdir(tmp_path)
    finished(tmp_path, "a" * 12)
    assert deliver(tmp_path)
    check(tmp_path, "demo")
    (tmp_path / "mlruns").rename(tmp_path / "away")
    with pytest.raises(UserError, match=f"artefacts is gone, {tmp_path}/mlruns/1; move it back, .*ln -s NEW"):
        check(tmp_path, "demo")


def test_a_servers_own_folder_for_artefacts_is_reported_with_the_remedy(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri := f"sqlite:///{tmp_path}/own.db")
    (tmp_path / "file").write_text("in the way, as another user's folder is")
    MlflowClient(uri).create_experiment("googlenet/demo", artifact_location=f"file://{tmp_path}/file/artifacts")
    remedy = "start the server with --artifacts-destination"
    with pytest.raises(UserError, match=f"belong in {tmp_path}/file/artifacts, which cannot be made here; {remedy}"):
        check(tmp_path, "demo")
    finished(tmp_path, "a" * 12)  # as if the experiment had been made after the check
    assert not deliver(tmp_path) and remedy in capsys.readouterr().err


@pytest.mark.parametrize("configured", [False, True])
@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("5b0e9adcef9c", r"an older MLflow made it \(its schema is 5b0e9adcef9c.*then run: mlflow db upgrade (.*)"),
        ("f00dfacade00", "a newer MLflow than .* or another program made it .*; use the MLflow that made it"),
    ],
)
def test_a_store_of_another_schema_is_reported_before_the_first_job(
    made_store, tmp_path, monkeypatch, version, message, configured
):
    (tmp_path / "mlflow").mkdir()
    shutil.copy(made_store, path := tmp_path / "mlflow/mlflow.db")
    check(tmp_path, "demo")  # of the schema that this MLflow makes
    with sqlite3.connect(path) as store:
        store.execute("update alembic_version set version_num = ?", [version])
    if configured:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{path}")
    with pytest.raises(UserError, match=message) as raised:
        check(tmp_path, "demo")
    assert str(path) in str(raised.value)
    if "db upgrade" in str(raised.value):
        assert str(raised.value).endswith('"$MLFLOW_TRACKING_URI"' if configured else f" sqlite:///{path}")


def test_no_store_can_be_in_a_folder_that_its_address_cannot_name(tmp_path):
    with pytest.raises(UserError, match=r"what\?: .*rename the folder"):
        check(tmp_path / "what?", "demo")


def test_an_mlflow_that_is_not_installed_is_reported_before_the_first_job(tmp_path, monkeypatch):
    (tmp_path / "mlflow").mkdir()  # our store's folder, which Python would import under that name
    monkeypatch.delitem(sys.modules, "mlflow")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(UserError, match=r"^MLflow is not installed; renew the environment: .*make env"):
        check(tmp_path, "demo")


def test_a_broken_installation_is_called_one_when_a_run_starts(tmp_path):
    package = tmp_path / "broken" / "sqlalchemy"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise TypeError('made for another Python')")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(package.parent), *sys.path])}
    words = [sys.executable, "-m", "googlenet.tracking.mirror_process", "demo"]
    given = {"cwd": tmp_path, "env": environment, "stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
    printed = subprocess.run(words, check=False, **given).stderr
    assert printed.startswith("warning: the installation of MLflow is broken (made for another Python); renew the env")
    assert printed.count("\n") == 1 and "move the file" not in printed
