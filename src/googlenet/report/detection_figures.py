"""Charts of detection: precision over recall, classes, error types, coverage. Metrics in, PNG bytes out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from googlenet.metrics.detection import DetectionMetrics, ErrorCounts, ErrorTypes, Precision, PrecisionRecall
from googlenet.metrics.proposals import ClassCoverage, ProposalStudyMetrics
from googlenet.metrics.results import Results
from googlenet.report import paper
from googlenet.report.detection_tables import KINDS, REASONS, ErrorWords
from googlenet.report.proposal_tables import least_covered, shown_sources, source_name
from googlenet.report.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY, bars, canvas, clipped
from googlenet.report.words import count

PANELS = 12  # most classes with their own chart
BARS = 20  # most classes with their own bar
LOWEST = 40  # most classes in the dot charts
KIND_COLOURS = (BLUE, SKY, PURPLE, ORANGE, GREY)
REASON_COLOURS = (BLACK, RED, ORANGE, PURPLE)


def precision_recall(curves: Mapping[str, PrecisionRecall], ap_percent: Mapping[str, float | None]) -> bytes:
    """Plot precision over recall: at most PANELS classes with an AP, evenly from best to worst, and the mean of all."""
    grid = np.linspace(0, 1, 101)
    known = {name: ap for name, ap in ap_percent.items() if ap is not None and name in curves}
    ranked = sorted(known, key=lambda name: (-known[name], name))
    lines = {name: envelope(curves[name].recall, curves[name].precision, grid) for name in ranked}
    places = np.unique(np.linspace(0, max(0, len(ranked) - 1), PANELS).round().astype(int))
    shown = [ranked[place] for place in places if place < len(ranked)]
    columns = 1 if not shown else min(4, len(shown))
    rows = max(1, -(-len(shown) // columns))
    with canvas(max(5, 0.6 + 2.4 * columns), 1 + 1.9 * rows) as (figure, png):
        panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
        mean = np.mean(list(lines.values()), axis=0) if lines else None
        for axes, name in zip(panels, shown, strict=False):
            axes.fill_between(grid, lines[name], color=BLUE, alpha=0.14, linewidth=0)
            axes.plot(grid, lines[name], color=BLUE, linewidth=1.8, label="the class")
            dashed = {"color": GREY, "linewidth": 1.4, "linestyle": (0, (4, 2))}
            axes.plot(grid, mean, label=f"mean of {len(lines)}", **dashed)
            axes.set(xlim=(0, 1.01), ylim=(0, 1.03), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
            axes.set_title(f"{clipped(name, 20)}: {known[name]:.1f} %", fontsize=9, fontweight="normal")
        for place, axes in enumerate(panels):
            axes.set_visible(place < len(shown))
            axes.tick_params(labelbottom=place + columns >= len(shown))  # the lowest chart of its column
        figure.supxlabel("recall", fontsize=10)
        figure.supylabel("precision", fontsize=10)
        if shown:
            figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return png.getvalue()


def envelope(recall: Sequence[float], precision: Sequence[float], grid: np.ndarray) -> np.ndarray:
    """Return the largest precision at or beyond each recall of `grid`; 0 where that recall is not reached."""
    precisions, reached = np.asarray(precision, float), np.asarray(recall, float)
    return np.array([precisions[reached >= point - 1e-12].max(initial=0.0) for point in grid])


def average_precision_by_class(
    classes: Sequence[str], ensemble: Precision, detectors: Mapping[str, Precision]
) -> bytes:
    """Plot average precision (%) of the LOWEST classes with objects: the ensemble, and each detector alone."""
    known = {index: value for index, value in enumerate(ensemble.ap_percent) if value is not None}
    order = sorted(known, key=lambda index: (known[index], classes[index]))[:LOWEST]
    with canvas(7.5, 1.2 + 0.27 * max(3, len(order))) as (figure, png):
        axes = figure.subplots()
        for position, index in enumerate(order):
            alone = [ap for row in detectors.values() if (ap := row.ap_percent[index]) is not None]
            label, other_label = ("one detector", "ensemble") if position == 0 else (None, None)
            axes.scatter(alone, [position] * len(alone), color=SKY, s=22, alpha=0.8, label=label)
            axes.scatter(known[index], position, color=BLACK, label=other_label, marker="D", s=40, zorder=3)
        axes.set_yticks(range(len(order)), [clipped(classes[index]) for index in order])
        axes.set(ylim=(len(order) - 0.4, -0.6), xlabel="average precision on test, %")
        figure.legend(loc="outside upper right", ncols=2)
    return png.getvalue()


def error_types(errors: ErrorTypes) -> bytes:
    """Stacked bars: kinds of first detections (%), reasons for misses (%), over all and by class (the BARS worst)."""
    false, missed = errors.false_positives, errors.missed
    missed_of = {row.class_name: row for row in missed.per_class}
    known = [row for row in false.per_class if row.objects]
    worst = sorted(known, key=lambda row: (_shares(row, KINDS)[0], row.class_name))[:BARS]
    labels = [f"all {count(len(known))} classes", *(clipped(row.class_name) for row in worst)]
    places = [0, *(1.5 + place for place in range(len(worst)))]  # all, a gap, the classes
    kinds = np.array([_shares(row, KINDS) for row in (false.all, *worst)])
    lacking = (missed.all, *(missed_of[row.class_name] for row in worst))
    reasons = np.array([_shares(row, REASONS, row.objects) for row in lacking])
    with canvas(10, 1.9 + 0.3 * max(3, len(places))) as (figure, png):
        left, right = figure.subfigures(1, 2, width_ratios=(1.25, 1))
        axes = _stacked_bars(left, places, KINDS, KIND_COLOURS, kinds)
        axes.set_yticks(places, labels)
        axes.set(xlim=(0, 100), title="The surest detections, %")
        left.legend(loc="outside lower center", ncols=3, fontsize=9)
        axes = _stacked_bars(right, places, REASONS, REASON_COLOURS, reasons)
        axes.set_yticks(places, [""] * len(places))
        most = 1.05 * reasons.sum(axis=1).max()
        axes.set(xlim=(0, max(1.0, most)), title="Objects missed at every score, %")
        right.legend(loc="outside lower center", ncols=2, fontsize=9)
    return png.getvalue()


def _stacked_bars(
    half: Any, places: Sequence[float], words: ErrorWords, colours: Sequence[str], shares: np.ndarray
) -> Any:
    """Draw shares [bars, kinds of error] in one half of a figure, and return its axes."""
    axes = half.subplots()
    left = np.zeros(len(shares))
    for (name, _), colour, share in zip(words.values(), colours, shares.T, strict=True):
        axes.barh(places, share, left=left, color=colour, height=0.7, label=name)
        left += share
    axes.set_ylim(places[-1] + 0.6, -0.6)
    axes.grid(axis="y", visible=False)
    return axes


def _shares(row: ErrorCounts, names: Iterable[str], whole: int | None = None) -> list[float]:
    """Return the names' counts as percentages of `whole`, or of their sum."""
    counts = [row.counts[name] for name in names]
    total = sum(counts) if whole is None else whole
    return [100 * count / total if total else 0.0 for count in counts]


