"""The report of imported weights: what belongs to them is said, and what there is not is left out."""

from googlenet.report import figures, import_tables, page, sections
from report import sample

REPLICA = {
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


def evaluated(*members: str) -> dict:
    """What the stages of an experiment without training and detection leave."""
    every = sample.metrics()
    kept = {name: every[name] for name in ("prepare_classification", "measure_cost", "evaluate_ensemble")}
    ensemble = kept["evaluate_ensemble"]
    ensemble["members"] = dict.fromkeys(members, ensemble["members"]["m1"])
    ensemble["table_3"] = [row for row in ensemble["table_3"] if row["models"] == 1]
    ensemble["baseline"] = None
    kept["import_weights"] = {name: dict(REPLICA) for name in members}
    return kept


def text_of(metrics: dict) -> str:
    drawn = figures.from_metrics(metrics)
    report = sections.build("bvlc", metrics, sample.runs()[:1], drawn)
    assert page.render_html(report).rstrip().endswith("</html>")
    return page.render_markdown(report)


def test_the_report_says_what_belongs_to_the_weights():
    text = text_of(evaluated("replica"))
    assert "1 member of the ensemble was not trained here" in text
    row = "| replica | caffemodel | 0123456789 | the paper's | 6,998,552 | none | 224 | BGR | 104, 117, 123 | 1, 1, 1 | 1,000 | by name |"
    assert row in text
    assert "| replica | 144 | 5.30 | 0.44 |" in text
    assert "state a top-1 error of 31.3 % and a top-5 error of 11.1 %" in text


def test_what_there_is_not_is_left_out():
    metrics = evaluated("replica")
    metrics["prepare_classification"]["splits"] = {
        "test": metrics["prepare_classification"]["splits"]["test"]
    }
    text = text_of(metrics)
    for words in (
        "Training the members",
        "Detection",
        "Choices were made on validation",
        "validation |",
        "baseline",
    ):
        assert words not in text.split("What the paper leaves open")[0], words
    assert "Nothing was trained or chosen here" in text
    assert {"training_curves", "member_errors", "error_by_models_and_crops"} & figures.from_metrics(
        metrics
    ).keys() == set()


def test_other_sources_are_not_held_against_the_replicas_figures():
    metrics = evaluated("a", "b")
    for row in metrics["import_weights"].values():
        row["member"] = {**row["member"], "origin": "torchvision"}
        row["network"], row["class_names"], row["input_scale"] = "torchvision_bn", False, 0.0172
    section = import_tables.section(metrics)
    assert len(section.text) == 1 and section.text[0].startswith("2 members of the ensemble were not trained")
    cells = section.content[0].rows[0].cells
    assert "torchvision's variant" in cells[3] and cells[-3:] == ("0.0172", "1,000", "unnamed")


def test_where_nothing_is_imported_there_is_no_section():
    assert import_tables.section(sample.metrics()) is None
