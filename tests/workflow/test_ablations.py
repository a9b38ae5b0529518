"""The table of ablations under both engines: the same jobs and bits, members' trainings shared, and then nothing to do."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from workflow.changes import SMOKE
from workflow.clones import (
    Build,
    assert_nothing_to_do,
    call,
    copied,
    digests,
    dvc,
    executed,
    jobs,
    plan,
    replace,
    restore,
    snakemake,
    tracked_runs,
)

pytestmark = [pytest.mark.engine, pytest.mark.long]
FILE = "workflow/ablations/dvc.yaml"
# m1 is the reference of seed 1, m2 the row scale_jitter of seed 2; the last weights come with the reference.
TRAINED = "reference_2 no_auxiliary_heads_1 no_auxiliary_heads_2 batch_norm_1 batch_norm_2 scale_jitter_1"
ABLATIONS = jobs(train_ablation=TRAINED, compare_ablations="all")


@pytest.fixture(scope="module")
def ran(snakemake_build, dvc_build, tmp_path_factory):
    """Copies of the two builds in which the ablations have run as well, beside each other. Tests only read them."""
    folder = tmp_path_factory.mktemp("ablations")
    builds = {"snakemake": snakemake_build, "dvc": dvc_build}
    clones = {engine: copied(build.folder, folder / engine) for engine, build in builds.items()}
    call(clones["dvc"], "python", "workflow/dvc_stages.py", "write", "ablations")
    with ThreadPoolExecutor(2) as pool:
        outputs = {
            "snakemake": pool.submit(snakemake, clones["snakemake"], "--cores", "2", "ablations"),
            "dvc": pool.submit(dvc, clones["dvc"], "repro", FILE),
        }
    return {engine: Build(clones[engine], executed(output.result())) for engine, output in outputs.items()}


@pytest.fixture
def compared(ran, tmp_path):
    """A copy of the clone in which Snakemake has run the ablations, for one test."""
    return copied(ran["snakemake"].folder, tmp_path / "compared")


def test_a_main_run_needs_none(clone):
    assert not executed(plan(clone))
    assert not (clone / "workflow/ablations").exists()
    assert not (clone / "results/smoke/ablations/train_ablation").exists()


def test_each_engine_runs_what_no_member_has_trained(ran):
    assert {engine: build.ran for engine, build in ran.items()} == {"snakemake": ABLATIONS, "dvc": ABLATIONS}


@pytest.mark.parametrize("engine", ["snakemake", "dvc"])
def test_then_there_is_nothing_to_do(ran, tmp_path, engine):
    clone = copied(ran[engine].folder, tmp_path / engine)
    assert_nothing_to_do(clone, targets=("ablations", "all"))
    assert executed(dvc(clone, "repro", FILE)) == set()
    call(clone, "python", "workflow/dvc_stages.py", "check", "ablations")


def test_a_restore_knows_the_ablations(compared):
    """A clone has results that are newer than Snakemake's records: touched here, they want no job after a restore."""
    for path in (compared / "results/smoke/ablations").rglob("outcomes.safetensors"):
        path.touch()
    assert restore(compared) == ""
    assert_nothing_to_do(compared, targets=("ablations", "all"))
    replace(compared, SMOKE, "aux_heads: ..", "aux_heads: [4d]")
    output = restore(compared, code=1)
    assert output.startswith("error: the results do not belong to this checkout (resolve_configs differ)")


def test_both_give_the_same_bits(ran):
    by_engine = {
        engine: {name: digest for name, digest in digests(build.folder).items() if "ablations" in name}
        for engine, build in ran.items()
    }
    assert len(by_engine["snakemake"]) == 13  # outcomes and metrics of six trainings, and the comparison
    assert by_engine["snakemake"] == by_engine["dvc"]


def test_the_comparison_takes_members_trainings(ran):
    results = ran["snakemake"].folder / "results/smoke"
    folder = results / "ablations/compare_ablations"
    metrics = json.loads((folder / "metrics.json").read_text())
    rows = {row["name"]: row for row in [metrics["reference"], *metrics["rows"]]}
    assert rows["reference"]["sources"] == rows["last_weights"]["sources"]
    assert rows["reference"]["sources"] == ["train_classifier/m1", "train_ablation/reference_2"]
    assert rows["scale_jitter"]["sources"] == ["train_ablation/scale_jitter_1", "train_classifier/m2"]
    m1 = json.loads((results / "train_classifier/m1/metrics.json").read_text())
    by_weights = {"reference": "averaged", "last_weights": "last"}
    for name, weights in by_weights.items():
        error = rows[name]["test"]["top1"]["error_percent_by_seed"][0]
        assert error == pytest.approx(m1["test"][weights]["top1_error_percent"])
    for page in ("ablations.html", "ablations.md"):
        assert "No auxiliary head" in (folder / page).read_text(encoding="utf-8")


def test_every_training_of_an_ablation_is_a_run_in_mlflow(ran):
    _, _, current = tracked_runs(ran["snakemake"].folder)
    assert set(current) > ABLATIONS


@pytest.mark.parametrize(
    ("pattern", "new", "expected"),
    [
        # A row's key re-trains its variants; a member's key re-trains the member and compares anew.
        ("aux_heads: ..", "aux_heads: [4d]", jobs(train_ablation="no_auxiliary_heads_1 no_auxiliary_heads_2")),
        ('about: "No auxiliary head"', 'about: "None"', set()),
        (
            "name: m2, order_seed: 2",
            "name: m2, order_seed: 12",
            jobs(train_ablation="scale_jitter_2", train_classifier="m2"),
        ),
    ],
    ids=["a row", "words", "a member that is no longer alike"],
)
def test_an_edit_runs_what_it_touches(compared, pattern, new, expected):
    replace(compared, SMOKE, pattern, new)
    planned = executed(snakemake(compared, "-n", "ablations"))
    changed = set(json.loads(dvc(compared, "status", "--json", FILE)))
    assert planned == expected | jobs(compare_ablations="all")
    stages = {job.stage for job in planned} - {"train_classifier"}  # which is of the main file
    assert {f"{FILE}:{stage}" for stage in stages} <= changed
