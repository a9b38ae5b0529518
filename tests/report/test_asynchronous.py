"""Asynchronous updates on the ablation page: what is said follows the intervals; rates, staleness, and no section without them."""

import io

import pytest
from PIL import Image

from googlenet.metrics.classification_studies import AblationMetrics
from googlenet.report import ablations, asynchronous, page
from report import ablations_sample, sample
from settings import changed

SOURCES = {name: [f"train_ablation/{name}_{seed}" for seed in (1, 2)] for name in ("two", "four", "real")}
MINUS = "\N{MINUS SIGN}"


def trainings(replicas, *staleness, real=False, speed_up=None):
    """What the metrics of trainings say of their replicas; one update was lost in each."""
    shared = {"real": real, "replicas": replicas, "lost_updates": 1, "speed_up": speed_up}
    return [shared | {"staleness": counts} for counts in staleness]


@pytest.fixture(scope="module")
def compared():
    row = ablations_sample.row
    rows = [
        row("two", (0.5, -0.6, 1.6), SOURCES["two"], asynchronous=trainings(2, [1, 9], [1, 8, 1], speed_up=1.5)),
        row("four", (4.0, 1.5, 6.5), SOURCES["four"], asynchronous=trainings(4, [0, 0, 10], [0, 0, 10], speed_up=3.0)),
        row("real", (-2.0, -3.0, -1.0), SOURCES["real"], asynchronous=trainings(2, [0, 10], [0, 10], real=True)),
        row("other", (0.0, 0.0, 0.0), ["train_ablation/other_1"]),
    ]
    values = ablations_sample.compare_ablations().model_dump() | {"rows": rows}
    return AblationMetrics.model_validate(values)


@pytest.fixture(scope="module")
def report(compared):
    rates = dict.fromkeys(compared.reference.sources, 100.0)
    rates |= dict(zip(SOURCES["real"], (150.0, 170.0), strict=True)) | dict.fromkeys(SOURCES["two"], 7.0)
    return ablations.build("demo", compared, sample.manifest("classification"), ablations.drawings(compared), rates)


def section(report):
    return next(section for section in report.sections if section.title == "Asynchronous updates")


def test_a_sentence_for_each_says_whether_the_synchronous_error_is_reached(report):
    two, four, real = section(report).text
    assert two == (
        "At equal epochs, training with 2 simulated replicas cannot be told from synchronous training: the difference is "
        f"+0.50 points (95 % interval [{MINUS}0.60, 1.60])."
    )
    assert "with 4 simulated replicas does not reach the synchronous error: it is worse by 4.00 points" in four
    assert "with 2 real replicas is below the synchronous error by 2.00 points" in real


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        ((67.0, -5.0, 139.0), "cannot be told from synchronous training: the difference is +67.00 points"),
        ((0.0, -0.9, 0.9), "reaches the synchronous error to within 1 point: the difference is 0.00 points"),
        ((0.5, 0.1, 0.9), "reaches the synchronous error to within 1 point: the difference is +0.50 points"),
        ((0.0, -1.0, 1.0), "cannot be told"),
    ],
)
def test_the_error_is_reached_if_the_whole_interval_is_within_the_margin(compared, difference, words):
    row = ablations_sample.row("two", difference, SOURCES["two"], asynchronous=trainings(2, [1, 9], [1, 8, 1]))
    (row,) = changed(compared, rows=[row]).rows
    assert f"replicas {words}" in asynchronous.verdict(row, compared.reference, "top1")


def test_stalled_trainings_are_named(compared):
    reference, row = (changed(one, stalled=2) for one in (compared.reference, compared.rows[1]))
    said = asynchronous.verdict(row, reference, "top1")
    assert said.endswith("; 2 of 2 trainings and 2 of 3 synchronous trainings stalled.")


def test_rates_are_measured_or_by_the_simulated_clock(report):
    rows = {row.cells[0]: row.cells for row in section(report).content[0].rows}
    assert [cells[-1] for cells in rows.values()] == ["100", "150", "300", "160"]
    assert rows["2 simulated replicas"][4:6] == ("0.9", "2")  # mean staleness, updates lost
    assert rows["4 simulated replicas"][4] == "2.0"


def test_the_page_has_the_histograms(report, compared):
    (figure,) = section(report).content[1:]
    image = Image.open(io.BytesIO(figure.png))
    image.load()
    assert image.format == "PNG" and asynchronous.staleness(compared) == figure.png
    assert "staleness" in page.render_html(report) and "figures/staleness.png" in page.render_markdown(report)


def test_without_asynchronous_rows_there_is_no_section(compared):
    plain = ablations_sample.compare_ablations()
    assert set(ablations.drawings(plain)) == {"ablation_differences"}
    pages = ablations.build("demo", plain, sample.manifest("classification"), ablations.drawings(plain), {})
    assert not [section for section in pages.sections if section.title == "Asynchronous updates"]
