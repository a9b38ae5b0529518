"""How a job runs: its edges, its stamp, its record, its errors in one line."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import cv2
import pytest
import torch

from googlenet.config.schema.base import StageSettings
from googlenet.errors import UserError
from googlenet.models.runtime import Runtime
from googlenet.pipeline import code, job
from googlenet.pipeline.gpus import GPUS
from googlenet.pipeline.job import Job, Output
from googlenet.pipeline.job_file import MODULES, execution_file
from googlenet.pipeline.registry import STAGES
from googlenet.storage.files import read_json, sha256, write_json
from googlenet.tracking import deliver, progress
from pipeline.adding_up import CONFIG_PATH, AddUp, arguments, settings, stage, stamp, write_file, written_execution

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


def test_progress_is_in_the_jobs_log_and_in_no_result(unrecorded, capsys, monkeypatch):
    job.perform(stage, arguments())
    silent = Path("results/demo/train_classifier/m1/metrics.json").read_bytes()
    assert "input files" not in capsys.readouterr().out
    monkeypatch.setattr(progress, "FIRST_S", 0.0)
    job.perform(stage, arguments())
    assert re.match(r"input files read: 1 of 2, .* a second, 0 s left\n", capsys.readouterr().out)
    assert Path("results/demo/train_classifier/m1/metrics.json").read_bytes() == silent


@pytest.mark.long
def test_a_job_in_a_real_store(job_root):
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
    assert str(job_root) not in json.dumps(record)

    from mlflow import MlflowClient

    assert deliver(job_root)
    client = MlflowClient(f"sqlite:///{job_root}/mlflow/mlflow.db")
    experiment_id = client.get_experiment_by_name("googlenet/demo").experiment_id
    (stored,) = client.search_runs([experiment_id], f"tags.run_id = '{record['run_id']}'")
    assert (stored.data.metrics["total"], stored.data.tags["current"]) == (195, "true")
    assert (stored.data.params["rate"], stored.data.tags["stamp"]) == ("0.5", metrics["stamp"][:12])
    assert list((job_root / "mlflow" / "artifacts").rglob("metrics.json"))


def test_a_stage_is_given_its_edges_and_numbers_are_logged(unrecorded, capsys):
    stamp()
    assert unrecorded.logged == [({"total": 195}, 3)]
    assert unrecorded.kept == [Path("results/demo/train_classifier/m1/metrics.json")]
    assert capsys.readouterr().out.splitlines()[1:] == ["    3  total 195"]  # the first line is the precision
    _, experiment, name, of_job, parameters, tags, digests = unrecorded.given
    assert (experiment, name, of_job) == ("demo", "train_classifier", "m1")
    # Whose run it is, and of which code, are tags; the settings are parameters.
    assert parameters == settings().model_dump()
    assert (tags["config"], tags["code"]) == (sha256(CONFIG_PATH)[:12], "c0dec0dec0de")
    assert set(digests) == {"manifest", "parts"}


def test_the_active_experiment_owns_the_runs_of_shared_data(unrecorded, monkeypatch):
    monkeypatch.setenv("GOOGLENET_EXPERIMENT", "photos")
    written_execution("photos", loader_workers=1)
    seen = []

    def look(job: Job[AddUp], *, metrics: Output):
        seen.append(job.execution.loader_workers)

    job.perform(look, ["--config", CONFIG_PATH, "--threads", "3", "--metrics", "m"])
    assert unrecorded.given[1] == "photos" and seen == [1]


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_text('{"loader_workers": "two"}')])
def test_settings_that_no_run_of_this_version_wrote_are_named(unrecorded, change):
    change(execution_file("demo"))
    with pytest.raises(UserError, match=r"execution/demo\.json: not written by this version; run snakemake"):
        stamp()


def test_a_job_is_given_typed_settings_and_what_changes_no_result(unrecorded):
    seen = []

    def look(job: Job[AddUp], *, metrics: Output):
        seen.append((job.settings, job.execution, job.runtime, (job.name, job.experiment, job.threads)))

    job.perform(look, ["--config", CONFIG_PATH, "--threads", "3", "--metrics", "m"])
    runtime = Runtime.of(settings().compute, loader_workers=2)
    assert seen == [(settings(), written_execution(), runtime, ("m1", "demo", 3))]


@pytest.mark.parametrize(("cpu", "precision"), [("A CPU (avx512_bf16)", "bf16"), ("A CPU (avx2)", "fp32")])
def test_the_precision_of_this_processor_is_used_said_and_recorded(unrecorded, monkeypatch, capsys, cpu, precision):
    monkeypatch.setattr("googlenet.models.processor.cpu_name", lambda: cpu)
    seen = []

    def look(job: Job[AddUp], *, metrics: Output):
        seen.append(job.runtime.precision)

    job.perform(look, ["--config", CONFIG_PATH, "--threads", "1", "--metrics", "m"])
    assert seen == [precision] and f"precision: {precision} (auto requested)\n" in capsys.readouterr().out
    assert read_json("results/demo/runs/train_classifier/m1.json")["precision"] == precision
    *_, tags, _ = unrecorded.given
    assert tags["precision"] == precision


@pytest.mark.parametrize(
    ("other", "cpu"), [({}, "A CPU (avx2)"), ({"torch": "1.0"}, "A CPU (avx2)"), ({}, "A CPU (avx512_bf16)")]
)
def test_an_attempt_resumes_with_the_same_libraries_and_precision_alone_and_its_record_says_so(
    unrecorded, monkeypatch, other, cpu
):
    written_execution(save_every_s=0.0)
    monkeypatch.setattr("googlenet.models.processor.cpu_name", lambda: "A CPU (avx2)")
    found = []

    def interrupted(job: Job[AddUp], *, metrics: Output):
        kept = job.resume.load()
        found.append(kept and kept[1])
        job.resume.step(lambda: ({"weights": torch.zeros(1)}, 7))
        if len(found) == 1:
            raise UserError("asked to stop")

    given = ["--config", CONFIG_PATH, "--threads", "1", "--metrics", "m"]
    with pytest.raises(UserError, match="asked to stop"):
        job.perform(interrupted, given)
    same = job.versions.installed()
    monkeypatch.setattr(job.versions, "installed", lambda: same | other)
    monkeypatch.setattr("googlenet.models.processor.cpu_name", lambda: cpu)
    job.perform(interrupted, given)
    resumes = not other and cpu == "A CPU (avx2)"
    assert found == [None, 7 if resumes else None]
    record = read_json("results/demo/runs/train_classifier/m1.json")
    assert record["resumed"] is resumes and 50 < record["peak_memory_mb"] < 20_000


def test_the_precision_of_a_stage_that_always_computes_in_fp32_is_that(unrecorded, monkeypatch, capsys):
    monkeypatch.setattr("googlenet.models.processor.cpu_name", lambda: "A CPU (avx512_bf16)")
    write_file(settings(), "analyse_units")

    def look(job: Job[AddUp], *, metrics: Output):
        """Computes nothing."""

    job.perform(look, ["--config", CONFIG_PATH, "--threads", "1", "--metrics", "m"])
    assert "precision: fp32 (auto requested)\n" in capsys.readouterr().out


def test_a_stage_without_networks_has_no_precision(unrecorded, capsys):
    write_file(settings(), "train_baseline")

    def look(job: Job[AddUp], *, metrics: Output):
        """Computes nothing."""

    job.perform(look, ["--config", CONFIG_PATH, "--threads", "1", "--metrics", "m"])
    assert "precision" not in capsys.readouterr().out
    assert read_json("results/demo/runs/train_baseline/m1.json")["precision"] == ""


def test_a_job_without_compute_runs_on_one_thread_of_the_cpu(unrecorded):
    class Plain(StageSettings):
        rate: float

    def look(job: Job[Plain], *, metrics: Output):
        assert job.runtime == Runtime("cpu", "fp32", 1)  # no more loader processes than threads

    write_file(Plain(rate=1.0))
    # The annotation is of this function, which get_type_hints does not see into.
    look.__annotations__["job"] = Job[Plain]
    job.perform(look, ["--config", CONFIG_PATH, "--threads", "1", "--metrics", "m"])


def test_what_a_killed_job_left_half_written_goes(unrecorded):
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
def test_a_jobs_first_write_is_not_what_it_logs(job_root, point, left, events):
    """Killed at the first of either: an output is half written, or the log has its first event."""
    words = [sys.executable, "-c", KILLED, *arguments()]
    fault = {"GOOGLENET_FAULT": f"{point} 1 job train_classifier/m1"}
    done = subprocess.run(words, env=os.environ | fault, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert [path.name.rsplit(".", 2)[0] for path in job_root.rglob("*.part")] == left
    (log,) = (job_root / ".googlenet/tracking/demo/train_classifier/m1").glob("*.jsonl")
    assert len(log.read_text().splitlines()) == events


def test_the_stamp_depends_on_configuration_and_inputs(unrecorded):
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


def test_a_failing_stage_leaves_no_record(unrecorded):
    def broken(job: Job[AddUp], *, metrics: Output):
        raise UserError("data: broken; correct it")

    with pytest.raises(UserError, match="data: broken"):
        job.perform(broken, ["--config", CONFIG_PATH, "--threads", "1", "--metrics", "m"])
    assert not Path("results/demo/runs").exists()


def test_settings_that_were_edited_while_the_job_ran_end_it(unrecorded):
    """As `snakemake -n` does, which writes edited settings while another Snakemake runs the job."""

    def overtaken(job: Job[AddUp], *, metrics: Output):
        write_file(settings(0.6))

    words = ["--config", CONFIG_PATH, "--threads", "1", "--metrics", "m"]
    with pytest.raises(UserError, match=rf"^{CONFIG_PATH}: these settings were edited while the job ran; run the same"):
        job.perform(overtaken, words)
    assert not Path("results/demo/runs").exists()
    job.perform(overtaken, words)  # with the settings that are there now
    assert read_json("results/demo/runs/train_classifier/m1.json")["job_file"]["settings"]["rate"] == 0.6


@pytest.fixture
def package(unrecorded, monkeypatch, tmp_path):
    """A copy of the package, which a test may edit; the job's file is of its code."""
    copy = tmp_path / "src/googlenet"
    shutil.copytree(code.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code, "PACKAGE", copy)
    code.forget()
    of_stage = STAGES["train_classifier"].code_of(settings())
    write_json(MODULES, {code.code_digest(*of_stage): code.module_digests(*of_stage)})
    write_file(settings(), code=code.code_digest(*of_stage))
    yield copy
    code.forget()  # else the copy's digests would stay for the tests that follow


