"""The least time of some jobs on some cores, and the stages that wait for each other."""

import json
import os
import subprocess
import sys

import pytest

from conf_copy import ROOT
from googlenet.pipeline import registry
from googlenet.pipeline.registry import ROWS, STAGES
from googlenet.planning.schedule import APART, JobPlan, StagePlan, edges, least_wall


def stage(name, *seconds, gpu=False):
    jobs = [JobPlan(str(i), one, 0.0 if gpu else one, one if gpu else 0.0) for i, one in enumerate(seconds)]
    return StagePlan(name, jobs, "", "")


def test_a_stage_takes_its_longest_job_or_its_work_over_the_cores():
    assert least_wall([stage("a", 10, 4)], 2, 0) == 10
    assert least_wall([stage("a", 10, 8, 6)], 2, 0) == 12
    assert least_wall([stage("a", 10, 8, 6, gpu=True)], 64, 3) == 10
    assert least_wall([stage("a", 10, 8, 6, gpu=True)], 64, 1) == 24
    assert least_wall([stage("a", 6, 6), stage("b", 4)], 2, 0) == 8


def test_jobs_run_side_by_side_as_far_as_there_are_cores_or_gpus():
    assert stage("a", 1, 1, 1).side_by_side(2, 0, 1) == 2
    assert stage("a", 1, 1, 1).side_by_side(8, 0, 4) == 2
    assert stage("a", 1).side_by_side(8, 0, 1) == 1
    assert stage("a", 1, 1, 1, gpu=True).side_by_side(64, 2, 1) == 2
    assert stage("a", 1, 1, 1, gpu=True).side_by_side(16, 2, 12) == 1


def test_loading_beside_the_network_costs_what_is_longer():
    job = JobPlan("a")
    job.network(10, 40, workers=8, threads=1, on_gpu=True)
    assert (job.wall_s, job.cpu_s, job.gpu_s) == (10, 40, 10)
    job = JobPlan("a")
    job.network(10, 40, workers=2, threads=1, on_gpu=True)
    assert (job.wall_s, job.gpu_s) == (20, 20)
    job = JobPlan("a")
    job.network(10, 40, workers=0, threads=1, on_gpu=False)
    assert (job.wall_s, job.cpu_s) == (50, 50)


def test_the_edges_are_those_of_dvc():
    after = edges(ROOT)
    assert {row.name for row in ROWS if row.target == "all"} <= set(after)
    assert "train_classifier" in after["predict_crops"] and "merge_proposals" in after["train_detector"]
    assert after["measure_cost"] == ["resolve_configs"] or not set(after["measure_cost"]) & set(STAGES)


EDGES = "import dvc_stages, json, sys; print(json.dumps({k: sorted(v) for k, v in dvc_stages.rule_edges(sys.argv[1]).items()}))"


@pytest.mark.engine
@pytest.mark.parametrize("target", registry.APART)
def test_the_edges_of_other_targets_are_snakemakes(target):
    command, path = [sys.executable, "-c", EDGES, target], os.pathsep.join([str(ROOT / "workflow"), *sys.path])
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    stages = {row.name for row in ROWS if row.target == target}
    assert json.loads(done.stdout) == {name: sorted(APART[name]) for name in stages}


@pytest.mark.parametrize("name", STAGES)
def test_no_stage_waits_for_itself(name):
    after, seen, waiting = edges(ROOT), set(), [name]
    while waiting:
        for one in after.get(waiting.pop(), []):
            assert one != name
            waiting += [] if one in seen else [one]
            seen.add(one)
