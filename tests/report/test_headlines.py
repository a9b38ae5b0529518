"""The summary: the paper's figures beside ours, and claims that follow the intervals."""

import pytest

from googlenet.metrics.classification import EnsembleMetrics
from googlenet.metrics.classification_studies import CropStudyMetrics
from googlenet.metrics.detection import DetectionMetrics
from googlenet.metrics.proposals import ProposalStudyMetrics
from googlenet.metrics.reference import Figure, Kind, MachineReference, Reference
from googlenet.metrics.results import Results
from googlenet.report import headlines, sections, words
from report import sample
from settings import changed

MINUS = "\N{MINUS SIGN}"


def by_key(results):
    return {line.key: line for line in headlines.headlines(results)}


def test_the_lines_of_the_whole_experiment_by_hand():
    lines = headlines.headlines(sample.results())
    assert [(line.what, line.paper, line.here) for line in lines[:5]] == [
        ("Top-1 error, 1 model on 1 crop", "10.07 % (top-5)", "7.30 ± 0.61 %"),
        ("Top-1 error, 7 models on 144 crops", "6.67 % (top-5)", "4.00 %"),
        (
            "7 models on 144 crops instead of 1 model on 1 crop: change in top-1 error",
            f"{MINUS}3.40 points (top-5)",
            f"{MINUS}3.30 points",
        ),
        ("Maximum over crops instead of their mean: change in top-1 error", "worse", lines[3].here),
        ("Boxes with MultiBox, of those of undoubled selective search", "about 60 %", "61 %"),
    ]
    assert lines[2].remark == "as in the paper: better by 3.30 points, 95 % interval [1.78, 4.89]"
    assert [line.paper for line in lines[5:]] == [
        *("93 %", "38.02 % (Table 5; text: 40 %)", "43.9 %"),
        "+3.9 points (text; with Table 5's single model: +5.9)",
        *("12 times fewer", "3 to 10 times faster (CVPR; arXiv: 2 to 3) than networks of similar accuracy"),
    ]
    assert lines[-1].key == ""  # a time
    assert headlines.table(lines).caption.endswith("with another seed or machine a verdict may differ.")


def test_an_ensemble_that_the_paper_does_not_have_is_not_said_to_be_as_there():
    few = sample.evaluate_ensemble()
    rows = tuple(changed(row, models=min(row.models, 2)) for row in few.table_3)
    pair = sample.paired("top1_error_percent", 3.3, 1, 5)
    few = changed(few, table_3=rows, paired={"single_1_minus_ensemble_144": pair})
    line = by_key(Results([("", few)]))["ensemble_144_minus_single_1"]
    assert line.paper == "—" and line.remark.startswith("better by 3.30 points")


def test_every_value_is_inside_its_interval_and_no_two_share_a_key():
    lines = [line for line in headlines.headlines(sample.results()) if line.key]
    assert len({line.key for line in lines}) == len(lines)
    for line in lines:
        # That of a difference is turned with it.
        assert line.bounds is None or line.bounds.low <= line.value <= line.bounds.high, line.key


@pytest.mark.parametrize(
    ("value", "low", "high", "claim"),
    [(3.3, 1, 5, "as in the paper: better"), (-3.3, -5, -1, "unlike the paper: worse"), (1.0, -1, 3, "not statistic")],
)
def test_a_claim_follows_the_interval(value, low, high, claim):
    pair = sample.paired("top1_error_percent", value, low, high)
    ensemble = changed(sample.evaluate_ensemble(), paired={"single_1_minus_ensemble_144": pair})
    line = by_key(Results([("", ensemble)]))["ensemble_144_minus_single_1"]
    assert (
        line.remark.startswith(claim) and line.value == -value and (line.bounds.low, line.bounds.high) == (-high, -low)
    )


def test_the_papers_finding_on_the_maximum_is_that_it_is_worse():
    study = sample.results().one(CropStudyMetrics)
    (row,) = [row for row in study.aggregations if (row.system, row.aggregation) == ("ensemble", "max_over_crops")]
    (line,) = headlines.headlines(Results([("", study)]))
    side = row.against_mean.top1_error_percent.interval.side
    assert line.remark.startswith({-1: "as in the paper: worse", 1: "unlike the paper: better", 0: "not"}[side])


def test_the_interval_shown_is_the_one_that_is_judged():
    """A bootstrap of nothing but covered objects, or of no error, has no width."""
    study = changed(sample.results().one(ProposalStudyMetrics), sources={"merged": {"coverage_percent": 100.0}})
    study = changed(study, sources={"merged": {"interval": sample.interval(100, 100).to_json()}})
    for line in by_key(Results([("", study)])).values():
        if line.key == "coverage_percent":
            assert line.bounds.low < 100 and f"[{line.bounds.low:.1f}, 100.0]" in line.remark


