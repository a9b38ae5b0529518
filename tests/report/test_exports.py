"""The page of exports: what each format saves and costs, and what the intervals allow one to say."""

import pytest

from googlenet.report import exports, page, table_files
from report import exports_sample, sample
from settings import changed

MINUS = "\N{MINUS SIGN}"


@pytest.fixture(scope="module")
def measured():
    return exports_sample.measure_export()


@pytest.fixture(scope="module")
def report(measured):
    return exports.build("demo", measured, sample.manifest("classification"), "For a test")


def cells(table):
    """The table's cells by format and weights, under their headings."""
    heads = [column.label for column in table.columns]
    return {row.cells[:2]: dict(zip(heads, row.cells, strict=True)) for row in table.rows}


def test_a_format_stands_beside_the_network(report):
    rows = cells(report.tables[0])
    assert next(iter(rows)) == ("The network itself", "fp32") and len(rows) == 4
    int8 = rows["ONNX", "int8"]
    assert (int8["Size, MB"], int8["Median, ms"], int8["Middle half, ms"]) == ("0.60", "1.25", "1.00 to 1.50")
    assert (int8["Top-1 error, %"], int8["Difference, points"], int8["95 % interval"]) == (
        "5.50",
        "+1.50",
        "[0.50, 2.50]",
    )
    exact = rows["ONNX", "fp32"]  # the same answers on all 382 images: 0.96 = 100 * (1 - 0.025 ** (1 / 382))
    assert (exact["Difference, points"], exact["95 % interval"]) == ("0.00", f"[{MINUS}0.96, 0.96]")
    assert "mobile and embedded computing" in report.tables[0].caption and "12.3 million" in report.tables[0].caption


def test_answers_have_the_other_error_where_it_says_something(report, measured):
    int8 = cells(report.tables[1])["ONNX", "int8"]
    assert (int8["Top-5 error, %"], int8["Difference, points"]) == ("0.55", "+0.15")
    assert (int8["Same first answer, %"], int8["Largest difference of a probability"]) == ("98.00", "0.2")
    few = exports.answers(changed(measured, classes=5))
    assert not [column.label for column in few.columns if "error" in column.label]
    many = exports.sizes(changed(measured, classes=1000))
    assert cells(many)["ONNX", "int8"]["Top-5 error, %"] == "0.55"


def test_sentences_follow_the_intervals(report):
    first, int8, bf16 = report.sections[0].text
    assert first == "In fp32 no probability differs by more than 2e-07 from the network's: ONNX."
    points = "top-1 error +1.50 points, 95 % interval [0.50, 2.50]"
    assert int8 == f"ONNX in int8, 30 % of its bytes in fp32: {points}; worse than the network's."
    points = f"top-1 error +0.25 points, 95 % interval [{MINUS}0.50, 1.00]"
    assert bf16 == f"OpenVINO's IR in bf16: {points}; not statistically distinguishable."
    assert "digits; on ILSVRC a format may cost more or less" in report.warning


def test_a_format_that_changes_no_image_is_said_to_change_none(measured):
    _, int8, bf16 = measured.formats
    same = changed(bf16, gain=exports_sample.gain(0, 0, 0))
    sentence = exports.summary(changed(measured, formats=[int8, same]))[-1]
    points = f"top-1 error 0.00 points, 95 % interval [{MINUS}0.96, 0.96]"
    assert sentence == f"OpenVINO's IR in bf16: {points}; right and wrong on the same images."


@pytest.mark.parametrize(("largest", "stated"), [(2e-7, "2e-07"), (2.1e-7, "3e-07"), (0.0094, "0.01"), (0.0, "0")])
def test_a_bound_is_rounded_up(measured, largest, stated):
    exact = changed(measured.formats[0], largest_difference=largest)
    (first,) = exports.summary(changed(measured, formats=[exact]))
    assert first == f"In fp32 no probability differs by more than {stated} from the network's: ONNX."


def test_what_was_not_done_is_not_described(report, measured):
    text = " ".join(report.sections[1].text)
    assert (
        "Computed by torch 2, a library 1.0." in text
        and "100 passes after 10" in text
        and "128 validation images" in text
        and "bf16: " in text
    )
    exact = changed(measured, calibrated_on=0, formats=[measured.formats[0].model_dump()])
    text = " ".join(exports.method(exact))
    assert "int8" not in text and "bf16" not in text


def test_it_is_written_in_every_form(report):
    assert "<table" in page.render_html(report) and "| ONNX | int8 |" in page.render_markdown(report)
    assert "size-time-and-error-of-each-format.csv" in table_files.files(report)
