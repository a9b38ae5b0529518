"""Tables and words of detection: the paper's figures, ours, and no claim that an interval does not carry."""

import pytest

from googlenet.report import (
    detection_sections,
    detection_tables,
    error_tables,
    glance,
    page,
    proposal_tables,
    sections,
)
from googlenet.report.parts import OURS, Table
from report import sample

NEITHER = "no difference that the interval carries"
MINUS = "\N{MINUS SIGN}"


@pytest.fixture
def metrics():
    return sample.metrics()


@pytest.fixture
def found(metrics):
    return metrics["evaluate_detection"]


@pytest.fixture
def study(metrics):
    return metrics["study_proposals"]


def test_tables_4_and_5_print_the_paper_as_it_prints_itself(found):
    table = detection_tables.table_4(found, "x")
    assert [row.cells[3] for row in table.rows] == ["22.6", "40.5", "40.7", "43.9", "93.1"]
    assert table.rows[-1].cells[4] == "[90.2, 95.4]" and table.columns[4].label == "95 % interval"
    rows = detection_tables.table_5(found, "x").rows
    assert rows[4].cells == ("GoogLeNet", "38.02", "—", "no", "no")
    assert rows[-1].cells == ("Ours, on x", "89.5 ± 1.9", "[86.6, 92.0]", "no", "no")
    found["switches"]["on"] = ["bbox_regression", "mirror"]
    assert detection_tables.table_5(found, "x").rows[-1].cells[3:] == ("no", "yes")
    found["table_4"]["confidence_percent"] = 90
    assert detection_tables.table_4(found, "x").columns[4].label == "90 % interval"


def test_results_of_before_the_switches_still_make_the_page(metrics, found):
    for key in ("switches", "single_interval", "ensemble_minus_single"):
        del found[key]
    assert detection_tables.table_5(found, "x").rows[-1].cells[2:] == ("—", "no", "no")
    section = detection_sections.detection(metrics, {})
    assert "Switches beyond the paper" not in [item.title for item in section.content]
    assert "against one" not in section.text[0]


def test_switches_say_what_their_intervals_carry(metrics, found):
    table = detection_tables.switches(found)
    assert table.rows[0].mark == OURS and table.rows[0].cells[0] == "In use here: none"
    assert [row.cells[-1] for row in table.rows[1:]] == [
        f"{NEITHER} (+0.3 points, 95 % interval [{MINUS}0.2, 0.8])",
        "better by 1.9 points, 95 % interval [0.8, 3.0]",
        "worse by 1.9 points, 95 % interval [0.6, 3.1]",
    ]
    found["switches"] = {"on": ["svm", "mirror"], "compared": []}
    section = detection_sections.detection(metrics, {})
    assert "Switches beyond the paper" not in [item.title for item in section.content]
    assert detection_tables.switched(["svm", "mirror"]).endswith("softmax, mean with the mirrored region")


def test_the_ensemble_against_one_detector_is_said_as_far_as_it_carries(metrics, found):
    said = detection_sections.detection(metrics, {}).text[0]
    assert "All together, against one: better by 3.6 points, 95 % interval [2.4, 4.9]." in said
    found["ensemble_minus_single"] = {"percent": 0.4, "interval": [-0.5, 1.2]}
    assert f"against one: {NEITHER}" in detection_sections.detection(metrics, {}).text[0]


@pytest.mark.parametrize(("classes", "parts", "height"), [(3, 1, 3), (24, 1, 24), (25, 2, 13), (200, 2, 100)])
def test_every_class_is_in_the_table_of_average_precision(classes, parts, height):
    names = [f"class {number}" for number in range(classes)]
    table = detection_tables.average_precision(sample.evaluate_detection(names))
    assert (len(table.columns), len(table.rows)) == (4 * parts, height)
    shown = [row.cells[4 * part] for part in range(parts) for row in table.rows]
    assert [name for name in shown if name] == names


def test_a_class_without_objects_has_a_dash(found):
    assert detection_tables.average_precision(found).note == ""
    found["ensemble"]["ap_percent"][3] = None
    for row in found["detectors"].values():
        row["ap_percent"][3] = None
    table = detection_tables.average_precision(found)
    assert table.rows[3].cells[2:] == ("—", "—") and table.note


def counted(found, false, missed):
    for part, names, counts in (
        ("false_positives", error_tables.KINDS, false),
        ("missed", error_tables.REASONS, missed),
    ):
        found["error_types"][part]["all"] = {"objects": 20} | dict(zip(names, counts, strict=True))


