"""What people do with DVC and with clones besides `dvc repro`, and what the engines make of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

from workflow.clones import (
    REPO,
    assert_nothing_to_do,
    call,
    commit,
    digests,
    dvc,
    environment,
    executed,
    jobs,
    plan,
    replace,
    restore,
    snakemake,
)
from workflow.edits import AFTER_EVALUATION

pytestmark = [pytest.mark.engine, pytest.mark.long]
NMS = "conf/evaluate_detection.yaml", r"nms_iou: .*"
METRICS = "results/smoke/evaluate_detection/metrics.json"
EVALUATION = jobs(evaluate_detection="all")


@pytest.fixture
def committed(clone):
    """A clone whose results are committed."""
    commit(clone)
    return clone


def runs_of(clone: Path, stage: str) -> list:
    """The runs of a stage in a clone's MLflow store."""
    client = MlflowClient(f"sqlite:///{clone}/mlflow/mlflow.db")
    experiment = client.get_experiment_by_name("googlenet/smoke").experiment_id
    return client.search_runs([experiment], f"tags.stage = '{stage}'")


def back_to_the_commit(clone: Path) -> None:
    """Bring back the committed settings and results with git and DVC alone: Snakemake does not see it."""
    call(clone, "git", "checkout", "--quiet", "HEAD", "--", "conf", "dvc.lock")
    dvc(clone, "checkout")


def test_an_experiment_in_a_folder_of_its_own_runs_what_its_edit_touches(committed):
    edit = "+overrides.evaluate_detection.nms_iou=0.6"
    assert executed(dvc(committed, "exp", "run", "--temp", "--set-param", edit)) == AFTER_EVALUATION
    forced = dvc(committed, "exp", "run", "--temp", "--force", "--single-item", "evaluate_detection")
    assert executed(forced) == EVALUATION
    assert len(runs_of(committed, "evaluate_detection")) == 3  # DVC has removed the folder, but MLflow has its runs
    assert_nothing_to_do(committed)


def test_results_that_dvc_brought_back_are_not_taken_for_those_of_a_later_run(committed):
    """Snakemake's records are of the edit's run: its result is gone, and with it what they say. Then the same under DVC."""
    former = digests(committed)
    replace(committed, *NMS, "nms_iou: 0.37")
    assert executed(snakemake(committed, "--cores", "2")) == AFTER_EVALUATION
    edited = digests(committed)
    back_to_the_commit(committed)
    assert digests(committed) == former
    replace(committed, *NMS, "nms_iou: 0.37")
    assert executed(dvc(committed, "repro")) == AFTER_EVALUATION
    assert digests(committed) == edited
    back_to_the_commit(committed)
    assert_nothing_to_do(committed)
    assert digests(committed) == former


def test_results_that_dvc_does_not_know_are_not_taken_over(committed):
    (committed / METRICS).write_text("{}")
    output = plan(committed)
    assert (
        "warning: results lie here that DVC or a copy put here, and they differ from dvc.lock (evaluate_detection"
        in output
    )
    assert "`make restore` makes sure" in output


def test_forced_stages_run(committed):
    before = digests(committed)
    assert executed(dvc(committed, "repro", "--force", "--single-item", "evaluate_detection")) == EVALUATION
    assert executed(dvc(committed, "repro")) == set()  # records who ran the job and when, which belongs to the report
    forced = "from dvc.repo import Repo; Repo().reproduce('evaluate_detection', single_item=True, force=True)"
    assert executed(call(committed, "python", "-c", forced)) == EVALUATION
    assert executed(dvc(committed, "repro")) == set()
    assert digests(committed) == before
    assert_nothing_to_do(committed)


def test_a_lost_file_that_no_rule_declares_comes_back(committed):
    before = digests(committed)
    for name in ("data/classification/*/train-*.arrow", "results/smoke/make_report/key_figures.json"):
        next(committed.glob(name)).unlink()
    assert executed(dvc(committed, "repro")) >= jobs(prepare_classification="all", make_report="all")
    assert digests(committed) == before
    assert_nothing_to_do(committed)


