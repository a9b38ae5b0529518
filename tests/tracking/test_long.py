"""A real training mirrored to a real server that is away for a minute; mirrors and servers killed at random moments."""

import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import pytest
from mlflow import MlflowClient

from conf_copy import copied
from googlenet.config.schema.shared import Execution
from googlenet.pipeline.experiment import experiment
from googlenet.pipeline.experiment_files import write_configs
from googlenet.pipeline.job_file import write_execution
from googlenet.tracking import job_run, mirror_process, open_store
from googlenet.tracking.mirror import Mirror
from tracking.conftest import Server

AWAY_S = 60
SEED = 2014


def words(root, stage, name, **edges):
    """A job's command, as its rule gives it."""
    place = f"data/config/digits_tiny/{stage}.json" if name == "all" else f"results/smoke/config/{stage}/{name}.json"
    given = [word for edge, path in edges.items() for word in (f"--{edge}", path)]
    return [sys.executable, "-m", f"googlenet.stages.{stage}", "--config", place, "--threads", "1", *given]


@pytest.mark.long
def test_a_training_goes_on_while_the_server_is_away_for_a_minute(one_server, tmp_path):
    root = copied(tmp_path)
    (root / "params.yaml").write_text(
        "experiment: smoke\noverrides: {compute: {precision: fp32}, train_classifier: {epochs: 120}, model: {width: 0.25, input_px: 64}}\n"
    )
    composed = experiment(root)
    write_configs(composed)
    write_execution(root, "smoke", composed.of(Execution))
    if not one_server.is_running:
        one_server.start()
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GOOGLENET_")}
    given = {
        "cwd": root,
        "env": kept
        | {
            "PYTHONPATH": os.pathsep.join(sys.path),
            "MLFLOW_TRACKING_URI": one_server.uri,
            "GOOGLENET_EXPERIMENT": "smoke",
        },
    }
    manifest = "data/classification/digits_tiny/manifest.json"
    subprocess.run(words(root, "prepare_classification", "all", manifest=manifest), **given, check=True)
    names = {name: f"results/smoke/{name}" for name in ("weights", "outcomes", "metrics")}
    mirror = [sys.executable, "-m", "googlenet.tracking.mirror_process", "smoke"]
    with open(root / "log", "wb") as log, open(root / "mirror.log", "wb") as warnings:
        mirroring = subprocess.Popen(mirror, **given, stdin=subprocess.PIPE, stdout=warnings, stderr=warnings)
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
        mirroring.stdin.close()
        assert mirroring.wait(60) == 0, (root / "mirror.log").read_text()
    printed_by_job = (root / "log").read_text()
    assert (root / "mirror.log").read_text().count("no answer; ") == 1 and "no answer" not in printed_by_job
    client = MlflowClient(one_server.uri)
    experiment_id = client.get_experiment_by_name("googlenet/smoke").experiment_id
    (run,) = client.search_runs([experiment_id], "tags.stage = 'train_classifier'")
    assert (run.info.status, run.data.tags["current"]) == ("FINISHED", "true")
    printed = {}  # what the job's log shows of each step
    for step, rest in re.findall(r"^ *(\d+)  (\S+ [-\d.e+]+  .*)$", printed_by_job, re.MULTILINE):
        for key in re.findall(r"([a-z]\S*) [-\d.e+]+", rest):
            printed.setdefault(key, []).append(int(step))
    assert len(printed["train_loss"]) == 120
    for key in printed.keys() - {"epoch", "step"}:
        history = client.get_metric_history(run.info.run_id, key)
        assert [metric.step for metric in history] == printed[key], key
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["metrics"]
    assert not list((root / ".googlenet" / "tracking" / "smoke").rglob("*.jsonl"))


