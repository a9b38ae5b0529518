"""Crops, effects and calibration on the page: words that follow their intervals, and what is left out."""

import io

import numpy as np
import pytest
from PIL import Image

from googlenet.report import crop_figures, crop_sections, crop_tables, run_tables, tables
from report import crop_sample, sample

NEITHER = "no difference that the interval carries"
MINUS = "\N{MINUS SIGN}"
TOP1 = "top1_error_percent"


@pytest.fixture
def metrics():
    return sample.metrics()


def decoded(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def texts(section):
    return " ".join(section.text)


def titles(section):
    return [item.title for item in section.content if hasattr(item, "rows")]


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ((0.4, 0.1, 0.9), "better by 0.40 points, 95 % interval [0.10, 0.90]"),
        ((-0.4, -0.9, -0.1), "worse by 0.40 points, 95 % interval [0.10, 0.90]"),
        ((-0.4, -0.9, 0.0), f"{NEITHER} ({MINUS}0.40 points, 95 % interval [{MINUS}0.90, 0.00])"),
    ],
)
def test_the_budget_and_the_maximum_are_said_as_their_intervals_allow(metrics, pair, said):
    study, found = metrics["study_crops"], dict(zip(("difference", "low", "high"), pair, strict=True))
    study["chosen"]["ensemble"]["preferred_budget"] = 8
    row = next(r for r in study["budgets"] if (r["system"], r["crops"]) == ("ensemble", 8))
    row["best"] |= {TOP1: 3.25, "against_all": {TOP1: found}}
    way = next(
        r for r in study["aggregations"] if (r["system"], r["aggregation"]) == ("ensemble", "max_over_crops")
    )
    way["against_mean"] = {TOP1: found}
    text = texts(crop_sections.choices_of_crops(metrics, {}))
    assert (
        f"on 30 validation images is 8 crops. On test their top-1 error is 3.25 %; against all 144: {said}."
        in text
    )
    assert f"which the paper found worse than the mean, is here, against the mean: {said}." in text


def test_nothing_chosen_is_said_and_leaves_its_table_out(metrics):
    metrics["study_crops"] = crop_sample.study_crops(sample.MEMBERS, sample.CLASSES, validation=False)
    png = crop_figures.error_over_crops(metrics["study_crops"])
    section = crop_sections.choices_of_crops(metrics, {"error_over_crops": png})
    assert section.content[0].png == png
    assert "This data set has no validation split, so no crops were chosen" in texts(section)
    assert "The crops that are chosen first" not in titles(section) and "None" not in texts(section)
    assert all(row.cells[3:] == ("—",) * 4 for row in crop_tables.budgets(metrics["study_crops"]).rows)


def test_one_model_has_no_second_system():
    study = crop_sample.study_crops(["m1"], sample.CLASSES)
    found = {"study_crops": study}
    section = crop_sections.choices_of_crops(found, {})
    assert "For one model, " in texts(section)
    for table in (crop_tables.budgets(study), crop_tables.policies(study), crop_tables.aggregations(study)):
        assert {row.cells[0] for row in table.rows} == {"one model"}
    assert decoded(crop_figures.error_over_crops(study)).shape[1] < 1000
    assert "Members left out" not in titles(crop_sections.what_helps(found))


def test_when_validation_wants_all_crops_it_says_so(metrics):
    study = metrics["study_crops"]
    study["chosen"]["ensemble"]["preferred_budget"] = study["candidates"]
    assert "validation prefers all crops to the best few" in texts(
        crop_sections.choices_of_crops(metrics, {})
    )


def test_without_kept_crops_the_other_sections_stand(metrics):
    del metrics["study_crops"]
    assert crop_sections.choices_of_crops(metrics, {}) is None
    assert titles(crop_sections.what_helps(metrics)) == ["Members left out", "Which member helps which class"]
    assert crop_sections.what_helps({}) is None and crop_sections.calibration({}, {}) is None


@pytest.mark.parametrize(
    ("low", "high", "stands", "difference", "said"),
    [
        (-1, 3, True, 1, "interval contains zero"),
        (0, 3, False, 1, "interval contains zero"),
        (0.5, 3, False, 1, "not certain among so many comparisons"),
        (0.5, 3, True, 1, "helps"),
        (-3, -0.5, True, -1, "harms"),
    ],
)
def test_an_effect_is_claimed_only_when_it_stands_among_all(low, high, stands, difference, said):
    row = {"low": low, "high": high, "stands": stands, "difference": difference}
    assert crop_tables.verdict(row) == said


def test_what_chance_would_let_through_is_said(metrics):
    left_out = metrics["evaluate_ensemble"]["left_out"]
    left_out["by_class"] |= {"comparisons": 70, "alone_significant": 5, "standing": 1}
    text = texts(crop_sections.what_helps(metrics))
    assert "One member and one class make 70 comparisons: alone, 5 would pass a test at 95 %" in text
    assert (
        "chance alone would let through up to 3.5 on average; after the correction 1 of them stand." in text
    )
    first = crop_tables.by_class(left_out, "member").rows[0].cells
    assert first[:2] == ("m1", "zero") and first[-1] == "helps"
    assert crop_tables.members_left_out(left_out).rows[0].cells[0] == "m1"


