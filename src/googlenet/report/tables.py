"""The paper's Tables 1 to 3 and its claims about cost, with our figures next to the printed ones."""

from collections.abc import Sequence
from typing import Literal

from googlenet.metrics.classification import EnsembleMetrics
from googlenet.metrics.cost import Comparison, LayerCost, NetworkCost, Totals
from googlenet.metrics.error_rates import TopError
from googlenet.report import paper
from googlenet.report.parts import OURS, PAPER, RECOUNT, Column, Row, Table, numbers, our_numbers, texts
from googlenet.report.words import (
    NONE,
    TIMES,
    confidence,
    count,
    decimal,
    interval,
    kilo,
    mega,
    plural,
    signed,
    spread,
)

MARK = " ‡"
ERRORS: tuple[TopError, ...] = ("top5_error_percent", "top1_error_percent")  # in the order of the columns
# Of the compared networks, the one whose team's error in Table 2 is closest to GoogLeNet's.
SIMILAR, SIMILAR_TEAM = "vgg_16", "VGG"


def top5_note(classes: int) -> str:
    """Explain a top-5 error with few classes; "" for the paper's thousand."""
    if classes <= 5:
        return f"With {classes} classes the top-5 error is always 0; only top-1 is shown."
    chance = decimal(100 * (1 - 5 / classes), 0)
    note = f"With {classes} classes, guessing has a top-5 error of {chance} %: compare top-1 here."
    return note if classes < 100 else ""


def table_1(layers: Sequence[LayerCost], totals: Totals) -> Table:
    """Table 1 (section 5) at 224 x 224, 1000 classes: printed, recounted from its widths (marked if off), ours."""
    ours = {row.layer: row for row in layers}
    printed, totals_printed = paper.table_1(), paper.facts("table_1_architecture")["totals"]
    rows = [_layer_row(row, ours.get(row.layer)) for row in printed]
    weights, macs = sum(row.recount_weights for row in printed), sum(row.recount_macs for row in printed)
    sums = (
        *(kilo(paper.printed_weights()), count(weights), count(totals.weights)),
        *(totals_printed["sum_of_printed_ops"], mega(macs), mega(totals.macs)),
    )
    rows.append(Row(("sum", "", "", *sums), "sum"))
    known = [row for row in printed if row.layer in ours]
    other = ", ".join(row.layer for row in known if row.output != ours[row.layer].output)
    outputs = f"All {len(known)} outputs of ours equal the printed ones."
    if other:
        outputs = f"Our outputs differ from the printed ones in {other}."
    counted = [Column(label, origin) for label in ("Weights", "Multiply-adds") for origin in (PAPER, RECOUNT, OURS)]
    columns = (*texts("Layer"), *numbers("Output", "Depth"), *counted)
    note = (
        "K is 1024, as inferred from the print (1000K for the linear row's 1,024,000), M a million; without "
        f"biases.{MARK} the printed value disagrees with the printed "
        f"widths; the model follows the widths. With biases our network has {count(totals.parameters)} parameters, "
        f"with both auxiliary heads {count(totals.parameters_with_aux)}. {outputs}"
    )
    caption = f"Table 1, section 5: the layers of the full network at 224 {TIMES} 224 pixels and 1,000 classes."
    return Table("The layers and their cost", caption, columns, tuple(rows), note)


def _layer_row(row: paper.LayerRow, ours: LayerCost | None) -> Row:
    has_weights = row.recount_weights > 0
    cells = (
        row.layer,
        f" {TIMES} ".join(map(str, row.output)),
        "" if row.depth is None else str(row.depth),
        (row.printed_params or "") + (MARK if row.params_disagree else ""),
        f"{row.recount_weights / 1024:.1f}K" if has_weights else "",
        NONE if ours is None else count(ours.weights) if ours.weights else "",
        (row.printed_ops or "") + (MARK if row.ops_disagree else ""),
        mega(row.recount_macs) if has_weights else "",
        NONE if ours is None else mega(ours.macs) if ours.macs else "",
    )
    return Row(cells)


