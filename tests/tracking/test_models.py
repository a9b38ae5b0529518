"""Registered models of a real MLflow store: what makes a version, and what is stored."""

import json
import os
import shutil

import pytest
from mlflow import MlflowClient

from googlenet.tracking import deliver, job_run, local_store, models, open_store, store
from tracking.servables import NAMES, servable, weights


@pytest.fixture(autouse=True)
def own_store(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def reproduced(root, stamp, code="1", **contents):
    """Run a job that completes a reproduction with models, and mirror it."""
    with job_run(root, "demo", "make_report", "all", {}, {"stamp": stamp, "commit": "c0ffee"}, {}) as run:
        run.completes({"top1_error_percent": 1.0}, {"a.b": stamp}, [], models=servable(root, code, **contents))
    assert deliver(root)
    client = MlflowClient(open_store(root))
    return client.search_runs(
        [client.get_experiment_by_name("googlenet/demo").experiment_id],
        "tags.kind = 'reproduction'",
        order_by=["attributes.start_time DESC"],
    )[0]


def versions(root):
    """The versions of each model, as MLflow has them."""
    found = {}
    for version in MlflowClient(open_store(root)).search_model_versions():
        found.setdefault(version.name, []).append(int(version.version))
    return {name: sorted(numbers) for name, numbers in sorted(found.items())}


def folder_of(root, name, version):
    """Where a version's files lie."""
    return local_store.local_path(MlflowClient(open_store(root)).get_model_version_download_uri(name, str(version)))


def test_a_reproduction_registers_what_differs_and_stores_it_once(tmp_path, tmp_path_factory, monkeypatch):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    run = reproduced(tmp_path, "1")
    assert versions(tmp_path) == {name: [1] for name in NAMES}
    client = MlflowClient(open_store(tmp_path))
    version = client.get_model_version(NAMES[0], "1")
    assert (version.run_id, version.tags["commit"], version.aliases) == (run.info.run_id, "c0ffee", ["current"])
    (registered,) = json.loads(client.get_logged_model(version.tags["model_id"]).tags["mlflow.modelVersions"])
    assert (registered["name"], int(registered["version"])) == (NAMES[0], 1)
    assert f"[{NAMES[0]} version 1](#/models/{NAMES[0]}/versions/1)" in run.data.tags["mlflow.note.content"]
    assert len(client.get_run(run.info.run_id).outputs.model_outputs) == 3
    files = [
        folder_of(tmp_path, NAMES[0], 1) / "data/networks/m1.safetensors",
        folder_of(tmp_path, NAMES[1], 1) / "data/networks/m1.safetensors",
    ]
    assert os.path.samefile(*files) and files[0].read_text() == "one" * 1000
    result = weights(tmp_path)["m1"].path
    assert not os.path.samefile(files[0], result)  # who writes over a result changes no registered model
    folder = folder_of(tmp_path, NAMES[1], 1)
    assert "numpy==1.0" in (folder / "requirements.txt").read_text().split()
    assert (folder / "code/googlenet/errors.py").is_file() and not (folder / "data/networks/m2.safetensors").exists()
    assert "YW4gaW1hZ2U=" in (folder / "serving_input_example.json").read_text()

    again = reproduced(tmp_path, "2")
    assert versions(tmp_path) == {name: [1] for name in NAMES}
    assert len(client.get_run(again.info.run_id).outputs.model_outputs) == 3
    reproduced(tmp_path, "3", m2="three")
    assert versions(tmp_path) == {NAMES[0]: [1, 2], NAMES[1]: [1], NAMES[2]: [1, 2]}
    assert os.path.samefile(folder_of(tmp_path, NAMES[0], 2) / "data/networks/m1.safetensors", files[1])
    reproduced(tmp_path, "4")  # the edit is undone
    assert versions(tmp_path)[NAMES[0]] == [1, 2]
    assert client.get_model_version_by_alias(NAMES[0], "current").version == 1

    moved = tmp_path.with_name("moved")
    shutil.move(tmp_path, moved)
    open_store(moved)
    place = folder_of(moved, NAMES[0], 2)
    assert not list(elsewhere.iterdir())  # MLflow's default store, mlflow.db, is not made where the mirror runs
    assert place.is_relative_to(moved) and (place / "data/networks/m2.safetensors").read_text() == "three" * 1000


def test_what_a_killed_mirror_began_is_completed(tmp_path, monkeypatch):
    made = models._link
    calls = []

    def killed(*given):
        calls.append(given)
        if len(calls) == 2:
            raise store.Unavailable("killed before it was noted")
        made(*given)

    monkeypatch.setattr(models, "_link", killed)
    with pytest.raises(AssertionError):
        reproduced(tmp_path, "1")
    monkeypatch.setattr(models, "_link", made)
    assert deliver(tmp_path)
    assert versions(tmp_path) == {name: [1] for name in NAMES}
    client = MlflowClient(open_store(tmp_path))
    experiment = client.get_experiment_by_name("googlenet/demo").experiment_id
    logged = client.search_logged_models([experiment])
    assert len(logged) == 3 and {str(each.status) for each in logged} == {"READY"}
    assert not list((tmp_path / ".googlenet").rglob(".model-*"))


def test_what_a_killed_mirror_left_of_a_model_is_removed(tmp_path):
    left = tmp_path / ".googlenet/tracking/demo/make_report/all/.model-abc/model"
    left.mkdir(parents=True)
    reproduced(tmp_path, "1")
    assert not left.parent.exists()


def test_without_the_code_of_the_run_no_model_is_registered_and_the_run_is(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(models, "PACKAGE", tmp_path / "googlenet")
    assert reproduced(tmp_path, "1").data.tags["kind"] == "reproduction"
    assert versions(tmp_path) == {}
    assert "googlenet/__init__.py: gone before MLflow could register the models; run again" in capsys.readouterr().err


def test_weights_that_changed_meanwhile_are_reported_and_left_out(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(models, "_is_there", lambda path, digest: "m1" in str(path))
    reproduced(tmp_path, "1")
    assert versions(tmp_path) == {NAMES[1]: [1]}
    assert "m2/weights.safetensors: changed or gone before MLflow could register it" in capsys.readouterr().err
