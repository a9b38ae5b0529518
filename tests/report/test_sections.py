"""The content of the page: what is left out, what it warns of, and conclusions that follow their intervals."""

import re

import pytest

from googlenet.config.schema.shared import Detector, TrainedMember
from googlenet.data.wnids import wnids
from googlenet.metrics.classification import BaselineMetrics
from googlenet.metrics.data import Manifest
from googlenet.metrics.detection import DetectionMetrics, DetectorMetrics
from googlenet.metrics.interval import Difference, Interval
from googlenet.metrics.proposals import ProposalMetrics, ProposalStudyMetrics
from googlenet.metrics.results import Results
from googlenet.report import detection_tables, glance, headlines, run_tables, sections, tables, words
from googlenet.report.captions import CAPTIONS
from googlenet.report.parts import OURS, Column, Row, Table
from report import sample
from settings import changed

OF_DETECTION = (ProposalMetrics, ProposalStudyMetrics, DetectorMetrics, DetectionMetrics)
UNDECIDED = "not statistically distinguishable"


def titles(report):
    return [section.title for section in report.sections]


def test_an_experiment_without_detection_has_no_such_section_table_or_card():
    jobs = [job for job in sample.jobs() if not isinstance(job[1], OF_DETECTION)]
    jobs = [job for job in jobs if sample.kind_of(job[1]) != (Manifest, "detection")]
    report = sections.build("photos", Results(jobs), sample.runs(), {})
    assert titles(report) == [
        *(
            "What was reproduced, and how well",
            "The paper's claims",
            "Classification: Tables 2 and 3",
            "Images and classes that are confused",
        ),
        *("Training the members", "Fewer crops, and other ways to combine them"),
        *("Why more crops help, or do not", "Which members and crops help which classes", "Calibration"),
        "The units of a module and their clusters",
        *("The network and its cost", "Data", "What the paper leaves open", "Provenance"),
    ]
    assert [part.title for part in report.parts] == ["", "Classification", "Cost", "Data and provenance"]
    assert [part.folded for part in report.parts] == [False, False, False, True]
    lines = report.tables[0].rows
    assert not any("detector" in row.cells[0] for row in lines) and len(lines) == 6


def test_absent_figures_baseline_and_pairs_are_left_out():
    ensemble = sample.evaluate_ensemble().model_copy(update={"baseline": None, "paired": {}})
    report = sections.build("demo", sample.results(ensemble, without=(BaselineMetrics,)), [], {})
    assert not any(hasattr(item, "png") for section in report.sections for item in section.content)
    text = " ".join(paragraph for section in report.sections for paragraph in section.text)
    assert "baseline" not in text and "against one model" not in text and "None" not in text
    assert [row.cells[2] for row in report.tables[0].rows][:2] == ["7.30 ± 0.61 %", "4.00 %"]


def test_the_page_warns_of_data_other_than_ilsvrc():
    digits, scenes = sample.results().manifests
    assert "digits and digit_scenes, not on ILSVRC" in glance.warning([digits, scenes])
    whole = of_ilsvrc(digits, 1000, 48_238)  # less those that the official blacklist leaves out
    assert glance.warning([whole, scenes]).startswith(
        "The detection results are on digit_scenes, whose classes are not all ILSVRC's. The paper's"
    )
    assert glance.warning([whole, of_ilsvrc(scenes, 200, 20_121)]) == ""


def of_ilsvrc(manifest, classes, images):
    """A manifest with the first of ILSVRC's classes, of its kind, and as many test images, under any name."""
    return changed(manifest, class_keys=list(wnids(manifest.kind)[:classes]), splits={"test": {"records": images}})


@pytest.mark.parametrize(
    ("classes", "images", "extent"),
    [
        (93, 1000, "93 of ILSVRC's 1,000 classes, and 1,000 test images where"),
        (1000, 10_000, "1,000 of ILSVRC's 1,000 classes, and 10,000 test images where"),  # other images of them, maybe
        (1000, 60_000, "1,000 of ILSVRC's 1,000 classes, and 60,000 test images where"),
    ],
)
def test_a_part_of_ilsvrc_is_called_that_whatever_its_name(classes, images, extent):
    part = of_ilsvrc(sample.manifest("classification", "mine"), classes, images)
    text = glance.warning([part])
    assert f"mine (classification) has {extent} its validation set has 50,000." in text and "all of ILSVRC:" in text
    assert "not on ILSVRC" not in text and "never our figure" in text


