"""The agreement: after each edit of the table, the jobs that Snakemake runs, that DVC runs and that are expected.

All rows are planned: an edit is made, each engine is asked what it would run and `googlenet why` why, and the edit is undone. The frequent ones
are executed under both engines, each in fresh copies of the two builds. `--agreement` executes all, and writes each to
docs/agreement.md as it ends; with `--after ROW` an interrupted run continues with the next row.
"""

import time
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import groupby
from queue import SimpleQueue

import pytest

from googlenet.pipeline import reasons
from googlenet.planning.why import sentences
from workflow.because import BECAUSE, assert_explained
from workflow.clones import (
    REPO,
    assert_nothing_to_do,
    call,
    changed_stages,
    closure,
    copied,
    digests,
    dvc,
    editable_files,
    executed,
    put_back,
    snakemake,
)
from workflow.edits import EDITS

pytestmark = pytest.mark.engine
HEAD = """\
# The agreement of the engines

Written by `make agreement` at commit {commit}: {rows} of {edits} edits. Every edit was made in two fresh copies of the `smoke` experiment,
which an engine had run from nothing. In one, `snakemake --cores 2` ran, in the other and at the same time `dvc repro`. "Expected" was written down by hand beforehand
(`tests/workflow/edits.py`). "Agree" means: the jobs that Snakemake ran, those that DVC ran and the expected ones
are the same set. After each row, `snakemake -n` and `dvc status` in both copies had nothing to do, and the results of
both copies were the same bytes.

| edit | jobs expected | Snakemake ran | DVC ran | | s, Snakemake | s, DVC |
| --- | --- | --- | --- | --- | --- | --- |
"""


def pytest_generate_tests(metafunc):
    if "planned_edit" in metafunc.fixturenames:
        rows = [pytest.param(edit, marks=() if edit.frequent else pytest.mark.long) for edit in EDITS]
        metafunc.parametrize("planned_edit", rows, ids=[edit.name for edit in EDITS])
    if "executed_edit" in metafunc.fixturenames:
        every = metafunc.config.getoption("agreement")
        rows = [edit for edit in EDITS[first_row(metafunc.config.getoption("after")) :] if every or edit.frequent]
        metafunc.parametrize("executed_edit", rows, ids=lambda edit: edit.name)


def first_row(after: str) -> int:
    """The index of the first edit to execute: the one after the edit of this name, or of all."""
    names = [edit.name for edit in EDITS]
    if after and after not in names:
        raise pytest.UsageError(f"--after: no edit '{after}' in tests/workflow/edits.py")
    return names.index(after) + 1 if after else 0


@pytest.fixture(scope="module")
def record(pytestconfig):
    """Call it with an edit and its row: with --agreement docs/agreement.md gets it, beside its rows of the same commit."""
    path, commit = REPO / "docs" / "agreement.md", head_of(REPO)

    def write(edit, row):
        if pytestconfig.getoption("agreement"):
            path.write_text(with_row(path.read_text(encoding="utf-8"), commit, edit, row), encoding="utf-8")

    return write


def with_row(page: str, commit: str, edit, row: str) -> str:
    """The page with one more row, in the order of EDITS; rows of another commit go."""
    kept = page.splitlines(keepends=True) if f" at commit {commit}: " in page else []
    rows = {each.name: line for each in EDITS for line in kept if line.startswith(f"| {each.name} |")}
    rows[edit.name] = row
    return HEAD.format(commit=commit, rows=len(rows), edits=len(EDITS)) + "".join(
        rows[each.name] for each in EDITS if each.name in rows
    )


def test_rows_of_one_commit_stand_together():
    first, second, third = EDITS[:3]
    page = with_row("a page of another commit", "`1`", second, f"| {second.name} | x |\n")
    page = with_row(page, "`1`", first, f"| {first.name} | y |\n")
    assert page.endswith(f"| --- | --- | --- |\n| {first.name} | y |\n| {second.name} | x |\n")
    assert f"commit `1`: 2 of {len(EDITS)} edits" in page
    assert with_row(page, "`2`", third, "| z |\n").endswith("| --- |\n| z |\n")
    assert first_row("") == 0 and first_row(second.name) == 2
    with pytest.raises(pytest.UsageError, match="no edit 'nothing'"):
        first_row("nothing")


