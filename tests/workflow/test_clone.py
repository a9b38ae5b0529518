"""What a colleague gets from git and DVC, what a checkout of a former state brings back, and what is not committed."""

import pytest

from workflow.changes import SMOKE
from workflow.edits import AFTER_PREDICTIONS
from workflow.houses import (
    assert_nothing_to_do,
    call,
    changed_stages,
    closure,
    commit,
    connect,
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

pytestmark = pytest.mark.long
WITHOUT_A_MEMBER = (SMOKE, r"^ *- \{name: m[24].*\n", "")  # whichever of the two the executed edits left


def restore(house) -> str:
    """What `make restore` does, and `make pull` after `dvc pull`."""
    return call(house, "python", "workflow/sync.py", "restore")


@pytest.fixture(scope="module")
def clone(house, room):
    """A clone of the house's git repository, with the results pulled from the DVC remote."""
    commit(house)
    dvc(house, "push")
    call(room, "git", "clone", "--quiet", "house", "clone")
    clone = room / "clone"
    connect(clone)
    assert [path.name for path in (clone / "results").iterdir()] == ["README.md"]
    dvc(clone, "pull")
    restore(clone)
    return clone


def test_a_clone_has_nothing_to_do(clone, house):
    """It holds what the active experiment's file of stages names; what other experiments left behind stays there."""
    assert_nothing_to_do(clone)
    left = "results/smoke2/"  # by an executed edit
    assert digests(clone) == {name: sha for name, sha in digests(house).items() if not name.startswith(left)}


def another_command(house) -> None:
    """Edit every rule's command."""
    for path in sorted((house / "workflow/rules").glob("*.smk")):
        path.write_text(path.read_text().replace('"python -m', '"true; python -m'))


@pytest.mark.parametrize(
    "edit, expected",
    [
        (
            lambda house: replace(house, "conf/evaluate_detection.yaml", r"nms_iou: .*", "nms_iou: 0.41"),
            jobs(evaluate_detection="all", make_report="all"),
        ),
        # What Snakemake knows only from its own records, which git does not carry: a job's inputs, a rule's command.
        (lambda house: replace(house, *WITHOUT_A_MEMBER), AFTER_PREDICTIONS),
        (another_command, None),
    ],
    ids=["key", "removed member", "rules"],
)
def test_an_edit_in_a_clone_runs_what_it_touches(clone, edit, expected):
    before = editable_files(clone)
    try:
        edit(clone)
        planned, changed = executed(plan(clone)), changed_stages(clone)
    finally:
        put_back(clone, before)
    if expected is None:
        expected = executed(snakemake(clone, "-n", "--forceall"))
    assert planned == expected
    assert {job.stage for job in expected} <= closure(clone, changed)


def test_a_checkout_of_a_former_state_needs_no_job(house):
    commit(house)
    former = digests(house)
    replace(house, *WITHOUT_A_MEMBER)
    ran = executed(snakemake(house, "--cores", "2"))
    assert ran == AFTER_PREDICTIONS
    assert digests(house).keys() < former.keys()
    runs = tracked_runs(house)
    call(house, "git", "checkout", "--quiet", "HEAD", "--", "conf", "dvc.lock")
    restore(house)
    assert_nothing_to_do(house)
    assert digests(house) == former
    assert tracked_runs(house) == runs


def test_a_partial_run_is_recorded_only_by_a_sync(house):
    lock = (house / "dvc.lock").read_bytes()
    replace(house, "conf/make_report.yaml", r"title: .*", "title: A part")
    too_early = call(house, "python", "workflow/sync.py", "commit", code=1)
    assert too_early == "error: results are not current; run `snakemake --cores N` first\n"
    ran = executed(snakemake(house, "--cores", "2", "--", "stage_make_report"))
    assert ran == jobs(make_report="all")
    assert (house / "dvc.lock").read_bytes() == lock
    assert "make_report" in changed_stages(house)
    call(house, "python", "workflow/sync.py", "commit")
    assert_nothing_to_do(house)


def test_a_run_of_another_experiment_than_that_of_params_is_not_recorded(house):
    lock, before = (house / "dvc.lock").read_bytes(), editable_files(house)
    try:
        replace(house, "conf/make_report.yaml", r"title: .*", "title: Another")
        replace(house, "params.yaml", "experiment: smoke", "experiment: demo")
        said = snakemake(house, "--cores", "2", "--config", "experiment=smoke")
    finally:
        put_back(house, before)
    assert executed(said) == jobs(make_report="all")
    assert "results not recorded in DVC: the run was of 'smoke', but params.yaml names 'demo'" in said.splitlines()
    assert (house / "dvc.lock").read_bytes() == lock
    refused = call(house, "python", "workflow/sync.py", "restore", code=1)
    assert refused.startswith("error: `dvc checkout dvc.yaml` failed: ERROR: Can't remove the following unsaved")
    dvc(house, "checkout", "--force")
    restore(house)
    assert_nothing_to_do(house)


def test_results_above_the_limit_are_left_to_a_sync(house):
    lock, before = (house / "dvc.lock").read_bytes(), editable_files(house)
    try:
        replace(house, "conf/execution.yaml", r"commit_limit_gb: \d+", "commit_limit_gb: 0")
        said = call(house, "python", "workflow/sync.py", "after-run", "smoke", "all")
    finally:
        put_back(house, before)
    assert said == "results not recorded in DVC: 0 GB is above execution.commit_limit_gb; run `make sync`\n"
    assert (house / "dvc.lock").read_bytes() == lock