def test_neither_a_name_nor_the_number_of_classes_makes_a_data_set_ilsvrc():
    named = changed(sample.manifest("classification", "ilsvrc2012"), class_keys=[str(n) for n in range(1000)])
    assert "These results are on ilsvrc2012, not on ILSVRC." in glance.warning([named])


def test_one_detector_is_not_compared_with_itself():
    evaluated = sample.results().one(DetectionMetrics)
    first = dict([next(iter(evaluated.detectors.items()))])
    table_4 = evaluated.table_4.model_copy(update={"detectors": 1})
    one = evaluated.model_copy(update={"detectors": first, "table_4": table_4})
    shown = sections.detection(sample.results(one, without=(DetectorMetrics,)), {})
    assert "All together" not in shown.text[0] and "mean of" not in shown.text[0]
    assert "standard deviation" not in detection_tables.table_5(one, "x").note
    lines = [line.what for line in headlines.headlines(sample.results(one))]
    assert [line for line in lines if "detector" in line] == ["Mean average precision, 1 detector"]


@pytest.mark.parametrize(("number", "printed"), [(1, "."), (6, " and 43.9 % with six.")])
def test_the_text_gives_the_papers_figure_of_six_detectors_beside_no_other_number(number, printed):
    jobs = sample.jobs()
    detected = Results(jobs).one(DetectionMetrics)
    names = dict(list(detected.detectors.items())[:number])
    fewer = DetectionMetrics.model_validate(
        detected.to_json() | {"detectors": {n: d.to_json() for n, d in names.items()}}
    )
    kept = [job for job in jobs if not isinstance(job[1], DetectionMetrics)]
    trained = [job for job in kept if not isinstance(job[1], DetectorMetrics)]
    section = sections.detection(Results([*(kept if number == 6 else trained), ("", fewer)]), {})
    one = "In the paper, on ILSVRC: 38.02 % with one model (Table 5; 40 % in the text)"
    assert section.text[0].endswith(f"{one}{printed}")


@pytest.mark.parametrize(
    ("difference", "low", "high", "expected"),
    [
        (0.3, 0.002, 0.7, "better by 0.30 points, 95 % interval [0.002, 0.700]"),
        (-0.3, -0.7, -0.0004, "worse by 0.30 points, 95 % interval [0.0004, 0.7000]"),
        (3.3, 1.78, 4.89, "better by 3.30 points, 95 % interval [1.78, 4.89]"),
        (-2.0, -3.5, -0.5, "worse by 2.00 points, 95 % interval [0.50, 3.50]"),
        (0.4, -0.6, 1.4, f"{UNDECIDED} (0.40 points better, 95 % interval from 0.60 worse to 1.40 better)"),
        (0.0, 0.0, 0.0, f"{UNDECIDED} (no difference in any resample)"),
        (0.4, 0.0, 1.4, f"{UNDECIDED} (0.40 points better, 95 % interval from 0.00 to 1.40 better)"),
    ],
)
def test_words_follow_the_interval(difference, low, high, expected):
    bounds = Interval(low=low, high=high, confidence_percent=95)
    assert words.of_difference(Difference(difference=difference, interval=bounds)) == expected
    pair = sample.paired("top1_error_percent", difference, low, high)
    ensemble = changed(sample.evaluate_ensemble(), paired={"single_1_minus_ensemble_144": pair})
    report = sections.build("demo", sample.results(ensemble), [], {})
    classification = next(section for section in report.sections if section.title == "Classification: Tables 2 and 3")
    assert f"7 models at 144 crops, against one model at one crop: {expected}." in classification.text
    (shown,) = (
        row.cells
        for row in report.tables[0].rows
        if row.cells[0].startswith("7 models on 144 crops instead of 1 model on 1")
    )
    claim = {UNDECIDED[:3]: "", "bet": "as in the paper: ", "wor": "unlike the paper: "}[expected[:3]]
    assert shown[1:] == ("\N{MINUS SIGN}3.40 points (top-5)", f"{words.signed(-difference)} points", claim + expected)
    table = run_tables.comparisons(ensemble)
    assert table.rows[0].cells == ("7 models, 144 crops, against one model, one crop", "top-1 error", expected)
    assert table.note.endswith("for these networks: with another seed or machine a verdict may differ.")


