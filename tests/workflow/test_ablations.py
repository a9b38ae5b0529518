"""The table of ablations under both engines: the same jobs and bits, members' trainings shared, and then nothing to do."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from workflow.changes import SMOKE
from workflow.houses import (
    assert_nothing_to_do,
    call,
    digests,
    dvc,
    editable_files,
    executed,
    jobs,
    plan,
    put_back,
    replace,
    snakemake,
    tracked_runs,
)

pytestmark = [pytest.mark.long, pytest.mark.thorough]
FILE = "workflow/ablations/dvc.yaml"
# m1 is the reference of seed 1, m2 the row scale_jitter of seed 2; the last weights come with the reference.
OWN = "reference_2 no_auxiliary_heads_1 no_auxiliary_heads_2 batch_norm_1 batch_norm_2 scale_jitter_1"
ABLATIONS = jobs(train_ablation=OWN, compare_ablations="all")


@pytest.fixture(scope="module")
def ran(house, dvc_house):
    """The jobs that each engine ran, beside each other; the houses are without ablations again afterwards."""
    call(dvc_house, "python", "workflow/dvc_stages.py", "write", "ablations")
    with ThreadPoolExecutor(2) as pool:
        by_snakemake = pool.submit(snakemake, house, "--cores", "2", "ablations")
        by_dvc = pool.submit(dvc, dvc_house, "repro", FILE)
        yield {"snakemake": executed(by_snakemake.result()), "dvc": executed(by_dvc.result())}
    for each in (house, dvc_house):
        shutil.rmtree(each / "workflow/ablations")
        shutil.rmtree(each / "results/smoke/ablations")


def test_a_main_run_needs_none(house):
    assert not executed(plan(house))
    assert not (house / "workflow/ablations").exists()
    assert not (house / "results/smoke/ablations/train_ablation").exists()


def test_each_engine_runs_what_no_member_has_trained(ran):
    assert ran == {"snakemake": ABLATIONS, "dvc": ABLATIONS}


@pytest.mark.parametrize("which", ["house", "dvc_house"])
def test_then_there_is_nothing_to_do(request, ran, which):
    house = request.getfixturevalue(which)
    assert_nothing_to_do(house, targets=("ablations", "all"))
    assert executed(dvc(house, "repro", FILE)) == set()
    call(house, "python", "workflow/dvc_stages.py", "check", "ablations")


def test_a_restore_knows_the_ablations(house, ran):
    """A clone has results that are newer than Snakemake's records: touched here, they want no job after a restore."""
    for path in (house / "results/smoke/ablations").rglob("outcomes.safetensors"):
        path.touch()
    assert call(house, "python", "workflow/sync.py", "restore") == ""
    assert_nothing_to_do(house, targets=("ablations", "all"))
    before = editable_files(house)
    try:
        replace(house, SMOKE, "aux_heads: ..", "aux_heads: [4d]")
        said = call(house, "python", "workflow/sync.py", "restore", code=1)
    finally:
        put_back(house, before)
        plan(house)
    assert said.startswith("error: the results do not belong to this checkout (resolve_configs differ)")


def test_both_give_the_same_bits(house, dvc_house, ran):
    found = {name: digest for name, digest in digests(house).items() if "ablations" in name}
    assert len(found) == 13  # outcomes and metrics of six trainings, and the comparison
    assert found == {name: digest for name, digest in digests(dvc_house).items() if "ablations" in name}


def test_the_comparison_takes_members_trainings(house, ran):
    folder = house / "results/smoke/ablations/compare_ablations"
    found = json.loads((folder / "metrics.json").read_text())
    rows = {row["name"]: row for row in [found["reference"], *found["rows"]]}
    assert rows["reference"]["sources"] == rows["last_weights"]["sources"]
    assert rows["reference"]["sources"] == ["train_classifier/m1", "train_ablation/reference_2"]
    assert rows["scale_jitter"]["sources"] == ["train_ablation/scale_jitter_1", "train_classifier/m2"]
    m1 = json.loads((house / "results/smoke/train_classifier/m1/metrics.json").read_text())
    by_weights = {"reference": "averaged", "last_weights": "last"}
    for name, weights in by_weights.items():
        error = rows[name]["test"]["top1"]["error_percent_by_seed"][0]
        assert error == pytest.approx(m1["test"][weights]["top1_error_percent"])
    for page in ("ablations.html", "ablations.md"):
        assert "No auxiliary head" in (folder / page).read_text(encoding="utf-8")


def test_a_training_of_its_own_is_a_run_in_mlflow(house, ran):
    _, _, current = tracked_runs(house)
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
def test_an_edit_runs_what_it_touches(house, ran, pattern, new, expected):
    before = editable_files(house)
    try:
        replace(house, SMOKE, pattern, new)
        planned = executed(snakemake(house, "-n", "ablations"))
        changed = set(json.loads(dvc(house, "status", "--json", FILE)))
    finally:
        put_back(house, before)
        plan(house)
    assert planned == expected | jobs(compare_ablations="all")
    stages = {job.stage for job in planned} - {"train_classifier"}  # which is of the main file
    assert {f"{FILE}:{stage}" for stage in stages} <= changed