@pytest.fixture(scope="module")
def plans(request, snakemake_build, tmp_path_factory):
    """Futures of the plans of all rows that are asked for, and the two clones in which they are made, one in each."""
    items = [item for item in request.session.items if item.originalname == "test_plan"]
    folder, free = tmp_path_factory.mktemp("plans"), SimpleQueue()
    clones = [copied(snakemake_build.folder, folder / name) for name in ("one", "other")]
    for clone in clones:
        free.put(clone)

    def planned(edit):
        clone = free.get()
        try:
            return plan_of(clone, edit)
        finally:
            free.put(clone)

    with ThreadPoolExecutor(2) as pool:
        edits = [item.callspec.params["planned_edit"] for item in items]
        yield {edit.name: pool.submit(planned, edit) for edit in edits}, clones


def plan_of(clone, edit):
    """Make an edit, ask both engines, undo it: the jobs that Snakemake plans, the stages that DVC comes to, and a sentence for
    each job: what `googlenet why` makes of the same dry run."""
    before = editable_files(clone)
    try:
        edit.apply(clone)
        written = clone / ".googlenet/reasons.json"
        written.unlink(missing_ok=True)
        planned = executed(snakemake(clone, "-n", **{reasons.FILE: str(written)}))
        why = sentences(clone, reasons.read(written))
        return planned, closure(clone, changed_stages(clone)), why
    finally:
        put_back(clone, before)


def test_plan(plans, planned_edit):
    edit = planned_edit
    planned, reached, why = plans[0][edit.name].result()
    assert planned == edit.expected
    assert {job for job in planned if job.stage in reached} == edit.expected
    if not edit.expected:
        assert reached == set()
    assert_explained(edit, why)


def test_every_edit_that_runs_jobs_has_its_reason():
    assert BECAUSE.keys() == {edit.name for edit in EDITS if edit.expected}


def test_nothing_to_do_after_all_plans(plans):
    futures, clones = plans
    wait(futures.values())
    assert_nothing_to_do(*clones)


@pytest.mark.long
def test_execute(clone, dvc_clone, executed_edit, record):
    edit = executed_edit
    edit.apply(clone)
    edit.apply(dvc_clone)
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(timed, snakemake, clone, "--cores", "2"), pool.submit(timed, dvc, dvc_clone, "repro")]
        (ran, seconds), (ran_by_dvc, seconds_of_dvc) = [run.result() for run in runs]
    agree = ran == ran_by_dvc == edit.expected
    record(edit, row_of(edit, ran, ran_by_dvc, agree, (seconds, seconds_of_dvc)))
    assert (ran, ran_by_dvc) == (edit.expected, edit.expected)
    if not edit.expected:
        # Snakemake has no job, and so no moment to tell DVC: DVC sees it for itself.
        assert executed(dvc(clone, "repro")) == set()
    assert_nothing_to_do(clone, dvc_clone)
    assert digests(clone) == digests(dvc_clone)


def timed(engine, clone, *words):
    """The jobs that an engine ran, and its seconds."""
    clock = time.monotonic()
    ran = executed(engine(clone, *words))
    return ran, time.monotonic() - clock


def head_of(repository) -> str:
    """The commit that the copies were made of, and whether files differ from it."""
    commit = call(repository, "git", "rev-parse", "--short=12", "HEAD").strip()
    words = ["status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/agreement.md"]
    changed = call(repository, "git", *words)
    return f"`{commit}`{' with uncommitted changes' if changed else ''}"


def row_of(edit, ran, ran_by_dvc, agree, seconds) -> str:
    """A row of docs/agreement.md."""
    sets = " | ".join(map(shown, (edit.expected, ran, ran_by_dvc)))
    times = " | ".join(f"{value:.0f}" for value in seconds)
    return f"| {edit.name} | {sets} | {'agree' if agree else '**differ**'} | {times} |\n"


def shown(jobs) -> str:
    """A set of jobs as a count and short names: 3: train_classifier m2; make_report."""
    if not jobs:
        return "none"
    stages = []
    for stage, group in groupby(sorted(jobs), key=lambda job: job.stage):
        names = [job.job for job in group]
        stages.append(stage if names == ["all"] else f"{stage} {' '.join(names)}")
    return f"{len(jobs)}: {'; '.join(stages)}"