def table_2(ensemble: EnsembleMetrics, dataset: str) -> Table:
    """Table 2 (section 7): the teams' top-5 errors and our ensemble with the most crops."""
    rows = [
        Row((row.team, str(row.year), str(row.place), f"{row.top5_error_percent:g}", row.external_data))
        for row in paper.table_2()
    ]
    last = ensemble.table_3[-1]
    top5 = NONE if ensemble.classes <= 5 else decimal(last.top5_error_percent)
    name = f"Ours: {plural(last.models, 'model')}, {plural(last.crops, 'crop')}, on {dataset}"
    rows.append(Row((name, NONE, NONE, top5, NONE), OURS))
    columns = (*texts("Team"), *numbers("Year", "Place", "Top-5 error, %"), *texts("External data"))
    note = f"Our top-1 error is {decimal(last.top1_error_percent)} %. {top5_note(ensemble.classes)}"
    caption = "Table 2, section 7: classification on ILSVRC by team, and this run on its own data."
    return Table("Classification by team", caption, columns, tuple(rows), note.strip())


def table_3(ensemble: EnsembleMetrics) -> Table:
    """Table 3 (section 7): models and crops, printed and our top-5 error; differences from the first, in points."""
    base, rows = ensemble.table_3[0], []
    printed = {(row.models, row.crops): row for row in paper.table_3()}
    for ours in ensemble.table_3:
        paper_row = printed.get((ours.models, ours.crops))  # None for an ensemble of five, for example
        cells = [str(ours.models), str(ours.crops), count(ours.cost)]
        cells.append(decimal(paper_row.top5_error_percent if paper_row else None))
        cells.append("base" if ours is base else signed(paper_row.against_base if paper_row else None))
        for error in ERRORS:
            if error in _shown(ensemble.classes):
                bounds = interval(ensemble.intervals[ours.system_key].of(error))
                cells += [spread(ours.of(error), ours.std(error)), bounds]
                cells.append("base" if ours is base else signed(ours.of(error) - base.of(error)))
            else:
                cells += [NONE] * 3
        rows.append(Row(tuple(cells)))
    level = confidence(ensemble.intervals[base.system_key].top1_error_percent)
    columns = (
        *numbers("Models", "Crops", "Cost"),
        *(Column(label, PAPER) for label in ("Top-5 error, %", "against base")),
        *our_numbers("Top-5 error, %", level, "against base", "Top-1 error, %", level, "against base"),
    )
    mean = (
        "Our one-model rows are the mean over the members, ± their standard deviation (n \N{MINUS SIGN} 1); the paper's are of the one with the lowest "
        "top-1 error on the validation images, on which its table is measured too. "
    )
    decided = "; the table of comparisons states whether two rows differ, overlapping intervals do not decide it"
    several = len(ensemble.members) > 1
    kinds = "exact (Clopper and Pearson's)" + ("; those of means over members are a bootstrap's" if several else "")
    note = (
        f"{mean if several else ''}The intervals are over test images, for these members, and {kinds}"
        f"{decided if ensemble.paired else ''}. The paper prints {signed(-3.45)} in its last row, where its "
        f"own errors give {signed(-3.40)}. {top5_note(ensemble.classes)}"
    )
    caption = f"Table 3, section 7: error over {plural(ensemble.images, 'test image')} by models and crops."
    return Table("Models and crops", caption, columns, tuple(rows), note.strip())


def _shown(classes: int) -> tuple[TopError, ...]:
    """Return the informative errors, without top-5 if there are at most five classes."""
    return ERRORS if classes > 5 else ("top1_error_percent",)


