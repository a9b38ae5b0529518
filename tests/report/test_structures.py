"""The page of structures: conclusions follow the intervals, and every structure is shown with what it was derived from."""

import io
from functools import cache

import pytest
from PIL import Image

from googlenet.report import page, structures
from report import sample, structures_sample
from settings import changed

MINUS = "\N{MINUS SIGN}"


@pytest.fixture(scope="module")
def made():
    return structures_sample.derive_structure()


@pytest.fixture(scope="module")
def compared():
    """Without the stalled training, which is a test of its own."""
    found = structures_sample.compare_structures()
    return changed(found, derived={"stalled": 0})


@pytest.fixture(scope="module")
def report(compared, made):
    return built(compared, made)


@cache
def figures():
    """Drawn once: they depend on the structures alone."""
    return structures.figures(structures_sample.compare_structures(), structures_sample.derive_structure())


def built(compared, made):
    return structures.build("demo", compared, made, sample.manifest("classification"), figures(), "For a test")


def of_title(report, title):
    (table,) = [table for table in report.tables if table.title == title]
    heads = [column.label for column in table.columns]
    return {row.cells[0]: dict(zip(heads, row.cells, strict=True)) for row in table.rows}


def with_difference(compared, low, high):
    """The comparison with another interval of the derived structures' difference from GoogLeNet."""
    top1 = {"difference_points": (low + high) / 2, "interval": {"low": low, "high": high, "confidence_percent": 95}}
    return changed(compared, derived={"test": {"top1": top1}})


@pytest.mark.parametrize(
    ("low", "high", "words", "verdict"),
    [
        (-4.0, -2.0, "better by 3.00 points, 95 % interval [2.00, 4.00]", "holds"),
        (1.0, 2.0, "worse by 1.50 points, 95 % interval [1.00, 2.00]", "does not hold"),
        (-1.0, 2.0, "not statistically distinguishable", "undecided"),
    ],
)
def test_conclusions_follow_the_intervals(compared, made, low, high, words, verdict):
    shown = with_difference(compared, low, high)
    report = built(shown, made)
    assert f"Against GoogLeNet, in top-1 error: the derived structure is {words}" in " ".join(report.sections[0].text)
    rows = of_title(report, "The idea's promise")
    claim = rows["A structure derived from the correlations of units is better than GoogLeNet of the same cost"]
    assert claim["Verdict"] == verdict and "2 seeds, 40 test images" in claim["How"]


def test_a_stalled_training_tests_nothing(made):
    report = built(structures_sample.compare_structures(), made)
    assert "Against GoogLeNet: not tested, as 1 training stalled." in report.sections[0].text
    assert {row["Verdict"] for row in of_title(report, "The idea's promise").values()} == {"not tested"}


def test_every_kind_of_structure_has_a_row(report, compared):
    rows = of_title(report, "Structures of one cost")
    assert list(rows) == ["GoogLeNet", "Derived", "Random, mean of 2 a seed", "Random 1", "Random 2"]
    assert rows["GoogLeNet"]["Less GoogLeNet's, points"] == "" and rows["Derived"]["Multiply-adds"] == "1.0M"
    assert rows["Derived"]["Of each seed, %"].count(",") == 1
    top1 = compared.derived.test.top1
    assert rows["Derived"]["Test error, %"] == f"{top1.error_percent:.2f}"
    assert rows["Derived"]["Less GoogLeNet's, points"].lstrip("+" + MINUS) == f"{abs(top1.difference_points):.2f}"


def test_many_classes_are_measured_by_top_5(compared, made):
    many = built(changed(compared, classes=200), made)
    rows = of_title(many, "Structures of one cost")
    assert rows["Derived"]["Test error, %"] == f"{compared.derived.test.top5.error_percent:.2f}"
    assert "top-5 error" in many.sections[0].text[1]


def test_widths_and_what_they_come_from_are_listed_by_module(report):
    widths, derived = of_title(report, "Widths of the modules"), of_title(report, "What each module was derived from")
    assert list(widths) == list(derived) and widths["3a"]["GoogLeNet"] == "16, 24→32, 4→8, 8"
    assert widths["3b"]["Derived, seed 2"] == "32, 32→48, 8→29, 16"
    assert derived["3a"]["Mean correlation"] == "—" and derived["3b"]["Mean correlation"] == "0.40"
    assert [derived["5b"][key] for key in ("Units below", "1x1, %", "5x5, %", "two away, %")] == [
        "40",
        "48",
        "32",
        "34",
    ]
    text = " ".join(report.sections[1].text)
    assert "20 % and 2 % in 3a to 3b" in text and "20 % and 30 % in 5a to 5b" in text and "expects" in text


def test_the_figures_decode_are_the_same_twice_and_show_the_widths(compared, made):
    first, second = figures(), structures.figures(compared, made)
    assert first == second
    for figure in first:
        image = Image.open(io.BytesIO(figure.png))
        image.load()
        assert image.format == "PNG" and 600 < image.width < 1800
    wider = changed(made.of("derived_1"), modules={"4a": {"n5x5": 90}})
    others = [wider if each.variant.name == "derived_1" else each for each in made.structures]
    again = structures.figures(compared, changed(made, structures=others))
    assert [one.png == two.png for one, two in zip(first, again, strict=True)] == [False, True]


def test_both_pages_have_the_tables(report):
    for text in (page.render_html(report), page.render_markdown(report)):
        assert "Random 2" in text and "digits; on ILSVRC another structure" in text and "For a test" in text


def test_units_that_never_vary_are_in_no_cluster(made):
    assert "there are 0.64 clusters for each unit that varies" in structures.described(made)[0]  # 25 / (40 - 1)
