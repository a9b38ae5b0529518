"""How a job runs: its edges, its stamp, its record, its errors in one line."""

import errno
import io
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import cv2
import pytest
import torch

from googlenet.config.schema.base import StageSettings
from googlenet.config.schema.shared import Compute, Computes, Execution, Inference
from googlenet.errors import PeerLost, Stopped, UserError
from googlenet.metrics.base import StageMetrics
from googlenet.models.runtime import Runtime
from googlenet.pipeline import job
from googlenet.pipeline.gpus import GPUS
from googlenet.pipeline.job import Input, Inputs, Job, Output
from googlenet.pipeline.job_file import JobFile, execution_file, write_execution
from googlenet.storage.files import read_json, sha256, write_bytes, write_json
from googlenet.tracking import deliver, progress
from settings import changed, composed

CONFIG_PATH = "results/demo/config/train_classifier/m1.json"
KILLED = """
import sys
from googlenet.config.schema.shared import Computes
from googlenet.metrics.base import StageMetrics
from googlenet.pipeline.job import Input, Inputs, Job, Output, perform
class AddUp(Computes):
    rate: float
def stage(job: Job[AddUp], *, manifest: Input, parts: Inputs, metrics: Output) -> None:
    job.write_metrics(metrics, StageMetrics())
perform(stage, sys.argv[1:])
"""


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


def write_file(values, stage="train_classifier"):
    """Write the job's file, and return what it holds."""
    file = JobFile(stage, "m1", "demo", "c0de" * 16, values)
    write_bytes(CONFIG_PATH, file.to_bytes())
    return file


def written_execution(experiment="demo", **changes):
    """Write what changes no result, as Snakemake's main process does."""
    execution = changed(composed().of(Execution), **{"loader_workers": 2} | changes)
    write_execution(Path(), experiment, execution)
    return execution


@pytest.fixture(autouse=True)
def machine():
    """What a job sets for its process is set back."""
    threads = torch.get_num_threads(), cv2.getNumThreads()
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(threads[0])
    cv2.setNumThreads(threads[1])


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("GOOGLENET_EXPERIMENT", raising=False)
    written_execution()
    write_file(settings())
    write_json("data/manifest.json", {"pictures": 3})
    for name in ("a", "b"):
        Path("data", name).write_text(str(ord(name)))
    return tmp_path


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


@pytest.fixture
def run(root, monkeypatch):
    unrecorded = Unrecorded()

    @contextmanager
    def job_run(*given):
        unrecorded.given = given
        yield unrecorded

    monkeypatch.setattr(job, "job_run", job_run)
    return unrecorded


def arguments(parts=("data/a", "data/b"), threads=1, config=CONFIG_PATH):
    words = ["--config", config, "--threads", str(threads), "--manifest", "data/manifest.json"]
    return [*words, "--parts", *parts, "--metrics", "results/demo/train_classifier/m1/metrics.json"]


def stamp(**change):
    job.perform(stage, arguments(**change))
    return read_json("results/demo/train_classifier/m1/metrics.json")["stamp"]


def test_progress_is_in_the_jobs_log_and_in_no_result(run, capsys, monkeypatch):
    job.perform(stage, arguments())
    silent = Path("results/demo/train_classifier/m1/metrics.json").read_bytes()
    assert "input files" not in capsys.readouterr().out
    monkeypatch.setattr(progress, "FIRST_S", 0.0)
    job.perform(stage, arguments())
    assert re.match(r"input files read: 1 of 2, .* a second, 0 s left\n", capsys.readouterr().out)
    assert Path("results/demo/train_classifier/m1/metrics.json").read_bytes() == silent