def ratio(row: NetworkCost) -> str:
    """Format a forward time relative to GoogLeNet's: median, minimum and maximum over the turns."""
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
        "parameters, on the longest path. Activations: the peak size of the tensors of one pass, without the kernels' "
        "own workspace. AlexNet won in 2012; ZFNet is the published network of the authors of 2013's winner; VGG-16 "
        f"is one of the networks of the runner-up of 2014. Wider: width {beside.wider:g}; deeper: one more of each of "
        f"the modules {deeper}."
    )
    if any(row.forward_ms is not None for row in beside.networks):
        images, threads = plural(beside.batch, "image"), plural(beside.threads, "thread")
        note += (
            f" Times are medians of {plural(beside.repeats, 'turn')} with {images} on {beside.device}, {threads}, "
            f"{beside.precision}; the networks took turns, with the smallest and the largest ratio in brackets. Times "
            "are not reproducible exactly."
        )
    caption = "One machine, one run: GoogLeNet, its alternatives, and the networks that it is compared with."
    return Table("GoogLeNet's cost beside other networks", caption, columns, tuple(rows), note)


def claims(beside: Comparison) -> Table:
    """The paper's claims about its cost, each next to our figure."""
    rows, words = beside.by_name(), paper.facts("architecture_facts")
    ours, winner = rows["googlenet"], rows["alexnet"]
    similar, naive = rows[SIMILAR], rows["googlenet_naive"]
    slower = "not timed in this run" if naive.times_googlenet is None else f"{ratio(naive)} times GoogLeNet's"
    errors = {row.team: f"{row.top5_error_percent:g}" for row in paper.table_2()}
    totals = paper.facts("table_1_architecture")["totals"]
    printed_sum = paper.printed_weights()
    made = (
        (
            "12 times fewer parameters than the winner of 2012 (section 1)",
            f"{times_of(winner, ours, 'parameters')} times fewer",
            f"{count(winner.parameters)} against {count(ours.parameters)}; with the sum of the printed rows, "
            f"{kilo(printed_sum)}, {decimal(winner.parameters / printed_sum, 1)} times",
        ),
        (
            f"{words['budget']} (section 1)",
            mega(ours.macs),
            f"the printed operations of Table 1 add up to {totals['sum_of_printed_ops']}; its conv1 row is too low",
        ),
        (
            f"{paper.times_faster()} than similarly accurate networks without Inception (section 4)",
            faster(similar),
            f"against {similar.title.split(' (')[0]}, with {times_of(similar, ours, 'macs')} times the "
            "multiply-adds. The paper says it of cheaper, slightly inferior networks with Inception, not of GoogLeNet, and "
            "names no other network; of those here, this one's authors are closest in Table 2 "
            f"(top-5 error {errors[SIMILAR_TEAM]} % against {errors['GoogLeNet']} %, of ensembles)",
        ),
        (
            "without reductions, a blow-up of the cost within a few stages (section 4)",
            f"{times_of(naive, ours, 'macs')} times the multiply-adds",
            f"{times_of(naive, ours, 'parameters')} times the parameters; time: {slower}",
        ),
    )
    columns = (Column("The paper's claim", PAPER, True), Column("Here", OURS, True), *texts("How"))
    caption = "Sections 1 and 4: the paper's claims about its cost, counted and measured."
    wider = words["wider_and_deeper_variant"]
    note = f"The paper on a wider and deeper network: {wider['cvpr']} (CVPR); {wider['arxiv']} (arXiv)."
    return Table("The paper's claims on cost", caption, columns, tuple(Row(cells) for cells in made), note)


def times_of(row: NetworkCost, other: NetworkCost, count_of: Literal["parameters", "macs"]) -> str:
    """Format the ratio of one network's count to another's."""
    return decimal(getattr(row, count_of) / getattr(other, count_of), 1)


def faster(row: NetworkCost) -> str:
    """State how much faster GoogLeNet was than a network, if all turns agree."""
    times = row.times_googlenet
    if times is None:
        return "not timed in this run"
    if times.min > 1:
        turns = f"{decimal(times.min, 1)} to {decimal(times.max, 1)} over the turns"
        return f"{decimal(times.median, 1)} times faster, {turns}"
    result = "slower" if times.max < 1 else "not consistently faster or slower"
    return f"{result}: {ratio(row)} of GoogLeNet's time"
