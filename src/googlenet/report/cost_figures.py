"""Charts of GoogLeNet's cost beside other networks."""

from collections.abc import Sequence
from typing import Any

from googlenet.metrics.cost import CostMetrics, NetworkCost, TimesRatio
from googlenet.metrics.results import Results
from googlenet.report.style import BLUE, GREY, ORANGE, SKY, drawn

SIDES = {  # where a network's name stands beside its dot, so that neighbours in the chart stay readable
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


def cost_of_networks(rows: Sequence[NetworkCost]) -> bytes:
    """Multiply-adds over parameters, and where timed the forward time in relation to GoogLeNet's.

    Both axes of the first chart are logarithmic; the second has a bar
    from zero to the median of the turns, and a line from their least to their greatest.
    """
    timed = [(row, row.times_googlenet) for row in rows if row.times_googlenet is not None]
    timed.sort(key=lambda item: (item[1].median, item[0].network))

    def draw(figure: Any) -> None:
        charts = figure.subplots(1, 2, width_ratios=(1.45, 1)) if timed else [figure.subplots()]
        _plane(charts[0], rows)
        if timed:
            _bars(charts[1], timed)

    return drawn(draw, 11, 4.8)


def _plane(axes: Any, rows: Sequence[NetworkCost]) -> None:
    for row in rows:
        x, y = row.parameters / 1e6, row.macs / 1e9
        axes.scatter(x, y, color=colour(row.network), s=55, zorder=2)
        dx, dy, side = SIDES.get(row.network, (8, -3, "left"))
        axes.annotate(
            title(row), (x, y), (dx, dy), textcoords="offset points", ha=side, va="center", size=8.5, zorder=3
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(3, 400)
    axes.set_ylim(0.5, 30)
    axes.set_xticks([5, 10, 20, 50, 100, 200], ["5", "10", "20", "50", "100", "200"])
    axes.set_yticks([0.5, 1, 2, 5, 10, 20], ["0.5", "1", "2", "5", "10", "20"])
    axes.minorticks_off()
    axes.set_xlabel("parameters, millions")
    axes.set_ylabel("multiply-adds of one image, billions")
    axes.set_title("What a network costs")
    for name, label in (
        ("googlenet", "GoogLeNet"),
        ("googlenet_", "its alternatives"),
        ("", "other networks"),
    ):
        axes.scatter([], [], color=colour(name), s=55, label=label)
    axes.legend(loc="upper left")


def _bars(axes: Any, rows: Sequence[tuple[NetworkCost, TimesRatio]]) -> None:
    for position, (row, times) in enumerate(rows):
        axes.barh(position, times.median, color=colour(row.network), height=0.62)
        axes.plot([times.min, times.max], [position, position], color="#222222", linewidth=1.2)
        axes.annotate(
            f"{times.median:.1f}", (times.max, position), (5, 0), textcoords="offset points", va="center", size=8.5
        )  # fmt: skip
    axes.axvline(1, color=GREY, linewidth=0.9)
    axes.set_yticks(range(len(rows)), [title(row) for row, _ in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(0, 1.15 * max(times.max for _, times in rows))
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("GoogLeNet = 1")
    axes.set_title("Time of a forward pass")


def colour(name: str) -> str:
    """GoogLeNet's own colour, another for its alternatives, a third for the networks of others."""
    return BLUE if name == "googlenet" else SKY if name.startswith("googlenet") else ORANGE


def title(row: NetworkCost) -> str:
    """A network's title, short enough for an axis."""
    return row.title.split(" (")[0].removeprefix("GoogLeNet, ")


def from_metrics(results: Results) -> dict[str, bytes]:
    """Every chart of this module that the metrics of an experiment allow, by the name of its function."""
    cost = results.one(CostMetrics)
    return {"cost_of_networks": cost_of_networks(cost.beside.networks)} if cost else {}