@pytest.mark.long
def test_a_job_in_a_real_store(root):
    job.perform(stage, arguments())
    metrics = read_json("results/demo/train_classifier/m1/metrics.json")
    assert (metrics["total"], metrics["manifest"]) == (97 + 98, {"pictures": 3})
    record = read_json("results/demo/runs/train_classifier/m1.json")
    assert (record["stage"], record["job"], record["experiment"]) == ("train_classifier", "m1", "demo")
    assert (record["stamp"], record["config_sha256"]) == (metrics["stamp"], sha256(CONFIG_PATH))
    assert record["inputs"]["manifest"] == sha256("data/manifest.json")
    assert (record["commit"], record["threads"], record["device"]) == ("", 1, "cpu")
    assert record["started"].endswith("+00:00") and record["started"] <= record["ended"]
    assert {"python", "torch", "torchvision", "opencv", "numpy", "platform", "cpu"} <= record["versions"].keys()
    assert str(root) not in json.dumps(record)

    from mlflow import MlflowClient

    assert deliver(root)
    client = MlflowClient(f"sqlite:///{root}/mlflow/mlflow.db")
    experiment_id = client.get_experiment_by_name("googlenet/demo").experiment_id
    (stored,) = client.search_runs([experiment_id], f"tags.run_id = '{record['run_id']}'")
    assert (stored.data.metrics["total"], stored.data.tags["current"]) == (195, "true")
    assert (stored.data.params["rate"], stored.data.tags["stamp"]) == ("0.5", metrics["stamp"][:12])
    assert list((root / "mlflow" / "artifacts").rglob("metrics.json"))


def test_a_stage_is_given_its_edges_and_numbers_are_logged(run, capsys):
    stamp()
    assert run.logged == [({"total": 195}, 3)]
    assert run.kept == [Path("results/demo/train_classifier/m1/metrics.json")]
    assert capsys.readouterr().out.splitlines()[1:] == ["    3  total 195"]  # the first line is the precision
    _, experiment, name, of_job, parameters, tags, digests = run.given
    assert (experiment, name, of_job) == ("demo", "train_classifier", "m1")
    # Whose run it is, and of which code, are tags; the settings are parameters.
    assert parameters == settings().model_dump()
    assert (tags["config"], tags["code"]) == (sha256(CONFIG_PATH)[:12], "c0dec0dec0de")
    assert set(digests) == {"manifest", "parts"}


def test_the_active_experiment_owns_the_runs_of_shared_data(run, monkeypatch):
    monkeypatch.setenv("GOOGLENET_EXPERIMENT", "photos")
    written_execution("photos", loader_workers=1)
    seen = []

    def look(job: Job[AddUp], *, metrics: Output):
        seen.append(job.execution.loader_workers)

    job.perform(look, ["--config", CONFIG_PATH, "--threads", "3", "--metrics", "m"])
    assert run.given[1] == "photos" and seen == [1]


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_text('{"loader_workers": "two"}')])
def test_settings_that_no_run_of_this_version_wrote_are_named(run, change):
    change(execution_file("demo"))
    with pytest.raises(UserError, match=r"execution/demo\.json: not written by this version; run snakemake"):
        stamp()


def test_a_job_is_given_typed_settings_and_what_changes_no_result(run):
    seen = []

    def look(job: Job[AddUp], *, metrics: Output):
        seen.append((job.settings, job.execution, job.runtime, (job.name, job.experiment, job.threads)))

    job.perform(look, ["--config", CONFIG_PATH, "--threads", "3", "--metrics", "m"])
    runtime = Runtime.of(settings().compute, loader_workers=2)
    assert seen == [(settings(), written_execution(), runtime, ("m1", "demo", 3))]


@pytest.mark.parametrize(("cpu", "precision"), [("A CPU (avx512_bf16)", "bf16"), ("A CPU (avx2)", "fp32")])
def test_the_precision_of_this_processor_is_used_said_and_recorded(run, monkeypatch, capsys, cpu, precision):
    monkeypatch.setattr("googlenet.models.processor.cpu_name", lambda: cpu)
    seen = []

    def look(job: Job[AddUp], *, metrics: Output):
        seen.append(job.runtime.precision)

    job.perform(look, ["--config", CONFIG_PATH, "--threads", "1", "--metrics", "m"])
    assert seen == [precision] and f"precision: {precision} (auto requested)\n" in capsys.readouterr().out
    assert read_json("results/demo/runs/train_classifier/m1.json")["precision"] == precision
    *_, tags, _ = run.given
    assert tags["precision"] == precision


