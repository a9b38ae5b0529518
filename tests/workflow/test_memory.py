"""Snakemake packs jobs by the memory that they state, and no figure of a plan re-runs one."""

import json
from datetime import datetime

import pytest

from googlenet.planning import needs
from googlenet.planning.needs import Figures
from workflow.clones import assert_nothing_to_do, executed, plan, snakemake

pytestmark = [pytest.mark.engine, pytest.mark.long]
TARGETS = [f"results/smoke/predict_crops/{member}/predictions.safetensors" for member in ("m1", "m2")]


def times(clone, member):
    """When a member's predictions were begun and ended, by its run.json."""
    record = json.loads((clone / f"results/smoke/runs/predict_crops/{member}.json").read_text())
    return datetime.fromisoformat(record["started"]), datetime.fromisoformat(record["ended"])


def run(clone, *words):
    """Predict for two members again, on two cores; when each ran, the earlier one first."""
    output = snakemake(clone, "--cores", "2", "--force", *words, "--", *TARGETS)
    return output, sorted(times(clone, member) for member in ("m1", "m2"))


def test_two_jobs_of_2_gb_never_run_side_by_side_in_3(clone):
    """Those that the plan says are small do."""
    figures = Figures(fixed_mb=2000, scaled_mb=0, fixed_s=60, scaled_s=0, size=1, work=1)
    needs.write(clone / needs.OWN, "smoke", {"predict_crops": figures})
    assert_nothing_to_do(clone)
    output, ((_, first_ended), (second_began, _)) = run(clone, "--resources", "mem_mb=3000")
    assert second_began >= first_ended, output
    assert "mem_mb=2000" in output
    output, ((_, first_ended), (second_began, _)) = run(clone, "--resources", "mem_mb=4000")
    assert second_began < first_ended, output
    assert not executed(plan(clone))
