"""Charts of GoogLeNet's cost beside other networks."""

from collections.abc import Sequence
from typing import Any

from googlenet.metrics.cost import NetworkCost, TimesRatio
from googlenet.report.style import BLACK, BLUE, GREY, ORANGE, SKY, drawn, name_rows

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
    """Multiply-adds over parameters (both logarithmic), and where timed the forward time over GoogLeNet's.

    A bar reaches to the median of the turns, and its line from their least to their greatest.
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
        at = {"textcoords": "offset points", "ha": side, "va": "center", "size": 8.5, "zorder": 3}
        axes.annotate(title(row), (x, y), (dx, dy), **at)
    axes.set(xscale="log", yscale="log", xlim=(3, 400), ylim=(0.5, 30), title="What a network costs")
    axes.set_xticks([5, 10, 20, 50, 100, 200], ["5", "10", "20", "50", "100", "200"])
    axes.set_yticks([0.5, 1, 2, 5, 10, 20], ["0.5", "1", "2", "5", "10", "20"])
    axes.minorticks_off()
    axes.set(xlabel="parameters, millions", ylabel="multiply-adds of one image, billions")
    labels = {"googlenet": "GoogLeNet", "googlenet_": "its alternatives", "": "other networks"}
    for name, label in labels.items():
        axes.scatter([], [], color=colour(name), s=55, label=label)
    axes.legend(loc="upper left")


def _bars(axes: Any, rows: Sequence[tuple[NetworkCost, TimesRatio]]) -> None:
    for position, (row, times) in enumerate(rows):
        axes.barh(position, times.median, color=colour(row.network), height=0.62)
        axes.plot([times.min, times.max], [position, position], color=BLACK, linewidth=1.2)
        at = {"textcoords": "offset points", "va": "center", "size": 8.5}
        axes.annotate(f"{times.median:.1f}", (times.max, position), (5, 0), **at)
    axes.axvline(1, color=GREY, linewidth=0.9)
    name_rows(axes, [title(row) for row, _ in rows])
    axes.set_xlim(0, 1.15 * max(times.max for _, times in rows))
    axes.set(xlabel="GoogLeNet = 1", title="Time of a forward pass")


def colour(network: str) -> str:
    """GoogLeNet's own colour, another for its alternatives, a third for the networks of others."""
    return BLUE if network == "googlenet" else SKY if network.startswith("googlenet") else ORANGE


def title(row: NetworkCost) -> str:
    """A network's title, short enough for an axis."""
    return row.title.split(" (")[0].removeprefix("GoogLeNet, ")