def coverage_by_class(per_class: Sequence[ClassCoverage]) -> bytes:
    """Plot coverage (%) of ground truth by proposals for the LOWEST classes with objects; the line is the paper's."""
    rows = least_covered(per_class)[:LOWEST]
    printed = paper.facts("detection")["proposals"]["coverage"][1]
    with canvas(7.5, 1.2 + 0.27 * max(3, len(rows))) as (figure, png):
        axes = figure.subplots()
        bars(axes, [row.class_name for _, row in rows], [percent for percent, _ in rows], GREEN)
        axes.axvline(printed, color=ORANGE, linewidth=2, label=f"paper, all classes: {printed} %")
        axes.set(xlim=(0, 100), xlabel="objects covered, %")
        figure.legend(loc="outside upper right")
    return png.getvalue()


def coverage_by_boxes(study: ProposalStudyMetrics) -> bytes:
    """Plot coverage (%) over boxes per image, a line per source with boxes, marked at its end; dotted: the paper's."""
    styles: dict[str, dict[str, Any]] = {
        "selective_search_full": {"color": BLACK, "linestyle": (0, (5, 2))},
        "selective_search": {"color": BLUE},
        "multibox": {"color": ORANGE},
        "priors": {"color": GREY, "linestyle": (0, (2, 1.5))},
        "merged": {"color": GREEN, "linewidth": 2.6},
    }
    printed = paper.facts("detection")["proposals"]["coverage"][1]
    with canvas(10, 4.4) as (figure, png):
        axes = figure.subplots()
        label = f"paper, ILSVRC: {printed} %"
        axes.axhline(printed, color=RED, linewidth=1.2, linestyle=(0, (1, 2)), label=label)
        for name in (name for name in shown_sources(study) if study.curves[name]):
            curve, style = study.curves[name], styles[name]
            x, y = [point.boxes for point in curve], [point.coverage_percent for point in curve]
            axes.plot(x, y, label=source_name(name, study.superpixel_scale), **style)
            axes.plot(x[-1], y[-1], marker="D", markersize=6, color=style["color"])
        axes.set(xscale="log", ylim=(0, 101), xlabel="boxes an image, at most", ylabel="objects covered, %")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        figure.legend(loc="outside right upper")
    return png.getvalue()


def from_metrics(results: Results) -> dict[str, bytes]:
    """Draw the charts of this module that the results allow, keyed by function name."""
    made: dict[str, bytes] = {}
    if detection := results.one(DetectionMetrics):
        classes, ensemble = detection.classes, detection.ensemble
        ap_percent = dict(zip(classes, ensemble.ap_percent, strict=True))
        made["precision_recall"] = precision_recall(detection.precision_recall, ap_percent)
        made["average_precision_by_class"] = average_precision_by_class(classes, ensemble, detection.detectors)
        made["error_types"] = error_types(detection.error_types)
        made["coverage_by_class"] = coverage_by_class(detection.coverage.per_class)
    if study := results.one(ProposalStudyMetrics):
        made["coverage_by_boxes"] = coverage_by_boxes(study)
    return made