def test_a_stage_without_networks_has_no_precision(run, capsys):
    write_file(settings(), "train_baseline")

    def look(job: Job[AddUp], *, metrics: Output):
        """Computes nothing."""

    job.perform(look, ["--config", CONFIG_PATH, "--threads", "1", "--metrics", "m"])
    assert "precision" not in capsys.readouterr().out
    assert read_json("results/demo/runs/train_baseline/m1.json")["precision"] == ""


def test_a_job_without_compute_runs_on_one_thread_of_the_cpu(run):
    class Plain(StageSettings):
        rate: float

    def look(job: Job[Plain], *, metrics: Output):
        assert job.runtime == Runtime("cpu", "fp32", 1)  # no more loader processes than threads

    write_file(Plain(rate=1.0))
    # The annotation is of this function, which get_type_hints does not see into.
    look.__annotations__["job"] = Job[Plain]
    job.perform(look, ["--config", CONFIG_PATH, "--threads", "1", "--metrics", "m"])


def test_what_a_killed_job_left_half_written_goes(run):
    """In the folders of its outputs, and its own record: other jobs' lie beside that one."""
    folder, records = Path("results/demo/train_classifier/m1"), Path("results/demo/runs/train_classifier")
    left = [folder / ".metrics.json.77.part", folder / "figures/.a.png.77.part", records / ".m1.json.77.part"]
    others = records / ".m2.json.77.part"
    for path in (*left, others):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    job.perform(stage, arguments())
    assert not any(path.exists() for path in left) and others.exists()


