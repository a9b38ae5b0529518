"""A cache whose files are linked into the workspace: nothing is stored twice, nothing in the cache is spoilt, and the
engines run what they run with copies."""

import hashlib
import os
from pathlib import Path

import pytest

from workflow.changes import SMOKE
from workflow.clones import (
    assert_nothing_to_do,
    call,
    commit,
    digests,
    dvc,
    editable_files,
    executed,
    put_back,
    replace,
    restore,
    snakemake,
)
from workflow.edits import AFTER_ENSEMBLE, AFTER_EVALUATION

pytestmark = [pytest.mark.engine, pytest.mark.long]
KINDS = ["hardlink", "symlink"]
# Half a minute each: one kind forth and back, the other where a run is cut off, which has the same links to old files.
HARD, SYMBOLIC = (pytest.mark.parametrize("linked", [kind], indirect=True) for kind in KINDS)
NMS = "conf/evaluate_detection.yaml", r"nms_iou: .*"
METRICS = "results/smoke/evaluate_detection/metrics.json"


@pytest.fixture(params=KINDS)
def linked(request, clone):
    """A clone whose results are links into its DVC cache."""
    commit(clone)
    with (clone / ".dvc/config.local").open("a") as file:
        file.write(f"[cache]\n    type = {request.param}\n")
    dvc(clone, "checkout", "--relink")
    restore(clone)
    return clone


def assert_linked(clone, *names) -> None:
    """Results have no bytes of their own: each is the very file of the cache that has its digest."""
    for name in names or (path for path in digests(clone) if path.startswith("results/")):
        path = clone / name
        md5 = hashlib.md5(path.read_bytes()).hexdigest()
        in_cache = clone / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
        assert os.path.samefile(path, in_cache), name
        assert not os.access(path, os.W_OK) or os.geteuid() == 0
        assert path.stat().st_mode & 0o777 == 0o444, name


def cached(clone) -> dict[Path, bytes]:
    """All files of the cache and their content."""
    found = sorted((clone / ".dvc/cache/files/md5").rglob("*"))
    return {path: path.read_bytes() for path in found if path.is_file()}


def assert_unspoilt(clone, before: dict[Path, bytes]) -> None:
    """All that was in the cache is there as it was, and all that dvc.lock needs is sound."""
    assert before.items() <= cached(clone).items()
    output = call(clone, "python", "workflow/verify.py")
    assert output.endswith("files read in the cache\n") and len(output.splitlines()) == 1


def test_results_are_links_and_there_is_nothing_to_do(linked):
    assert_linked(linked)
    assert_nothing_to_do(linked)


@HARD
def test_snakemake_replaces_a_link_and_leaves_the_cached_file(linked):
    before, edited, former = cached(linked), editable_files(linked), digests(linked)
    replace(linked, SMOKE, r"evaluate_ensemble: \{resamples: \d+", "evaluate_ensemble: {resamples: 240")
    assert executed(snakemake(linked, "--cores", "2")) == AFTER_ENSEMBLE
    assert_unspoilt(linked, before)
    assert_linked(linked)
    assert_nothing_to_do(linked)
    assert digests(linked) != former
    put_back(linked, edited)
    call(linked, "git", "checkout", "--quiet", "HEAD", "--", "dvc.lock")
    restore(linked)
    assert digests(linked) == former
    assert_nothing_to_do(linked)


@SYMBOLIC
def test_dvc_runs_what_an_edit_touches_forth_and_back(linked):
    """Back, the settings and the metrics are links to files of the cache that are older than the results of the edit."""
    before, former = cached(linked), digests(linked)
    text = (linked / NMS[0]).read_text()
    replace(linked, *NMS, "nms_iou: 0.37")
    assert executed(dvc(linked, "repro")) == AFTER_EVALUATION
    assert_nothing_to_do(linked)
    edited = digests(linked)
    assert {name for name in former if edited[name] != former[name]} == {METRICS}
    (linked / NMS[0]).write_text(text)
    assert executed(dvc(linked, "repro")) == AFTER_EVALUATION
    assert digests(linked) == former
    assert_nothing_to_do(linked)
    assert_linked(linked)
    assert_unspoilt(linked, before)


@HARD
def test_a_repro_that_is_cut_off_is_finished_by_snakemake(linked):
    """DVC's first stage leaves settings that are links to old files; results are older still."""
    former, text = digests(linked), (linked / NMS[0]).read_text()
    replace(linked, *NMS, "nms_iou: 0.37")
    assert executed(snakemake(linked, "--cores", "2")) == AFTER_EVALUATION
    edited = digests(linked)
    (linked / NMS[0]).write_text(text)
    assert executed(dvc(linked, "repro", "evaluate_detection")) == {
        run for run in AFTER_EVALUATION if run.stage == "evaluate_detection"
    }
    assert {run.stage for run in executed(snakemake(linked, "--cores", "2"))} == {"make_report"}
    assert digests(linked) == former != edited
    assert_nothing_to_do(linked)


def test_a_damaged_file_that_is_linked_is_mended_in_both_places(linked):
    dvc(linked, "push")
    path = linked / METRICS
    content = path.read_bytes()
    in_cache = path.resolve() if path.is_symlink() else path
    in_cache.chmod(0o644)
    with in_cache.open("r+b") as file:  # in place: what a failing disk or a careless program does
        file.write(b"?")
    in_cache.chmod(0o444)
    first = call(linked, "python", "workflow/verify.py", "--repair").splitlines()[0]
    assert first.startswith(f"the cache: {METRICS}: corrupt (")
    assert first.endswith(": repaired from the remote storage")
    assert path.read_bytes() == content
    assert_linked(linked)
    assert_nothing_to_do(linked)
