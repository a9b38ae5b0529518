"""The report of imported weights: their properties are shown, and absent parts are left out."""

from googlenet.metrics.data import Manifest
from googlenet.metrics.imports import ImportMetrics
from googlenet.metrics.results import Results
from googlenet.report import figures, page, run_tables, sections
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


def evaluated(*members: str, manifest: Manifest | None = None) -> Results:
    """What the stages of an experiment without training and detection leave."""
    whole = sample.evaluate_ensemble()
    one = [row for row in whole.table_3 if row.models == 1]
    tested = {"members": dict.fromkeys(members, whole.members["m1"])}  # in place of the sample's
    ensemble = whole.model_copy(update=tested | {"table_3": tuple(one), "baseline": None})
    singles = (manifest or sample.manifest("classification"), sample.measure_cost(), ensemble)
    return Results([*((name, REPLICA) for name in members), *(("", metrics) for metrics in singles)])


def text_of(results: Results, drawn: dict[str, bytes]) -> str:
    report = sections.build("bvlc", results, sample.runs()[:1], drawn)
    assert page.render_html(report).rstrip().endswith("</html>")
    return page.render_markdown(report)


def test_the_report_shows_the_properties_of_the_weights():
    text = text_of(evaluated("replica"), {})
    assert "1 member of the ensemble was not trained here" in text
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
    for words in ("Training the members", "Detection", "Choices were made on", "validation |", "baseline"):
        assert words not in text.split("What the paper leaves open")[0], words
    assert "Nothing was trained or chosen here" in text


def test_other_sources_are_not_compared_with_the_replica():
    other = changed(REPLICA, member={"origin": "torchvision"}, network="torchvision_bn", class_names=False)
    other = changed(other, input_scale=0.0172)
    section = run_tables.imported_weights({"a": other, "b": other}, None)
    assert len(section.text) == 1 and section.text[0].startswith("2 members of the ensemble were not trained")
    cells = section.content[0].rows[0].cells
    assert "torchvision's variant" in cells[3] and cells[-3:] == ("0.0172", "1,000", "unnamed")


def test_where_nothing_is_imported_there_is_no_section():
    assert run_tables.imported_weights({}, sample.evaluate_ensemble()) is None