def test_an_edit_during_a_run_is_not_recorded_with_its_results(committed):
    lock = (committed / "dvc.lock").read_bytes()
    replace(committed, *NMS, "nms_iou: 0.37")
    output = call(committed, "python", "workflow/sync.py", "after-run", "smoke", "all")
    assert output.endswith(
        "results not recorded in DVC: conf/, code or rules were edited during the run; run the same command again\n"
    )
    assert (committed / "dvc.lock").read_bytes() == lock
    assert executed(dvc(committed, "repro")) == AFTER_EVALUATION
    assert_nothing_to_do(committed)


def test_an_edit_while_results_are_recorded_is_not_recorded_with_them(committed, tmp_path):
    """As one that is made once all jobs are done, while DVC commits."""
    lock, program = (committed / "dvc.lock").read_bytes(), tmp_path / "bin/dvc"
    program.parent.mkdir()
    edit = f"sed -i 's/{NMS[1]}/nms_iou: 0.37/' {NMS[0]}"
    program.write_text(f'#!/bin/sh\n[ "$1" = commit ] && {edit}\nexec {Path(sys.executable).with_name("dvc")} "$@"\n')
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{environment(committed)['PATH']}"
    output = call(committed, "python", "workflow/sync.py", "after-run", "smoke", "all", PATH=path)
    assert "conf/, code or rules were edited during the run; run the same command again\n" in output
    assert (committed / "dvc.lock").read_bytes() == lock
    assert executed(dvc(committed, "repro")) == AFTER_EVALUATION
    assert_nothing_to_do(committed)


def test_restore_keeps_what_is_not_recorded(committed):
    weights = committed / "results/smoke/train_classifier/m4/weights.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(b"of a member whose row is gone again")
    assert "unsaved files without confirmation" in restore(committed, code=1)
    assert weights.is_file()


@pytest.mark.parametrize("folder", ["data", "results"])
def test_linked_folders_are_rejected_before_the_first_job(committed, folder):
    (committed / folder).rename(committed.parent / "elsewhere")
    (committed / folder).symlink_to(committed.parent / "elsewhere")
    replace(committed, *NMS, "nms_iou: 0.37")
    outputs = [snakemake(committed, "--cores", "2", code=1), dvc(committed, "repro", code=255)]
    for output in [*outputs, restore(committed, code=1)]:
        assert f"error: {folder}: is a link to {committed.parent}/elsewhere, and DVC takes no linked" in output
        assert executed(output) == set()


def test_a_copied_clone_does_not_run_the_code_of_another(committed):
    replace(committed, *NMS, "nms_iou: 0.37")
    for words in ("snakemake -n", "dvc repro", "googlenet settings check", "python workflow/sync.py restore"):
        variables = environment(committed) | {"PYTHONPATH": str(REPO / "src")}
        done = subprocess.run(words.split(), cwd=committed, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode, words
        lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1 and "make env" in lines[0] and "Traceback" not in done.stderr, done.stderr
        assert f"the package googlenet in use is {REPO}/src/googlenet, not this clone's src/googlenet" in lines[0]


def test_restore_names_the_files_that_dvc_would_overwrite(committed):
    edited = sorted(path.relative_to(committed).as_posix() for path in (committed / "results").rglob("metrics.json"))
    for count, end in ((2, edited[1]), (12, f"{edited[9]} and 2 more")):
        for name in edited[:count]:
            (committed / name).write_text("{}")
        message = restore(committed, code=1)
        shown = ", ".join(edited[: min(count, 9)])
        assert f"unsaved files without confirmation. Use `--force` to force. {shown}" in message
        assert f"{end} (`make sync` keeps them, `dvc checkout --force` discards them)\n" in message


def test_the_reason_is_given_when_results_cannot_be_recorded(committed):
    (committed / "data").rename(committed.parent / "elsewhere")
    (committed / "data").symlink_to(committed.parent / "elsewhere")
    message = call(committed, "python", "workflow/sync.py", "after-run", "smoke", "all", code=1)
    assert message.startswith("error: `snakemake -n -- all` failed: error: data: is a link to ")
