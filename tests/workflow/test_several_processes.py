"""A member trained by two processes that its job starts; what their number changes, and what it does not."""

import json

import pytest

from workflow.clones import executed, jobs, snakemake

pytestmark = [pytest.mark.engine, pytest.mark.long]
TARGET = ("--", "results/smoke/train_classifier/m1/weights.safetensors")


def choose(clone, parts, processes):
    """Write params.yaml: smoke with so many micro-batches, and so many processes for a training."""
    overrides = f"{{train_classifier: {{micro_batches: {parts}}}, execution: {{processes_per_training: {processes}}}}}"
    (clone / "params.yaml").write_text(f"experiment: smoke\noverrides: {overrides}\n")


def test_two_processes_train_a_member_and_their_number_re_runs_nothing(clone):
    choose(clone, 2, 2)
    assert executed(snakemake(clone, "--cores", "2", *TARGET)) == jobs(train_classifier="m1")
    assert json.loads((clone / "results/smoke/runs/train_classifier/m1.json").read_text())["processes"] == 2
    log = (clone / "results/smoke/logs/train_classifier/m1.log").read_text()
    assert log.count("validation_top1_error_percent") == 2  # one line for each epoch, from one of the processes
    choose(clone, 2, 1)
    assert "Nothing to be done" in snakemake(clone, "-n", *TARGET)
