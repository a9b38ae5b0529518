"""A real training beside a real server that is away for a minute; a local store that somebody locks."""

import os
import re
import sqlite3
import subprocess
import sys
import time

import pytest
from mlflow import MlflowClient

from conf_copy import copied
from googlenet.config.schema.shared import Execution
from googlenet.pipeline.experiment import experiment, write_configs
from googlenet.pipeline.job_file import EXECUTION
from googlenet.storage.files import write_json
from googlenet.tracking import deliver, job_run, open_store

AWAY_S = 60


def words(root, stage, name, **edges):
    """A job's command, as its rule gives it."""
    place = f"data/config/digits_tiny/{stage}.json" if name == "all" else f"results/smoke/config/{stage}/{name}.json"
    given = [word for edge, path in edges.items() for word in (f"--{edge}", path)]
    return [sys.executable, "-m", f"googlenet.stages.{stage}", "--config", place, "--threads", "1", *given]


@pytest.mark.long
@pytest.mark.thorough
def test_a_training_goes_on_while_the_server_is_away_for_a_minute(one_server, tmp_path):
    root = copied(tmp_path)
    (root / "params.yaml").write_text(
        "experiment: smoke\noverrides: {compute: {precision: fp32}, train_classifier: {epochs: 120}, model: {width: 0.25, input_px: 64}}\n"
    )
    composed = experiment(root)
    write_configs(composed)
    write_json(root / EXECUTION, composed.of(Execution).model_dump(mode="json"))
    if one_server._process is None:
        one_server.start()
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GOOGLENET_")}
    given = {
        "cwd": root,
        "env": kept | {"PYTHONPATH": os.pathsep.join(sys.path), "MLFLOW_TRACKING_URI": one_server.uri},
    }
    manifest = "data/classification/digits_tiny/manifest.json"
    subprocess.run(words(root, "prepare_classification", "all", manifest=manifest), **given, check=True)
    names = {name: f"results/smoke/{name}" for name in ("weights", "outcomes", "metrics")}
    with open(root / "log", "wb") as log:
        training = subprocess.Popen(
            words(root, "train_classifier", "m1", manifest=manifest, **names), **given, stdout=log, stderr=log
        )
        while "\n    2  " not in (root / "log").read_text():
            assert training.poll() is None, (root / "log").read_text()
            time.sleep(0.2)
        one_server.stop()
        time.sleep(AWAY_S)
        one_server.start()
        assert training.wait(1500) == 0, (root / "log").read_text()
    said = (root / "log").read_text()
    assert said.count("no answer; ") == 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", one_server.uri)
        assert deliver(root, "smoke")  # of a training that ended within the minute
    client = MlflowClient(one_server.uri)
    experiment_id = client.get_experiment_by_name("googlenet/smoke").experiment_id
    (run,) = client.search_runs([experiment_id], "tags.stage = 'train_classifier'")
    assert (run.info.status, run.data.tags["current"]) == ("FINISHED", "true")
    printed = {}  # what the job's log shows of each step
    for step, rest in re.findall(r"^ *(\d+)  (\S+ [-\d.e+]+  .*)$", said, re.MULTILINE):
        for key in re.findall(r"([a-z]\S*) [-\d.e+]+", rest):
            printed.setdefault(key, []).append(int(step))
    assert len(printed["train_loss"]) == 120
    for key in printed.keys() - {"epoch", "step"}:
        history = client.get_metric_history(run.info.run_id, key)
        assert [metric.step for metric in history] == printed[key], key
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["metrics"]
    assert not list((root / ".googlenet" / "tracking").rglob("*.jsonl"))


@pytest.mark.long
def test_a_local_store_that_is_locked_delays_and_fails_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with job_run(tmp_path, "demo", "evaluate", "all", {}, {"stamp": "0" * 12}, {}) as run:
        run.metrics({"train_loss": 1.0}, 0)
        time.sleep(1.1)  # not with the next batch
        locking = sqlite3.connect(tmp_path / "mlflow" / "mlflow.db")
        locking.execute("begin exclusive")
        run.metrics({"train_loss": 0.5}, 1)
        assert "database is locked" in capsys.readouterr().err
        locking.rollback()
        locking.close()
        run.metrics({"train_loss": 0.25}, 2)
    assert capsys.readouterr().err == "MLflow answers again, and has all that was kept\n"
    history = MlflowClient(open_store(tmp_path)).get_metric_history(run.run_id, "train_loss")
    assert [(metric.step, metric.value) for metric in history] == [(0, 1.0), (1, 0.5), (2, 0.25)]
