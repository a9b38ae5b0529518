"""The picture of a module's units: their correlations cluster by cluster, with the branch of every unit."""

from typing import Any

import numpy as np

from googlenet.metrics.classification_studies import BranchTest, UnitMetrics
from googlenet.report.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, bare, drawn, outline
from googlenet.report.words import decimal

BRANCH_COLOURS = (BLUE, ORANGE, GREEN, PURPLE)
CELLS: dict[str, Any] = {"cmap": "RdBu_r", "aspect": "auto", "interpolation": "nearest"}
FARTHEST_TINT = 3.0  # times chance, or a third of it: the deepest colours


def unit_clusters(units: UnitMetrics) -> bytes:
    """Four charts: correlations by cluster with the units' branches; distances; branches out of and fed by clusters."""
    trained = units.trained

    def draw(figure: Any) -> None:
        left, right = figure.subfigures(1, 2, width_ratios=(1.25, 1))
        _matrix(left, units)
        top, *tables = right.subplots(3, 1, height_ratios=(1, 1.15, 1.15))
        _distances(top, units)
        _cells(tables[0], trained.out_of, f"Units of {units.module} by their own branch, times chance")
        _cells(tables[1], trained.feeds, f"Branches of {units.above} that they feed, times chance")
        tables[1].set_xlabel("cluster")

    return drawn(draw, 11.5, 6.6)


def _matrix(figure: Any, units: UnitMetrics) -> None:
    shown, branches = units.trained.shown, units.trained.out_of.branches
    strip, axes = figure.subplots(2, 1, height_ratios=(1, 24))
    colours = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in BRANCH_COLOURS], np.uint8)
    strip.imshow(colours[np.array(shown.branch)][None], aspect="auto", interpolation="nearest")
    bare(strip)
    strip.set_title(f"Correlation of the units of inception {units.module}, by cluster")
    image = axes.imshow(np.array(shown.correlation_percent) / 100, vmin=-1, vmax=1, **CELLS)
    cluster = np.array(shown.cluster)
    for edge in np.flatnonzero(np.diff(cluster)) + 0.5:
        axes.axhline(edge, color=BLACK, linewidth=0.6)
        axes.axvline(edge, color=BLACK, linewidth=0.6)
    bare(axes)
    large_enough = 0.03  # a share of the units, else the numbers lie on each other
    wide = [c for c in np.unique(cluster) if (cluster == c).mean() > large_enough]
    axes.set_yticks([np.flatnonzero(cluster == c).mean() for c in wide], [str(c + 1) for c in wide])
    axes.set_ylabel("cluster")
    figure.colorbar(image, ax=axes, shrink=0.6, label="correlation")
    for colour, name in zip(BRANCH_COLOURS, branches, strict=True):
        axes.plot([], [], "s", color=colour, markersize=8, label=name)
    title = "strip above: branch that each unit comes out of"
    figure.legend(loc="outside lower center", ncols=4, title=title)


def _distances(axes: Any, units: UnitMetrics) -> None:
    for network, trained, dash in ((units.trained, "trained", "-"), (units.untrained, "untrained", ":")):
        places = [row.distance for row in network.by_distance]
        same = [row.same_cluster for row in network.by_distance]
        other = [row.other_clusters for row in network.by_distance]
        for values, which, colour in ((same, "same", BLUE), (other, "other", GREY)):
            style = {"color": colour, "linestyle": dash, "label": f"{which}, {trained}"}
            points = [(x, y) for x, y in zip(places, values, strict=True) if y is not None]
            axes.plot([x for x, _ in points], [y for _, y in points], marker="o", markersize=4, **style)
    axes.set_xticks(range(len(units.trained.by_distance)))
    axes.set_title("Mean correlation of two units over their distance")
    axes.set_xlabel("positions apart")
    axes.legend(fontsize=8, ncols=2, title="cluster", title_fontsize=8)


def _cells(axes: Any, table: BranchTest, title: str) -> None:
    """Branches by clusters: deep red three times chance or more, deep blue a third or less; a frame is beyond chance."""
    values, beyond = np.array(table.over_chance).T, np.array(table.beyond).T
    tint = np.log(np.clip(values, 1 / FARTHEST_TINT, FARTHEST_TINT)) / np.log(FARTHEST_TINT)
    axes.imshow(tint, vmin=-1.4, vmax=1.4, **CELLS)
    for (row, column), value in np.ndenumerate(values):
        bold = "bold" if beyond[row, column] else "normal"
        axes.text(column, row, decimal(value), ha="center", va="center", size=8, weight=bold)
        if beyond[row, column]:
            edges = (column - 0.47, row - 0.45, column + 0.47, row + 0.45)
            outline(axes, edges, BLACK, linewidth=1.4)
    bare(axes)
    axes.set_yticks(range(len(table.branches)), table.branches)
    axes.set_xticks(range(values.shape[1]), [str(c + 1) for c in range(values.shape[1])])
    axes.set_title(title)
