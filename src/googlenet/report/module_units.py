"""The units of a module: text and a table with tests against chance, and a figure of their correlations."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from googlenet.metrics.classification_studies import BranchTest, NetworkUnits, UnitMetrics
from googlenet.report.captions import captioned
from googlenet.report.parts import Content, Row, Section, Table, numbers, our_numbers
from googlenet.report.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, bare, canvas, outline
from googlenet.report.words import NONE, count, decimal, plural

LEVEL = 0.05  # a smaller p counts as beyond chance
BEYOND = " *"
BRANCH_COLOURS = (BLUE, ORANGE, GREEN, PURPLE)
CELLS: dict[str, Any] = {"cmap": "RdBu_r", "aspect": "auto", "interpolation": "nearest"}
FARTHEST_TINT = 3.0  # times chance, or its reciprocal: the deepest colours


def section(units: UnitMetrics | None, figures: Mapping[str, bytes]) -> Section | None:
    """Build the section on the idea behind Inception."""
    if units is None:
        return None
    trained, untrained = units.trained, units.untrained
    h, w = units.map_px
    left_out = f" ({count(trained.left_out)} that never vary are left out)" if trained.left_out else ""
    here = trained.by_distance[0]
    related = (
        "There are too few clusters of more than one unit to compare."
        if here.same_cluster is None or here.other_clusters is None
        else f"Two units of one cluster have a mean correlation of {decimal(here.same_cluster)} at the same position, "
        f"two of different clusters {decimal(here.other_clusters)}."
    )
    text = (
        "The idea behind Inception: Arora et al. build a sparse layer by clustering the units below by their "
        "correlation; the paper's module is a dense stand-in, whose branches are meant to cover clusters at one "
        "position (1x1) or spread out (3x3, 5x5). Nothing in training asks for such clusters. Here we look for them "
        f"in {units.member}: the {plural(trained.units, 'output unit')} of inception {units.module}"
        f"{left_out}, over {plural(units.images, 'image')} of {units.split} and {h} by {w} positions. "
        "Clusters were made on every second image; all figures are from the others.",
        f"{related} {distances(trained, 'After training')} {distances(untrained, 'Before it')}",
        f"Branches of {units.module} that a cluster's units come from: {verdict(trained.out_of, untrained.out_of)}",
        f"Branches of {units.above} that a cluster's units feed: {verdict(trained.feeds, untrained.feeds)}",
        "This is one network and one module: it neither proves nor refutes the idea. Units of one branch correlate "
        "by construction, too: those of the 3x3 and 5x5 branches share a few reduced inputs. The untrained network "
        "shows how much that alone explains.",
    )
    content: tuple[Content, ...] = (clusters(units), *captioned(figures, "unit_clusters"))
    return Section("The units of a module and their clusters", text, content)


def distances(network: NetworkUnits, when: str) -> str:
    """State how the correlation of units in one cluster changes with their distance on the map."""
    rows = [row for row in network.by_distance if row.same_cluster is not None]
    if len(rows) < 2:
        return ""
    values = ", ".join(decimal(row.same_cluster) for row in rows)
    return f"{when}, within clusters at a distance of {rows[0].distance} to {rows[-1].distance} positions: {values}."


def verdict(test: BranchTest, control: BranchTest) -> str:
    """State the result of a test against chance, with the same test on the untrained network."""
    both = " So do those of the untrained network, so this is not an effect of training alone."
    result = "not distinguishable from chance" if test.p >= LEVEL else "more than expected by chance"
    return (
        f"the clusters explain {percent(test.explained)} of the differences among units, {result} "
        f"({percent(test.explained_by_chance)} on average, {percent(test.explained_by_chance_95)} in 1 of 20 "
        f"shuffles; p {probability(test.p)}). Before training: {percent(control.explained)}, p "
        f"{probability(control.p)}.{both if max(test.p, control.p) < LEVEL else ''}"
    )


def percent(share: float) -> str:
    """Format a share as "12.3 %"."""
    return f"{decimal(100 * share, 1)} %"


def probability(p: float) -> str:
    """Format a p value with as many decimals as it needs, "0.0005" or "0.34"."""
    return decimal(p, 4 if p < 0.01 else 2)


def clusters(units: UnitMetrics) -> Table:
    """The clusters of the trained network: units, correlation, and both kinds of branches relative to chance (1)."""
    out_of, feeds = units.trained.out_of, units.trained.feeds
    rows = []
    for index, cluster in enumerate(units.trained.clusters):
        cells = [str(index + 1), count(cluster.units), decimal(cluster.mean_correlation)]
        for table in (out_of, feeds):
            pairs = zip(table.over_chance[index], table.beyond[index], strict=True)
            cells += [decimal(over_chance) + BEYOND * beyond for over_chance, beyond in pairs]
        rows.append(Row(tuple(cells)))
    branches = [f"out of {name}" for name in out_of.branches] + [f"feeds {name}" for name in feeds.branches]
    columns = (*numbers("Cluster", "Units", "Mean correlation"), *our_numbers(*branches))
    note = (
        f"1 is chance: as often as among all units.{BEYOND} further from 1 than the furthest cell of its kind in 95 % "
        f"of {count(units.permutations)} shuffles of the units. Feeding is measured by the magnitude of the weights "
        f"of inception {units.above}. {NONE} as correlation: a cluster of one unit."
    )
    caption = f"Clusters of the output units of inception {units.module} of {units.member}, by size."
    return Table("Clusters and branches", caption, columns, tuple(rows), note)


def unit_clusters(units: UnitMetrics) -> bytes:
    """Four charts: correlations by cluster, with the units' branches; distances; clusters' own and fed branches."""
    trained = units.trained
    with canvas(11.5, 6.6) as (figure, png):
        left, right = figure.subfigures(1, 2, width_ratios=(1.25, 1))
        _matrix(left, units)
        top, *tables = right.subplots(3, 1, height_ratios=(1, 1.15, 1.15))
        _distances(top, units)
        _cells(tables[0], trained.out_of, f"Units of {units.module} by their own branch, times chance")
        _cells(tables[1], trained.feeds, f"Branches of {units.above} that they feed, times chance")
        tables[1].set_xlabel("cluster")
    return png.getvalue()


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
    large_enough = 0.03  # as a share of the units; labels of smaller clusters would overlap
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
        rows = network.by_distance
        same, other = [row.same_cluster for row in rows], [row.other_clusters for row in rows]
        for values, which, colour in ((same, "same", BLUE), (other, "other", GREY)):
            style = {"color": colour, "linestyle": dash, "label": f"{which}, {trained}"}
            points = [(row.distance, y) for row, y in zip(rows, values, strict=True) if y is not None]
            axes.plot([x for x, _ in points], [y for _, y in points], marker="o", markersize=4, **style)
    axes.set_xticks(range(len(units.trained.by_distance)))
    axes.set_title("Mean correlation of two units over their distance")
    axes.set_xlabel("positions apart")
    axes.legend(fontsize=8, ncols=2, title="cluster", title_fontsize=8)


def _cells(axes: Any, table: BranchTest, title: str) -> None:
    """Branches by cluster: deep red is three times chance or more, deep blue a third or less; framed: beyond chance."""
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
