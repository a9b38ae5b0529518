"""Snakemake packs jobs by the memory that they state, and no figure of a plan re-runs one."""

import re

import pytest

from googlenet.planning import needs
from googlenet.planning.needs import Figures
from workflow.clones import assert_nothing_to_do, executed, plan, snakemake

pytestmark = [pytest.mark.engine, pytest.mark.long]
TARGETS = [f"results/smoke/predict_crops/{member}/predictions.safetensors" for member in ("m1", "m2")]


def run(clone, *words):
    """Predict for two members again, on two cores; Snakemake's own output, and whether both ran at once."""
    words = ("--logger-googlenet-show", "snakemake", *words)
    output = snakemake(clone, "--cores", "2", "--force", *words, "--", *TARGETS)
    begun = [found.start() for found in re.finditer("rule predict_crops:", output)]
    assert len(begun) == 2, output
    return output, begun[1] < output.index("Finished jobid")


def test_two_jobs_of_2_gb_never_run_side_by_side_in_3(clone):
    """Those that the plan says are small do."""
    figures = Figures(fixed_mb=2000, scaled_mb=0, fixed_s=60, scaled_s=0, size=1, work=1)
    needs.write(clone / needs.OWN, "smoke", {"predict_crops": figures})
    assert_nothing_to_do(clone)
    output, at_once = run(clone, "--resources", "mem_mb=3000")
    assert "mem_mb=2000" in output and not at_once, output
    output, at_once = run(clone, "--resources", "mem_mb=4000")
    assert at_once, output
    assert not executed(plan(clone))
