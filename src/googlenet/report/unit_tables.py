"""What the analysis of a module's units says: sentences and a table that claim no more than chance allows."""

from typing import Any

from googlenet.report.parts import OURS, Column, Picture, Row, Section, Table
from googlenet.report.words import NONE, count, decimal, plural

LEVEL = 0.05  # a p below it counts as more than chance
BEYOND = " *"


def section(units: dict[str, Any], pictures: tuple[Picture, ...]) -> Section:
    """The section on the idea behind Inception. units: analyse_units' metrics."""
    trained = units["trained"]
    h, w = units["map_px"]
    left_out = f" ({count(trained['left_out'])} that never vary are left out)" if trained["left_out"] else ""
    text = (
        "Where Inception comes from: Arora et al. build a sparse layer by clustering the units below by their "
        "correlation; the paper's module is a dense stand-in, whose branches are to take clusters that lie at one "
        "place (1x1) or are spread out (3x3, 5x5). Nothing in training asks for such clusters. Here they are looked "
        f"for in {units['member']}: the {plural(trained['units'], 'output unit')} of inception {units['module']}"
        f"{left_out}, over {plural(units['pictures'], 'image')} of {units['split']} and {h} by {w} positions. "
        "Clusters were made on every second image; all figures are of the others.",
        f"{related(trained)} {distances(trained, 'After training')} {distances(units['untrained'], 'Before it')}",
        said(units, "out_of", f"Branches of {units['module']} that a cluster's units come out of"),
        said(units, "feeds", f"Branches of {units['above']} that a cluster's units feed"),
        "One network and one module: this shows what happened here, and neither proves nor refutes the idea. That "
        "units of one branch go together is also how the module is made: the units of the 3x3 and 5x5 branches "
        "share a few reduced inputs. The untrained network tells how far that alone goes.",
    )
    return Section("The units of a module and their clusters", text, (clusters(units), *pictures))


def related(found: dict[str, Any]) -> str:
    """How correlated two units of one cluster are, and two of different ones, at the same position."""
    here = found["by_distance"][0]
    if here["same_cluster"] is None or here["other_clusters"] is None:
        return "There are too few clusters of more than one unit to compare."
    return (
        f"Two units of one cluster have a mean correlation of {decimal(here['same_cluster'])} at the same position, "
        f"two of different clusters {decimal(here['other_clusters'])}."
    )


def distances(found: dict[str, Any], when: str) -> str:
    """How the correlation of units of one cluster changes with their distance on the map."""
    rows = [row for row in found["by_distance"] if row["same_cluster"] is not None]
    if len(rows) < 2:
        return ""
    values = ", ".join(decimal(row["same_cluster"]) for row in rows)
    return f"{when}, within clusters at a distance of {rows[0]['distance']} to {rows[-1]['distance']} positions: {values}."


def said(units: dict[str, Any], key: str, what: str) -> str:
    """One sentence on a test against chance, with the same of the untrained network."""
    mine, control = units["trained"][key], units["untrained"][key]
    both = (
        " So do those of the untrained network: learning alone does not make it."
        if mine["p"] < LEVEL and control["p"] < LEVEL
        else ""
    )
    verdict = "not told apart from chance" if mine["p"] >= LEVEL else "more than chance gives"
    return (
        f"{what}: the clusters explain {percent(mine['explained'])} of the differences among units, {verdict} "
        f"({percent(mine['explained_by_chance'])} on average, {percent(mine['explained_by_chance_95'])} in 1 of 20 "
        f"shuffles; p {probability(mine['p'])}). Before training: {percent(control['explained'])}, p "
        f"{probability(control['p'])}.{both}"
    )


def percent(share: float) -> str:
    """A share as "12.3 %"."""
    return f"{decimal(100 * share, 1)} %"


def probability(p: float) -> str:
    """A p value with as many decimals as it needs, "0.0005" or "0.34"."""
    return decimal(p, 4 if p < 0.01 else 2)


def clusters(units: dict[str, Any]) -> Table:
    """The clusters of the trained network: units, correlation, and both kinds of branches against chance (1)."""
    found = units["trained"]
    out_of, feeds = found["out_of"], found["feeds"]
    rows = []
    for index, cluster in enumerate(found["clusters"]):
        cells = [str(index + 1), count(cluster["units"]), decimal(cluster["mean_correlation"])]
        for table in (out_of, feeds):
            cells += [
                cell(*pair) for pair in zip(table["over_chance"][index], table["beyond"][index], strict=True)
            ]
        rows.append(Row(tuple(cells)))
    columns = [Column("Cluster"), Column("Units"), Column("Mean correlation")]
    columns += [Column(f"out of {name}", OURS) for name in out_of["branches"]]
    columns += [Column(f"feeds {name}", OURS) for name in feeds["branches"]]
    note = (
        f"1 is chance: as often as among all units.{BEYOND} further from 1 than the furthest cell of its kind in 95 % of "
        f"{count(units['permutations'])} shuffles of the units. Feeding is by the size of the weights of "
        f"inception {units['above']}. {NONE} as correlation: a cluster of one unit."
    )
    caption = f"Clusters of the output units of inception {units['module']} of {units['member']}, by size."
    return Table("Clusters and branches", caption, tuple(columns), tuple(rows), note)


def cell(over_chance: float, beyond: bool) -> str:
    """A relation to chance, marked when it is beyond it."""
    return decimal(over_chance) + (BEYOND if beyond else "")
