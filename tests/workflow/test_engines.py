"""The whole pipeline under both engines: the same jobs, the same bits, and then nothing to do."""

import json
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from googlenet.pipeline.versions import installed
from workflow.clones import (
    EVERY,
    Run,
    assert_nothing_to_do,
    build,
    call,
    changed_stages,
    copied,
    digests,
    dvc,
    executed,
    jobs,
    plan,
    tracked_runs,
)

pytestmark = pytest.mark.engine
ENGINES = ["snakemake", pytest.param("dvc", marks=pytest.mark.long)]
# What DVC makes from nothing in make test: all of it, one stage after the other, takes four minutes and is long.
CLASSIFICATION = jobs(
    prepare_classification="all",
    train_classifier="m1 m2 m3",
    predict_crops="m1 m2 m3",
    train_baseline="all",
    evaluate_ensemble="all",
)
# Bounds of what is asked on a free machine (4 s and 40 s), for one that has other things to do.
PLAN_LIMIT_S, REPRO_LIMIT_S = 60, 600


@pytest.fixture
def folder(engine, built):
    """The clone that one of the engines has built, to be read."""
    return built(engine).folder


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_runs_every_job(engine, built):
    assert built(engine).ran == EVERY


@pytest.mark.long
def test_two_fresh_runs_give_the_same_bits(snakemake_build, dvc_build):
    by_snakemake = digests(snakemake_build.folder)
    # 2 manifests, 6 weights, 3 outcomes, 3 predictions, 3 of crops, 4 proposals, 2 heads, 2 scores, 18 metrics
    assert len(by_snakemake) == 43
    assert by_snakemake == digests(dvc_build.folder)


@pytest.mark.short
def test_dvc_runs_classification_from_nothing_to_the_same_bits(snakemake_build, tmp_path):
    clone = build(tmp_path / "clone")
    assert executed(dvc(clone, "repro", "evaluate_ensemble")) == CLASSIFICATION
    results = digests(clone)
    # 1 manifest, 3 weights, 3 outcomes, 3 predictions, 3 of crops, 5 metrics
    assert len(results) == 18
    assert results.items() <= digests(snakemake_build.folder).items()


@pytest.mark.parametrize("engine", ENGINES)
def test_neither_engine_then_has_anything_to_do(folder, tmp_path):
    assert_nothing_to_do(copied(folder, tmp_path / "clone"))


def test_that_nothing_is_to_do_is_seen_soon(clone, measured):
    """Also by a DVC that has run nothing yet: it learnt all from Snakemake's end."""
    clock = time.monotonic()
    assert "Nothing to be done" in plan(clone)
    planned = time.monotonic()
    assert executed(dvc(clone, "repro")) == set()
    ended = time.monotonic()
    measured("nothing to do, snakemake -n", planned - clock)
    measured("nothing to do, dvc repro", ended - planned)
    assert planned - clock < PLAN_LIMIT_S and ended - planned < REPRO_LIMIT_S
    assert changed_stages(clone) == set()


@pytest.mark.parametrize("engine", ENGINES)
def test_the_report_is_there(folder):
    report = folder / "results/smoke/make_report"
    page = (report / "report.html").read_text(encoding="utf-8")
    assert len(page) > 100_000 and "Going Deeper with Convolutions" in page and page.rstrip().endswith("</html>")
    assert "Table 3" in (report / "report.md").read_text(encoding="utf-8")
    assert {path.suffix for path in (report / "figures").iterdir()} == {".png"}


@pytest.mark.parametrize("engine", ENGINES)
def test_mlflow_has_one_parent_and_one_current_run_of_each_job(folder):
    parents, children, current = tracked_runs(folder)
    assert (parents, children) == (1, len(EVERY))
    assert current == sorted(EVERY)


def test_what_make_ui_prints_leads_to_the_runs_the_members_compared_and_the_models(snakemake_build):
    said = call(snakemake_build.folder, "python", "workflow/compare.py", "http://127.0.0.1:5999").splitlines()
    lines = {name: words.strip() for name, _, words in (line.partition(":") for line in said)}
    assert lines["reproductions"].endswith("&viewStateShareKey=reproductions")
    assert lines["all runs"].startswith("http://127.0.0.1:5999/#/experiments/")
    assert lines["registered models"] == "http://127.0.0.1:5999/#/models"
    assert lines["serve one"].endswith(" -m models:/googlenet.smoke.ensemble@current")
    query = parse_qs(urlsplit(lines["the members compared"]).fragment.split("?")[1])
    assert len(json.loads(query["runs"][0])) == 3 and len(json.loads(query["experiments"][0])) == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_every_job_leaves_a_record_of_the_versions_that_made_its_results(folder):
    paths = [*folder.glob("results/smoke/runs/*/*.json"), *folder.glob("data/runs/*/*/*.json")]
    records = {Run(path.parent.name, path.stem): json.loads(path.read_text()) for path in paths}
    assert records.keys() == EVERY
    assert all(record["versions"].items() >= installed().items() for record in records.values())


@pytest.mark.parametrize("engine", ENGINES)
def test_git_sees_no_data(folder, tmp_path):
    changed = call(copied(folder, tmp_path / "clone"), "git", "status", "--porcelain", "--untracked-files=all")
    assert {line.split()[-1] for line in changed.splitlines()} == {"dvc.lock"}


def test_a_new_clone_is_clean(tmp_path):
    assert call(build(tmp_path / "clone"), "git", "status", "--porcelain") == ""
