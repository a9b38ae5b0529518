"""Charts: one function for each, metrics in, PNG bytes out. Drawings onto images are in image_figures.py."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from googlenet.metrics.classification import ClassError, EnsembleMetrics, SubsetErrors
from googlenet.metrics.classification_studies import CropStudyMetrics, UnitMetrics
from googlenet.metrics.cost import CostMetrics, LayerCost, NetworkCost, TimesRatio
from googlenet.metrics.detection import DetectorMetrics
from googlenet.metrics.error_rates import TopError, TopErrors
from googlenet.metrics.order import natural
from googlenet.metrics.results import Results
from googlenet.metrics.training import TrainingMetrics
from googlenet.report import crop_scales, crop_sections, detection_figures, module_units, paper
from googlenet.report.run_tables import worst_classes
from googlenet.report.style import BLACK, BLUE, GREY, ORANGE, PALETTE, SKY, bars, canvas, line, name_rows
from googlenet.report.words import TOPS, main_metric, plural

TOP1: TopError = "top1_error_percent"
MARKERS = "osD^v"
Point = tuple[float, float, float]  # x, loss and error of an epoch
SIDES = {  # position of a network's name next to its dot, so that neighbours in the chart stay readable
    "googlenet": (-8, -4, "right"),
    "googlenet_wider_deeper": (8, 2, "left"),
    "googlenet_wider": (8, 2, "left"),
    "googlenet_deeper": (-8, -2, "right"),
    "network_in_network": (8, -4, "left"),
    "googlenet_fully_connected": (-8, 2, "right"),
    "googlenet_naive": (-8, 4, "right"),
    "vgg_16": (-8, 4, "right"),
    "zfnet": (8, 2, "left"),
}


def training_curves(members: Mapping[str, TrainingMetrics]) -> bytes:
    """Plot training loss and validation top-1 error (%) of each member over images seen."""
    curves = {}
    for name, trained in members.items():
        images_per_step = trained.images_seen / trained.epochs[-1].step
        curves[name] = [
            (epoch.step * images_per_step, epoch.train_loss, epoch.validation_top1_error_percent)
            for epoch in trained.epochs
        ]
    return _curves(curves, "Validation top-1 error, %", by_images=True)


def detector_curves(detectors: Mapping[str, DetectorMetrics]) -> bytes:
    """Plot training loss and training error (%) of each detector over epochs."""
    curves = {
        name: [(epoch.epoch, epoch.train_loss, 100 - epoch.train_accuracy_percent) for epoch in trained.epochs]
        for name, trained in detectors.items()
    }
    return _curves(curves, "Training error, % of regions", by_images=False)


def _curves(curves: Mapping[str, Sequence[Point]], error_title: str, by_images: bool) -> bytes:
    with canvas(10, 4.2) as (figure, png):
        loss_axes, error_axes = figure.subplots(1, 2)
        for index, name in enumerate(sorted(curves, key=natural)):
            x, losses, errors = zip(*curves[name], strict=True)
            marker = "o" if len(x) < 4 else None  # a line of one point would be invisible
            loss_axes.plot(x, losses, label=name, marker=marker, **line(index))
            error_axes.plot(x, errors, marker=marker, **line(index))
        for axes, title in ((loss_axes, "Training loss"), (error_axes, error_title)):
            axes.set(title=title, ylim=(0, None), xlabel="images seen" if by_images else "epoch")
            if by_images:
                axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
                axes.locator_params(axis="x", nbins=5)
        figure.legend(loc="outside lower center", ncols=min(10, max(1, len(curves))))
    return png.getvalue()


def error_by_models_and_crops(subsets: Sequence[SubsetErrors], error: TopError = TOP1) -> bytes:
    """Plot an error (%) over the number of models, a line per number of crops, a band from minimum to maximum."""
    with canvas(7.5, 4.4) as (figure, png):
        axes = figure.subplots()
        for index, crops in enumerate(sorted({row.crops for row in subsets})):
            rows = sorted((row for row in subsets if row.crops == crops), key=lambda row: row.models)
            models = [row.models for row in rows]
            spreads = [row.of(error) for row in rows]
            low, high = [spread.min for spread in spreads], [spread.max for spread in spreads]
            axes.fill_between(models, low, high, color=PALETTE[index], alpha=0.13, linewidth=0)
            marks = {"marker": MARKERS[index % 5], "markersize": 5, "label": plural(crops, "crop")}
            axes.plot(models, [spread.mean for spread in spreads], **marks, **line(index))
        axes.set_xticks(sorted({row.models for row in subsets}))
        axes.set(xlabel="models averaged", ylabel=f"{TOPS[error]} error on test, %")
        axes.legend()
    return png.getvalue()


def member_errors(
    members: Mapping[str, Mapping[str, TopErrors]], ensemble: Mapping[str, float], error: TopError = TOP1
) -> bytes:
    """Plot a test error (%) of each member, and of the ensemble, by the number of crops as text."""
    names = sorted(members, key=natural)
    rows = [{crops: row.of(error) for crops, row in members[name].items()} for name in names] + [ensemble]
    with canvas(7.5, 1.3 + 0.34 * len(rows)) as (figure, png):
        axes = figure.subplots()
        for position, errors in enumerate(rows):
            ends = [min(errors.values()), max(errors.values())]
            axes.plot(ends, [position, position], color="#D0D0D0", linewidth=2, zorder=1)
        numbers = sorted({crops for errors in rows[:-1] for crops in errors}, key=int)
        for index, crops in enumerate(numbers):
            positions = [position for position, errors in enumerate(rows) if crops in errors]
            style = {"color": PALETTE[index % 7], "marker": MARKERS[index % 5], "s": 42, "zorder": 2}
            values = [rows[position][crops] for position in positions]
            axes.scatter(values, positions, label=plural(int(crops), "crop"), **style)
        axes.axhline(len(names) - 0.5, color=GREY, linewidth=0.8)
        axes.set_yticks(range(len(rows)), [*names, "ensemble"])
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(f"{TOPS[error]} error on test, %")
        figure.legend(loc="outside upper right", ncols=len(numbers))
    return png.getvalue()


def error_by_class(per_class: Sequence[ClassError]) -> bytes:
    """Plot top-1 error (%) of the worst classes, at most 30, worst first."""
    worst = worst_classes(per_class, 30)
    with canvas(7.5, 0.9 + 0.27 * max(3, len(worst))) as (figure, png):
        axes = figure.subplots()
        bars(axes, [row.class_name for row, _ in worst], [error for _, error in worst], BLUE)
        for position, (_, error) in enumerate(worst):
            at = {"textcoords": "offset points", "va": "center", "size": 9}
            axes.annotate(f"{error:.1f}", (error, position), (4, 0), **at)
        axes.set(xlim=(0, max([1.0, *(error for _, error in worst)]) * 1.1), xlabel="top-1 error on test, %")
    return png.getvalue()


def cost_by_layer(ours: Sequence[LayerCost]) -> bytes:
    """Plot weights (K of 1024) and multiply-adds (millions) of the layers with weights, printed next to ours."""
    by_name = {row.layer: row for row in ours if row.weights}
    rows = [(row, by_name[row.layer]) for row in paper.table_1() if row.layer in by_name]
    weights = [(row.printed_params, layer.weights) for row, layer in rows]
    macs = [(row.printed_ops, layer.macs) for row, layer in rows]
    panels = (("Weights, K", weights, 1024), ("Multiply-adds, M", macs, 1e6))
    with canvas(10, 4.6) as (figure, png):
        y = np.arange(len(rows))
        for axes, (title, pairs, unit) in zip(figure.subplots(1, 2, sharey=True), panels, strict=True):
            printed = [paper.number(number or 0) / unit for number, _ in pairs]
            axes.barh(y - 0.2, printed, 0.36, color=GREY, label="printed")
            axes.barh(y + 0.2, [number / unit for _, number in pairs], 0.36, color=BLUE, label="ours")
            axes.set_title(title)
            name_rows(axes, [row.layer.replace("inception_", "inception ") for row, _ in rows])
        figure.legend(*axes.get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return png.getvalue()


def cost_of_networks(rows: Sequence[NetworkCost]) -> bytes:
    """Plot multiply-adds over parameters (log), and timed networks' forward time over GoogLeNet's: median, min, max."""
    timed = [(row, row.times_googlenet) for row in rows if row.times_googlenet is not None]
    timed.sort(key=lambda item: (item[1].median, item[0].network))
    with canvas(11, 4.8) as (figure, png):
        if timed:
            left, right = figure.subplots(1, 2, width_ratios=(1.45, 1))
            _counts(left, rows)
            _times(right, timed)
        else:
            _counts(figure.subplots(), rows)
    return png.getvalue()


def _times(axes: Any, timed: Sequence[tuple[NetworkCost, TimesRatio]]) -> None:
    for position, (row, times) in enumerate(timed):
        axes.barh(position, times.median, color=_network_colour(row.network), height=0.62)
        axes.plot([times.min, times.max], [position, position], color=BLACK, linewidth=1.2)
        at = {"textcoords": "offset points", "va": "center", "size": 8.5}
        axes.annotate(f"{times.median:.1f}", (times.max, position), (5, 0), **at)
    axes.axvline(1, color=GREY, linewidth=0.9)
    name_rows(axes, [_network_title(row) for row, _ in timed])
    axes.set_xlim(0, 1.15 * max(times.max for _, times in timed))
    axes.set(xlabel="GoogLeNet = 1", title="Time of a forward pass")


def _counts(axes: Any, rows: Sequence[NetworkCost]) -> None:
    for row in rows:
        x, y = row.parameters / 1e6, row.macs / 1e9
        axes.scatter(x, y, color=_network_colour(row.network), s=55, zorder=2)
        dx, dy, side = SIDES.get(row.network, (8, -3, "left"))
        at = {"textcoords": "offset points", "ha": side, "va": "center", "size": 8.5, "zorder": 3}
        axes.annotate(_network_title(row), (x, y), (dx, dy), **at)
    axes.set(xscale="log", yscale="log", xlim=(3, 400), ylim=(0.5, 30), title="What a network costs")
    axes.set_xticks([5, 10, 20, 50, 100, 200], ["5", "10", "20", "50", "100", "200"])
    axes.set_yticks([0.5, 1, 2, 5, 10, 20], ["0.5", "1", "2", "5", "10", "20"])
    axes.minorticks_off()
    axes.set(xlabel="parameters, millions", ylabel="multiply-adds of one image, billions")
    labels = {"googlenet": "GoogLeNet", "googlenet_": "its alternatives", "": "other networks"}
    for name, label in labels.items():
        axes.scatter([], [], color=_network_colour(name), s=55, label=label)
    axes.legend(loc="upper left")


def _network_colour(network: str) -> str:
    return BLUE if network == "googlenet" else SKY if network.startswith("googlenet") else ORANGE


def _network_title(row: NetworkCost) -> str:
    return row.title.split(" (")[0].removeprefix("GoogLeNet, ")


def from_metrics(results: Results) -> dict[str, bytes]:
    """Draw every chart that an experiment's metrics allow, keyed by function name."""
    made: dict[str, bytes] = {}
    if trained := results.several(TrainingMetrics):
        made["training_curves"] = training_curves(trained)
    if ensemble := results.one(EnsembleMetrics):
        models, (error, _) = ensemble.table_3[-1].models, main_metric(ensemble.classes)
        together = {str(row.crops): row.of(error) for row in ensemble.table_3 if row.models == models}
        if models > 1:
            made["error_by_models_and_crops"] = error_by_models_and_crops(ensemble.subsets, error)
            made["member_errors"] = member_errors(ensemble.members, together, error)
        made["error_by_class"] = error_by_class(ensemble.per_class)
        made["reliability"] = crop_sections.reliability(ensemble.calibration)
    if study := results.one(CropStudyMetrics):
        made["error_over_crops"] = crop_sections.error_over_crops(study)
        if study.scales.training:
            made["error_over_zoom"] = crop_scales.error_over_zoom(study)
    if cost := results.one(CostMetrics):
        made["cost_by_layer"] = cost_by_layer(cost.layers)
        made["cost_of_networks"] = cost_of_networks(cost.beside.networks)
    if units := results.one(UnitMetrics):
        made["unit_clusters"] = module_units.unit_clusters(units)
    if detectors := results.several(DetectorMetrics):
        made["detector_curves"] = detector_curves(detectors)
    return made | detection_figures.from_metrics(results)
