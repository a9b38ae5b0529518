"""Jobs on several nodes, worked by hand: what waits for what, when all is done, and the cheapest layout in time."""

import pytest

from conf_copy import ROOT
from googlenet.config.schema.detection import TrainMultibox
from googlenet.pipeline.experiment import Job
from googlenet.pipeline.experiment import experiment as composed
from googlenet.planning import schedule
from googlenet.planning.cluster import Cluster, Node, Simulation, Task, cheapest, graph, simulate
from googlenet.planning.schedule import JobPlan, StagePlan

ONE_GPU = Node(cores=4, gpus=1, memory_mb=8000)


def tasks(**seconds):
    """Jobs of one GPU each, by name."""
    return {Job("a", name): Task(value, 1, 1, 1000) for name, value in seconds.items()}


def free(names):
    return {job: [] for job in names}


def test_jobs_run_one_after_another_on_one_gpu_and_side_by_side_on_two():
    jobs = tasks(x=10, y=6, z=4)
    assert simulate(jobs, free(jobs), 1, ONE_GPU).makespan_s == 20
    two = simulate(jobs, free(jobs), 2, ONE_GPU)
    assert two.makespan_s == 10 and two.gpus == 2 and two.cost_h == pytest.approx(20 / 3600)
    assert two.gpu_s == 20
    assert simulate(jobs, free(jobs), 64, ONE_GPU).makespan_s == 10


def test_a_job_starts_when_all_that_it_waits_for_is_done():
    jobs = tasks(x=10, y=6, z=4)
    x, y, z = jobs
    made = simulate(jobs, {x: [], y: [x], z: [x]}, 2, ONE_GPU)
    assert made.makespan_s == 16 and made.stages == {"a": (0, 16)}
    # The longest chain first: x and z before y, although y is longer than z.
    assert simulate(tasks(x=5, y=6, z=4), {x: [], y: [], z: [x]}, 1, ONE_GPU).makespan_s == 15
    assert simulate(tasks(x=1, y=6, z=7), {x: [], y: [], z: [x]}, 2, ONE_GPU).makespan_s == 8


def test_cores_and_memory_limit_what_runs_side_by_side():
    node = Node(4, 0, 3000)
    by_memory = {Job("a", name): Task(10, 1, 0, 2000) for name in "xy"}
    assert simulate(by_memory, free(by_memory), 1, node).makespan_s == 20
    by_cores = {Job("a", name): Task(10, 3, 0, 100) for name in "xy"}
    assert simulate(by_cores, free(by_cores), 1, node).makespan_s == 20
    small = {Job("a", name): Task(10, 2, 0, 100) for name in "xy"}
    assert simulate(small, free(small), 1, node).makespan_s == 10


def test_a_job_takes_the_cores_that_its_work_fills_and_never_more_than_there_is():
    job = JobPlan("x", wall_s=10, cpu_s=35, gpu_s=10, memory_mb={"process": 500.0, "boxes": 100.0})
    assert Task.of(job, ONE_GPU) == (10, 4, 1, 600)
    assert Task.of(job, Node(2, 0, 400)) == (10, 2, 0, 400)
    assert Task.of(JobPlan("empty"), ONE_GPU) == (0, 1, 0, 0)


def test_jobs_wait_for_their_namesake_their_member_or_for_all():
    experiment = composed(ROOT, "smoke")
    stages = [
        StagePlan(name, [JobPlan(job.name) for job in experiment.jobs(name)], "", "") for name in experiment.stages
    ]
    waits = graph(experiment, stages, schedule.edges(ROOT))
    assert waits[Job("predict_crops", "m2")] == [
        Job("prepare_classification", "all"),
        Job("train_classifier", "m2"),
    ]
    detector = waits[Job("train_detector", "d1")]
    assert [job.name for job in detector if job.stage == "train_classifier"] == [experiment.detectors["d1"].init_from]
    assert {job.name for job in detector if job.stage == "merge_proposals"} == {"p1", "p2"}
    members = {
        stage: [job.name for job in waits[Job(stage, "all")] if job.stage == "train_classifier"]
        for stage in ("train_multibox", "analyse_units")
    }
    assert members == {
        "train_multibox": [experiment.of(TrainMultibox).init_from],
        "analyse_units": [experiment.analysed_member],
    }
    merging = waits[Job("merge_proposals", "p1")]
    assert [job.name for job in merging if job.stage == "propose_regions"] == ["p1"]
    assert {job.name for job in waits[Job("evaluate_ensemble", "all")] if job.stage == "predict_crops"} == {
        "m1",
        "m2",
        "m3",
    }


def test_jobs_of_other_targets_wait_for_what_they_use():
    experiment = composed(ROOT, "smoke")
    stages = [
        StagePlan(name, [JobPlan(job.name) for job in experiment.jobs(name)], "", "") for name in experiment.stages
    ]
    waits = graph(experiment, stages, schedule.edges(ROOT))
    data, widths = Job("prepare_classification", "all"), Job("derive_structure", "all")
    exported = Job("train_classifier", experiment.exported_member)
    assert waits[Job("measure_export", "all")] == [data, exported]
    sources = {Job(*source) for source in experiment.ablation_sources.values()}
    assert {*waits[Job("compare_ablations", "all")]} == {data, *sources}
    assert waits[experiment.jobs("train_ablation")[0]] == waits[widths] == [data]
    assert waits[experiment.jobs("train_structure")[0]] == [widths, data]
    assert {*waits[Job("compare_structures", "all")]} == {data, widths, *experiment.jobs("train_structure")}


def test_the_chain_is_what_no_number_of_nodes_shortens():
    experiment = composed(ROOT, "smoke")
    stages = [
        StagePlan("prepare_classification", [JobPlan("all", 5, 5)], "", ""),
        StagePlan("train_classifier", [JobPlan(name, wall, wall) for name, wall in (("m1", 7), ("m2", 9))], "", ""),
        StagePlan("predict_crops", [JobPlan("m1", 3, 3), JobPlan("m2", 2, 2)], "", ""),
    ]
    cluster = Cluster(experiment, stages, schedule.edges(ROOT), Node(1, 0, 1000))
    assert cluster.chain == [
        Job("prepare_classification", "all"), Job("train_classifier", "m2"), Job("predict_crops", "m2")]  # fmt: skip
    assert [layout.makespan_s for layout in cluster.layouts[:3]] == [26, 16, 16]


@pytest.mark.parametrize(("gpus", "nodes"), [(3, [1, 2, 4, 8, 16]), (8, [1, 2, 4, 8]), (96, [1])])
def test_layouts_are_whole_nodes_whatever_their_number_of_gpus(gpus, nodes):
    stages = [StagePlan("prepare_classification", [JobPlan("all", 5, 5)], "", "")]
    cluster = Cluster(composed(ROOT, "smoke"), stages, schedule.edges(ROOT), Node(4, gpus, 1000))
    assert [layout.nodes for layout in cluster.layouts] == nodes


def test_the_cheapest_layout_in_time_costs_the_fewest_hours():
    made = [
        Simulation(nodes, ONE_GPU, hours * 3600, {}, 0.0) for nodes, hours in ((1, 20), (2, 10.5), (4, 5.25), (8, 5.25))
    ]
    assert cheapest(made, 24 * 3600) is made[0]
    assert cheapest(made, 12 * 3600) is made[2]  # 21 GPU hours, as on two, in half the time
    assert cheapest(made[:2], 12 * 3600) is made[1]
    assert cheapest(made, 3600) is None