@pytest.mark.long
def test_a_local_store_that_is_locked_delays_and_fails_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    mirror = Mirror(tmp_path, "demo")
    with job_run(tmp_path, "demo", "evaluate", "all", {}, {"stamp": "0" * 12}, {}) as run:
        run.metrics({"train_loss": 1.0}, 0)
        assert mirror.catch_up()
        locking = sqlite3.connect(tmp_path / "mlflow" / "mlflow.db")
        locking.execute("begin exclusive")
        run.metrics({"train_loss": 0.5}, 1)
        assert not mirror.catch_up()
        assert "database is locked" in capsys.readouterr().err
        locking.rollback()
        locking.close()
        run.metrics({"train_loss": 0.25}, 2)
    assert mirror.catch_up(now=True)
    assert capsys.readouterr().err == "MLflow has all events again\n"
    client = MlflowClient(open_store(tmp_path))
    (stored,) = client.search_runs(
        [client.get_experiment_by_name("googlenet/demo").experiment_id], f"tags.run_id = '{run.run_id}'"
    )
    history = client.get_metric_history(stored.info.run_id, "train_loss")
    assert [(metric.step, metric.value) for metric in history] == [(0, 1.0), (1, 0.5), (2, 0.25)]


def sent(root):
    """The number of the last event that a mirror has noted; -1 at first."""
    return max((json.loads(path.read_text())["sent"] for path in root.rglob("*.sent")), default=-1)


@pytest.mark.long
def test_ten_kills_of_mirror_and_server_lose_and_double_nothing(tmp_path, monkeypatch):
    """A job logs 200 epochs while now the mirror, now the server is killed; the store keeps what it is sent twice."""
    rng, server = random.Random(SEED), Server(tmp_path, backend=f"file://{tmp_path}/store")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    server.start()
    ended = threading.Event()
    kept = tmp_path / "metrics.json"
    kept.write_text("{}")

    def job():
        epoch = 0
        with job_run(tmp_path, "demo", "train", "m1", {"rate": 0.5}, {"stamp": "0" * 12}, {"train": "ab"}) as run:
            while epoch < 200 or not ended.is_set():
                run.metrics({"train_loss": 1 / (1 + epoch), "epoch_s": 2.0}, epoch)
                epoch += 1
                time.sleep(0.02)
            run.artifact(kept)
        job.epochs = epoch

    thread = threading.Thread(target=job)
    thread.start()
    engine = mirror_process.MirrorProcess(tmp_path, "demo")
    try:
        for kill in range(10):
            before, limit = sent(tmp_path), time.monotonic() + 120
            engine.start()
            while sent(tmp_path) == before and time.monotonic() < limit:  # until it is replaying
                time.sleep(0.01)
            time.sleep(rng.uniform(0.0, 1.5))
            if kill % 3 == 2:
                server.stop()
                time.sleep(rng.uniform(0.0, 1.0))
                server.start()
            os.kill(engine.pid, signal.SIGKILL)
    finally:
        ended.set()
        thread.join()
    monkeypatch.setattr(mirror_process, "WAIT_S", 600)  # thousands of epochs are checked one by one
    engine.finish()  # as Snakemake's end: it finds its mirror killed
    client = MlflowClient(server.uri)
    (run,) = client.search_runs([client.get_experiment_by_name("googlenet/demo").experiment_id], "tags.kind = 'job'")
    assert (run.info.status, run.data.tags["current"], run.data.params) == ("FINISHED", "true", {"rate": "0.5"})
    for key, value in (("train_loss", lambda epoch: 1 / (1 + epoch)), ("epoch_s", lambda _: 2.0)):
        history = client.get_metric_history(run.info.run_id, key)
        assert [(m.step, m.value) for m in history] == [(epoch, value(epoch)) for epoch in range(job.epochs)]
    assert len(client.get_metric_history(run.info.run_id, "duration_s")) == 1
    assert len(run.inputs.dataset_inputs) == 1 and len(client.list_artifacts(run.info.run_id)) == 1
    assert not list((tmp_path / ".googlenet/tracking").rglob("*.jsonl"))
    server.stop()
