"""What jobs ask of Snakemake: planned figures, scaled to the settings of the job."""

import json

import pytest

from conf_copy import ROOT, copied, override
from googlenet.config.schema.shared import Execution
from googlenet.errors import UserError
from googlenet.pipeline.experiment import Job, experiment
from googlenet.pipeline.experiment_files import write_configs
from googlenet.pipeline.registry import STAGES
from googlenet.planning import needs, plan
from googlenet.planning.needs import (
    ENGINE_MB,
    LEAST_MIN,
    LEAST_UNPLANNED_MIN,
    MEMORY_MARGIN,
    OWN,
    UNPLANNED_MARGIN,
    UNPLANNED_MB,
    Figures,
    Needs,
)
from googlenet.planning.sizes import DataSize
from googlenet.planning.work import Context, Target
from planning.flat_rates import MACHINE, rates

SIZES = {
    "classification": DataSize("classification", {"train": 100, "test": 30}, 10, 8.0, 100, 80, "", []),
    "detection": DataSize("detection", {"train": 40, "test": 20}, 5, 20.0, 100, 100, "", []),
}


@pytest.fixture
def root(tmp_path):
    root = copied(tmp_path)
    (root / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    return root


def needs_of(root, text="{}", name=""):
    """The needs under some overrides; the jobs' files are written, as at the start of Snakemake."""
    override(root, text)
    made = experiment(root, name)
    write_configs(made)
    return Needs(made)


def figures(**values):
    return Figures(**{"fixed_mb": 1000.0, "scaled_mb": 200.0, "fixed_s": 4.0, "scaled_s": 6000.0} | values)


def test_every_experiment_asks_for_every_stage_what_was_planned(root):
    """Those that ship without a plan of their own ask for that of the experiment that is most like them."""
    for name in ("smoke", "demo", "photos"):
        made = needs_of(root, name=name)
        jobs = [made.experiment.jobs(stage)[0] for stage in made.experiment.stages if made.experiment.jobs(stage)]
        wanted = {job.stage: made.of(*job) for job in jobs}
        assert all(100 <= need.mem_mb < 8000 and need.runtime >= LEAST_MIN for need in wanted.values()), wanted
        assert wanted["train_classifier"].mem_mb > wanted["evaluate_ensemble"].mem_mb


def test_an_own_plan_comes_first_and_is_scaled_by_what_one_pass_holds(root):
    at_32 = needs_of(root)
    load = needs.load_of(at_32.experiment, Job("train_classifier", "m1"), at_32.experiment.settings(
        Job("train_classifier", "m1"), STAGES["train_classifier"].settings))  # fmt: skip
    row = figures(size=load.size, work=load.work)
    needs.write(root / OWN, "demo", {"train_classifier": row})
    assert Needs(at_32.experiment).of("train_classifier", "m1") == (1200, 401)  # 4 x (4 + 6000) s
    doubled = needs_of(root, "{train_classifier: {batch_size: 64}}")
    assert doubled.of("train_classifier", "m1") == (1400, 401)
    longer = needs_of(root, "{train_classifier: {epochs: 16}}")
    assert longer.of("train_classifier", "m1") == (1200, 801)
    wider = needs_of(root, "{model: {width: 0.5}}")
    assert wider.of("train_classifier", "m1") == (1400, 801)


def test_a_training_on_several_processes_asks_for_the_memory_of_each(root):
    parts = "train_classifier: {micro_batches: 2}"
    one = needs_of(root, f"{{{parts}}}").of("train_classifier", "m1")
    two = needs_of(root, f"{{{parts}, execution: {{processes_per_training: 2}}}}").of("train_classifier", "m1")
    assert two.mem_mb == pytest.approx(2 * one.mem_mb, abs=2)


def test_where_memory_is_a_limit_there_is_a_margin_and_each_attempt_asks_for_more(root):
    """And room for Snakemake, which runs beside the job."""
    made = needs_of(root)
    plain, limited = made.of("predict_crops", "m1"), made.of("predict_crops", "m1", limit=True)
    assert limited.mem_mb == pytest.approx(plain.mem_mb * MEMORY_MARGIN + ENGINE_MB, abs=2)
    again = made.of("predict_crops", "m1", attempt=2, limit=True)
    assert again == (2 * limited.mem_mb, 2 * limited.runtime)


def test_a_stage_that_no_plan_has_asks_for_a_usual_amount(root, monkeypatch):
    monkeypatch.setattr(needs, "SHIPPED", root / "none.json")
    made = needs_of(root)
    assert made.of("train_classifier", "m1", attempt=2) == (2 * UNPLANNED_MB, 2 * LEAST_UNPLANNED_MIN)
    limited = UNPLANNED_MB * UNPLANNED_MARGIN + ENGINE_MB
    assert made.of("train_classifier", "m1", limit=True) == (limited, LEAST_UNPLANNED_MIN)


def test_without_a_plan_of_its_own_an_experiment_asks_for_more(root):
    """Its data may be much larger than those of the experiment whose figures it takes."""
    made = needs_of(root, name="photos")
    plain, limited = made.of("predict_crops", "m1"), made.of("predict_crops", "m1", limit=True)
    assert plain.runtime == limited.runtime == LEAST_UNPLANNED_MIN
    assert limited.mem_mb == pytest.approx(plain.mem_mb * UNPLANNED_MARGIN + ENGINE_MB, abs=2)
    needs.write(root / OWN, "photos", {"predict_crops": made.found(Job("predict_crops", "m1"))[0]})
    planned = Needs(made.experiment)
    assert planned.of("predict_crops", "m1") == (plain.mem_mb, LEAST_MIN)
    # Of its other stages, as of those that were off when it was planned, nothing is known still.
    assert planned.of("train_classifier", "m1", limit=True) == made.of("train_classifier", "m1", limit=True)
    assert planned.is_planned("predict_crops") and not planned.is_planned("train_classifier")


def test_the_stage_that_stands_in_for_another_has_planned_that_too(root):
    made = needs_of(root)
    assert made.is_planned("train_ablation") and not made.is_planned("fit_region_heads")


def test_a_stage_that_no_plan_has_asks_a_planned_experiment_for_no_hours(root):
    """Tables and pages take seconds; a partition may allow less time than an unplanned job asks for."""
    made = needs_of(root)
    assert made.found(Job("compare_ablations", "all")) is None and made.is_planned("compare_ablations")
    assert made.of("compare_ablations", "all", limit=True).runtime == LEAST_MIN


def test_ablations_and_detectors_are_scaled_by_their_own_settings(root):
    made = needs_of(root)
    detector, region = made.of("train_detector", "d1"), made.of("score_regions", "d1")
    assert detector.mem_mb > 500 and region.mem_mb > 500
    variant = made.experiment.jobs("train_ablation")[0]
    assert made.of(*variant).mem_mb == pytest.approx(made.of("train_classifier", "m1").mem_mb, rel=0.3)
    assert made.of("train_structure", "derived_1") == made.of("train_classifier", "m1")
    derived, trained = (made.load(Job(*job)) for job in (("derive_structure", "all"), ("train_classifier", "m1")))
    times = 27 / 8  # its epochs at most, and a member's
    assert (derived.size, derived.work) == pytest.approx((trained.size, times * trained.work))


def test_real_replicas_take_memory_and_cores_each(root):
    job = Job("train_classifier", "m1")
    plain = needs_of(root).of(*job)
    made = needs_of(root, "{train_classifier: {update: asynchronous_ray, replicas: {count: 3}}}")
    assert made.load(job).replicas == 3
    most = 4 * plain.mem_mb + needs.RAY_MB
    assert plain.mem_mb + needs.RAY_MB + 3 * needs.REPLICA_MB < made.of(*job).mem_mb < most


def test_a_damaged_file_is_named_with_the_remedy(root):
    made = needs_of(root)
    for content in ('{"demo": {"train_classifier": {"fixed_mb": 1}}}', "[1]", '{"demo": 3}'):
        (root / OWN).write_text(content)
        with pytest.raises(UserError, match=r"needs\.json: not what `googlenet plan --needs` writes; delete it"):
            Needs(made.experiment)


def test_a_plan_gives_the_figures_of_each_stage(root):
    made = needs_of(root, "{execution: {decoded_cache_mb: 0}}").experiment
    planned = plan.planned(Context(made, SIZES, rates(), Target.of(MACHINE, "abacus")))
    rows = plan.figures(planned)
    stage = next(stage for stage in planned.stages if stage.stage == "train_classifier")
    row = rows["train_classifier"]
    assert row.fixed_mb + row.scaled_mb == pytest.approx(stage.job_memory_mb, rel=1e-3)
    assert row.fixed_s + row.scaled_s == pytest.approx(stage.largest.wall_s, rel=1e-3)
    needs.write(root / OWN, "demo", rows)
    need = Needs(made).of("train_classifier", stage.largest.name)
    assert need.mem_mb == pytest.approx(stage.job_memory_mb, rel=0.01)
    assert set(json.loads((root / OWN).read_text())["demo"]) == {stage.stage for stage in planned.stages}
    assert made.of(Execution).decoded_cache_mb == 0


def test_free_memory_is_what_linux_calls_available_or_what_a_container_leaves(tmp_path, monkeypatch):
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 9000000 kB\nMemAvailable:    4000000 kB\n")
    monkeypatch.setattr(needs, "MEMINFO", meminfo)
    monkeypatch.setattr(needs, "CGROUP", tmp_path)
    assert needs.free_memory_mb() == pytest.approx(4096)
    (tmp_path / "memory.stat").write_text(f"anon {1024**3}\nfile {10**9}\n")
    for limit, megabytes in (("max\n", 4096), (f"{3 * 1024**3}\n", 2 * 1024**3 / 1e6), (f"{1024**2}\n", 0)):
        (tmp_path / "memory.max").write_text(limit)
        assert needs.free_memory_mb() == pytest.approx(megabytes)
