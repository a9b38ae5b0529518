"""The paper's Tables 1 to 3 with our figures beside the printed ones: a function for each table."""

from collections.abc import Mapping, Sequence

from googlenet import paper
from googlenet.metrics.classification import EnsembleMetrics
from googlenet.metrics.cost import LayerCost, Totals
from googlenet.metrics.error_rates import TopError
from googlenet.report.parts import OURS, PAPER, RECOUNT, Column, Row, Table
from googlenet.report.words import (
    NONE,
    TIMES,
    as_printed,
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


def top5_note(classes: int) -> str:
    """What a top-5 error means with so few classes, or "" for the paper's thousand."""
    if classes <= 5:
        return f"With {classes} classes a top-5 error is always 0 and says nothing; only top-1 is shown."
    if classes < 100:
        chance = 100 * (1 - 5 / classes)
        return (
            f"With {classes} classes guessing has a top-5 error of {decimal(chance, 0)} %: read top-1 here."
        )
    return ""


def table_1(layers: Sequence[LayerCost], totals: Totals) -> Table:
    """Table 1 (section 5): per layer, the print, a recount of its stated widths, and our network's count.

    layers, totals: for 224 x 224 and 1000 classes. A printed figure more than one unit of its last digit away from the
    recount is marked.
    """
    ours = {row.layer: row for row in layers}
    printed, totals_printed = paper.table_1(), paper.table_1_totals()
    rows = [_layer_row(row, ours.get(row.layer)) for row in printed]
    weights, macs = sum(row.recount_weights for row in printed), sum(row.recount_macs for row in printed)
    sums = (
        *(totals_printed.sum_of_printed_params, count(weights), count(totals.weights)),
        *(totals_printed.sum_of_printed_ops, mega(macs), mega(totals.macs)),
    )
    rows.append(Row(("sum", "", "", *sums), "sum"))
    columns = (
        Column("Layer", words=True),
        Column("Output"),
        Column("Depth"),
        Column("Weights", PAPER),
        Column("Weights", RECOUNT),
        Column("Weights", OURS),
        Column("Multiply-adds", PAPER),
        Column("Multiply-adds", RECOUNT),
        Column("Multiply-adds", OURS),
    )
    note = (
        f"K is 1024, M a million, as in the print; biases left out.{MARK} the print disagrees with the "
        "widths that it states; the model follows the widths. With biases our network has "
        f"{count(totals.parameters)} parameters, with both auxiliary heads "
        f"{count(totals.parameters_with_aux)}. {outputs_note(ours)}"
    )
    caption = (
        f"Table 1, section 5: the layers of the full network at 224 {TIMES} 224 pixels and 1,000 classes."
    )
    return Table("The layers and their cost", caption, columns, tuple(rows), note)


def outputs_note(ours: Mapping[str, LayerCost]) -> str:
    """Whether our layers, by name, have the printed outputs; those that have not are named."""
    known = [row for row in paper.table_1() if row.layer in ours]
    other = [row.layer for row in known if row.output != ours[row.layer].output]
    if not other:
        return f"All {len(known)} outputs of ours are the printed ones."
    return f"Our outputs differ from the print in {', '.join(other)}."


def _layer_row(row: paper.LayerRow, ours: LayerCost | None) -> Row:
    printed_params = (row.printed_params or "") + (MARK if row.params_disagree else "")
    printed_ops = (row.printed_ops or "") + (MARK if row.ops_disagree else "")
    has_weights = row.recount_weights > 0
    return Row(
        (
            row.layer,
            f" {TIMES} ".join(str(side) for side in row.output),
            "" if row.depth is None else str(row.depth),
            printed_params,
            kilo(row.recount_weights) if has_weights else "",
            NONE if ours is None else count(ours.weights) if ours.weights else "",
            printed_ops,
            mega(row.recount_macs) if has_weights else "",
            NONE if ours is None else mega(ours.macs) if ours.macs else "",
        )
    )


def table_2(ensemble: EnsembleMetrics, dataset: str) -> Table:
    """Table 2 (section 7): the teams' top-5 errors and our ensemble at its most crops."""
    rows = [
        Row((row.team, str(row.year), str(row.place), as_printed(row.top5_error_percent), row.external_data))
        for row in paper.table_2()
    ]
    last = ensemble.table_3[-1]
    top5 = NONE if ensemble.classes <= 5 else decimal(last.top5_error_percent)
    name = f"Ours: {plural(last.models, 'model')}, {plural(last.crops, 'crop')}, on {dataset}"
    rows.append(Row((name, NONE, NONE, top5, NONE), OURS))
    columns = (
        Column("Team", words=True),
        Column("Year"),
        Column("Place"),
        Column("Top-5 error, %"),
        Column("External data", words=True),
    )
    note = f"Our top-1 error is {decimal(last.top1_error_percent)} %. {top5_note(ensemble.classes)}"
    caption = "Table 2, section 7: classification on ILSVRC by team, and this run on its own data."
    return Table("Classification by team", caption, columns, tuple(rows), note.strip())


def table_3(ensemble: EnsembleMetrics) -> Table:
    """Table 3 (section 7): models times crops, the printed top-5 error beside our top-5 and top-1.

    The paper's six rows in its order. Differences are in points against the base (one model, one crop) of the same column.
    """
    base = ensemble.table_3[0]
    rows = []
    for ours in ensemble.table_3:
        printed = _printed_row(ours.models, ours.crops)
        cells = [str(ours.models), str(ours.crops), count(ours.cost)]
        cells.append(decimal(printed.top5_error_percent if printed else None))
        cells.append("base" if ours is base else signed(printed.against_base if printed else None))
        for error in ERRORS:
            if error in _shown(ensemble.classes):
                cells.append(spread(ours.of(error), ours.std(error)))
                cells.append(interval(ensemble.intervals[ours.system_key].of(error)))
                cells.append("base" if ours is base else signed(ours.of(error) - base.of(error)))
            else:
                cells += [NONE] * 3
        rows.append(Row(tuple(cells)))
    level = confidence(ensemble.intervals[base.system_key].top1_error_percent)
    columns = (
        Column("Models"),
        Column("Crops"),
        Column("Cost"),
        Column("Top-5 error, %", PAPER),
        Column("against base", PAPER),
        Column("Top-5 error, %", OURS),
        Column(level, OURS),
        Column("against base", OURS),
        Column("Top-1 error, %", OURS),
        Column(level, OURS),
        Column("against base", OURS),
    )
    note = (
        "Our one-model rows are the mean over the members, ± their standard deviation; the paper's are of "
        "one model. The intervals are over test images, for these members; whether two rows differ is in the table "
        f"of comparisons, not in whether their intervals overlap. The print has {signed(-3.45)} in its last row, where its own errors give "
        f"{signed(-3.40)}. {_none_wrong(ensemble)}{top5_note(ensemble.classes)}"
    )
    caption = f"Table 3, section 7: error over {plural(ensemble.images, 'test image')} by models and crops."
    return Table("Models and crops", caption, columns, tuple(rows), note.strip())


def _shown(classes: int) -> tuple[TopError, ...]:
    """The errors that say something: with five classes or fewer no top-5 error."""
    return ERRORS if classes > 5 else ("top1_error_percent",)


def _none_wrong(ensemble: EnsembleMetrics) -> str:
    """What an interval from zero to zero leaves open, or "" when there is none.

    The bootstrap knows no errors but those that it saw: the exact (Clopper-Pearson) bound says what it cannot.
    """
    each = (bounds.of(error) for bounds in ensemble.intervals.values() for error in _shown(ensemble.classes))
    empty = [bounds for bounds in each if bounds.low == bounds.high == 0]
    if not empty:
        return ""
    tail = (1 - empty[0].confidence_percent / 100) / 2
    bound = 100 * (1 - tail ** (1 / ensemble.images))
    return (
        f"{interval(empty[0])}: no image was wrong; with {plural(ensemble.images, 'image')} that is compatible with a true "
        f"error of up to {decimal(bound)} %. "
    )


def _printed_row(models: int, crops: int) -> paper.ErrorRow | None:
    """The paper's row for as many models and crops, or None when it has none (an ensemble of five, say)."""
    return next((row for row in paper.table_3() if (row.models, row.crops) == (models, crops)), None)
