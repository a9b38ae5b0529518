"""What a colleague gets from git and DVC, what a checkout of a former state brings back, and what is not committed."""

import pytest

from workflow.changes import SMOKE
from workflow.clones import (
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
    restore,
    snakemake,
    tracked_runs,
)
from workflow.edits import AFTER_PREDICTIONS

pytestmark = [pytest.mark.engine, pytest.mark.long]
WITHOUT_A_MEMBER = (SMOKE, r"^ *- \{name: m2.*\n", "")
OTHERS = "results/other/make_report/metrics.json"


@pytest.fixture(scope="module")
def pushed(shared_clone):
    """A clone whose state is committed and pushed; beside its results are those of another experiment."""
    (shared_clone / OTHERS).parent.mkdir(parents=True)
    (shared_clone / OTHERS).write_text("{}")
    commit(shared_clone)
    dvc(shared_clone, "push")
    return shared_clone


@pytest.fixture(scope="module")
def pulled(pushed):
    """A clone of its git repository, with the results pulled from the DVC remote."""
    call(pushed.parent, "git", "clone", "--quiet", pushed.name, "pulled")
    clone = pushed.parent / "pulled"
    connect(clone)
    assert [path.name for path in (clone / "results").iterdir()] == ["README.md"]
    dvc(clone, "pull")
    restore(clone)
    return clone


def test_a_clone_has_nothing_to_do(pulled, pushed):
    """It holds what the active experiment's file of stages names; what other experiments left behind stays there."""
    assert_nothing_to_do(pulled)
    assert OTHERS in digests(pushed)
    assert digests(pulled) == {name: sha for name, sha in digests(pushed).items() if name != OTHERS}


def another_command(clone) -> None:
    """Edit every rule's command."""
    for path in sorted((clone / "workflow/rules").glob("*.smk")):
        path.write_text(path.read_text().replace('"python -m', '"true; python -m'))


@pytest.mark.parametrize(
    "edit, expected",
    [
        (
            lambda clone: replace(clone, "conf/evaluate_detection.yaml", r"nms_iou: .*", "nms_iou: 0.41"),
            jobs(evaluate_detection="all", make_report="all"),
        ),
        # What Snakemake knows only from its own records, which git does not carry: a job's inputs, a rule's command.
        (lambda clone: replace(clone, *WITHOUT_A_MEMBER), AFTER_PREDICTIONS),
        (another_command, None),
    ],
    ids=["key", "removed member", "rules"],
)
def test_an_edit_in_a_clone_runs_what_it_touches(pulled, edit, expected):
    before = editable_files(pulled)
    try:
        edit(pulled)
        planned, changed = executed(plan(pulled)), changed_stages(pulled)
    finally:
        put_back(pulled, before)
    if expected is None:
        expected = executed(snakemake(pulled, "-n", "--forceall"))
    assert planned == expected
    assert {job.stage for job in expected} <= closure(pulled, changed)


def test_a_checkout_of_a_former_state_needs_no_job(clone):
    commit(clone)
    former = digests(clone)
    replace(clone, *WITHOUT_A_MEMBER)
    ran = executed(snakemake(clone, "--cores", "2"))
    assert ran == AFTER_PREDICTIONS
    assert digests(clone).keys() < former.keys()
    runs = tracked_runs(clone)
    call(clone, "git", "checkout", "--quiet", "HEAD", "--", "conf", "dvc.lock")
    restore(clone)
    assert_nothing_to_do(clone)
    assert digests(clone) == former
    assert tracked_runs(clone) == runs


def test_a_partial_run_is_recorded_only_by_a_sync(clone):
    lock = (clone / "dvc.lock").read_bytes()
    replace(clone, "conf/make_report.yaml", r"title: .*", "title: A part")
    too_early = call(clone, "python", "workflow/sync.py", "commit", code=1)
    assert too_early == "error: results are not current; run `snakemake --cores N` first\n"
    ran = executed(snakemake(clone, "--cores", "2", "--", "stage_make_report"))
    assert ran == jobs(make_report="all")
    assert (clone / "dvc.lock").read_bytes() == lock
    assert "make_report" in changed_stages(clone)
    call(clone, "python", "workflow/sync.py", "commit")
    assert_nothing_to_do(clone)


def test_a_run_of_another_experiment_than_that_of_params_is_not_recorded(clone):
    lock, before = (clone / "dvc.lock").read_bytes(), editable_files(clone)
    try:
        replace(clone, "conf/make_report.yaml", r"title: .*", "title: Another")
        replace(clone, "params.yaml", "experiment: smoke", "experiment: demo")
        output = snakemake(clone, "--cores", "2", "--config", "experiment=smoke")
    finally:
        put_back(clone, before)
    assert executed(output) == jobs(make_report="all")
    assert "results not recorded in DVC: the run was of 'smoke', but params.yaml names 'demo'" in output.splitlines()
    assert (clone / "dvc.lock").read_bytes() == lock
    refused = call(clone, "python", "workflow/sync.py", "restore", code=1)
    assert refused.startswith("error: `dvc checkout dvc.yaml` failed: ERROR: Can't remove the following unsaved")
    dvc(clone, "checkout", "--force")
    restore(clone)
    assert_nothing_to_do(clone)


def test_results_above_the_limit_are_left_to_a_sync(clone):
    lock = (clone / "dvc.lock").read_bytes()
    replace(clone, "conf/execution.yaml", r"commit_limit_gb: \d+", "commit_limit_gb: 0")
    output = call(clone, "python", "workflow/sync.py", "after-run", "smoke", "all")
    assert output == "results not recorded in DVC: 0 GB is above execution.commit_limit_gb; run `make sync`\n"
    assert (clone / "dvc.lock").read_bytes() == lock
