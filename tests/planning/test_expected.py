"""What each job is expected to take: as last time with the same settings, else what the plan has, scaled to this machine."""

import shutil

import pytest

from conf_copy import ROOT, copied, every_job, override
from googlenet.metrics.runs import RunRecord
from googlenet.pipeline.experiment import Job, current, write_configs
from googlenet.pipeline.job_file import run_record
from googlenet.pipeline.registry import STAGES
from googlenet.pipeline.versions import cpu_name
from googlenet.planning import expected
from googlenet.planning.expected import start_s
from googlenet.storage.files import read_json, write_json
from googlenet.tracking import job_name

M1 = Job("train_classifier", "m1")
PLANNED = {"train_classifier/m1": 40.0, "train_classifier/m2": 40.0, "predict_crops/m1": 6.0, "make_report": 7.0}


@pytest.fixture
def experiment(tmp_path):
    """The smoke experiment with its jobs' files."""
    made = current(copied(tmp_path), "smoke")
    write_configs(made)
    return made


def record(experiment, job, seconds, cpu=None, **settings):
    """A record of a job: of its present file, or with other settings."""
    path = experiment.config_path(*job)
    content = read_json(experiment.root / path)
    texts = dict.fromkeys(("experiment", "started", "ended", "commit", "config_sha256", "stamp", "device"), "-")
    made = RunRecord(
        **texts, stage=job.stage, job=job.name, duration_s=seconds, inputs={}, versions={"cpu": cpu or cpu_name()},
        threads=1, job_file=content | {"settings": content["settings"] | settings},
    )  # fmt: skip
    write_json(experiment.root / run_record(experiment.root / path, *job), made.to_json())


def test_without_records_it_is_the_plan(experiment):
    assert expected.expected(experiment, PLANNED) == PLANNED and expected.expected(experiment, {}) == {}


def test_a_record_counts_where_settings_and_processor_are_the_same(experiment):
    record(experiment, M1, 80 - start_s(M1))
    predict = Job("predict_crops", "m1")
    record(experiment, predict, 12 - start_s(predict), epochs=99)
    record(experiment, Job("make_report", "all"), 1000, cpu="another")
    # Twice the plan's, so this machine takes twice as long for what has no record.
    assert expected.expected(experiment, PLANNED) == {
        "train_classifier/m1": 80, "train_classifier/m2": 80, "predict_crops/m1": 12, "make_report": 14
    }  # fmt: skip
    record(experiment, Job("train_classifier", "m2"), 30 - start_s(M1))
    assert expected.expected(experiment, {})["train_classifier/m2"] == 30


def test_what_was_planned_is_kept_until_settings_or_rates_change(experiment):
    override(experiment.root, "{evaluate_detection: {nms_iou: 0.4}}")
    named, unnamed = (current(experiment.root, name) for name in ("demo", ""))
    assert expected.kept(unnamed) is None
    write_json(experiment.root / expected.FILE, {"key": expected.key_of(named), "seconds": PLANNED})
    assert expected.kept(unnamed) == PLANNED  # `snakemake` names no experiment, and the process that plans does
    assert expected.kept(experiment) is None
    override(experiment.root, "{evaluate_detection: {nms_iou: 0.5}}")
    assert expected.kept(current(experiment.root)) is None
    write_json(experiment.root / expected.FILE, {"key": expected.key_of(experiment), "seconds": PLANNED})
    assert expected.kept(experiment) == PLANNED
    (experiment.root / "machines").mkdir(exist_ok=True)
    (experiment.root / "machines/mine.yaml").write_text("rates: []\n")
    assert expected.kept(experiment) is None


@pytest.mark.long
def test_the_rates_in_the_repository_cover_the_demo(tmp_path):
    shutil.copytree(ROOT / "machines", copied(tmp_path) / "machines")
    demo = current(tmp_path, "demo")
    seconds = expected.plan(demo)
    jobs = {job_name(*job) for job in every_job(demo) if STAGES[job.stage].target == "all"}
    assert len(jobs) == 41 and jobs <= seconds.keys() and all(0.5 < seconds[name] < 120 for name in jobs)
