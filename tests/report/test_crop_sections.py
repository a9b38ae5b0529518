"""Crops, effects and calibration on the page: conclusions that follow their intervals, and what is left out."""

import io

import numpy as np
import pytest
from PIL import Image

from googlenet.metrics.classification import Effect, TopDifferences
from googlenet.metrics.interval import Difference
from googlenet.report import crop_sections, crop_tables, run_tables, tables
from report import crop_sample, sample
from settings import changed

UNDECIDED = "not statistically distinguishable"
MINUS = "\N{MINUS SIGN}"
TOP1 = "top1_error_percent"


@pytest.fixture
def study():
    return crop_sample.study_crops(sample.MEMBERS, sample.CLASSES)


@pytest.fixture
def ensemble():
    return sample.evaluate_ensemble()


def difference(value, low, high):
    return Difference(difference=value, interval=sample.interval(low, high))


def replaced(rows, wanted, **changes):
    """The rows, those that `wanted` picks with changes laid over."""
    assert any(wanted(row) for row in rows)
    return [changed(row, **changes) if wanted(row) else row for row in rows]


def decoded(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def texts(section):
    return " ".join(section.text)


def titles(section):
    return [item.title for item in section.content if hasattr(item, "rows")]


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        ((0.4, 0.1, 0.9), "better by 0.40 points, 95 % interval [0.10, 0.90]"),
        ((-0.4, -0.9, -0.1), "worse by 0.40 points, 95 % interval [0.10, 0.90]"),
        ((-0.4, -0.9, 0.0), f"{UNDECIDED} (0.40 points worse, 95 % interval from 0.90 worse to 0.00)"),
    ],
)
def test_the_text_on_the_budget_and_the_maximum_follows_their_intervals(study, pair, expected):
    fall = difference(*pair)
    falls = TopDifferences(top1_error_percent=fall, top5_error_percent=fall)
    budgets = replaced(
        study.budgets, lambda row: (row.system, row.crops) == ("ensemble", 8), best={TOP1: 3.25, "against_all": falls}
    )
    ways = replaced(
        study.aggregations,
        lambda row: (row.system, row.aggregation) == ("ensemble", "max_over_crops"),
        against_mean=falls,
    )
    chosen = {"ensemble": {"preferred_budget": 8}}
    study = changed(study, chosen=chosen, budgets=budgets, aggregations=ways)
    text = texts(crop_sections.choices_of_crops(study, {}))
    assert (
        f"on 30 validation images is 8 crops. On test their top-1 error is 3.25 %; against all 144: {expected}." in text
    )
    assert (
        f"The paper found the maximum over crops worse than the mean. Here, the maximum against the mean: {expected}."
        in text
    )


def test_without_validation_nothing_is_chosen_and_its_table_is_left_out():
    study = crop_sample.study_crops(sample.MEMBERS, sample.CLASSES, validation=False)
    png = crop_sections.error_over_crops(study)
    section = crop_sections.choices_of_crops(study, {"error_over_crops": png})
    assert section.content[0].png == png
    assert "Without a validation split no crops were chosen" in texts(section)
    assert "The crops chosen first" not in titles(section) and "None" not in texts(section)
    assert all(row.cells[3:] == ("—",) * 4 for row in crop_tables.budgets(study).rows)


def test_crops_are_the_same_only_if_none_coincide(study):
    def last(study):
        budget = next(row.cells for row in crop_tables.budgets(study).rows if row.cells[1] == str(study.candidates))
        return *budget[5:], crop_tables.policies(study).rows[2].cells[5]

    assert last(study) == ("the same crops",) * 3
    coinciding = replaced(study.policies, lambda row: row.crops == 144, forward_passes=48.0)
    random, *others = last(changed(study, candidates=48, policies=coinciding))
    assert random == "the same crops" and not any(cell == "the same crops" for cell in others)


def test_one_model_has_no_second_system():
    study = crop_sample.study_crops(["m1"], sample.CLASSES)
    section = crop_sections.choices_of_crops(study, {})
    assert "For one model, " in texts(section)
    for table in (crop_tables.budgets(study), crop_tables.policies(study), crop_tables.aggregations(study)):
        assert {row.cells[0] for row in table.rows} == {"one model"}
    assert decoded(crop_sections.error_over_crops(study)).shape[1] < 1000
    assert "Members left out" not in titles(crop_sections.what_helps(None, study))


def test_the_text_when_validation_prefers_all_crops(study):
    study = changed(study, chosen={"ensemble": {"preferred_budget": study.candidates}})
    assert "using all crops has the lowest validation loss: no smaller budget does better there" in texts(
        crop_sections.choices_of_crops(study, {})
    )


def test_without_kept_crops_the_other_sections_remain(ensemble):
    assert crop_sections.choices_of_crops(None, {}) is None
    helps = crop_sections.what_helps(ensemble, None)
    assert titles(helps) == ["Members left out", "Which member helps which class"]
    assert crop_sections.what_helps(None, None) is None and crop_sections.calibration(None, {}) is None


@pytest.mark.parametrize(
    ("low", "high", "stands", "change", "expected"),
    [
        (-1, 3, True, 1, "interval contains zero"),
        (0, 3, False, 1, "interval contains zero"),
        (0.5, 3, False, 1, "not significant after correction"),
        (0.5, 3, True, 1, "helps"),
        (-3, -0.5, True, -1, "harms"),
    ],
)
def test_an_effect_is_claimed_only_if_it_survives_the_correction(low, high, stands, change, expected):
    images = {"left_out": "m1", "class_name": None, "images": 9, "gained": 1, "lost": 0, "p_value": 0.5}
    row = Effect(difference=change, interval=sample.interval(low, high), stands=stands, **images)
    assert crop_tables.verdict(row) == expected
    assert [crop_tables._effect(changed(row, p_value=p))[4] for p in (0.5, 0.001, 3e-7)] == [
        "0.500",
        "0.001",
        "< 0.001",
    ]


