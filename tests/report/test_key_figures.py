"""The key figures and curves that DVC and MLflow compare: the figures of the metrics, and rows that charts can draw."""

import csv
import io
import json

from googlenet.metrics.classification import BaselineMetrics, EnsembleMetrics
from googlenet.metrics.detection import DetectionMetrics
from googlenet.metrics.results import Results
from googlenet.metrics.training import TrainingMetrics
from googlenet.report import key_figures
from report import sample


def rows(results: Results, name: str) -> list[dict[str, str]]:
    """A file's rows."""
    return list(csv.DictReader(io.StringIO(key_figures.files(results)[f"curves/{name}.csv"].decode())))


def test_the_key_figures_are_those_of_the_metrics():
    results = sample.results()
    ensemble, detection = results.one(EnsembleMetrics), results.one(DetectionMetrics)
    first, last = ensemble.table_3[0], ensemble.table_3[-1]
    figures = key_figures.key_figures(results)
    assert figures["top1_error_percent_single_1"] == first.top1_error_percent
    assert figures["top5_error_percent_ensemble_144"] == last.top5_error_percent
    assert figures["top1_error_percent_baseline"] == results.one(BaselineMetrics).top1_error_percent
    assert figures["mean_ap_percent_ensemble"] == detection.table_4.ensemble_mean_ap_percent
    assert figures["mean_ap_percent_single"] == detection.single_mean_ap_percent


def test_without_detection_its_figures_are_left_out_and_its_curve_is_empty():
    results = sample.results(without=(DetectionMetrics,))
    content = json.loads(key_figures.files(results)["key_figures.json"])
    assert content == key_figures.key_figures(results)
    assert content and not [name for name in content if "mean_ap" in name]
    assert key_figures.files(results)["curves/precision_recall.csv"] == b"series,recall,precision\n"


def test_every_curve_has_a_series_for_each_of_its_lines():
    results = sample.results()
    members, detection = results.several(TrainingMetrics), results.one(DetectionMetrics)
    assert {row["series"] for row in rows(results, "validation")} == members.keys()
    assert {row["series"] for row in rows(results, "learning")} > members.keys()
    assert {row["series"] for row in rows(results, "crops")} == {"1 model", f"{len(members)} models"}
    assert {row["series"] for row in rows(results, "precision_recall")} == detection.precision_recall.keys()
    learned = [float(row["train_loss"]) for row in rows(results, "learning") if row["series"] == "m1"]
    assert learned == [epoch.train_loss for epoch in members["m1"].epochs]


def test_a_long_curve_is_thinned_and_keeps_both_ends():
    detection = sample.results().one(DetectionMetrics)
    long = {"recall": [i / 5000 for i in range(5001)], "precision": [1 - i / 9000 for i in range(5001)]}
    changed = detection.model_copy(
        update={"precision_recall": {"7": type(next(iter(detection.precision_recall.values()))).model_validate(long)}}
    )
    points = rows(sample.results(changed), "precision_recall")
    assert len(points) <= key_figures.POINTS + 1
    assert (float(points[0]["recall"]), float(points[-1]["recall"])) == (0.0, 1.0)