def test_errors_in_numbers_and_words(found):
    counted(found, (14, 3, 0, 3, 0), (1, 0, 0, 0))  # in the order of the tables
    rows = error_tables.false_detections(found).rows
    assert [row.cells[:3] for row in rows][:2] == [("right", "14", "70.0"), ("localisation", "3", "15.0")]
    assert rows[-1].cells[:3] == ("all", "20", "100.0")
    assert error_tables.missed_objects(found).rows[0].cells[:3] == ("not proposed", "1", "5.0")
    assert error_tables.missed_objects(found).rows[-1].cells[1:3] == ("1", "5.0")
    assert error_tables.said(found) == (
        "Of the surest 20 detections (of each class as many as it has objects), 70.0 % are right. The most "
        "frequent fault is localisation and confusion: 50.0 % each of those that are wrong.",
        "1 of 20 objects (5.0 %) is missed at every score; most often: not proposed.",
    )


def test_nothing_wrong_is_said_too(found):
    counted(found, (20, 0, 0, 0, 0), (0, 0, 0, 0))
    first, second = error_tables.said(found)
    assert first.endswith("100.0 % are right.") and second == "No object of 20 is missed altogether."
    counted(found, (0, 0, 0, 0, 0), (20, 0, 0, 0))  # no detection at all
    assert error_tables.false_detections(found).rows[0].cells[:3] == ("right", "0", "—")


def test_kinds_and_reasons_are_those_of_the_evaluation(found):
    from googlenet.detection.error_types import KINDS, REASONS

    assert set(error_tables.KINDS) == set(KINDS) and set(error_tables.REASONS) == set(REASONS)


def test_sources_of_proposals_beside_the_paper(study):
    rows = [row.cells for row in proposal_tables.sources(study).rows]
    assert [row[2:4] for row in rows[:2]] == [("100", "92"), ("about 60", "93")]
    assert rows[2] == ("selective search, superpixels times 1", "1,652", "100", "92.0", "[89.9, 93.8]")
    assert rows[3][:3] == ("selective search, superpixels times 2", "803", "49")
    assert rows[-1][1:4] == ("1,003", "61", "93.1")


def test_words_on_proposals_follow_their_intervals(metrics, study):
    said = proposal_tables.said(study)
    assert "1,652 boxes an image become 803" in said[1]
    assert (
        f"61 % of the boxes of the undoubled selective search; their coverage, against its, is: {NEITHER}"
        in said[2]
    )
    assert said[3].endswith("better by 23.0 points, 95 % interval [19.9, 26.3].")
    study["differences"]["merged_minus_full"] = {"coverage_percent": -2.0, "interval": [-3.5, -0.5]}
    assert "is: worse by 2.0 points, 95 % interval [0.5, 3.5]." in proposal_tables.said(study)[2]
    assert [card.detail for card in glance.cards(metrics)][-1].startswith("coverage: worse by 2.0")
    study["superpixel_scale"]["ours"] = 1.0
    assert "nothing was doubled" in proposal_tables.said(study)[1]


def test_coverage_by_class_names_the_least_covered_and_leaves_out_the_empty(study):
    for source in study["sources"].values():
        source["per_class"][0] |= {"objects": 0, "coverage_percent": None}
    learned = study["differences"]["multibox_minus_priors"]["per_class"]
    learned[9] |= {"coverage_percent": -9.0, "interval": [-12.0, -6.0]}
    learned[8] |= {"coverage_percent": 1.0, "interval": [-2.0, 4.0]}
    table = proposal_tables.by_class(study)
    assert len(table.rows) == 9 and table.rows[0].cells[0] == sample.CLASSES[9]
    assert table.rows[0].cells[-3:] == (f"{MINUS}9.0", f"[{MINUS}12.0, {MINUS}6.0]", "worse")
    assert table.rows[1].cells[-1] == "neither, as far as the interval carries"
    assert table.rows[2].cells[-1] == "better"
    few = proposal_tables.by_class(study, shown=2)
    assert len(few.rows) == 2 and "the 2 of 9 classes with the least" in few.caption


def test_without_a_study_the_regions_coverage_stands_beside_the_papers(metrics):
    del metrics["study_proposals"]
    section = detection_sections.proposals(metrics, {})
    table = next(item for item in section.content if isinstance(item, Table))
    assert table.rows[-1].cells == ("Ours", "141", "98.6") and section.text == ()
    assert detection_sections.proposals({}, {}) is None and detection_sections.errors({}, {}) is None


def test_markdown_has_all_of_detection(metrics):
    names = ("coverage_by_boxes", "proposals", "precision_recall", "error_types", "detections_worst")
    report = sections.build("demo", metrics, [], dict.fromkeys(names, b""))
    text = page.render_markdown(report)
    for name in names:
        assert f"(figures/{name}.png)" in text
    for title in ("Switches beyond the paper", "Why objects are missed", "Coverage by class"):
        assert f"### {title}\n" in text