@pytest.mark.long
@pytest.mark.parametrize(("point", "left", "events"), [("write", [".metrics.json"], 3), ("event", [], 1)])
def test_a_jobs_first_write_is_not_what_it_logs(root, point, left, events):
    """Killed at the first of either: an output is half written, or the log has its first event."""
    words = [sys.executable, "-c", KILLED, *arguments()]
    fault = {"GOOGLENET_FAULT": f"{point} 1 job train_classifier/m1"}
    done = subprocess.run(words, env=os.environ | fault, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert [path.name.rsplit(".", 2)[0] for path in root.rglob("*.part")] == left
    (log,) = (root / ".googlenet/tracking/demo/train_classifier/m1").glob("*.jsonl")
    assert len(log.read_text().splitlines()) == events


def test_the_stamp_depends_on_configuration_and_inputs(run):
    first = stamp()
    assert first == stamp() and len(first) == 64
    assert stamp(parts=("data/b", "data/a")) == first  # the order of a list says nothing
    others = [stamp(parts=("data/a",))]
    write_file(settings(0.6))
    others.append(stamp())
    write_file(settings())
    assert stamp() == first
    write_json("data/manifest.json", {"pictures": 4})
    others.append(stamp())
    write_json("data/manifest.json", {"pictures": 3})
    written_execution(loader_workers=0)
    assert stamp() == first  # execution is no part of it
    assert len({first, *others}) == 4


def test_a_failing_stage_leaves_no_record(run):
    def broken(job: Job[AddUp], *, metrics: Output):
        raise UserError("data: broken; mend it")

    with pytest.raises(UserError, match="data: broken"):
        job.perform(broken, ["--config", CONFIG_PATH, "--threads", "1", "--metrics", "m"])
    assert not Path("results/demo/runs").exists()


def test_settings_that_were_edited_while_the_job_ran_end_it(run):
    """As `snakemake -n` does, which writes edited settings while another Snakemake runs the job."""

    def overtaken(job: Job[AddUp], *, metrics: Output):
        write_file(settings(0.6))

    words = ["--config", CONFIG_PATH, "--threads", "1", "--metrics", "m"]
    with pytest.raises(UserError, match=rf"^{CONFIG_PATH}: these settings were edited while the job ran; run the same"):
        job.perform(overtaken, words)
    assert not Path("results/demo/runs").exists()
    job.perform(overtaken, words)  # with the settings that are there now
    assert read_json("results/demo/runs/train_classifier/m1.json")["job_file"]["settings"]["rate"] == 0.6


def test_records_beside_a_report_are_the_experiments_and_its_datas(run):
    job.perform(stage, arguments())
    record = read_json("results/demo/runs/train_classifier/m1.json")
    write_json("results/other/runs/train_classifier/m1.json", record | {"job": "other"})
    write_json("data/runs/digits/prepare_detection/all.json", record | {"job": "all"})
    records = job.records_beside(Path("results/demo/make_report/report.html"), "digits")
    assert [record.job for record in records] == ["m1", "all"]


def test_too_few_threads_name_the_key(run):
    write_file(settings(numeric_threads=4))
    with pytest.raises(UserError, match=r"compute\.numeric_threads: 4 asked for, 2 given; raise --cores"):
        stamp(threads=2)
    assert not hasattr(run, "given")  # nothing was begun


def test_no_gpu_names_the_key(run, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    write_file(settings(device="cuda"))
    with pytest.raises(UserError, match=r"compute\.device: cuda asked for, but torch sees no GPU; set cpu"):
        stamp()


def test_a_stage_that_takes_no_gpu_needs_none(run, root):
    write_file(settings(device="cuda"), "train_baseline")
    stamp()
    assert read_json("results/demo/runs/train_baseline/m1.json")["device"] == "cpu"
    assert not (root / GPUS).exists()


def test_a_job_computes_deterministically_on_its_threads(run):
    stamp()
    assert torch.are_deterministic_algorithms_enabled()
    assert (torch.get_num_threads(), cv2.getNumThreads()) == (1, 1)


class Left(Exception):
    """os._exit was called: Python's own exit, which may abort a process of gloo's, was not."""


def leave(code):
    raise Left(code)


def test_main_gives_an_error_in_one_line(root, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["stage", *arguments(config="results/demo/config/absent.json")])
    monkeypatch.setattr(os, "_exit", leave)
    with pytest.raises(Left, match=r"^1$"):
        job.main(stage)
    output = capsys.readouterr()
    assert output.err == "error: results/demo/config/absent.json: not found; run the stage that writes it\n"
    assert output.out == ""


@pytest.mark.parametrize(("encoding", "printed"), [("utf-8", "猫"), ("latin-1", r"\u732b"), ("ascii", r"\u732b")])
def test_no_message_ends_a_job(run, monkeypatch, encoding, printed):
    def talk(job: Job[AddUp], *, metrics: Output):
        job.say("left out: 猫/\udcff.jpg")

    stdout = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(stdout, encoding))
    monkeypatch.setattr(sys, "argv", ["stage", "--config", CONFIG_PATH, "--threads", "1", "--metrics", "m"])
    monkeypatch.setattr(os, "_exit", leave)
    with pytest.raises(Left, match=r"^0$"):
        job.main(talk)
    assert Path("results/demo/runs/train_classifier/m1.json").is_file()
    assert stdout.getvalue().decode(encoding).endswith(f"\nleft out: {printed}/\\udcff.jpg\n")


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (Stopped("asked to stop"), 75),
        (PeerLost("no answer"), 76),
        (OSError(errno.ENOSPC, "full"), 1),
        (SystemExit(0), 0),
    ],
)
def test_main_never_leaves_through_pythons_own_exit(root, monkeypatch, raised, code):
    def stage(job: Job[AddUp], *, metrics: Output):
        raise raised

    monkeypatch.setattr(job, "perform", lambda run, arguments: run(None, metrics=None))
    monkeypatch.setattr(os, "_exit", leave)
    with pytest.raises(Left, match=f"^{code}$"):
        job.main(stage)


@pytest.mark.parametrize(
    "raised", [FileNotFoundError(2, "No such file or directory", "a"), PermissionError(13, "x", "a")]
)
def test_what_the_system_refuses_is_one_line(root, monkeypatch, capsys, raised):
    def refused(run, arguments):
        raise raised

    monkeypatch.setattr(job, "perform", refused)
    monkeypatch.setattr(os, "_exit", leave)
    with pytest.raises(Left, match=r"^1$"):
        job.main(stage)
    assert re.fullmatch(
        r"error: a: .*; correct the path or its permissions, or free some space\n", capsys.readouterr().err
    )


def test_without_git_a_job_has_no_commit(root, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert job.commit(root) == ""


def test_a_missing_edge_gives_the_stages_usage(root, capsys):
    with pytest.raises(SystemExit) as ended:
        job.perform(stage, ["--config", CONFIG_PATH, "--threads", "1"])
    assert ended.value.code == 2 and "--manifest" in capsys.readouterr().err
