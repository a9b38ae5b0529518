"""The whole pipeline under both engines: the same jobs, the same bits, and then nothing to do."""

import json
import time

import pytest

from googlenet.pipeline.versions import installed
from workflow.clones import (
    EVERY,
    Run,
    assert_nothing_to_do,
    build,
    call,
    changed_stages,
    digests,
    dvc,
    executed,
    plan,
    tracked_runs,
)

pytestmark = pytest.mark.engine
ENGINES = ("snakemake", "dvc")
# Bounds of what is asked on a free machine (4 s and 40 s), for one that has other things to do.
PLAN_LIMIT_S, REPRO_LIMIT_S = 60, 600


@pytest.fixture(params=ENGINES)
def folder(request, built):
    """The clone that one of the engines has built, to be read."""
    return built[request.param].folder


def test_each_engine_runs_every_job(built):
    assert {engine: build.ran for engine, build in built.items()} == dict.fromkeys(ENGINES, EVERY)


def test_two_fresh_runs_give_the_same_bits(built):
    by_engine = {engine: digests(build.folder) for engine, build in built.items()}
    # 2 manifests, 6 weights, 3 outcomes, 3 predictions, 3 of crops, 4 proposals, 2 heads, 2 scores, 18 metrics
    assert len(by_engine["snakemake"]) == 43
    assert by_engine["snakemake"] == by_engine["dvc"]


def test_neither_engine_has_anything_to_do_after_either(clone, dvc_clone):
    assert_nothing_to_do(clone, dvc_clone)


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


def test_the_report_is_there(folder):
    report = folder / "results/smoke/make_report"
    page = (report / "report.html").read_text(encoding="utf-8")
    assert len(page) > 100_000 and "Going Deeper with Convolutions" in page and page.rstrip().endswith("</html>")
    assert "Table 3" in (report / "report.md").read_text(encoding="utf-8")
    assert {path.suffix for path in (report / "figures").iterdir()} == {".png"}


def test_mlflow_has_one_parent_and_one_current_run_of_each_job(folder):
    parents, children, current = tracked_runs(folder)
    assert (parents, children) == (1, len(EVERY))
    assert current == sorted(EVERY)


def test_every_job_leaves_a_record_of_the_versions_that_made_its_results(folder):
    paths = [*folder.glob("results/smoke/runs/*/*.json"), *folder.glob("data/runs/*/*/*.json")]
    records = {Run(path.parent.name, path.stem): json.loads(path.read_text()) for path in paths}
    assert records.keys() == EVERY
    assert all(record["versions"].items() >= installed().items() for record in records.values())


def test_git_sees_no_data(clone, dvc_clone):
    for each in (clone, dvc_clone):
        changed = call(each, "git", "status", "--porcelain", "--untracked-files=all")
        assert {line.split()[-1] for line in changed.splitlines()} == {"dvc.lock"}


def test_a_new_clone_is_clean(tmp_path):
    assert call(build(tmp_path / "clone"), "git", "status", "--porcelain") == ""
