"""What each job is expected to take: what its experiment's plan has, else what it took last time, else another's plan."""

import pytest

from conf_copy import copied, every_job
from googlenet.metrics.runs import RunRecord
from googlenet.models.processor import cpu_name
from googlenet.pipeline.experiment import Job, current
from googlenet.pipeline.experiment_files import write_configs
from googlenet.pipeline.job_file import run_record
from googlenet.pipeline.registry import STAGES
from googlenet.planning.expected import expected, start_s
from googlenet.storage.files import read_json, write_json
from googlenet.tracking import job_name

M1 = Job("train_classifier", "m1")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return copied(tmp_path_factory.mktemp("expected"))


def with_files(root, name):
    """An experiment with its jobs' files, as at the start of Snakemake."""
    made = current(root, name)
    write_configs(made)
    return made


def record(experiment, job, seconds, cpu=""):
    """A record of a job that took so long, on a processor: this one if none is named."""
    path = experiment.root / experiment.config_path(*job)
    texts = dict.fromkeys(("experiment", "started", "ended", "commit", "config_sha256", "stamp", "device"), "-")
    made = RunRecord(
        **texts, stage=job.stage, job=job.name, duration_s=seconds - start_s(job), inputs={},
        versions={"cpu": cpu or cpu_name()}, threads=1, job_file=read_json(path),
    )  # fmt: skip
    write_json(run_record(path, *job), made.to_json())


def test_the_plan_that_ships_is_expected_from_the_first_second(root):
    demo = with_files(root, "demo")
    seconds = expected(demo)
    assert expected(current(root)) == seconds  # `snakemake` alone names no experiment
    jobs = {job_name(*job) for job in every_job(demo) if STAGES[job.stage].target == "all"}
    assert len(jobs) == 41 and jobs <= seconds.keys() and all(0.5 < seconds[name] < 120 for name in jobs)
    record(demo, M1, 1000)  # beside what other work, nobody knows
    export = Job("measure_export", "all")
    assert "measure_export" not in seconds
    record(demo, export, 30)
    assert expected(demo) == pytest.approx(seconds | {"measure_export": 30})


def test_without_a_plan_of_its_own_it_is_as_last_time_on_such_a_processor(root):
    photos = with_files(root, "photos")
    before = expected(photos)
    assert before.keys() >= {"train_classifier/m1", "predict_crops/m1", "make_report"}  # by another's plan
    record(photos, M1, 500)
    record(photos, Job("make_report", "all"), 1000, cpu="another")
    assert expected(photos) == pytest.approx(before | {"train_classifier/m1": 500})


@pytest.mark.parametrize(
    ("stage", "seconds"), [("study_crops", 3.5), ("predict_crops", 3.5), ("evaluate_ensemble", 0.5)]
)
def test_jobs_that_import_torch_start_later(stage, seconds):
    assert start_s(Job(stage, "all")) == seconds