def test_groups_without_effect_are_named(metrics):
    study = metrics["study_crops"]
    study["groups"]["without_effect"] = ["mirrored", "upright"]
    table = crop_tables.crop_groups(study)
    assert table.note.endswith("coincide with others: mirrored, upright.") and len(table.rows) == 12


def test_calibration_is_said_as_its_intervals_allow(metrics):
    ensemble = metrics["evaluate_ensemble"]
    first, last = ensemble["calibration"]["systems"][0], ensemble["calibration"]["systems"][-1]
    first |= {"ece_percent": 6.5, "ece_percent_interval": [4.0, 9.0]}
    last |= {"ece_percent": 3.0, "ece_percent_interval": [1.0, 5.0]}
    last["ece_percent_fall"] = {"difference": 3.5, "low": 0.5, "high": 6.5}
    last["nll_nats_fall"] = {"difference": -0.1234, "low": -0.2, "high": -0.05}
    last["brier_fall"] = {"difference": 0.01, "low": -0.02, "high": 0.03}
    section = crop_sections.calibration(metrics, {})
    text = texts(section)
    assert (
        "of 1 model at 1 crop: 6.50 %, 95 % interval [4.00, 9.00]; of 7 models at 144 crops: 3.00 %" in text
    )
    assert "calibration error better by 3.50 points, 95 % interval [0.50, 6.50]" in text
    assert "negative log-likelihood worse by 0.123 nats, 95 % interval [0.050, 0.200]" in text
    assert f"brier score {NEITHER} (+0.010, 95 % interval [{MINUS}0.020, 0.030])" in text
    (table,) = (item for item in section.content if hasattr(item, "rows"))
    assert [row.cells[:2] for row in table.rows] == [
        *[("1 model", "1 crop"), ("7 models", "1 crop"), ("1 model", "144 crops"), ("7 models", "144 crops")]
    ]
    assert table.rows[0].cells[4] == "base" and "equal width" in table.note


def test_figures_follow_their_values(metrics):
    study, found = metrics["study_crops"], metrics["evaluate_ensemble"]["calibration"]
    before = crop_figures.error_over_crops(study), crop_figures.reliability(found)
    study["policies"][0][TOP1] += 20
    found["systems"][0]["reliability"][-1]["correct_percent"] -= 30
    after = crop_figures.error_over_crops(study), crop_figures.reliability(found)
    for a, b in zip(before, after, strict=True):
        assert (decoded(a) != decoded(b)).any()
    found["binning"] = "equal_mass"
    assert crop_figures.reliability(found) != after[1]


def test_table_3_has_the_interval_of_every_row():
    ensemble = sample.evaluate_ensemble()
    ensemble["intervals"] |= {"single_144": {TOP1: [1, 2], "top5_error_percent": [0.1, 0.2]}}
    rows = tables.table_3(ensemble).rows
    assert rows[2].cells[6] == "[0.10, 0.20]" and rows[2].cells[9] == "[1.00, 2.00]"
    assert "no image was wrong" not in tables.table_3(ensemble).note
    ensemble["intervals"]["ensemble_1"] = {TOP1: [0.0, 0.0]}
    assert "true error of up to 0.82 %" in tables.table_3(ensemble).note  # 1 - 0.025 ** (1 / 450)
    ensemble["confidence_percent"] = 90
    assert [column.label for column in tables.table_3(ensemble).columns].count("90 % interval") == 2


def test_comparisons_come_in_the_order_of_the_argument():
    ensemble = sample.evaluate_ensemble()
    pair = ensemble["paired"]["single_1_minus_ensemble_144"]
    names = ["ensemble_1_minus_ensemble_10", "single_10_minus_single_144", "single_10_minus_ensemble_10"]
    names += ["single_1_minus_ensemble_1", "single_1_minus_ensemble_144"]
    ensemble["paired"] = dict.fromkeys(names, pair)
    ensemble["paired_top5"] = {names[0]: pair | {"metric": "top5_error_percent"}}
    said = [row.cells[0] for row in run_tables.comparisons(ensemble).rows]
    assert said == [
        "7 models, 144 crops, against one model, one crop",
        "7 models, 1 crop, against one model, one crop",
        "7 models, 10 crops, against one model, 10 crops",
        "7 models, 10 crops, against 7 models, 1 crop",
        "one model, 144 crops, against one model, 10 crops",
    ]
    ensemble["classes"] = 1000  # the paper's measure is then said too
    rows = run_tables.comparisons(ensemble).rows
    assert len(rows) == 6 and rows[-1].cells[1] == "top-5 error"