def test_code_that_was_moved_here_with_an_old_date_ends_the_job_too(package):
    """As `mv` and `cp -p` do, and archives: the modification time says nothing."""

    def look(job: Job[AddUp], *, metrics: Output):
        """Computes nothing."""

    path = package / "classification/train.py"
    path.write_text(path.read_text() + "EDITED = 1\n")
    os.utime(path, (0, 0))
    with pytest.raises(UserError, match=r"^googlenet\.classification\.train: this code was edited after the run began"):
        job.perform(look, ["--config", CONFIG_PATH, "--threads", "1", "--metrics", "m"])


def test_code_that_was_edited_after_the_run_began_ends_the_job_at_its_start(package):
    """Once the edit is undone, its results would pass for the former code's."""
    copy, jobs = package, []

    def look(job: Job[AddUp], *, metrics: Output):
        jobs.append(job.name)

    words = ["--config", CONFIG_PATH, "--threads", "1", "--metrics", "m"]
    job.perform(look, words)
    path = copy / "classification/train.py"
    before = path.read_text()
    path.write_text(before + "# a comment\n")
    (copy / "classification/.#train.py").symlink_to("someone@here")  # an editor's, for as long as the edit is not saved
    job.perform(look, words)
    path.write_text(before + "EDITED = 1\n")
    with pytest.raises(
        UserError, match=r"^googlenet\.classification\.train: this code was edited after the run began; run the"
    ):
        job.perform(look, words)
    path.write_text(before)
    path.with_suffix(".txt").write_text("a table that belongs to the module")
    with pytest.raises(UserError, match=r"^googlenet\.classification\.train: this code was edited"):
        job.perform(look, words)
    path.with_suffix(".txt").unlink()
    path.write_text("def half")
    with pytest.raises(UserError, match=r"^googlenet\.stages\.train_classifier: this code was edited"):
        job.perform(look, words)
    path.write_text(before)
    job.perform(look, words)
    assert jobs == ["m1"] * 3