def test_table_3_by_hand():
    rows = tables.table_3(sample.evaluate_ensemble()).rows
    first, last = rows[0].cells, rows[-1].cells
    assert first == (
        "1",
        "1",
        "1",
        "10.07",
        "base",
        "0.61 ± 0.06",
        "[0.31, 0.92]",
        "base",
        "7.30 ± 0.61",
        "[5.02, 9.59]",
        "base",
    )
    assert last == (
        "7",
        "144",
        "1,008",
        "6.67",
        "\N{MINUS SIGN}3.45",
        "0.33",
        "[0.12, 0.61]",
        "\N{MINUS SIGN}0.28",
        "4.00",
        "[2.22, 5.78]",
        "\N{MINUS SIGN}3.30",
    )


def test_with_five_classes_top_5_is_not_shown():
    table = tables.table_3(sample.evaluate_ensemble(classes=3))
    assert [row.cells[5:8] for row in table.rows] == [("—", "—", "—")] * 6
    assert "With 3 classes the top-5 error is always 0" in table.note
    ours = tables.table_2(sample.evaluate_ensemble(classes=5), "cells").rows[-1]
    assert ours.mark == OURS and ours.cells[3] == "—"
    assert tables.top5_note(10).endswith("top-5 error of 50 %: compare top-1 here.") and tables.top5_note(1000) == ""


def test_the_text_on_the_144_crops_holds_whether_or_not_they_are_mirrored():
    ensemble = sample.evaluate_ensemble()
    shown = {"crops_144": b""}
    assert len(sections.crops(ensemble, shown).text) == 2 and sections.crops(ensemble, {}) is None
    *_, square, mirrored = sections.crops(changed(ensemble, mirrored=False), shown).text
    assert square.endswith("so a third of the crops, counted three times, give the same mean.")
    assert mirrored.endswith("the mean is over half of the crops, each counted twice.")


@pytest.mark.parametrize(
    "name", ["member_errors", "crops_144", "error_by_models_and_crops", "error_over_crops", "reliability"]
)
def test_what_describes_a_figure_states_no_number_or_shape_that_settings_change(name):
    assert not re.search(r"\d|\b(two|three|four|six|ten|fall)\b", CAPTIONS[name][1].lower())


def test_an_ensemble_that_the_paper_has_not_gets_no_printed_figures():
    ensemble = sample.evaluate_ensemble()
    five = [changed(row, models=5) for row in ensemble.table_3[3:]]
    ensemble = changed(ensemble, table_3=[*ensemble.table_3[:3], *five])
    assert tables.table_3(ensemble).rows[-1].cells[3:5] == ("—", "—")


def test_the_notes_of_tables_1_and_3_say_what_is_inferred_and_what_was_chosen_on_the_tested_images():
    cost = sample.measure_cost()
    assert tables.table_1(cost.layers, cost.totals).note.startswith("K is 1024, as inferred from the print")
    note = tables.table_3(sample.evaluate_ensemble()).note
    assert "the one with the lowest top-1 error on the validation images, on which its table is measured too" in note


def test_table_1_marks_only_what_the_print_has_wrong():
    cost = sample.measure_cost()
    rows = {row.cells[0]: row.cells for row in tables.table_1(cost.layers, cost.totals).rows}
    assert rows["conv1"][3:] == ("2.7K ‡", "9.2K", "9,408", "34M ‡", "118.0M", "118.0M")
    assert rows["inception_3a"][3:] == ("159K", "159.5K", "163,328", "128M", "128.0M", "128.0M")
    assert rows["pool1"] == (
        "pool1",
        "56 \N{MULTIPLICATION SIGN} 56 \N{MULTIPLICATION SIGN} 64",
        "0",
        "",
        "",
        "",
        "",
        "",
        "",
    )
    assert rows["sum"][3:] == ("6,798K", "6,990,272", "6,990,272", "1.50G", "1.583G", "1.583G")
    assert "All 18 outputs of ours equal the printed ones." in tables.table_1(cost.layers, cost.totals).note
    first, second, third, *rest = cost.layers
    other = [first, second, changed(third, output=(56, 56, 191)), *rest]
    assert "differ from the printed ones in conv2." in tables.table_1(other, cost.totals).note
    partial = tables.table_1(cost.layers[1:], cost.totals).rows[0]
    assert partial.cells[5] == "—"


