"""Structures, a target of their own: its jobs, and that no other target has them."""

import pytest

from workflow.clones import executed, jobs, plan, snakemake

pytestmark = [pytest.mark.engine, pytest.mark.long]


def test_the_target_derives_trains_and_compares_and_the_main_run_does_not(clone):
    trained = [f"{row}_{seed}" for row in ("googlenet", "derived", "random_1") for seed in (1, 2)]
    assert executed(snakemake(clone, "-n", "--", "structures")) == jobs(
        derive_structure="all", train_structure=" ".join(trained), compare_structures="all"
    )
    assert not executed(plan(clone))
