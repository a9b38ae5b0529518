"""The whole pipeline under both engines: the same jobs, the same bits, and then nothing to do."""

import json
import time

import pytest

from googlenet.pipeline.versions import installed
from workflow.houses import (
    Run,
    assert_nothing_to_do,
    call,
    changed_stages,
    digests,
    dvc,
    executed,
    jobs,
    plan,
    tracked_runs,
)

pytestmark = pytest.mark.long
EVERY = jobs(
    prepare_classification="all",
    train_classifier="m1 m2 m3",
    predict_crops="m1 m2 m3",
    train_baseline="all",
    evaluate_ensemble="all",
    study_crops="all",
    analyse_units="all",
    prepare_detection="all",
    propose_regions="p1 p2",
    train_multibox="all",
    merge_proposals="p1 p2",
    study_proposals="all",
    train_detector="d1 d2",
    fit_region_heads="d1 d2",
    score_regions="d1 d2",
    evaluate_detection="all",
    measure_cost="all",
    make_report="all",
)
# Bounds of what is asked on a free machine (4 s and 40 s), for one that has other things to do.
PLAN_LIMIT_S, REPRO_LIMIT_S = 60, 600


def test_a_copy_of_the_repository_is_clean(request, room):
    for name in ("house", "dvc_house"):
        assert call(room / name, "git", "status", "--porcelain") == ""
    request.getfixturevalue("first_builds")  # from here on they are being built


def test_each_engine_runs_every_job(house, dvc_house, first_runs):
    assert first_runs == {"snakemake": EVERY, "dvc": EVERY}


def test_two_fresh_runs_give_the_same_bits(house, dvc_house):
    found = digests(house)
    # 2 manifests, 6 weights, 3 outcomes, 3 predictions, 3 of crops, 4 proposals, 2 heads, 2 scores, 18 metrics
    assert len(found) == 43
    assert found == digests(dvc_house)


def test_snakemake_then_leaves_nothing_to_do(house):
    assert_nothing_to_do(house)


def test_dvc_then_leaves_nothing_to_do(dvc_house):
    assert_nothing_to_do(dvc_house)


def test_dvc_repro_runs_no_job_after_snakemake(house):
    assert executed(dvc(house, "repro")) == set()
    assert changed_stages(house) == set()


def test_nothing_to_do_is_seen_soon(house, measured):
    clock = time.monotonic()
    assert "Nothing to be done" in plan(house)
    planned = time.monotonic()
    assert executed(dvc(house, "repro")) == set()
    ended = time.monotonic()
    measured("nothing to do, snakemake -n", planned - clock)
    measured("nothing to do, dvc repro", ended - planned)
    assert planned - clock < PLAN_LIMIT_S and ended - planned < REPRO_LIMIT_S


@pytest.mark.parametrize("which", ["house", "dvc_house"])
def test_the_report_is_there(request, which):
    folder = request.getfixturevalue(which) / "results/smoke/make_report"
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert len(page) > 100_000 and "Going Deeper with Convolutions" in page and page.rstrip().endswith("</html>")
    assert "Table 3" in (folder / "report.md").read_text(encoding="utf-8")
    assert {path.suffix for path in (folder / "figures").iterdir()} == {".png"}


@pytest.mark.parametrize("which", ["house", "dvc_house"])
def test_mlflow_has_one_parent_and_one_current_run_of_each_job(request, which):
    parents, children, current = tracked_runs(request.getfixturevalue(which))
    assert (parents, children) == (1, len(EVERY))
    assert current == sorted(EVERY)


@pytest.mark.parametrize("which", ["house", "dvc_house"])
def test_every_job_leaves_a_record_of_the_versions_that_made_its_results(request, which):
    house = request.getfixturevalue(which)
    paths = [*house.glob("results/smoke/runs/*/*.json"), *house.glob("data/runs/*/*/*.json")]
    records = {Run(path.parent.name, path.stem): json.loads(path.read_text()) for path in paths}
    assert records.keys() == EVERY
    assert all(record["versions"].items() >= installed().items() for record in records.values())


@pytest.mark.parametrize("which", ["house", "dvc_house"])
def test_git_sees_no_data(request, which):
    changed = call(request.getfixturevalue(which), "git", "status", "--porcelain", "--untracked-files=all")
    assert {line.split()[-1] for line in changed.splitlines()} == {"dvc.lock"}
