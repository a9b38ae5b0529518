"""Structures compared: paired by seed and image, the random ones by their mean, whatever the order of the files."""

import numpy as np
import pytest

from googlenet.classification.ablations import crossed_interval
from googlenet.classification.structures import compare
from googlenet.errors import UserError
from report.structures_sample import compare_structures, derive_structure, outcomes, trainings


def compared(wrong=None):
    made = derive_structure()
    return compare(made, wrong or outcomes(made), trainings(made), 95, 10)


def test_rows_are_means_over_seeds_and_differences_are_paired():
    made, found = derive_structure(), compared()
    key, wrong = "test/averaged/top1", outcomes(made)
    rows = {row: np.stack([wrong[f"{row}_{seed}"][key] for seed in (1, 2)]).astype(float) for row in ROWS}
    assert found.derived.test.top1.error_percent == pytest.approx(100 * rows["derived"].mean())
    for ours, first, second in (
        (found.derived.test, rows["derived"], rows["googlenet"]),
        (found.derived_less_random.test, rows["derived"], (rows["random_1"] + rows["random_2"]) / 2),
        (found.random.test, (rows["random_1"] + rows["random_2"]) / 2, rows["googlenet"]),
    ):
        interval, degrees = crossed_interval(first - second, 95, 100)
        assert ours.top1.difference_points == pytest.approx(100 * (first - second).mean())
        assert ours.top1.interval.low == pytest.approx(interval.low) and ours.top1.degrees_of_freedom == degrees
    assert found.googlenet.test.top1.difference_points == 0 and [row.row for row in found.each_random] == ROWS[2:]
    assert found.googlenet.test.top5 != found.googlenet.test.top1


ROWS = ["googlenet", "derived", "random_1", "random_2"]


def test_costs_parameters_and_stalled_trainings_are_a_rows_own():
    found = compared()
    assert found.derived.macs == pytest.approx(np.mean([1_000_010, 1_000_020]))
    assert (found.derived.parameters, found.derived.stalled, found.googlenet.stalled) == (25_000, 1, 0)
    assert (found.budget_macs, found.random_structures, found.seeds, found.images.test) == (1_000_000, 2, (1, 2), 40)


def test_the_order_of_the_files_changes_nothing():
    wrong = outcomes(derive_structure())
    assert compared(dict(reversed(wrong.items()))) == compared()


def test_a_missing_training_is_named():
    wrong = outcomes(derive_structure())
    del wrong["random_2_1"]
    with pytest.raises(
        UserError, match=r"^structures: no results of random_2_1; run `snakemake --cores N structures`$"
    ):
        compared(wrong)


def test_the_samples_of_the_reports_tests_is_what_the_stage_would_write():
    assert compare_structures() == compared()
