"""The work of small settings, worked by hand: passes, seconds, memory and disk of every stage."""

import ast
import re
from functools import cache

import pytest

from conf_copy import ROOT, copied, override
from googlenet.config.schema.base import replaced
from googlenet.config.schema.shared import Model
from googlenet.errors import UserError
from googlenet.pipeline import code
from googlenet.pipeline.experiment import Job
from googlenet.pipeline.experiment import experiment as composed
from googlenet.pipeline.registry import STAGES
from googlenet.planning import plan
from googlenet.planning.plan import WORK, planned
from googlenet.planning.rates import NetworkShape, weights_mb
from googlenet.planning.schedule import JobPlan, StagePlan
from googlenet.planning.sizes import DataSize
from googlenet.planning.work import LOADING, PREPARING, Context, Target
from planning.flat_rates import GPUS, MACHINE, rates

IMAGES = {"train": 100, "validation": 20, "test": 30}
SCENES = {"train": 40, "validation": 10, "test": 20}
SIZES = {
    "classification": DataSize("classification", IMAGES, 10, 8.0, 100, 80, "", []),
    "detection": DataSize("detection", SCENES, 5, 20.0, 100, 100, "", []),
}
SMALL = """{
  execution: {decoded_cache_mb: 0}, dataset: {mirror: true},
  ensemble: {members: [{name: m1}, {name: m2}], detectors: [{name: d1}]},
  train_classifier: {epochs: 3, batch_size: 30}, predict_crops: {per_crop_images: 5},
  train_multibox: {epochs: 2, batches_per_epoch: 10, batch_size: 8},
  merge_proposals: {multibox_boxes: 20}, propose_regions: {parts: 2}, study_proposals: {compare: {images: 8}},
  train_detector: {epochs: 2, batches_per_epoch: 5, positives: 4, negatives: 12},
  score_regions: {compare: [[mirror]]}}"""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = copied(tmp_path_factory.mktemp("plans"))
    (root / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    return root


@cache
def experiment_of(root, text):
    """The demo with these overrides: composed once, since that takes a second."""
    override(root, text)
    return composed(root)


def plan_of(root, text=SMALL, machine=MACHINE, targets=()):
    made = planned(Context(experiment_of(root, text), SIZES, rates(), Target.of(machine, "abacus")), targets)
    return made, {stage.stage: stage for stage in made.stages}


def test_every_stage_is_counted():
    assert set(WORK) == set(STAGES)


def test_a_stage_without_a_work_function_is_listed_and_not_estimated(root, monkeypatch):
    monkeypatch.setattr(plan, "WORK", {name: work for name, work in WORK.items() if name != "predict_crops"})
    made, stages = plan_of(root)
    assert stages["predict_crops"].units == "not estimated" and len(stages["predict_crops"].jobs) == 2
    assert [job.wall_s for job in stages["predict_crops"].jobs] == [4.0, 4.0]  # the start of a job
    assert made.disk_mb > 0


@pytest.mark.parametrize(("cpu", "precision"), [("A CPU (avx512_bf16)", "bf16"), ("A CPU (avx2)", "fp32")])
def test_auto_is_the_precision_of_the_machine_that_is_planned_for(root, cpu, precision):
    made, _ = plan_of(root, machine=replaced(MACHINE, cpu=cpu))
    assert made.context.compute.precision == precision


def test_images_are_packed_once(root):
    _, stages = plan_of(root)
    (job,) = stages["prepare_classification"].jobs
    assert job.wall_s == pytest.approx(4 + 150 * 0.01)  # 100 + 20 + 30 images
    assert job.disk_mb == pytest.approx(5 + 150 * 0.008)
    assert stages["prepare_detection"].jobs[0].disk_mb == pytest.approx(5 + 70 * 0.02)


def test_a_training_is_its_steps_and_its_predictions(root):
    _, stages = plan_of(root)
    job, _ = stages["train_classifier"].jobs
    steps = 3 * 3  # three epochs of 100 // 30
    drawn = steps * 30 * 0.002 + 3 * 100 * 0.001  # crops; every image is decoded in every epoch
    # After each of 3 epochs, and at the end with the last and the averaged weights; a batch of 64 is filled up.
    watched = 5 * 20 * (0.004 + 0.001) + 5 * 64 * 0.01
    tested = 2 * 30 * (0.004 + 0.001) + 2 * 64 * 0.01
    assert job.wall_s == pytest.approx(4 + steps * 0.5 + drawn + watched + tested)
    assert job.cpu_s == pytest.approx(job.wall_s) and job.gpu_s == 0
    assert stages["train_classifier"].passes == "3 epochs"
    weights = weights_mb(network_of(root))
    assert job.memory_mb["weights, gradients, momentum, average"] == pytest.approx(4 * weights)
    assert job.memory_mb["activations"] == 100 and job.memory_mb["process"] == 800
    assert job.memory_mb["order of the images"] == pytest.approx(100 * 8 / 1e6)
    assert "decoded images" not in job.memory_mb
    assert job.disk_mb == pytest.approx(5 + weights + 4 * 50 / 1e6)


def network_of(root):
    experiment = experiment_of(root, SMALL)
    return NetworkShape.of(experiment.of(Model), experiment.members["m1"], 10, "paper")


def test_images_that_fit_in_memory_are_decoded_once(root):
    _, stages = plan_of(root, SMALL.replace("decoded_cache_mb: 0", "decoded_cache_mb: 1000"))
    job = stages["train_classifier"].jobs[0]
    _, uncached = plan_of(root)
    saved = (2 * 100 + 4 * 20) * 0.001  # two epochs of training, four watchings; test is not kept
    assert uncached["train_classifier"].jobs[0].wall_s - job.wall_s == pytest.approx(saved)
    assert job.memory_mb["decoded images"] == pytest.approx(120 * 100 * 80 * 3 / 1e6)


def test_a_cache_too_small_for_all_images_holds_a_share(root):
    # An image is 0.024 MB: a half of 2 MB holds 41.7 of the 100 training images, and all 20 of validation.
    _, stages = plan_of(root, SMALL.replace("decoded_cache_mb: 0", "decoded_cache_mb: 2"))
    job = stages["train_classifier"].jobs[0]
    assert job.memory_mb["decoded images"] == pytest.approx(1 + 20 * 0.024)


def test_every_crop_of_every_test_image_is_seen(root):
    _, stages = plan_of(root)
    job = stages["predict_crops"].jobs[0]
    # 91 x 73 at the first scale: the right corners of a square's crops are the left ones of the next square, 9 px on.
    crops = 144 - 2 * 2 * 2  # of two squares, above and below, mirrored too
    assert stages["predict_crops"].passes == f"{crops} crops an image"
    assert job.wall_s == pytest.approx(4 + 35 * (0.001 + 0.004) + 35 * crops * 0.01)  # 5 of validation are kept
    means, each = 3 * 30 * 10 * 4 / 1e6, 10 * crops * 10 * 4 / 1e6
    assert job.disk_mb == pytest.approx(5 + means + each)


def test_crops_are_cut_while_the_network_computes(root):
    _, stages = plan_of(root, SMALL.replace("decoded_cache_mb: 0", "decoded_cache_mb: 0, loader_workers: 2"))
    job = stages["predict_crops"].jobs[0]
    assert job.wall_s == pytest.approx(4 + 35 * 136 * 0.01)
    assert job.cpu_s == pytest.approx(job.wall_s + 35 * (0.001 + 0.004))


def test_without_mirroring_fewer_crops_are_distinct(root):
    _, stages = plan_of(root, SMALL.replace("mirror: true", "mirror: false"))
    assert stages["predict_crops"].passes == "68 crops an image"


@pytest.mark.parametrize(("workers", "threads"), [(3, 3), (8, 4)])  # of four cores
def test_images_are_searched_and_packed_side_by_side(root, workers, threads):
    _, stages = plan_of(root, SMALL.replace("decoded_cache_mb: 0", f"prepare_workers: {workers}"))
    searching, packing = stages["propose_regions"].jobs[0], stages["prepare_classification"].jobs[0]
    assert searching.wall_s == pytest.approx(4 + 35 * 2.001 / threads) and searching.cpu_s == 4 + 35 * 2.001
    assert packing.wall_s == pytest.approx(4 + 150 * 0.01 / threads)


def test_boxes_are_those_of_the_search_and_of_multibox(root):
    _, stages = plan_of(root)
    part, _ = stages["propose_regions"].jobs
    assert part.wall_s == pytest.approx(4 + 35 * (0.001 + 2.0))  # half of 70 images
    assert part.disk_mb == pytest.approx(5 + 35 * 180 * 16 / 1e6)
    merged = stages["merge_proposals"].jobs[0]
    assert merged.wall_s == pytest.approx(4 + 35 * (0.001 + 0.1 + 0.01))
    assert merged.disk_mb == pytest.approx(5 + 35 * 100 * 20 / 1e6)  # half of 180 + 20 is left
    # The undoubled search on 8 images, reading 0.8 MB of records, and what is not timed.
    assert stages["study_proposals"].jobs[0].wall_s == pytest.approx(4 + 8 * 2.001 + 0.0008 + 1.5)


def test_multibox_and_detectors_are_their_steps(root):
    _, stages = plan_of(root)
    (job,) = stages["train_multibox"].jobs
    assert stages["train_multibox"].passes == "4.0 of the training images"  # 20 steps of 8 of 40
    assert job.wall_s == pytest.approx(4 + 20 * 0.5 + 160 * (0.001 + 0.001) + 0.0008)
    (job,) = stages["train_detector"].jobs
    labelled = 40 * 0.001
    assert job.wall_s == pytest.approx(4 + 10 * 0.5 + 160 * (0.003 + 0.001) + labelled + 0.0008)
    assert job.memory_mb["regions of all training images"] == pytest.approx(40 * (100 * 6 + 700) / 1e6)


def test_scores_are_proposals_times_classes_of_every_setting(root):
    _, stages = plan_of(root)
    (job,) = stages["score_regions"].jobs
    arrays = 2 * 20 * 100 * 6 * 4 / 1e6  # two settings, 20 images of 100 regions, 5 classes and background
    assert job.wall_s == pytest.approx(4 + 20 * 0.001 + 2000 * 0.01)
    assert job.disk_mb == pytest.approx(5 + arrays)
    assert job.memory_mb["scores, while they are kept"] == pytest.approx(3 * arrays)
    (evaluated,) = stages["evaluate_detection"].jobs
    assert evaluated.wall_s == pytest.approx(4 + 2 * (1 + 20 * 0.2))
    kept = 2 * 2 * 20 * 100  # two settings; one detector, and all together; 100 of an image
    assert evaluated.memory_mb["detections of all detectors"] == pytest.approx(kept * 65 / 1e6)


def test_regressed_boxes_are_kept_too(root):
    _, stages = plan_of(root, SMALL.replace("[[mirror]]", "[[bbox_regression]]"))
    arrays = 20 * 100 * (2 * 6 * 4 + 5 * 16) / 1e6
    assert stages["score_regions"].jobs[0].disk_mb == pytest.approx(5 + arrays)
    assert "fit_region_heads" in stages


def test_on_gpus_loading_goes_on_beside_the_network(root):
    text = SMALL.replace("decoded_cache_mb: 0", "decoded_cache_mb: 0, loader_workers: 12")
    text = text.replace("{\n", "{compute: {device: cuda},\n", 1)
    made, stages = plan_of(root, text, GPUS)
    job = stages["train_classifier"].jobs[0]
    # 16 cores over 2 GPUs: 8 of the 12 processes load; 4.5 s of the network against 0.84 / 8 s.
    watched, tested = 5 * 20 * 0.005 + 5 * 0.64, 2 * 30 * 0.005 + 2 * 0.64
    assert job.wall_s == pytest.approx(4 + 4.5 + watched + tested)
    assert job.gpu_s == pytest.approx(4.5 + 7 * 0.64)
    assert job.gpu_memory_mb["activations"] == 100 and "activations" not in job.memory_mb
    assert job.memory_mb["loader processes"] == 12 * 60
    assert made.context.compute.device == "cuda"
    with_cuda = {name for name, stage in stages.items() if all("CUDA" in job.memory_mb for job in stage.jobs)}
    assert with_cuda == {name for name in stages if STAGES[name].gpu} > {"measure_cost", "analyse_units"}
    stage = stages["train_classifier"]
    assert (stage.side_by_side(16, 2, 1), stage.job_memory_mb) == (2, pytest.approx(sum(job.memory_mb.values())))


def test_without_the_machines_gpus_all_runs_on_its_cores(root):
    asked = experiment_of(root, SMALL.replace("{\n", "{compute: {device: cuda},\n", 1))
    made = planned(Context(asked, SIZES, rates(), Target.of(GPUS, "abacus", gpus=0)))
    assert made.context.compute.device == "cpu" and not any(stage.total("gpu_s") for stage in made.stages)
    assert plan.verdict(made) == ["the experiment asks for a GPU (compute.device: cuda), and --gpus leaves it none"]


def test_jobs_run_side_by_side_as_far_as_their_threads_allow(root):
    text = SMALL.replace("decoded_cache_mb: 0", "decoded_cache_mb: 0, loader_workers: 2")
    made, _ = plan_of(root, text, replaced(MACHINE, cores=2, memory_gb=1.5))
    assert not [line for line in plan.verdict(made) if line.startswith("predict_crops")]  # two jobs would need 2 GB
    assert made.context.reserved("train_classifier") == 2 and made.context.reserved("score_regions") == 1


def test_jobs_that_share_a_gpu_share_its_memory(root):
    text = SMALL.replace("{\n", "{compute: {device: cuda},\n", 1).replace("decoded_cache_mb: 0", "jobs_per_gpu: 3")
    made, stages = plan_of(root, text, replaced(GPUS, gpu_memory_gb=0.2))
    job = stages["train_classifier"].jobs[0]
    both_gb = 2 * sum(job.gpu_memory_mb.values()) / 1000  # there are two members
    assert f"train_classifier needs {both_gb:.1f} GB on the GPU for 2 jobs, which has 0.2 GB" in plan.verdict(made)


def test_threads_are_reserved_as_in_the_workflow():
    rules = "\n".join(path.read_text() for path in sorted((ROOT / "workflow/rules").glob("*.smk")))
    threads = dict(re.findall(r"^rule (\w+):.*?^    threads: (\w+)", rules, re.MULTILINE | re.DOTALL))
    assert threads.keys() == STAGES.keys()
    names = dict.fromkeys(LOADING, "LOADING_THREADS") | dict.fromkeys(PREPARING, "PREPARE_THREADS")
    names |= {name: "training_threads" for name, row in STAGES.items() if row.shared}
    assert threads == {name: names.get(name, "NUMERIC_THREADS") for name in STAGES}


def test_gpus_of_a_machine_without_any_are_an_error():
    with pytest.raises(UserError, match=r"^--gpus: abacus has no GPU; leave it out"):
        Target.of(MACHINE, "abacus", gpus=4)


def test_the_least_time_is_that_of_jobs_that_need_each_other(root):
    members = StagePlan("train_classifier", [JobPlan("m1", 5, 5), JobPlan("m2", 9, 9)], "", "")
    detectors = StagePlan("train_detector", [JobPlan("d1", 7, 7)], "", "")  # starts from m1
    made = plan_of(root)[0]._replace(stages=[members, detectors])
    assert made.least_wall == (12, [Job("train_classifier", "m1"), Job("train_detector", "d1")])


def test_ablations_are_planned_on_request(root):
    _, stages = plan_of(root)
    assert "train_ablation" not in stages
    made, stages = plan_of(root, targets=("ablations",))
    assert stages["train_ablation"].separate and not stages["train_classifier"].separate
    assert len(stages["train_ablation"].jobs) == len(experiment_of(root, SMALL).jobs("train_ablation"))
    assert made.disk_mb > sum(stages[name].total("disk_mb") for name in stages if name != "train_ablation")


@pytest.mark.parametrize("stage", STAGES)
def test_only_what_runs_a_network_imports_torch(stage):
    nodes = [node for name in code.reached(STAGES[stage].module) for node in code.tree_of(name).body]
    names = [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    names += [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    assert STAGES[stage].runs_network == ("torch" in {name.split(".")[0] for name in names})
