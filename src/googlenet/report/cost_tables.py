"""GoogLeNet's cost beside other networks, and the paper's claims about it beside our figures."""

from typing import Literal

from googlenet import paper
from googlenet.metrics.cost import Comparison, NetworkCost
from googlenet.report.parts import OURS, PAPER, Column, Row, Table, numbers, texts
from googlenet.report.words import NONE, TIMES, count, decimal, mega, plural

# The network whose makers' error in Table 2 is nearest to GoogLeNet's, of those that are compared.
SIMILAR, SIMILAR_TEAM = "vgg_16", "VGG"


def ratio(row: NetworkCost) -> str:
    """A forward time in relation to GoogLeNet's: the median of the turns, and their least and greatest."""
    times = row.times_googlenet
    if times is None:
        return NONE
    if row.network == "googlenet":
        return "1"
    return f"{decimal(times.median)} [{decimal(times.min)}, {decimal(times.max)}]"


def networks(beside: Comparison) -> Table:
    """Parameters, multiply-adds, memory and forward time of every network, for 1,000 classes."""
    rows = []
    for row in beside.networks:
        counts = (str(row.input_px), str(row.layers), count(row.parameters), mega(row.macs))
        measured = (decimal(value, 1) for value in (row.weights_mb, row.activations_mb, row.forward_ms))
        mark = OURS if row.network == "googlenet" else ""
        rows.append(Row((row.title, *counts, *measured, ratio(row)), mark))
    exact = ("Input, px", "Layers", "Parameters", "Multiply-adds", "Weights, MB", "Activations, MB")
    columns = (*texts("Network"), *numbers(*exact, "Forward, ms", f"Time, {TIMES} GoogLeNet's"))
    deeper = ", ".join(beside.deeper)
    note = (
        "Parameters and multiply-adds are exact, with 1,000 classes and without auxiliary heads. Layers: with "
        "parameters, on the longest way. Activations: the most that the tensors of one pass hold at one moment, "
        "without what kernels use inside. AlexNet won in 2012; ZFNet is the published network of the makers of the "
        "winner of 2013; VGG-16 is one of the networks of the second of 2014. "
        f"Wider: width {beside.wider:g}; deeper: one more of each of the modules {deeper}."
    )
    if any(row.forward_ms is not None for row in beside.networks):
        turns, images, threads = (
            plural(beside.repeats, "turn"),
            plural(beside.batch, "image"),
            plural(beside.threads, "thread"),
        )
        note += (
            f" Times are medians of {turns} with {images} on {beside.device}, {threads}, {beside.precision}; the "
            "networks took turns, and in brackets stand the least and the greatest ratio of a turn. Times, so not "
            "repeatable."
        )
    caption = "One machine, one run: GoogLeNet, its alternatives, and the networks that it is compared with."
    return Table("GoogLeNet's cost beside other networks", caption, columns, tuple(rows), note)


def claims(beside: Comparison) -> Table:
    """The paper's words on its cost, each beside our figure."""
    rows, words = beside.by_name(), paper.facts("architecture_facts")
    ours, winner = rows["googlenet"], rows["alexnet"]
    similar, naive = rows[SIMILAR], rows["googlenet_naive"]
    slower = "not timed in this run" if naive.times_googlenet is None else f"{ratio(naive)} times GoogLeNet's"
    errors = {row.team: f"{row.top5_error_percent:g}" for row in paper.table_2()}
    totals = paper.facts("table_1_architecture")["totals"]
    printed_sum = totals["sum_of_printed_params"]
    made = (
        (
            "12 times fewer parameters than the winner of 2012 (section 1)",
            f"{times_of(winner, ours, 'parameters')} times fewer",
            f"{count(winner.parameters)} against {count(ours.parameters)}; with the print's own sum, "
            f"{printed_sum}, {decimal(winner.parameters / paper.number(printed_sum), 1)} times",
        ),
        (
            f"{words['budget']} (section 1)",
            mega(ours.macs),
            f"the printed operations of Table 1 add up to {totals['sum_of_printed_ops']}; its conv1 row is too low",
        ),
        (
            f"{words['speed_claim']} (section 4)",
            faster(similar),
            f"against {similar.title.split(' (')[0]}, with {times_of(similar, ours, 'macs')} times the "
            "multiply-adds. The paper names no network; of those here this one's makers come nearest in Table 2 "
            f"(top-5 error {errors[SIMILAR_TEAM]} % against {errors['GoogLeNet']} %, of ensembles)",
        ),
        (
            "without reductions, a blow-up of the cost within a few stages (section 4)",
            f"{times_of(naive, ours, 'macs')} times the multiply-adds",
            f"{times_of(naive, ours, 'parameters')} times the parameters; time: {slower}",
        ),
    )
    columns = (Column("The paper says", PAPER, True), Column("Here", OURS, True), *texts("How"))
    caption = "Sections 1 and 4: what the paper says of its cost, counted and measured."
    note = f"Of a wider and deeper network the paper says: {words['wider_and_deeper_variant']}."
    return Table("The paper's claims on cost", caption, columns, tuple(Row(cells) for cells in made), note)


def times_of(row: NetworkCost, other: NetworkCost, count_of: Literal["parameters", "macs"]) -> str:
    """How many times as large a count of one network is as another's."""
    return decimal(getattr(row, count_of) / getattr(other, count_of), 1)


def faster(row: NetworkCost) -> str:
    """How much faster GoogLeNet was than a network, as far as all turns agree."""
    times = row.times_googlenet
    if times is None:
        return "not timed in this run"
    if times.min > 1:
        turns = f"{decimal(times.min, 1)} to {decimal(times.max, 1)} over the turns"
        return f"{decimal(times.median, 1)} times faster, {turns}"
    result = "slower" if times.max < 1 else "no difference on which the turns agree"
    return f"{result}: {ratio(row)} of GoogLeNet's time"
