"""Tables and text of detection: the paper's figures, ours, and no claim that an interval does not support."""

import pytest

from googlenet.metrics.results import Results
from googlenet.report import detection_tables, headlines, page, proposal_tables, sections
from googlenet.report.parts import OURS, Table
from googlenet.report.words import TIMES
from report import sample, sample_detection
from settings import changed

UNDECIDED = "not statistically distinguishable"
MINUS = "\N{MINUS SIGN}"


@pytest.fixture(scope="module")
def evaluated():
    return sample_detection.evaluate_detection(sample.CLASSES)


@pytest.fixture(scope="module")
def study():
    return sample_detection.study_proposals(sample.CLASSES)


def results(*metrics):
    """These stages' metrics, each of a stage with one job, and the data set's manifest."""
    return Results([("", sample.manifest("detection")), *(("", one) for one in metrics)])


def test_tables_4_and_5_print_the_paper_as_it_prints_itself(evaluated):
    table = detection_tables.table_4(evaluated, "x")
    assert [row.cells[3] for row in table.rows] == ["22.6", "40.5", "40.7", "43.9", "93.1"]
    assert table.rows[-1].cells[4] == "[90.2, 95.4]" and table.columns[4].label == "95 % interval"
    assert [row.cells[-1] for row in table.rows] == ["Fisher vectors", "CNN", "CNN", "CNN", "CNN"]
    rows = detection_tables.table_5(evaluated, "x").rows
    assert rows[4].cells == ("GoogLeNet", "38.02", "—", "no", "no")
    assert rows[-1].cells == ("Ours, on x", "89.5 ± 1.9", "[86.6, 92.0]", "no", "no")
    switched = changed(evaluated, switches={"on": ["bbox_regression", "mirror"]})
    assert detection_tables.table_5(switched, "x").rows[-1].cells[3:] == ("no", "yes")
    at_90 = changed(evaluated, table_4={"interval": {"confidence_percent": 90}})
    assert detection_tables.table_4(at_90, "x").columns[4].label == "90 % interval"


def test_detectors_side_by_side(evaluated):
    section = sections.detection(
        Results([("", sample.manifest("detection")), *sample_detection.jobs(sample.CLASSES)]), {}
    )
    table = next(item for item in section.content if item.title == "The detectors, side by side")
    assert table.rows[0].cells == ("d1", "31", "m1", "452,435", "9,121", "91.9", "87.0")
    assert table.rows[-1].cells == ("ensemble", "", "", "", "", "", "93.1") and len(table.rows) == 7
    assert "auxiliary heads, which are discarded afterwards" in table.note


def test_the_conclusions_on_switches_follow_their_intervals(evaluated):
    table = detection_tables.switches(evaluated)
    assert table.rows[0].mark == OURS and table.rows[0].cells[0] == "In use here: none"
    assert [row.cells[-1] for row in table.rows[1:]] == [
        f"{UNDECIDED} (0.3 points better, 95 % interval from 0.2 worse to 0.8 better)",
        "better by 1.9 points, 95 % interval [0.8, 3.0]",
        "worse by 1.9 points, 95 % interval [0.6, 3.1]",
    ]
    alone = changed(evaluated, switches={"on": ["svm", "mirror"], "compared": []})
    section = sections.detection(results(alone), {})
    assert "Switches beyond the paper" not in [item.title for item in section.content]
    assert detection_tables.switched(["svm", "mirror"]).endswith("softmax, mean with the mirrored region")


def test_the_text_on_the_ensemble_follows_its_interval(evaluated):
    text = sections.detection(results(evaluated), {}).text[0]
    assert "All together, against one: better by 3.6 points, 95 % interval [2.4, 4.9]." in text
    close = changed(evaluated, ensemble_minus_single=sample_detection.difference(0.4, -0.5, 1.2))
    assert f"against one: {UNDECIDED}" in sections.detection(results(close), {}).text[0]


