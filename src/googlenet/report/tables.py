"""The paper's Tables 1 to 3 with our figures beside the printed ones: a function for each table."""

from collections.abc import Sequence

from googlenet import paper
from googlenet.metrics.classification import EnsembleMetrics
from googlenet.metrics.cost import LayerCost, Totals
from googlenet.metrics.error_rates import TopError
from googlenet.report.parts import OURS, PAPER, RECOUNT, Column, Row, Table, numbers, our_numbers, texts
from googlenet.report.words import NONE, TIMES, confidence, count, decimal, interval, mega, plural, signed, spread

MARK = " ‡"
ERRORS: tuple[TopError, ...] = ("top5_error_percent", "top1_error_percent")  # in the order of the columns


def top5_note(classes: int) -> str:
    """What a top-5 error means with so few classes, or "" for the paper's thousand."""
    if classes <= 5:
        return f"With {classes} classes a top-5 error is always 0 and says nothing; only top-1 is shown."
    chance = decimal(100 * (1 - 5 / classes), 0)
    note = f"With {classes} classes guessing has a top-5 error of {chance} %: read top-1 here."
    return note if classes < 100 else ""


def table_1(layers: Sequence[LayerCost], totals: Totals) -> Table:
    """Table 1 (section 5): per layer, the print, a recount of its stated widths, and our network's count.

    layers, totals: for 224 x 224 and 1000 classes. A printed figure more than one unit of its last digit away from the
    recount is marked.
    """
    ours = {row.layer: row for row in layers}
    printed, totals_printed = paper.table_1(), paper.facts("table_1_architecture")["totals"]
    rows = [_layer_row(row, ours.get(row.layer)) for row in printed]
    weights, macs = sum(row.recount_weights for row in printed), sum(row.recount_macs for row in printed)
    sums = (
        *(totals_printed["sum_of_printed_params"], count(weights), count(totals.weights)),
        *(totals_printed["sum_of_printed_ops"], mega(macs), mega(totals.macs)),
    )
    rows.append(Row(("sum", "", "", *sums), "sum"))
    known = [row for row in printed if row.layer in ours]
    other = ", ".join(row.layer for row in known if row.output != ours[row.layer].output)
    outputs = f"All {len(known)} outputs of ours are the printed ones."
    if other:
        outputs = f"Our outputs differ from the print in {other}."
    counted = [Column(label, origin) for label in ("Weights", "Multiply-adds") for origin in (PAPER, RECOUNT, OURS)]
    columns = (*texts("Layer"), *numbers("Output", "Depth"), *counted)
    note = (
        f"K is 1024, M a million, as in the print; biases left out.{MARK} the print disagrees with the widths that it "
        f"states; the model follows the widths. With biases our network has {count(totals.parameters)} parameters, "
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
    """Table 2 (section 7): the teams' top-5 errors and our ensemble at its most crops."""
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
    """Table 3 (section 7): models times crops, the printed top-5 error beside our top-5 and top-1.

    The paper's six rows in its order. Differences are in points against the base (one model, one crop) of the same column.
    """
    base, rows = ensemble.table_3[0], []
    printed = {(row.models, row.crops): row for row in paper.table_3()}
    for ours in ensemble.table_3:
        paper_row = printed.get((ours.models, ours.crops))  # None of an ensemble of five, say
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
    note = (
        "Our one-model rows are the mean over the members, ± their standard deviation; the paper's are of one model. "
        "The intervals are over test images, for these members; whether two rows differ is in the table of "
        f"comparisons, not in whether their intervals overlap. The print has {signed(-3.45)} in its last row, where its "
        f"own errors give {signed(-3.40)}. {_none_wrong(ensemble)}{top5_note(ensemble.classes)}"
    )
    caption = f"Table 3, section 7: error over {plural(ensemble.images, 'test image')} by models and crops."
    return Table("Models and crops", caption, columns, tuple(rows), note.strip())


def _shown(classes: int) -> tuple[TopError, ...]:
    """The errors that say something: with five classes or fewer no top-5 error."""
    return ERRORS if classes > 5 else ("top1_error_percent",)


def _none_wrong(ensemble: EnsembleMetrics) -> str:
    """The exact (Clopper-Pearson) bound that an interval from zero to zero leaves open, or "" when there is none.

    The bootstrap knows no errors but those that it saw.
    """
    each = (bounds.of(error) for bounds in ensemble.intervals.values() for error in _shown(ensemble.classes))
    empty = next((bounds for bounds in each if bounds.low == bounds.high == 0), None)
    if empty is None:
        return ""
    tail = (1 - empty.confidence_percent / 100) / 2
    bound = decimal(100 * (1 - tail ** (1 / ensemble.images)))
    images = plural(ensemble.images, "image")
    return f"{interval(empty)}: no image was wrong; with {images} that is compatible with a true error of up to {bound} %. "
