"""The ablation page: conclusions follow the intervals, and each row names its trainings."""

import io

import pytest
from PIL import Image

from googlenet.report import ablations, page
from report import ablations_sample, sample
from settings import changed


@pytest.fixture(scope="module")
def compared():
    return ablations_sample.compare_ablations()


@pytest.fixture(scope="module")
def report(compared):
    manifest = sample.manifest("classification")
    return ablations.build("demo", compared, manifest, ablations.drawings(compared), {}, "For a test")


def cells(report):
    """The table's cells by the first of them, under their headings."""
    table = report.sections[0].content[0]
    heads = [column.label for column in table.columns]
    return {row.cells[0]: dict(zip(heads, row.cells, strict=True)) for row in table.rows}


def test_conclusions_follow_the_intervals(report):
    conclusions = {name: row["Against the reference"] for name, row in cells(report).items()}
    assert conclusions == {
        "The reference": "",
        "No LRN": "worse",
        "Last weights": "not statistically distinguishable",
        "Wider": "better",
        "The same": "the same settings",
    }
    assert report.sections[0].text == (
        "Worse than the reference: no LRN (2 of 3 trainings stalled).",
        "Better than the reference: wider.",
        "Not statistically distinguishable from the reference: last weights.",
    )


def test_a_row_shows_what_changed_and_whose_trainings_it_uses(report):
    rows = cells(report)
    assert rows["No LRN"]["Changed"] == "member.sampling area, model.aux_heads 4a and 4d, model.lrn false"
    assert rows["Last weights"]["Changed"] == "the last weights"
    assert rows["The reference"]["Trainings"] == "m1 and 2 of its own"
    assert rows["No LRN"]["Trainings"] == "3 of its own; 2 stalled"
    assert rows["Wider"]["Trainings"] == "m5, m6, m7"
    assert rows["Last weights"]["Trainings"] == "the reference's"
    assert rows["No LRN"]["Difference, points"] == "+4.00"
    assert rows["Wider"]["95 % interval"] == "[\N{MINUS SIGN}2.00, \N{MINUS SIGN}0.50]"


def test_the_page_explains_its_intervals(report):
    text = " ".join(report.sections[-1].text)
    assert "the interval is wide even where they do not matter" in text
    assert "3 seeds" in text and "2 degrees of freedom" in text and "Nothing is resampled" in text
    assert "3 rows" in text and "14 %" in text  # 1 - 0.95**3: the same settings cannot differ
    assert "digits, not on ILSVRC; on ILSVRC a change may" in report.warning and report.about[0] == "For a test"


def test_many_classes_are_measured_by_top_5(compared):
    many = changed(compared, classes=1000)
    assert ablations.measure_of(compared) == "top1" and ablations.measure_of(many) == "top5"
    assert "Top-5 error" in ablations.table(many).caption and "+0.40" in str(ablations.table(many).rows)
    assert ablations.ablation_differences(many) != ablations.ablation_differences(compared)


def test_the_figure_decodes_and_is_the_same_twice(compared):
    png = ablations.ablation_differences(compared)
    assert png == ablations.ablation_differences(compared)
    image = Image.open(io.BytesIO(png))
    image.load()
    assert image.format == "PNG" and 600 < image.width < 1800
    worse = changed(compared.rows[0], test={"top1": ablations_sample.difference(9.0, 8.0, 10.0)})
    assert ablations.ablation_differences(changed(compared, rows=[worse, *compared.rows[1:]])) != png


def test_the_level_of_confidence_is_the_intervals(compared):
    other = ablations_sample.difference(0.0, 0.0, 0.0, confidence_percent=90)
    at_90 = changed(compared, reference={"test": {"top1": other}})
    assert "90 % interval" in [column.label for column in ablations.table(at_90).columns]
    assert "27 %" in ablations.method(at_90)[2]  # 1 - 0.9**4


def test_a_single_row_has_no_others_to_be_compared_with(compared):
    assert len(ablations.method(compared)) == 3
    assert len(ablations.method(changed(compared, rows=compared.rows[:1]))) == 2


def test_both_pages_have_the_table(report):
    for text in (page.render_html(report), page.render_markdown(report)):
        assert "No LRN" in text and "3 of its own; 2 stalled" in text and "+4.00" in text
