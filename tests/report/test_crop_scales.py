"""Crops by scale on the page: the paragraph follows its intervals, and what is not known is left out."""

import pytest

from googlenet.metrics.classification import TopDifferences
from googlenet.metrics.interval import Difference
from googlenet.report import crop_scales
from report import crop_sample, sample
from settings import changed

MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"


@pytest.fixture
def study():
    return crop_sample.study_crops(sample.MEMBERS, sample.CLASSES)


def falls(value, low, high):
    fall = Difference(difference=value, interval=sample.interval(low, high))
    return TopDifferences(top1_error_percent=fall, top5_error_percent=fall)


EVEN, WORSE, BETTER = falls(0.1, -1, 1), falls(-3, -5, -1), falls(2, 0.5, 3)


def with_results(study, matched, **worse):
    """A study whose rows do as the nearest does, but for those of a scale, and whose matched crops do as stated."""
    rows = [
        row if row.against_nearest is None else changed(row, against_nearest=worse.get(f"px_{row.scale_px}", EVEN))
        for row in study.scales.rows
    ]
    matched = matched and changed(study.scales.matched, against_all=matched)
    scales = study.scales.model_copy(update={"rows": tuple(rows), "matched": matched})
    return study.model_copy(update={"scales": scales})


def test_the_paragraph_states_how_large_crops_show_an_image_and_their_errors(study):
    study = with_results(study, EVEN, px_352=WORSE)
    (text,) = crop_scales.section(study, sample.evaluate_ensemble(), {}).text
    # Sides of 60 to 96 px in images of 96: the quartiles of the zoom are those of 87 and 69 px.
    assert (
        "Of 50 training crops, drawn by the members' own sampling, half have a zoom (the image's shorter side divided by the crop's side) of 1.10 to 1.39, with a median of 1.23."
        in text
    )
    assert "A pixel of a test image becomes 0.67 to 1.05 pixels of input, one of a training image 0.82." in text
    assert (
        "The centre crops at 352 px show objects 1.28 times as large as the median training crop, larger than 96 % of training crops "
        "do; the whole squares 0.81 times, larger than 0 %." in text
    )
    assert (
        "The error alone, against that of the centre crops at 288 px, which are nearest to training: centre crops at 352 px worse "
        "by 3.00 points, 95 % interval [1.00, 5.00]; corners at 352 px worse by 3.00 points, 95 % interval [1.00, 5.00]; whole "
        "squares not statistically distinguishable (0.10 points better, 95 % interval from 1.00 worse to 1.00 better)."
        in text
    )
    assert (
        "60 of the 144 test crops (256 and 288 px) have a zoom within the middle half of training's; alone, against all: not stat"
        in text
    )
    assert (
        "Worse alone than the nearest, each by its own interval, are the centre crops at 352 px, corners at 352 px; whether the mean over all "
        "crops makes up for them cannot be decided on these 60 images." in text
    )


@pytest.mark.parametrize(
    ("matched", "worse", "expected"),
    [
        (
            BETTER,
            {"px_352": WORSE},
            "and all crops together are worse for them: here the test scales (predict_crops.scales) do not fit the training crops.",
        ),
        (
            WORSE,
            {"px_None": WORSE},
            "by its own interval, are the whole squares; the mean over all crops helps nonetheless.",
        ),
        (EVEN, {}, "than the nearest: these 60 images cannot show an effect of the crops' size."),
        (None, {}, "No scale or kind of crop is shown to be worse alone than the nearest."),
        (None, {"px_None": WORSE}, "Worse alone than the nearest, each by its own interval, are the whole squares."),
        (BETTER, {}, "No scale or kind of crop is shown to be worse alone than the nearest."),
        (
            EVEN,
            {"px_None": BETTER},
            "worse alone than the nearest; better, each by its own interval, are the whole squares.",
        ),
    ],
)
def test_the_conclusion_follows_the_intervals(study, matched, worse, expected):
    (text,) = crop_scales.section(with_results(study, matched, **worse), None, {}).text
    assert text.endswith(expected)


def test_all_crops_are_not_compared_with_themselves(study):
    study = with_results(study, EVEN, px_352=WORSE)
    matched = changed(study.scales.matched, crops=study.crops)
    study = study.model_copy(update={"scales": study.scales.model_copy(update={"matched": matched})})
    (text,) = crop_scales.section(study, None, {}).text
    assert text.endswith("by its own interval, are the centre crops at 352 px, corners at 352 px.")


def test_where_nothing_was_trained_the_rows_stand_alone(study):
    rows = [
        row.model_copy(update={"against_nearest": None, "training_below_percent": None}) for row in study.scales.rows
    ]
    scales = study.scales.model_copy(update={"training": None, "matched": None, "rows": tuple(rows)})
    (text,) = crop_scales.section(study.model_copy(update={"scales": scales}), None, {}).text
    assert text.startswith("A pixel of a test image becomes 0.67 to 1.05 pixels of input. Nothing was trained here")
    assert text.endswith("is not known.")
    table = crop_scales.by_scale(study.model_copy(update={"scales": scales}))
    assert {row.cells[3:5] + row.cells[8:9] for row in table.rows} == {("—", "—", "—")}
    assert crop_scales.section(None, None, {}) is None


def test_the_table_has_a_row_for_each_scale_and_kind(study):
    table = crop_scales.by_scale(with_results(study, EVEN, px_352=WORSE))
    assert [row.cells[:2] for row in table.rows[:3]] == [
        ("Centre crops at 256 px", "6"), ("Corners at 256 px", "24"), ("Centre crops at 288 px", "6"),
    ]  # fmt: skip
    assert table.rows[-1].cells[:4] == ("Whole squares", "24", "1.00", "0.81")
    assert table.rows[2].cells[8] == "the nearest" and table.rows[6].cells[8].startswith("worse by 3.00 points")
    assert table.columns[3].label == f"{TIMES} training's"


@pytest.mark.long
def test_the_figure_follows_its_values(study):
    drawn = crop_scales.error_over_zoom(study)
    assert drawn == crop_scales.error_over_zoom(study)
    *rows, last = study.scales.rows
    scales = study.scales.model_copy(update={"rows": (*rows, changed(last, zoom=0.9))})
    assert crop_scales.error_over_zoom(study.model_copy(update={"scales": scales})) != drawn
