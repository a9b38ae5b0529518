"""Charts of the crops and of calibration: one function for each, metrics in, PNG bytes out."""

from collections.abc import Sequence
from typing import Any

from googlenet.metrics.classification import CalibrationMetrics
from googlenet.metrics.classification_studies import BudgetErrors, CropStudyMetrics
from googlenet.metrics.error_rates import TopError
from googlenet.report.crop_tables import systems_of
from googlenet.report.style import BLUE, GREY, ORANGE, PALETTE, drawn
from googlenet.report.words import main_metric, plural


def error_over_crops(study: CropStudyMetrics) -> bytes:
    """Error (%) over the number of crops: random ones, the best ones, and the paper's policies; one model and all."""
    error, name = main_metric(study.classes)
    systems = systems_of(study)[::-1]

    def draw(figure: Any) -> None:
        panels = figure.subplots(1, len(systems), sharey=True, squeeze=False)[0]
        for axes, system in zip(panels, systems, strict=True):
            rows = [row for row in study.budgets if row.system == system]
            _random(axes, rows, error)
            _best(axes, rows, error)
            label: str | None = "the paper's 1, 10 and 144 crops"
            for row in (row for row in study.policies if row.system == system):
                x, y = row.forward_passes, row.of(error)
                axes.scatter(x, y, color=ORANGE, edgecolors="black", marker="D", s=48, zorder=3, label=label)
                axes.annotate(str(row.crops), (x, y), (6, 5), textcoords="offset points", size=9)
                label = None
            axes.set_title("One model" if system == "single" else plural(study.models, "model"))
            axes.set_xscale("log")
            ticks = _apart([row.crops for row in rows])
            axes.set_xticks(ticks, map(str, ticks))
            axes.minorticks_off()
            axes.set_ylim(bottom=0)
            axes.set_xlabel("crops of an image (forward passes of each model)")
        panels[0].set_ylabel(f"{name} on test, %")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)

    return drawn(draw, 10 if len(systems) > 1 else 6.5, 4.6)


def _apart(crops: list[int], least: float = 1.3) -> list[int]:
    """Those of rising numbers whose labels do not touch on a logarithmic axis."""
    kept: list[int] = []
    for number in crops:
        if not kept or number >= least * kept[-1]:
            kept.append(number)
    return kept


def _random(axes: Any, rows: Sequence[BudgetErrors], error: TopError) -> None:
    crops, spreads = [row.crops for row in rows], [row.random.of(error) for row in rows]
    low, high = zip(*(spread.quartiles for spread in spreads), strict=True)
    axes.fill_between(crops, low, high, color=GREY, alpha=0.25, linewidth=0)
    style = {"color": GREY, "linestyle": (0, (5, 1.5)), "marker": "."}
    means = [spread.mean for spread in spreads]
    axes.plot(crops, means, label="random crops: mean and middle half of subsets", **style)


def _best(axes: Any, rows: Sequence[BudgetErrors], error: TopError) -> None:
    chosen = [(row.crops, row.best) for row in rows if row.best is not None]
    if not chosen:
        return
    crops, errors = [crops for crops, _ in chosen], [best.of(error) for _, best in chosen]
    bounds = [best.intervals.of(error) for _, best in chosen]
    low, high = [each.low for each in bounds], [each.high for each in bounds]
    axes.fill_between(crops, low, high, color=BLUE, alpha=0.12, linewidth=0)
    axes.plot(crops, errors, color=BLUE, marker="o", markersize=5, label="best crops, with interval")


def reliability(calibration: CalibrationMetrics) -> bytes:
    """Share of first classes that are right over their probability (%), above how many predictions lie where."""
    systems = calibration.systems
    models = list(dict.fromkeys(row.models for row in systems))
    width, even = 100 / calibration.bins, calibration.binning == "equal_width"

    def draw(figure: Any) -> None:
        grid = figure.subplots(2, len(models), height_ratios=[3, 1], sharex=True, sharey="row", squeeze=False)
        for column, number in enumerate(models):
            upper, lower = grid[:, column]
            upper.plot([0, 100], [0, 100], color=GREY, linewidth=1, label="perfect calibration")
            title = "One model" if number == 1 else plural(number, "model")
            upper.set(title=title, xlim=(0, 100), ylim=(0, 102))
            rows = [row for row in systems if row.models == number]
            for index, row in enumerate(rows):
                colour, label = PALETTE[index], plural(row.crops, "crop")
                total = sum(each.predictions for each in row.reliability)
                many = [each for each in row.reliability if each.predictions >= 5]
                x, y = [each.confidence_percent for each in many], [each.correct_percent for each in many]
                sizes = [12 + 160 * each.predictions / total for each in many]
                upper.plot(x, y, color=colour, linewidth=1.2, label=label)
                marks = {"color": colour, "alpha": 0.75, "marker": "os"[index % 2], "clip_on": False}
                upper.scatter(x, y, s=sizes, zorder=3, **marks)
                shift = (index - (len(rows) - 1) / 2) * width * 0.4
                for each in row.reliability:
                    centre = (each.bin + 0.5) * width if even else each.confidence_percent
                    lower.bar(centre + shift, 100 * each.predictions / total, width * 0.38, color=colour)
            lower.set_xlabel("probability of the first class, %")
        grid[0, 0].set_ylabel("first class is right, %")
        grid[1, 0].set_ylabel("predictions, %")
        figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)

    return drawn(draw, 10 if len(models) > 1 else 6.5, 5.4)
