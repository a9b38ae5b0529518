"""Charts: one function for each, plain values in, PNG bytes out. Drawings onto images are in pictures.py."""

from collections.abc import Callable
from typing import Any

import numpy as np

from googlenet import paper
from googlenet.report import cost_figures, crop_figures, detection_figures, unit_figures
from googlenet.report.style import (
    BLUE,
    GREY,
    PALETTE,
    clipped,
    drawn,
    line,
)
from googlenet.report.words import natural

TOP1 = "top1_error_percent"


def training_curves(members: dict[str, Any]) -> bytes:
    """Training loss and validation top-1 error (%) over images seen.

    members: {"m1": train_classifier's metrics, ...}; epochs and images_seen are used.
    """
    return _curves(members, lambda epoch: epoch["validation_top1_error_percent"], "Validation top-1 error, %")


def detector_curves(detectors: dict[str, Any]) -> bytes:
    """Training loss and training error (%) of the detectors over epochs.

    detectors: {"d1": train_detector's metrics, ...}; epochs is used.
    """
    return _curves(
        detectors, lambda epoch: 100 - epoch["train_accuracy_percent"], "Training error, % of regions"
    )


def _curves(runs: dict[str, Any], error: Callable[[dict[str, Any]], float], error_title: str) -> bytes:
    def draw(figure: Any) -> None:
        loss_axes, error_axes = figure.subplots(1, 2)
        for index, name in enumerate(sorted(runs, key=natural)):
            epochs, seen = runs[name]["epochs"], runs[name].get("images_seen")
            each = seen / epochs[-1]["step"] if seen and epochs else 0  # images of one step
            x = [epoch["step"] * each if seen else epoch["epoch"] for epoch in epochs]
            marker = "o" if len(x) < 4 else None  # a line of one point would not be seen
            loss_axes.plot(
                x, [epoch["train_loss"] for epoch in epochs], label=name, marker=marker, **line(index)
            )
            error_axes.plot(x, [error(epoch) for epoch in epochs], marker=marker, **line(index))
        by_images = any(run.get("images_seen") for run in runs.values())
        for axes, title in ((loss_axes, "Training loss"), (error_axes, error_title)):
            axes.set_title(title)
            axes.set_ylim(bottom=0)
            axes.set_xlabel("images seen" if by_images else "epoch")
            if by_images:
                axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
                axes.locator_params(axis="x", nbins=5)
        figure.legend(loc="outside lower center", ncols=min(10, max(1, len(runs))))

    return drawn(draw, 10, 4.2)


def error_by_models_and_crops(subsets: list[dict[str, Any]], metric: str = TOP1) -> bytes:
    """Error (%) over the number of models, a line for each number of crops, with its band from least to most.

    subsets: evaluate_ensemble's "subsets"; metric: one of their error keys, "top1_error_percent" by default.
    """

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for index, crops in enumerate(sorted({row["crops"] for row in subsets})):
            rows = sorted((row for row in subsets if row["crops"] == crops), key=lambda row: row["models"])
            models = [row["models"] for row in rows]
            low, mean, high = ([row[metric][key] for row in rows] for key in ("min", "mean", "max"))
            axes.fill_between(models, low, high, color=PALETTE[index], alpha=0.13, linewidth=0)
            label = f"{crops} crop{'s' * (crops != 1)}"
            axes.plot(models, mean, marker="osD^v"[index % 5], markersize=5, label=label, **line(index))
        axes.set_xticks(sorted({row["models"] for row in subsets}))
        axes.set_xlabel("models averaged")
        axes.set_ylabel(f"{metric.split('_')[0].replace('top', 'top-')} error on test, %")
        axes.legend()

    return drawn(draw, 7.5, 4.4)


def member_errors(members: dict[str, Any], ensemble: dict[str, float]) -> bytes:
    """Top-1 test error (%) of each member by crops, and of the ensemble.

    members: evaluate_ensemble's "members"; ensemble: {"1": error, "10": error, "144": error} of all models.
    """

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        names = sorted(members, key=natural)
        crops = sorted({crop for name in names for crop in members[name]}, key=int)
        for position, name in enumerate([*names, "ensemble"]):
            found = ensemble if name == "ensemble" else {c: row[TOP1] for c, row in members[name].items()}
            values = [found[crop] for crop in crops if crop in found]
            axes.plot(
                [min(values), max(values)], [position, position], color="#D0D0D0", linewidth=2, zorder=1
            )
            for index, crop in enumerate(crops):
                if crop in found:
                    label = f"{crop} crop{'s' * (crop != '1')}" if position == 0 else None
                    style = {"color": PALETTE[index % 7], "marker": "osD^v"[index % 5], "s": 42, "zorder": 2}
                    axes.scatter(found[crop], position, label=label, **style)
        axes.axhline(len(names) - 0.5, color=GREY, linewidth=0.8)
        axes.set_yticks(range(len(names) + 1), [*names, "ensemble"])
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("top-1 error on test, %")
        figure.legend(loc="outside upper right", ncols=len(crops))

    return drawn(draw, 7.5, 1.3 + 0.34 * (len(members) + 1))