def test_table_2_prints_the_paper_as_it_prints_itself():
    assert tables.table_2(sample.evaluate_ensemble(), "digits").rows[0].cells[3] == "16.4"


def test_members_show_every_setting_and_sort_by_number():
    trained = {f"m{number}": sample.trained(number) for number in (10, 2, 1)}
    trained["m2"] = changed(trained["m2"], member={"repeat_modules": ("4b", "4b")})
    ensemble = sample.evaluate_ensemble()
    tested = {"m10": {str(crops): sample.errors(8.2 - crops / 100) for crops in sample.CROPS}}
    table = run_tables.members(trained, changed(ensemble, members=tested))
    assert [row.cells[0] for row in table.rows] == ["m1", "m2", "m10"]
    labels = [column.label for column in table.columns]
    seeds = ["Initial-weights seed", "Order seed", "Sampling seed"]
    assert labels[1:7] == [*seeds, "Sampling", "Width", "Repeated modules"]
    assert table.rows[1].cells[3:7] == ("22", "scale jitter", "0.25", "4b, 4b")
    assert run_tables.setting(()) == "—" and table.rows[0].cells[6] == "—"
    assert table.rows[2].cells[8:11] == ("8.19", "8.10", "6.76") and labels[8] == "Test, 1 crop"


def trained_with(validation):
    """Trainings with these top-1 and top-5 errors of the averaged weights on validation."""
    made = {}
    for number, percent in enumerate(validation, 1):
        one = sample.trained(number)
        averaged = {"top1_error_percent": percent[0], "top5_error_percent": percent[1]}
        made[f"m{number}"] = changed(one, validation={"averaged": averaged})
    return made


def test_the_one_model_of_the_paper_is_the_best_on_validation():
    ensemble = sample.evaluate_ensemble()
    trained = trained_with([(4, 1), (3, 2), (3, 1), (3, 1), (5, 0), (4, 0), (9, 9)])
    assert run_tables.chosen(trained, ensemble) == "m3"  # ties: top-5, then the name
    assert run_tables.against_chosen(trained, ensemble) == (
        "against m3, the member with the lowest top-1 error on validation: top-1 error better by 0.50 points, "
        "95 % interval [0.25, 1.00]"
    )
    assert "All members on 144 crops against m3" in run_tables.members(trained, ensemble).note
    del trained["m3"]  # its weights were imported: no validation error is known
    assert run_tables.against_chosen(trained, ensemble) == ""
    one = ensemble.model_copy(update={"members": {"m1": ensemble.members["m1"]}})
    assert run_tables.chosen({"m1": trained["m1"]}, one) is None


@pytest.mark.parametrize("kind", [TrainedMember, Detector])
def test_every_setting_of_a_table_of_members_has_a_column(kind):
    assert set(run_tables.SETTINGS) >= kind.model_fields.keys() - {"name"}


def test_numbers_as_text():
    assert words.decimal(-0.001) == "0.00" and words.signed(0.001) == "0.00"
    assert (words.signed(0.25), words.signed(-0.25), words.signed(None)) == ("+0.25", "\N{MINUS SIGN}0.25", "—")
    assert (words.plural(1, "crop"), words.plural(1008, "crop")) == ("1 crop", "1,008 crops")
    assert (words.short("a" * 40 + "+dirty"), words.short(None)) == ("a" * 10 + "+dirty", "—")
    assert (
        words.spread(5.0, None) == "5.00" and words.interval(sample.interval(-1, 2.5)) == "[\N{MINUS SIGN}1.00, 2.50]"
    )
    assert words.in_order(["test", "extra", "train"]) == ["train", "test", "extra"]


def test_a_table_refuses_a_row_of_another_length():
    with pytest.raises(ValueError, match="2 cells for 1 columns"):
        Table("T", "", (Column("A"),), (Row(("1", "2")),))
