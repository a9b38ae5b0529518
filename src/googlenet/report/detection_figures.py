"""Charts of detection: precision over recall, classes, error types, coverage. Plain values in, PNG bytes out."""

from typing import Any

import numpy as np

from googlenet import paper
from googlenet.report.error_tables import KINDS, REASONS
from googlenet.report.proposal_tables import SOURCES, source_name
from googlenet.report.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    clipped,
    drawn,
    envelope,
)
from googlenet.report.words import count

PANELS = 12  # classes that have a chart of their own
BARS = 20  # classes that have a bar of their own
LOWEST = 40  # classes of the charts of dots
KIND_COLOURS = (BLUE, SKY, PURPLE, ORANGE, GREY)
REASON_COLOURS = (BLACK, RED, ORANGE, PURPLE)


def precision_recall(curves: dict[str, Any], ap_percent: dict[str, float | None]) -> bytes:
    """Precision over recall, a small chart for each of at most PANELS classes, with the mean of all behind it.

    curves: {class: {"recall": [...], "precision": [...]}}, 0 to 1; ap_percent: {class: AP in %}. Best first; of more
    classes, evenly from the best to the worst. A class without an average precision (None, or not there) is left out.
    """
    grid = np.linspace(0, 1, 101)
    known = [name for name in curves if ap_percent.get(name) is not None]
    ranked = sorted(known, key=lambda name: (-ap_percent[name], name))
    lines = {name: envelope(curves[name]["recall"], curves[name]["precision"], grid) for name in ranked}
    places = np.unique(np.linspace(0, max(0, len(ranked) - 1), PANELS).round().astype(int))
    shown = [ranked[place] for place in places if place < len(ranked)]
    columns = 1 if not shown else min(4, len(shown))
    rows = max(1, -(-len(shown) // columns))

    def draw(figure: Any) -> None:
        panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
        mean = np.mean(list(lines.values()), axis=0) if lines else None
        for axes, name in zip(panels, shown, strict=False):
            axes.fill_between(grid, lines[name], color=BLUE, alpha=0.14, linewidth=0)
            axes.plot(grid, lines[name], color=BLUE, linewidth=1.8, label="the class")
            axes.plot(
                grid, mean, color=GREY, linewidth=1.4, linestyle=(0, (4, 2)), label=f"mean of {len(lines)}"
            )
            axes.set(xlim=(0, 1.01), ylim=(0, 1.03), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
            axes.set_title(f"{clipped(name, 20)}: {ap_percent[name]:.1f} %", fontsize=9, fontweight="normal")
        for place, axes in enumerate(panels):
            axes.set_visible(place < len(shown))
            axes.tick_params(labelbottom=place + columns >= len(shown))  # the lowest of its column
        figure.supxlabel("recall", fontsize=10)
        figure.supylabel("precision", fontsize=10)
        if shown:
            figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)

    return drawn(draw, max(5, 0.6 + 2.4 * columns), 1 + 1.9 * rows)


def average_precision_by_class(classes: list[str], ensemble: list[float], detectors: dict[str, Any]) -> bytes:
    """Average precision (%) by class: the ensemble, and each detector alone; the LOWEST classes at most.

    ensemble: % per class (None for a class without objects); detectors: evaluate_detection's "detectors".
    """
    known = [index for index, value in enumerate(ensemble) if value is not None]
    order = sorted(known, key=lambda index: (ensemble[index], classes[index]))[:LOWEST]

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for position, index in enumerate(order):
            alone = [
                row["ap_percent"][index] for row in detectors.values() if row["ap_percent"][index] is not None
            ]
            label = position == 0
            dots = {"color": SKY, "s": 22, "alpha": 0.8, "label": "one detector" if label else None}
            axes.scatter(alone, [position] * len(alone), **dots)
            named = {"label": "ensemble" if label else None, "marker": "D", "s": 40, "zorder": 3}
            axes.scatter(ensemble[index], position, color=BLACK, **named)
        axes.set_yticks(range(len(order)), [clipped(classes[index]) for index in order])
        axes.set_ylim(len(order) - 0.4, -0.6)
        axes.set_xlabel("average precision on test, %")
        figure.legend(loc="outside upper right", ncols=2)

    return drawn(draw, 7.5, 1.2 + 0.27 * max(3, len(order)))


def error_types(found: dict[str, Any]) -> bytes:
    """Stacked bars, over all and by class: what the first detections are (%), and why objects are missed (% of them).

    found: evaluate_detection's "error_types". Of more than BARS classes those with the smallest share of right ones.
    """
    false, missed = found["false_positives"], found["missed"]
    of = {row["class"]: row for row in missed["per_class"]}
    known = [row for row in false["per_class"] if row["objects"]]
    worst = sorted(known, key=lambda row: (_shares(row, KINDS)[0], str(row["class"])))[:BARS]
    labels = [f"all {count(len(known))} classes", *(clipped(row["class"]) for row in worst)]
    places = [0, *(1.5 + place for place in range(len(worst)))]  # all, a gap, the classes
    sides = (
        ("The surest detections, %", KINDS, KIND_COLOURS, [false["all"], *worst], None),
        (
            "Objects missed at every score, %",
            REASONS,
            REASON_COLOURS,
            [missed["all"], *(of[row["class"]] for row in worst)],
            "objects",
        ),
    )

    def draw(figure: Any) -> None:
        for half, (title, names, colours, rows, whole) in zip(
            figure.subfigures(1, 2, width_ratios=(1.25, 1)), sides, strict=True
        ):
            axes = half.subplots()
            shares = np.array([_shares(row, names, whole) for row in rows])
            left = np.zeros(len(rows))
            for column, (name, colour) in enumerate(zip(names.values(), colours, strict=True)):
                axes.barh(places, shares[:, column], left=left, color=colour, height=0.7, label=name[0])
                left += shares[:, column]
            axes.set_yticks(places, labels if whole is None else [""] * len(places))
            axes.set_ylim(places[-1] + 0.6, -0.6)
            axes.set_xlim(0, 100 if whole is None else max(1.0, 1.05 * left.max()))
            axes.grid(axis="y", visible=False)
            axes.set_title(title)
            half.legend(loc="outside lower center", ncols=3 if whole is None else 2, fontsize=9)

    return drawn(draw, 10, 1.9 + 0.3 * max(3, len(places)))


def _shares(row: dict[str, Any], names: dict[str, Any], whole: str | None = None) -> list[float]:
    """Percentages that the names' counts are of row[whole], or of their own sum."""
    total = row[whole] if whole else sum(row[name] for name in names)
    return [100 * row[name] / total if total else 0.0 for name in names]


def coverage_by_class(per_class: list[dict[str, Any]]) -> bytes:
    """Coverage (%) of ground-truth boxes by the proposals, by class; the LOWEST classes at most.

    per_class: evaluate_detection's coverage["per_class"]; a class without objects (None) is left out. The line is the
    paper's.
    """
    known = [row for row in per_class if row["coverage_percent"] is not None]
    rows = sorted(known, key=lambda row: (row["coverage_percent"], str(row["class"])))[:LOWEST]
    printed = paper.facts("detection")["proposals"]["coverage"][1]

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        axes.barh(range(len(rows)), [row["coverage_percent"] for row in rows], color=GREEN, height=0.66)
        axes.axvline(printed, color=ORANGE, linewidth=2, label=f"paper, all classes: {printed} %")
        axes.set_yticks(range(len(rows)), [clipped(row["class"]) for row in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(0, 100)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("objects covered, %")
        figure.legend(loc="outside upper right")

    return drawn(draw, 7.5, 1.2 + 0.27 * max(3, len(rows)))


def coverage_by_boxes(study: dict[str, Any]) -> bytes:
    """Coverage (%) over the number of boxes an image, a line for each source; a mark where a source ends.

    study: study_proposals' metrics. The dotted line is the paper's coverage.
    """
    styles = {
        "selective_search_full": {"color": BLACK, "linestyle": (0, (5, 2))},
        "selective_search": {"color": BLUE},
        "multibox": {"color": ORANGE},
        "priors": {"color": GREY, "linestyle": (0, (2, 1.5))},
        "merged": {"color": GREEN, "linewidth": 2.6},
    }
    printed = paper.facts("detection")["proposals"]["coverage"][1]

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        axes.axhline(
            printed, color=RED, linewidth=1.2, linestyle=(0, (1, 2)), label=f"paper, ILSVRC: {printed} %"
        )
        for name in (name for name in SOURCES if study["curves"].get(name)):
            curve, style = study["curves"][name], styles[name]
            x, y = ([point[key] for point in curve] for key in ("boxes", "coverage_percent"))
            axes.plot(x, y, label=source_name(name, study), **style)
            axes.plot(x[-1], y[-1], marker="D", markersize=6, color=style["color"])
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.set_ylim(0, 101)
        axes.set_xlabel("boxes an image, at most")
        axes.set_ylabel("objects covered, %")
        figure.legend(loc="outside right upper")

    return drawn(draw, 10, 4.4)


def from_metrics(metrics: dict[str, Any]) -> dict[str, bytes]:
    """The charts of this module that the metrics allow, by the names of their functions."""
    made: dict[str, bytes] = {}
    if "evaluate_detection" in metrics:
        found = metrics["evaluate_detection"]
        classes, ap = found["classes"], found["ensemble"]["ap_percent"]
        curves = found["precision_recall"]
        made["precision_recall"] = precision_recall(curves, dict(zip(classes, ap, strict=True)))
        made["average_precision_by_class"] = average_precision_by_class(classes, ap, found["detectors"])
        made["error_types"] = error_types(found["error_types"])
        made["coverage_by_class"] = coverage_by_class(found["coverage"]["per_class"])
    if "study_proposals" in metrics:
        made["coverage_by_boxes"] = coverage_by_boxes(metrics["study_proposals"])
    return made
