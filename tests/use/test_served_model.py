"""Members and their ensemble as models of MLflow: the answers of `googlenet predict`, in this process and over real HTTP."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress

import mlflow
import pandas
import pytest
from mlflow import MlflowClient

from googlenet.cli.main import main
from googlenet.errors import UserError
from googlenet.metrics.runs import RunRecord
from googlenet.pipeline.experiment import Job, experiment
from googlenet.pipeline.served import servable
from googlenet.storage.files import sha256
from googlenet.tracking import deliver, job_run, open_store
from googlenet.use.classify import ClassifierEnsemble
from googlenet.use.results import Asked, Results
from run_records import made_by
from use.project import MEMBERS, project, run_stage, weights

ENSEMBLE = "models:/googlenet.smoke.ensemble@current"
MANIFEST = "data/classification/digits_tiny/manifest.json"


def record(root, stage, job, **inputs):
    """The record of a job with its present settings."""
    file = json.loads(experiment(root).job_file(Job(stage, job)).to_bytes())
    return RunRecord(**made_by().to_json() | {"stage": stage, "job": job, "job_file": file, "inputs": inputs})


@pytest.fixture(scope="module")
def registered(tmp_path_factory):
    """A project whose models are registered in its own store, and the images of its test split."""
    root = tmp_path_factory.mktemp("project")
    images = project(root)
    records = [record(root, "prepare_classification", "all")]
    for member in MEMBERS:
        run_stage(root, member)
        records.append(record(root, "train_classifier", member))
        records.append(record(root, "predict_crops", member, weights=sha256(weights(root, member))))
    described = servable(records, root / "results/smoke", root / MANIFEST)
    assert servable(records[:-1], root / "results/smoke", root / MANIFEST).weights.keys() == {"m1", "m2"}
    assert servable([made_by()], root / "results/smoke", root / MANIFEST) is None  # of a former version
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        with job_run(root, "smoke", "make_report", "all", {}, {"stamp": "1"}, {}) as run:
            run.completes({}, {}, [], models=described)
        assert deliver(root)
        uri = open_store(root)
    return root, images, uri


@pytest.fixture
def loaded(registered, monkeypatch):
    """Loads a model by its address in the registry."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", registered[2])
    path = list(sys.path)
    yield mlflow.pyfunc.load_model
    sys.path[:] = path  # MLflow adds the code of each model that it loads


def table(images):
    return pandas.DataFrame({"image": [path.read_bytes() for path in images]})


@pytest.mark.parametrize(("model", "member", "crops"), [("ensemble", "", 10), ("m2", "m2", 144)])
def test_a_model_gives_the_answers_of_the_results(registered, loaded, model, member, crops):
    root, images, _ = registered
    ensemble = ClassifierEnsemble(Results.of(root), Asked(), member)
    pixels = [ensemble.opener.pixels(path.read_bytes(), path.name) for path in images]
    expected = [answer.to_json(2) for answer in ensemble.ready(pixels, crops).answers(pixels)]
    one = loaded(f"models:/googlenet.smoke.{model}@current")
    assert one.predict(table(images), params={"crops": crops, "top": 2}) == expected


def test_a_model_says_what_it_takes_and_needs(registered, loaded):
    one = loaded(ENSEMBLE)
    signature, images = one.metadata.signature, [path.read_bytes() for path in registered[1]]
    assert signature.inputs.input_names() == ["image"]
    assert signature.outputs.input_names() == ["classes", "members_agree", "crops_agree"]
    assert {each.name: each.default for each in signature.params.params} == {"crops": 10, "top": 5}
    assert one.input_example["image"][0] == min(images, key=len)
    model = MlflowClient(registered[2]).get_model_version_by_alias("googlenet.smoke.ensemble", "current")
    needs = mlflow.pyfunc.get_model_dependencies(f"models:/{model.name}/{model.version}")
    with open(needs, encoding="utf-8") as file:
        lines = file.read().split()
    assert all("==" in line and "+" not in line and "://" not in line for line in lines) and len(lines) >= 9


def test_what_is_no_image_and_a_wrong_policy_are_errors(registered, loaded):
    one = loaded(ENSEMBLE)
    with pytest.raises(UserError, match="image 0: not an image"):
        one.predict(pandas.DataFrame({"image": [b"no image"]}))
    with pytest.raises(UserError, match="crops must be one of 1, 10, 144"):
        one.predict(table(registered[1]), params={"crops": 7})


def asked(url, image):
    """The answer of MLflow's server to an image's bytes."""
    content = {"dataframe_split": {"columns": ["image"], "data": [[base64.b64encode(image).decode()]]}}
    request = urllib.request.Request(
        f"{url}/invocations", json.dumps(content).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["predictions"]


@pytest.mark.long
def test_mlflow_serves_the_ensemble_over_http(registered, tmp_path, monkeypatch, capsys):
    root, images, uri = registered
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [
        sys.executable,
        "-m",
        "mlflow",
        "models",
        "serve",
        "--env-manager",
        "local",
        "-m",
        ENSEMBLE,
        "-p",
        str(port),
    ]
    variables = os.environ | {"MLFLOW_TRACKING_URI": uri, "MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONPATH": ""}
    with open(tmp_path / "log", "wb") as log:
        server = subprocess.Popen(words, cwd=tmp_path, env=variables, stdout=log, stderr=log, start_new_session=True)
    try:
        for _ in range(1200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5).close()
                break
            except OSError:
                assert server.poll() is None, (tmp_path / "log").read_text()
                time.sleep(0.1)
        answer = asked(f"http://127.0.0.1:{port}", images[1].read_bytes())
        with pytest.raises(urllib.error.HTTPError, match="400"):
            asked(f"http://127.0.0.1:{port}", b"no image")
        assert asked(f"http://127.0.0.1:{port}", images[1].read_bytes()) == answer  # it goes on
    finally:
        with suppress(ProcessLookupError):  # its group, which may outlive it
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    monkeypatch.chdir(root)
    assert main(["predict", str(images[1]), "--json", "-"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert answer == [{key: row[key] for key in ("classes", "members_agree", "crops_agree")}]
