"""A job that adds up its parts, and its files; the folder and the run that it needs are in conftest.py."""

from pathlib import Path

from googlenet.config.schema.shared import Compute, Computes, Execution, Inference
from googlenet.metrics.base import StageMetrics
from googlenet.pipeline import job
from googlenet.pipeline.job import Input, Inputs, Job, Output
from googlenet.pipeline.job_file import JobFile, write_execution
from googlenet.storage.files import read_json, write_bytes
from settings import changed, composed

CONFIG_PATH = "results/demo/config/train_classifier/m1.json"


class AddUp(Computes):
    """Settings of the stage below."""

    rate: float


class Sum(StageMetrics):
    """What the stage below measures."""

    total: int
    manifest: dict[str, int]


def stage(job: Job[AddUp], *, manifest: Input, parts: Inputs, metrics: Output) -> None:
    """A stage that adds up its parts."""
    total = sum(int(path.read_text()) for path in parts)
    job.log({"total": total, "name": "not a number"}, step=3)
    job.write_metrics(metrics, Sum(total=total, manifest=read_json(manifest)))


def settings(rate=0.5, **compute):
    return AddUp(rate=rate, compute=changed(Compute.model_validate(composed().of(Inference).model_dump()), **compute))


def write_file(values, stage="train_classifier", code="c0de" * 16):
    """Write the job's file, and return what it holds."""
    file = JobFile(stage, "m1", "demo", code, values)
    write_bytes(CONFIG_PATH, file.to_bytes())
    return file


def written_execution(experiment="demo", **changes):
    """Write what changes no result, as Snakemake's main process does."""
    execution = changed(composed().of(Execution), **{"loader_workers": 2} | changes)
    write_execution(Path(), experiment, execution)
    return execution


class Unrecorded:
    """A run that no store keeps."""

    run_id = "run"

    def __init__(self):
        self.logged, self.kept = [], []

    def metrics(self, values, step):
        self.logged.append((values, step))

    def progress(self, what, done, total, each_s):
        """What a run's display reads is in the event log, which is tested with it."""

    def artifact(self, path):
        self.kept.append(path)


def arguments(parts=("data/a", "data/b"), threads=1, config=CONFIG_PATH):
    words = ["--config", config, "--threads", str(threads), "--manifest", "data/manifest.json"]
    return [*words, "--parts", *parts, "--metrics", "results/demo/train_classifier/m1/metrics.json"]


def stamp(**change):
    job.perform(stage, arguments(**change))
    return read_json("results/demo/train_classifier/m1/metrics.json")["stamp"]