@pytest.mark.parametrize(("classes", "parts", "height"), [(3, 1, 3), (24, 1, 24), (25, 2, 13), (200, 2, 100)])
def test_every_class_is_in_the_table_of_average_precision(classes, parts, height):
    names = [f"class {number}" for number in range(classes)]
    table = detection_tables.average_precision(sample_detection.evaluate_detection(names))
    assert (len(table.columns), len(table.rows)) == (4 * parts, height)
    shown = [row.cells[4 * part] for part in range(parts) for row in table.rows]
    assert [name for name in shown if name] == names


def test_a_class_without_objects_has_a_dash(evaluated):
    assert detection_tables.average_precision(evaluated).note == ""

    def without_3(precision):
        values = precision.ap_percent
        return changed(precision, ap_percent=[*values[:3], None, *values[4:]])

    detectors = {name: without_3(row).model_dump() for name, row in evaluated.detectors.items()}
    ensemble = without_3(evaluated.ensemble).model_dump()
    table = detection_tables.average_precision(changed(evaluated, ensemble=ensemble, detectors=detectors))
    assert table.rows[3].cells[2:] == ("—", "—") and table.note


def counted(evaluated, false, missed):
    """Errors with such counts over all classes, in the order of the tables."""
    changes = {
        part: {"all": {"objects": 20, "counts": dict(zip(names, counts, strict=True))}}
        for part, names, counts in (
            ("false_positives", detection_tables.KINDS, false),
            ("missed", detection_tables.REASONS, missed),
        )
    }
    return changed(evaluated.error_types, **changes)


def test_errors_in_numbers_and_words(evaluated):
    errors = counted(evaluated, (14, 3, 0, 3, 0), (1, 0, 0, 0))
    table = detection_tables.false_detections(errors)
    assert table.caption.endswith("at most as many as it has objects.")
    rows = table.rows
    assert [row.cells[:3] for row in rows][:2] == [("right", "14", "70.0"), ("localisation", "3", "15.0")]
    assert rows[-1].cells[:3] == ("all", "20", "100.0")
    assert detection_tables.missed_objects(errors).rows[0].cells[:3] == ("not proposed", "1", "5.0")
    assert detection_tables.missed_objects(errors).rows[-1].cells[1:3] == ("1", "5.0")
    assert detection_tables.summary(errors) == (
        "Of the 20 detections with the highest scores (for each class, at most as many as it has objects), 70.0 % are right. "
        "The most frequent error is localisation and confusion: 50.0 % each of the wrong ones.",
        "1 of 20 objects (5.0 %) is missed at every score; most often: not proposed.",
    )


def test_the_text_when_nothing_is_wrong(evaluated):
    first, second = detection_tables.summary(counted(evaluated, (20, 0, 0, 0, 0), (0, 0, 0, 0)))
    assert first.endswith("100.0 % are right.") and second == "None of 20 objects is missed altogether."
    none = counted(evaluated, (0, 0, 0, 0, 0), (20, 0, 0, 0))  # no detection at all
    assert detection_tables.false_detections(none).rows[0].cells[:3] == ("right", "0", "—")
    assert detection_tables.summary(none) == (
        "Nothing was detected.",
        "20 of 20 objects (100.0 %) are missed at every score; most often: not proposed.",
    )


def test_kinds_and_reasons_are_those_of_the_evaluation():
    from googlenet.detection.error_types import KINDS, REASONS

    assert set(detection_tables.KINDS) == set(KINDS) and set(detection_tables.REASONS) == set(REASONS)


def test_sources_of_proposals_beside_the_paper(study):
    rows = [row.cells for row in proposal_tables.sources(study).rows]
    assert [row[2:4] for row in rows[:2]] == [("100", "92"), ("about 60", "93")]
    assert rows[2] == ("selective search, superpixels times 1", "1,652", "100", "92.0", "[89.9, 93.8]")
    assert rows[3][:3] == ("selective search, superpixels times 2", "803", "49")
    assert rows[-1][1:4] == ("1,003", "61", "93.1")


