"""Charts: one function for each, metrics in, PNG bytes out. Drawings onto images are in pictures.py."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from googlenet import paper
from googlenet.metrics.classification import ClassError, EnsembleMetrics, SubsetErrors
from googlenet.metrics.classification_studies import CropStudyMetrics
from googlenet.metrics.cost import CostMetrics, LayerCost
from googlenet.metrics.detection import DetectorMetrics
from googlenet.metrics.error_rates import TopError, TopErrors
from googlenet.metrics.order import natural
from googlenet.metrics.results import Results
from googlenet.metrics.training import TrainingMetrics
from googlenet.report import cost_figures, crop_figures, detection_figures, unit_figures
from googlenet.report.run_tables import worst_classes
from googlenet.report.style import (
    BLUE,
    GREY,
    PALETTE,
    clipped,
    drawn,
    line,
)
from googlenet.report.words import TOPS

TOP1: TopError = "top1_error_percent"


class Curve(NamedTuple):
    """Points of a training: loss and error over x."""

    x: list[float]
    loss: list[float]
    error: list[float]


def training_curves(members: Mapping[str, TrainingMetrics]) -> bytes:
    """Training loss and validation top-1 error (%) of each member over images seen."""
    curves = {}
    for name in sorted(members, key=natural):
        epochs = members[name].epochs
        each = members[name].images_seen / epochs[-1].step  # images of one step
        curves[name] = Curve(
            [epoch.step * each for epoch in epochs],
            [epoch.train_loss for epoch in epochs],
            [epoch.validation_top1_error_percent for epoch in epochs],
        )
    return _curves(curves, "Validation top-1 error, %", by_images=True)


def detector_curves(detectors: Mapping[str, DetectorMetrics]) -> bytes:
    """Training loss and training error (%) of each detector over epochs."""
    curves = {}
    for name in sorted(detectors, key=natural):
        epochs = detectors[name].epochs
        curves[name] = Curve(
            [epoch.epoch for epoch in epochs],
            [epoch.train_loss for epoch in epochs],
            [100 - epoch.train_accuracy_percent for epoch in epochs],
        )
    return _curves(curves, "Training error, % of regions", by_images=False)


def _curves(curves: Mapping[str, Curve], error_title: str, by_images: bool) -> bytes:
    def draw(figure: Any) -> None:
        loss_axes, error_axes = figure.subplots(1, 2)
        for index, (name, curve) in enumerate(curves.items()):
            marker = "o" if len(curve.x) < 4 else None  # a line of one point would not be seen
            loss_axes.plot(curve.x, curve.loss, label=name, marker=marker, **line(index))
            error_axes.plot(curve.x, curve.error, marker=marker, **line(index))
        for axes, title in ((loss_axes, "Training loss"), (error_axes, error_title)):
            axes.set_title(title)
            axes.set_ylim(bottom=0)
            axes.set_xlabel("images seen" if by_images else "epoch")
            if by_images:
                axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
                axes.locator_params(axis="x", nbins=5)
        figure.legend(loc="outside lower center", ncols=min(10, max(1, len(curves))))

    return drawn(draw, 10, 4.2)


def error_by_models_and_crops(subsets: Sequence[SubsetErrors], error: TopError = TOP1) -> bytes:
    """Error (%) over the number of models, a line for each number of crops, with its band from least to most."""

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for index, crops in enumerate(sorted({row.crops for row in subsets})):
            rows = sorted((row for row in subsets if row.crops == crops), key=lambda row: row.models)
            models = [row.models for row in rows]
            spreads = [row.of(error) for row in rows]
            low, high = [spread.min for spread in spreads], [spread.max for spread in spreads]
            axes.fill_between(models, low, high, color=PALETTE[index], alpha=0.13, linewidth=0)
            label = f"{crops} crop{'s' * (crops != 1)}"
            mean = [spread.mean for spread in spreads]
            axes.plot(models, mean, marker="osD^v"[index % 5], markersize=5, label=label, **line(index))
        axes.set_xticks(sorted({row.models for row in subsets}))
        axes.set_xlabel("models averaged")
        axes.set_ylabel(f"{TOPS[error]} error on test, %")
        axes.legend()

    return drawn(draw, 7.5, 4.4)


def member_errors(members: Mapping[str, Mapping[str, TopErrors]], ensemble: Mapping[str, float]) -> bytes:
    """Top-1 test error (%) of each member, and of the ensemble, by the number of crops as text."""

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        names = sorted(members, key=natural)
        crops = sorted({crop for name in names for crop in members[name]}, key=int)
        for position, name in enumerate([*names, "ensemble"]):
            errors = ensemble if name == "ensemble" else {c: row.of(TOP1) for c, row in members[name].items()}
            values = [errors[crop] for crop in crops if crop in errors]
            axes.plot(
                [min(values), max(values)], [position, position], color="#D0D0D0", linewidth=2, zorder=1
            )
            for index, crop in enumerate(crops):
                if crop in errors:
                    label = f"{crop} crop{'s' * (crop != '1')}" if position == 0 else None
                    style = {"color": PALETTE[index % 7], "marker": "osD^v"[index % 5], "s": 42, "zorder": 2}
                    axes.scatter(errors[crop], position, label=label, **style)
        axes.axhline(len(names) - 0.5, color=GREY, linewidth=0.8)
        axes.set_yticks(range(len(names) + 1), [*names, "ensemble"])
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("top-1 error on test, %")
        figure.legend(loc="outside upper right", ncols=len(crops))

    return drawn(draw, 7.5, 1.3 + 0.34 * (len(members) + 1))


def error_by_class(per_class: Sequence[ClassError], shown: int = 30) -> bytes:
    """Top-1 error (%) by class, worst first, at most `shown` of them."""
    worst = worst_classes(per_class, shown)

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        errors = [error for _, error in worst]
        axes.barh(range(len(worst)), errors, color=BLUE, height=0.66)
        axes.set_yticks(range(len(worst)), [clipped(row.class_name) for row, _ in worst])
        axes.set_ylim(len(worst) - 0.4, -0.6)
        for position, error in enumerate(errors):
            axes.annotate(
                f"{error:.1f}", (error, position), (4, 0), textcoords="offset points", va="center", size=9
            )
        axes.set_xlim(0, max([*errors, 1.0]) * 1.1)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("top-1 error on test, %")

    return drawn(draw, 7.5, 0.9 + 0.27 * max(3, len(worst)))


def cost_by_layer(printed: Sequence[paper.LayerRow], ours: Sequence[LayerCost]) -> bytes:
    """Weights (K of 1024) and multiply-adds (millions) by layer, the print's beside ours.

    Layers without weights are left out.
    """
    by_name = {row.layer: row for row in ours if row.weights}
    rows = [(row, by_name[row.layer]) for row in printed if row.layer in by_name]
    params = [(row.printed_params, layer.weights) for row, layer in rows]
    ops = [(row.printed_ops, layer.macs) for row, layer in rows]

    def draw(figure: Any) -> None:
        y = np.arange(len(rows))
        panels = (("Weights, K", params, 1024), ("Multiply-adds, M", ops, 1e6))
        for axes, (title, pairs, unit) in zip(figure.subplots(1, 2, sharey=True), panels, strict=True):
            theirs = [paper.number(number or 0) / unit for number, _ in pairs]
            axes.barh(y - 0.2, theirs, 0.36, color=GREY, label="printed")
            axes.barh(y + 0.2, [number / unit for _, number in pairs], 0.36, color=BLUE, label="ours")
            axes.set_title(title)
            axes.set_yticks(y, [row.layer.replace("inception_", "inception ") for row, _ in rows])
            axes.set_ylim(len(rows) - 0.4, -0.6)
            axes.grid(axis="y", visible=False)
        figure.legend(*axes.get_legend_handles_labels(), loc="outside upper right", ncols=2)

    return drawn(draw, 10, 4.6)


def from_metrics(results: Results) -> dict[str, bytes]:
    """Every chart that the metrics of an experiment allow, by the name of its function."""
    made: dict[str, bytes] = {}
    if trained := results.several(TrainingMetrics):
        made["training_curves"] = training_curves(trained)
    if ensemble := results.one(EnsembleMetrics):
        models = ensemble.table_3[-1].models
        together = {str(row.crops): row.of(TOP1) for row in ensemble.table_3 if row.models == models}
        if models > 1:
            made["error_by_models_and_crops"] = error_by_models_and_crops(ensemble.subsets)
            made["member_errors"] = member_errors(ensemble.members, together)
        made["error_by_class"] = error_by_class(ensemble.per_class)
        made["reliability"] = crop_figures.reliability(ensemble.calibration)
    if study := results.one(CropStudyMetrics):
        made["error_over_crops"] = crop_figures.error_over_crops(study)
    if cost := results.one(CostMetrics):
        made["cost_by_layer"] = cost_by_layer(paper.table_1(), cost.layers)
    made |= cost_figures.from_metrics(results) | unit_figures.from_metrics(results)
    if detectors := results.several(DetectorMetrics):
        made["detector_curves"] = detector_curves(detectors)
    return made | detection_figures.from_metrics(results)
