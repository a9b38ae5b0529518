"""The report's key figures and curves as small files, for `dvc metrics`, `dvc plots` and MLflow."""

import csv
import io
from collections.abc import Iterable
from typing import Any

from googlenet.metrics.classification import BaselineMetrics, EnsembleMetrics
from googlenet.metrics.detection import DetectionMetrics, DetectorMetrics
from googlenet.metrics.error_rates import TopErrors
from googlenet.metrics.results import Results
from googlenet.metrics.training import TrainingMetrics
from googlenet.report.headlines import headlines
from googlenet.storage.files import json_bytes

Rows = Iterable[dict[str, Any]]  # `series` names the line of a chart to which a row belongs
POINTS = 200  # of a curve of precision and recall, at most


def key_figures(results: Results) -> dict[str, float]:
    """The report's headline figures by key, with both errors of its systems and of the baseline."""
    figures = {line.key: line.value for line in headlines(results) if line.key}
    ensemble, baseline = results.one(EnsembleMetrics), results.one(BaselineMetrics)
    systems = {row.system_key: _errors(row) for row in (ensemble.table_3[0], ensemble.table_3[-1])} if ensemble else {}
    systems |= {"baseline": _errors(baseline)} if baseline else {}
    for system, errors in systems.items():
        figures |= {f"{error}_{system}": value for error, value in errors.to_json().items()}
    return figures


def files(results: Results) -> dict[str, bytes]:
    """The key figures as JSON and the curves as CSV, by file name. A curve without points has only a header."""
    return {
        "key_figures.json": json_bytes(key_figures(results)),
        "curves/learning.csv": _table(learning(results), "series", "epoch", "train_loss"),
        "curves/validation.csv": _table(validation(results), "series", "epoch", "validation_top1_error_percent"),
        "curves/crops.csv": _table(crops(results), "series", "crops", "top1_error_percent", "top5_error_percent"),
        "curves/models.csv": _table(models(results), "series", "models", "top1_error_percent", "top5_error_percent"),
        "curves/precision_recall.csv": _table(precision_recall(results), "series", "recall", "precision"),
    }


def learning(results: Results) -> Rows:
    """The mean training loss of every epoch of the members and the detectors."""
    trained = results.several(TrainingMetrics) | results.several(DetectorMetrics)
    for name, metrics in trained.items():
        for each in metrics.epochs:
            yield {"series": name, "epoch": each.epoch, "train_loss": each.train_loss}


def validation(results: Results) -> Rows:
    """The averaged weights' error on validation after every epoch of the members."""
    for name, metrics in results.several(TrainingMetrics).items():
        for each in metrics.epochs:
            error = each.validation_top1_error_percent
            yield {"series": name, "epoch": each.epoch, "validation_top1_error_percent": error}


def crops(results: Results) -> Rows:
    """Table 3's errors over the number of crops: one network (the mean over the members), and all of them."""
    ensemble = results.one(EnsembleMetrics)
    for row in ensemble.table_3 if ensemble else ():
        series = f"{row.models} models" if row.models > 1 else "1 model"
        yield {"series": series, "crops": row.crops} | _errors(row).to_json()


def models(results: Results) -> Rows:
    """The mean errors over all subsets of the members, over their size; a line for each number of crops."""
    ensemble = results.one(EnsembleMetrics)
    for row in ensemble.subsets if ensemble else ():
        means = {"top1_error_percent": row.top1_error_percent.mean, "top5_error_percent": row.top5_error_percent.mean}
        yield {"series": f"{row.crops} crops" if row.crops > 1 else "1 crop", "models": row.models} | means


def precision_recall(results: Results) -> Rows:
    """The ensemble's precision over recall, a line per class; long ones keep every n-th point and the last."""
    detection = results.one(DetectionMetrics)
    for name, curve in detection.precision_recall.items() if detection else ():
        points = list(zip(curve.recall, curve.precision, strict=True))
        step = len(points) // POINTS + 1
        for recall, precision in [*points[:-1:step], *points[-1:]]:
            yield {"series": name, "recall": recall, "precision": precision}


def _errors(of: TopErrors) -> TopErrors:
    return TopErrors(top1_error_percent=of.top1_error_percent, top5_error_percent=of.top5_error_percent)


def _table(rows: Rows, *columns: str) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