def test_the_text_on_proposals_follows_its_intervals(study):
    text = proposal_tables.summary(study)
    assert "1,652 boxes per image become 803, and coverage changes from 92.0 % " in text[1]
    assert f"61 % as many boxes as in undoubled selective search; coverage against the latter: {UNDECIDED}" in text[2]
    assert text[3].endswith("better by 23.0 points, 95 % interval [19.9, 26.3].")
    worse = changed(study, differences={"merged_minus_full": sample_detection.difference(-2.0, -3.5, -0.5)})
    assert "the latter: worse by 2.0 points, 95 % interval [0.5, 3.5]." in proposal_tables.summary(worse)[2]
    assert headlines.headlines(results(worse))[0].remark.startswith("change in coverage: worse by 2.0")
    not_doubled = changed(study, superpixel_scale={"ours": 1.0})
    assert "(nothing doubled)" in proposal_tables.summary(not_doubled)[1]


def test_coverage_by_class_names_the_least_covered_and_leaves_out_the_empty(study):
    sources = {}
    for name, source in study.sources.items():
        empty = changed(source.per_class[0], objects=0, coverage_percent=None)
        sources[name] = {"per_class": [empty, *source.per_class[1:]]}
    rows = study.differences.multibox_minus_priors.per_class
    nine = changed(rows[9], gain=sample_detection.difference(-9.0, -12.0, -6.0))
    eight = changed(rows[8], gain=sample_detection.difference(1.0, -2.0, 4.0))
    learned = {"per_class": [*rows[:6], changed(rows[6], gain=None), rows[7], eight, nine]}
    study = changed(study, sources=sources, differences={"multibox_minus_priors": learned})
    table = proposal_tables.by_class(study)
    assert len(table.rows) == 9 and table.rows[0].cells[0] == sample.CLASSES[9]
    assert table.rows[0].cells[-3:] == (f"{MINUS}9.0", f"[{MINUS}12.0, {MINUS}6.0]", "worse")
    assert table.rows[1].cells[-1] == UNDECIDED
    assert table.rows[2].cells[-1] == "better" and table.rows[3].cells[-3:] == ("—", "—", "—")
    assert table.note.endswith("A class that fewer than 10 images hold has none.")
    few = proposal_tables.by_class(study, shown=2)
    assert len(few.rows) == 2 and "the lowest 2 of 9 classes" in few.caption


def test_without_boxes_of_multibox_nothing_is_said_of_it(study):
    alone = changed(study, differences={"multibox_minus_priors": None})
    assert len(proposal_tables.summary(alone)) == 2 and "MultiBox's boxes" not in proposal_tables.summary(alone)[1]
    table = proposal_tables.sources(alone)
    assert [row.cells[0][:16] for row in table.rows[2:]] == ["selective search"] * 2 and "ixed" not in table.note
    by_class = proposal_tables.by_class(alone)
    assert [column.label for column in by_class.columns[1:]] == ["Objects", f"Search {TIMES} 1", f"Search {TIMES} 2"]
    assert {len(row.cells) for row in by_class.rows} == {4} and "interval" not in by_class.note
    assert [line.what for line in headlines.headlines(results(alone))] == ["Objects that the proposals cover"]


def test_without_a_study_the_regions_coverage_is_shown_beside_the_papers(evaluated):
    section = sections.proposals(results(evaluated), {})
    table = next(item for item in section.content if isinstance(item, Table))
    assert table.rows[-1].cells == ("Ours", "141", "98.6") and table.rows[1].cells[2] == "93" and section.text == ()
    none = Results([])
    assert sections.proposals(none, {}) is None and sections.errors(none, {}) is None


def test_markdown_has_all_of_detection(evaluated, study):
    names = ("coverage_by_boxes", "proposals", "precision_recall", "error_types", "detections_worst")
    report = sections.build("demo", results(evaluated, study), [], dict.fromkeys(names, b""))
    text = page.render_markdown(report)
    for name in names:
        assert f"(figures/{name}.png)" in text
    for title in ("Switches beyond the paper", "Why objects are missed", "Coverage by class"):
        assert f"### {title}\n" in text