def error_by_class(per_class: list[dict[str, Any]], shown: int = 30) -> bytes:
    """Top-1 error (%) by class, worst first, at most `shown` of them.

    per_class: evaluate_ensemble's "per_class".
    """
    worst = sorted(per_class, key=lambda row: (-row[TOP1], str(row["class"])))[:shown]

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        errors = [row[TOP1] for row in worst]
        axes.barh(range(len(worst)), errors, color=BLUE, height=0.66)
        axes.set_yticks(range(len(worst)), [clipped(row["class"]) for row in worst])
        axes.set_ylim(len(worst) - 0.4, -0.6)
        for position, error in enumerate(errors):
            axes.annotate(
                f"{error:.1f}", (error, position), (4, 0), textcoords="offset points", va="center", size=9
            )
        axes.set_xlim(0, max([*errors, 1.0]) * 1.1)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("top-1 error on test, %")

    return drawn(draw, 7.5, 0.9 + 0.27 * max(3, len(worst)))


def cost_by_layer(rows: list[dict[str, Any]], ours: dict[str, dict[str, Any]]) -> bytes:
    """Weights (K of 1024) and multiply-adds (millions) by layer, the print's beside ours.

    rows: paper.table_1(); ours: {layer: {"weights", "macs"}}, the rows of measure_cost by name.
    Layers without weights are left out.
    """
    rows = [row for row in rows if ours.get(row["layer"], {}).get("weights")]

    def draw(figure: Any) -> None:
        y = np.arange(len(rows))
        panels = (
            ("Weights, K", "printed_params", "weights", 1024),
            ("Multiply-adds, M", "printed_ops", "macs", 1e6),
        )
        for axes, (title, printed, counted, unit) in zip(
            figure.subplots(1, 2, sharey=True), panels, strict=True
        ):
            axes.barh(
                y - 0.2,
                [paper.number(row[printed] or 0) / unit for row in rows],
                0.36,
                color=GREY,
                label="printed",
            )
            axes.barh(
                y + 0.2, [ours[row["layer"]][counted] / unit for row in rows], 0.36, color=BLUE, label="ours"
            )
            axes.set_title(title)
            axes.set_yticks(y, [row["layer"].replace("inception_", "inception ") for row in rows])
            axes.set_ylim(len(rows) - 0.4, -0.6)
            axes.grid(axis="y", visible=False)
        figure.legend(*axes.get_legend_handles_labels(), loc="outside upper right", ncols=2)

    return drawn(draw, 10, 4.6)


def from_metrics(metrics: dict[str, Any]) -> dict[str, bytes]:
    """Every chart that the metrics of an experiment allow, by the name of its function."""
    made: dict[str, bytes] = {}
    if "train_classifier" in metrics:
        made["training_curves"] = training_curves(metrics["train_classifier"])
    if "evaluate_ensemble" in metrics:
        ensemble = metrics["evaluate_ensemble"]
        models = max(row["models"] for row in ensemble["table_3"])
        together = {str(r["crops"]): r[TOP1] for r in ensemble["table_3"] if r["models"] == models}
        if models > 1:
            made["error_by_models_and_crops"] = error_by_models_and_crops(ensemble["subsets"])
            made["member_errors"] = member_errors(ensemble["members"], together)
        made["error_by_class"] = error_by_class(ensemble["per_class"])
        made["reliability"] = crop_figures.reliability(ensemble["calibration"])
    if "study_crops" in metrics:
        made["error_over_crops"] = crop_figures.error_over_crops(metrics["study_crops"])
    if "measure_cost" in metrics:
        layers = {row["layer"]: row for row in metrics["measure_cost"]["layers"]}
        made["cost_by_layer"] = cost_by_layer(paper.table_1(), layers)
    made |= cost_figures.from_metrics(metrics) | unit_figures.from_metrics(metrics)
    if "train_detector" in metrics:
        made["detector_curves"] = detector_curves(metrics["train_detector"])
    return made | detection_figures.from_metrics(metrics)