def test_the_papers_figures_of_six_detectors_stand_beside_no_other_number():
    detected = sample.results().one(DetectionMetrics)
    lines = by_key(Results([("", changed(detected, table_4={"detectors": 2}))]))
    assert [line.paper for line in lines.values()] == ["38.02 % (Table 5; text: 40 %)", "—", "—"]
    assert lines["mean_ap_ensemble_minus_single"].remark == "better by 3.6 points, 95 % interval [2.4, 4.9]"


def test_with_many_classes_the_papers_measure_is_shown():
    whole = sample.evaluate_ensemble(classes=1000)
    lines = by_key(Results([("", whole)]))
    assert lines["top5_error_percent_single_1"].what == "Top-5 error, 1 model on 1 crop"
    assert lines["ensemble_144_minus_single_1"].value == -whole.paired_top5["single_1_minus_ensemble_144"].difference


def test_one_model_on_one_number_of_crops_is_one_line():
    whole = sample.evaluate_ensemble()
    one = EnsembleMetrics.model_validate(whole.to_json() | {"table_3": [whole.table_3[0].to_json()], "paired": {}})
    assert [line.what for line in headlines.headlines(Results([("", one)]))] == ["Top-1 error, 1 model on 1 crop"]
    assert headlines.headlines(Results([])) == ()


def test_where_nothing_is_wrong_the_interval_still_has_a_width():
    none = sample.interval(0, 0)
    assert words.exact(none, 0.0, 450).high == pytest.approx(100 * (1 - 0.025 ** (1 / 450)))  # 0.82
    assert words.exact(sample.interval(100, 100), 100.0, 450).low == pytest.approx(100 * 0.025 ** (1 / 450))
    assert words.exact(sample.interval(1, 3), 2.0, 450) == sample.interval(1, 3)


KIND = Kind.of(sample.runs())
OTHER = KIND.model_copy(update={"cpu": "Other 1"})


def reference(kind, **changes):
    """A reference with the sample's own figures, apart from the changed ones."""
    lines = headlines.headlines(sample.results())
    figures = {line.key: Figure.of(line.value, line.bounds) for line in lines if line.key}
    return Reference(machines=(MachineReference(kind=kind, figures=figures | changes),))


def marks(known):
    """The summary's text, and the last column of its table by the first."""
    (section, *_) = sections.build("demo", sample.results(), sample.runs(), {}, reference=known).sections
    assert [column.label for column in section.content[0].columns][-1] == "Reproduced"
    return section.text, {row.cells[0]: row.cells[-1] for row in section.content[0].rows}


def test_each_figure_is_marked_against_the_reference_of_its_kind_of_machine():
    changes = {"top1_error_percent_ensemble_144": Figure(value=4.0000001, low=2, high=6)}
    text, marked = marks(reference(KIND, **changes))
    assert text == (
        "9 of 10 figures agree to the bit with the reference of this type of machine (Example 9000, torch 2.15.0).",
    )
    assert (
        marked.pop("Top-1 error, 7 models on 144 crops") == "no: the reference is 4.0000001"
    )  # as many decimals as it takes
    assert marked.pop("Time of a forward pass against VGG-16") == "—"
    assert set(marked.values()) == {"yes, to the bit"}


def test_without_a_reference_of_this_kind_the_report_says_so():
    changes = {
        "top1_error_percent_ensemble_144": Figure(value=5, low=3, high=6),
        "mean_ap_percent_single": Figure(value=5, low=3, high=6),
        "share_of_boxes_percent": Figure(value=5),
    }
    text, marked = marks(reference(OTHER, **changes))
    assert (
        text[0].startswith("There is no reference for this type of machine. ") and "(Other 1, torch 2.15.0)" in text[0]
    )
    assert text[0].endswith("not for other weights: 8 of 9 figures lie within.")
    assert marked["Top-1 error, 7 models on 144 crops"] == "yes, within its range"
    assert marked["Mean average precision, 1 detector"] == "no: the reference is 5.00"
    assert marked["Boxes with MultiBox, of those of undoubled selective search"] == "not compared"


def test_with_references_of_three_kinds_the_report_says_what_is_accepted():
    known = reference(OTHER, top1_error_percent_ensemble_144=Figure(value=7, low=6, high=8))
    (first,) = known.machines
    seconds = [KIND.model_copy(update={"cpu": cpu}) for cpu in ("Other 2", "Other 3")]
    figures = first.figures | {"top1_error_percent_ensemble_144": Figure(value=6.5)}
    machines = (first, *(MachineReference(kind=kind, figures=figures) for kind in seconds))
    text, marked = marks(Reference(machines=machines))
    assert text[0].endswith(
        "widened to the 95 % prediction interval of the values of 3 types of machine: 9 of 10 figures lie within."
    )
    assert marked["Top-1 error, 7 models on 144 crops"] == "no: the reference is 7.00"


def test_an_experiment_without_a_reference_says_so_and_has_no_column():
    (section, *_) = sections.build("demo", sample.results(), sample.runs(), {}).sections
    assert section.text == ("No reference results are kept for this experiment.",)
    assert [column.label for column in section.content[0].columns][-1] == "How sure"