def test_the_text_states_how_many_effects_chance_explains(ensemble, study):
    by_class = {"comparisons": 70, "alone_significant": 5, "standing": 1}
    left_out = changed(ensemble.left_out, by_class=by_class)
    text = texts(crop_sections.what_helps(changed(ensemble, left_out=left_out), study))
    assert "Every member with every class makes 70 comparisons. Tested alone, 5 would be significant at 95 %" in text
    assert "up to 3.5 are expected by chance; after the correction, 1 of them remain." in text
    first = crop_tables.by_class(left_out, "member").rows[0].cells
    assert first[:2] == ("m1", "zero") and first[-1] == "helps"
    assert crop_tables.members_left_out(left_out).rows[0].cells[0] == "m1"


def test_groups_without_effect_are_named(study):
    study = changed(study, groups={"without_effect": ["mirrored", "upright"]})
    table = crop_tables.crop_groups(study)
    assert table.note.endswith("coincide with others: mirrored, upright.") and len(table.rows) == 12


def test_the_text_on_calibration_follows_its_intervals(ensemble):
    first, *between, last = ensemble.calibration.systems
    first = changed(first, ece_percent={"value": 6.5, "interval": sample.interval(4.0, 9.0)})
    ece = {"value": 3.0, "interval": sample.interval(1.0, 5.0)}
    nll, brier = {"fall": difference(-0.1234, -0.2, -0.05)}, {"fall": difference(0.01, -0.02, 0.03)}
    last = changed(last, ece_percent=ece, nll_nats=nll, brier=brier)
    systems = {"systems": [first, *between, last]}
    section = crop_sections.calibration(changed(ensemble, calibration=systems), {})
    text = texts(section)
    assert "of 1 model at 1 crop: 6.50 %, 95 % interval [4.00, 9.00]; of 7 models at 144 crops: 3.00 %" in text
    assert "calibration error better" not in text and "calibration error worse" not in text
    assert "negative log-likelihood worse by 0.123 nats, 95 % interval [0.050, 0.200]" in text
    assert f"brier score {UNDECIDED} (0.010 better, 95 % interval from 0.020 worse to 0.030 better)" in text
    (table,) = (item for item in section.content if hasattr(item, "rows"))
    assert [row.cells[:2] for row in table.rows] == [
        *[("1 model", "1 crop"), ("7 models", "1 crop"), ("1 model", "144 crops"), ("7 models", "144 crops")]
    ]
    assert [column.label for column in table.columns].count("Against the first row") == 2
    assert {len(row.cells) for row in table.rows} == {len(table.columns)}
    assert table.rows[0].cells[6] == table.rows[0].cells[9] == "base" and "equal width" in table.note


@pytest.mark.long
def test_figures_follow_their_values(study, ensemble):
    calibration = ensemble.calibration
    before = crop_sections.error_over_crops(study), crop_sections.reliability(calibration)
    policy, *policies = study.policies
    study = changed(study, policies=[changed(policy, **{TOP1: policy.of(TOP1) + 20}), *policies])
    first, *systems = calibration.systems
    *bins, last = first.reliability
    bins.append(changed(last, correct_percent=last.correct_percent - 30))
    calibration = changed(calibration, systems=[changed(first, reliability=bins), *systems])
    after = crop_sections.error_over_crops(study), crop_sections.reliability(calibration)
    for a, b in zip(before, after, strict=True):
        assert (decoded(a) != decoded(b)).any()
    assert crop_sections.reliability(changed(calibration, binning="equal_mass")) != after[1]


def test_table_3_has_the_interval_of_every_row(ensemble):
    ensemble = changed(ensemble, intervals={"single_144": sample.intervals((1, 2), (0.1, 0.2))})
    rows = tables.table_3(ensemble).rows
    assert rows[2].cells[6] == "[0.10, 0.20]" and rows[2].cells[9] == "[1.00, 2.00]"
    assert "those of means over members are a bootstrap's" in tables.table_3(ensemble).note


def test_comparisons_come_in_the_order_of_the_argument(ensemble):
    pair = ensemble.paired["single_1_minus_ensemble_144"]
    names = ["ensemble_1_minus_ensemble_10", "single_10_minus_single_144", "single_10_minus_ensemble_10"]
    names += ["single_1_minus_ensemble_1", "single_1_minus_ensemble_144"]
    pairs = {
        "paired": dict.fromkeys(names, pair),
        "paired_top5": {names[0]: changed(pair, metric="top5_error_percent")},
    }
    ensemble = ensemble.model_copy(update=pairs)
    names = [row.cells[0] for row in run_tables.comparisons(ensemble).rows]
    assert names == [
        "7 models, 144 crops, against one model, one crop",
        "7 models, 1 crop, against one model, one crop",
        "7 models, 10 crops, against one model, 10 crops",
        "7 models, 10 crops, against 7 models, 1 crop",
        "one model, 144 crops, against one model, 10 crops",
    ]
    rows = run_tables.comparisons(changed(ensemble, classes=1000)).rows  # the paper's measure is then there too
    assert len(rows) == 6 and rows[-1].cells[1] == "top-5 error"