def test_code_that_was_edited_while_the_job_ran_ends_it_unless_it_was_imported_before(package, monkeypatch):
    module = "googlenet.classification.train"

    def overtaken(job: Job[AddUp], *, metrics: Output):
        sys.modules.setdefault(module, ModuleType(module))
        with open(package / "classification/train.py", "a") as file:
            file.write("EDITED = 1\n")

    before = (package / "classification/train.py").read_text()
    words = ["--config", CONFIG_PATH, "--threads", "1", "--metrics", "m"]
    monkeypatch.setitem(sys.modules, module, ModuleType(module))
    job.perform(overtaken, words)
    (package / "classification/train.py").write_text(before)
    del sys.modules[module]
    with pytest.raises(UserError, match=rf"^{module}: this code was edited after the run began; run the"):
        job.perform(overtaken, words)


def test_records_beside_a_report_are_the_experiments_and_its_datas(unrecorded):
    job.perform(stage, arguments())
    record = read_json("results/demo/runs/train_classifier/m1.json")
    write_json("results/other/runs/train_classifier/m1.json", record | {"job": "other"})
    write_json("data/runs/digits/prepare_detection/all.json", record | {"job": "all"})
    records = job.records_beside(Path("results/demo/make_report/report.html"), "digits")
    assert [record.job for record in records] == ["m1", "all"]


def test_too_few_threads_name_the_key(unrecorded):
    write_file(settings(numeric_threads=4))
    with pytest.raises(UserError, match=r"compute\.numeric_threads: 4 asked for, 2 given; raise --cores"):
        stamp(threads=2)
    assert not hasattr(unrecorded, "given")  # nothing was begun


def test_no_gpu_names_the_key(unrecorded, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    write_file(settings(device="cuda"))
    with pytest.raises(UserError, match=r"compute\.device: cuda asked for, but torch sees no GPU; set cpu"):
        stamp()


def test_a_stage_that_takes_no_gpu_needs_none(unrecorded, job_root):
    write_file(settings(device="cuda"), "train_baseline")
    stamp()
    assert read_json("results/demo/runs/train_baseline/m1.json")["device"] == "cpu"
    assert not (job_root / GPUS).exists()


def test_a_job_computes_deterministically_on_its_threads(unrecorded):
    stamp()
    assert torch.are_deterministic_algorithms_enabled()
    assert (torch.get_num_threads(), cv2.getNumThreads()) == (1, 1)
