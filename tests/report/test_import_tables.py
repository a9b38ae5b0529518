"""The report of imported weights: their properties are shown, and absent parts are left out."""

from typing import Any

from googlenet.metrics.base import StageMetrics
from googlenet.metrics.classification_studies import CropStudyMetrics
from googlenet.metrics.data import Manifest
from googlenet.metrics.imports import ImportMetrics
from googlenet.metrics.results import Results
from googlenet.report import figures, page, run_tables, sections
from googlenet.report.parts import Table
from report import sample
from settings import changed

REPLICA = ImportMetrics.model_validate(
    {
        "member": {"name": "replica", "weights": "/some/where", "origin": "bvlc", "width": 1.0},
        "format": "caffemodel",
        "source_sha256": "0123456789abcdef",
        "network": "paper",
        "channel_order": "bgr",
        "input_mean": [104.0, 117.0, 123.0],
        "input_scale": [1.0, 1.0, 1.0],
        "input_px": 224,
        "aux_heads": [],
        "classes": 1000,
        "class_names": True,
        "parameters": 6_998_552,
    }
)


def evaluated(
    *members: str, manifest: Manifest | None = None, more: tuple[StageMetrics, ...] = (), **changes: Any
) -> Results:
    """What the stages of an experiment without training and detection leave."""
    whole = sample.evaluate_ensemble()
    one = [row for row in whole.table_3 if row.models == 1]
    tested = {"members": dict.fromkeys(members, whole.members["m1"])}  # in place of the sample's
    ensemble = whole.model_copy(update=tested | {"table_3": tuple(one), "baseline": None} | changes)
    singles = (manifest or sample.manifest("classification"), sample.measure_cost(), ensemble, *more)
    return Results([*((name, REPLICA) for name in members), *(("", metrics) for metrics in singles)])


def text_of(results: Results, drawn: dict[str, bytes]) -> str:
    report = sections.build("bvlc", results, sample.runs()[:1], drawn)
    assert page.render_html(report).rstrip().endswith("</html>")
    return page.render_markdown(report)


def test_the_report_shows_the_properties_of_the_weights():
    text = text_of(evaluated("replica"), {})
    assert "1 member was not trained here" in text
    row = "| replica | caffemodel | 0123456789 | the paper's | 6,998,552 | none | 224 | BGR | 104, 117, 123 | 1, 1, 1 | 1,000 | by name |"
    assert row in text
    assert "| replica | 144 | 5.30 | 0.44 |" in text
    assert "state a top-1 error of 31.3 % and a top-5 error of 11.1 %" in text


def test_absent_parts_are_left_out():
    test_alone = sample.manifest("classification", records_of={"test": 450})
    results = evaluated("replica", manifest=test_alone)
    drawn = figures.from_metrics(results)
    assert not {"training_curves", "member_errors", "error_by_models_and_crops"} & drawn.keys()
    text = text_of(results, drawn)
    for words in (
        "Training the members",
        "Detection",
        "choices were made on the validation split",
        "validation |",
        "baseline",
    ):
        assert words not in text.split("What the paper leaves open")[0], words
    assert "Nothing was trained here, and nothing was chosen" in text


def test_other_sources_are_not_compared_with_the_replica():
    other = changed(REPLICA, member={"origin": "torchvision"}, network="torchvision_bn", class_names=False)
    other = changed(other, input_scale=0.0172)
    section = run_tables.imported_weights({"a": other, "b": other}, None)
    assert len(section.text) == 1 and section.text[0].startswith("2 members were not trained")
    cells = section.content[0].rows[0].cells
    assert "torchvision's variant" in cells[3] and cells[-3:] == ("0.0172", "1,000", "unnamed")


def test_the_replicas_figures_follow_from_what_was_read_and_not_from_a_name():
    own = changed(REPLICA, classes=3)  # one's own training in Caffe, under the origin bvlc
    renamed = changed(REPLICA, member={"origin": "downloaded"})
    assert len(run_tables.imported_weights({"a": own}, None).text) == 1
    assert len(run_tables.imported_weights({"a": renamed}, None).text) == 2


def test_crops_chosen_on_validation_are_choices():
    text = text_of(evaluated("replica", more=(sample.results().one(CropStudyMetrics),)), {})
    assert "Nothing was trained here, and crops were chosen on the validation split" in text
    text = text_of(evaluated("replica", more=(sample.train_baseline(),)), {})
    assert "Only the baseline was trained here, and nothing was chosen" in text


def test_one_model_is_not_called_an_ensemble():
    """A single member at several crops, with a baseline: nothing on the page compares an ensemble with one model."""
    whole = sample.evaluate_ensemble()
    pair = {"single_1_minus_ensemble_144": whole.paired["single_1_minus_ensemble_144"]}
    results = evaluated("replica", more=(sample.train_baseline(),), paired=pair, baseline=whole.baseline)
    report = sections.build("bvlc", results, [], {})
    lines = [" ".join(row.cells) for row in report.tables[0].rows]
    assert any("1 model on 144 crops instead of 1 model on 1 crop: change" in line for line in lines)
    assert not any("deviation" in line or "nsemble" in line for line in lines)
    shown = next(section for section in report.sections if section.title == "Classification: Tables 2 and 3")
    texts = [*shown.text, *(f"{table.caption} {table.note}" for table in shown.content if isinstance(table, Table))]
    assert any("times the network's" in text for text in texts)
    assert not [text for text in texts if "nsemble" in text or "mean over the members" in text]


def test_where_nothing_is_imported_there_is_no_section():
    assert run_tables.imported_weights({}, sample.evaluate_ensemble()) is None
