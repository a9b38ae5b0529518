"""The paper's Tables 1 to 3 with our figures beside the printed ones: a function for each table."""

from typing import Any

from googlenet import paper
from googlenet.report.parts import OURS, PAPER, RECOUNT, Column, Row, Table
from googlenet.report.words import (
    NONE,
    TIMES,
    as_printed,
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


def table_1(layers: list[dict[str, Any]], totals: dict[str, Any]) -> Table:
    """Table 1 (section 5): per layer, the print, a recount of its stated widths, and our network's count.

    layers, totals: as in measure_cost's metrics, for 224 x 224 and 1000 classes. A printed figure more than
    one unit of its last digit away from the recount is marked.
    """
    ours = {row["layer"]: row for row in layers}
    rows = [_layer_row(row, ours.get(row["layer"])) for row in paper.table_1()]
    printed, counted = paper.table_1_totals(), paper.table_1()
    weights, macs = (sum(row[key] for row in counted) for key in ("recount_weights", "recount_macs"))
    rows.append(
        Row(
            (
                *("sum", "", ""),
                *(printed["sum_of_printed_params"], count(weights), count(totals["weights"])),
                *(printed["sum_of_printed_ops"], mega(macs), mega(totals["macs"])),
            ),
            "sum",
        )
    )
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
        f"{count(totals['parameters'])} parameters, with both auxiliary heads "
        f"{count(totals['parameters_with_aux'])}. {outputs_note(ours)}"
    )
    caption = (
        f"Table 1, section 5: the layers of the full network at 224 {TIMES} 224 pixels and 1,000 classes."
    )
    return Table("The layers and their cost", caption, columns, tuple(rows), note)


def outputs_note(ours: dict[str, dict[str, Any]]) -> str:
    """Whether our layers, by name, have the printed outputs; those that have not are named."""
    known = [row for row in paper.table_1() if row["layer"] in ours]
    other = [row["layer"] for row in known if row["output"] != ours[row["layer"]]["output"]]
    if not other:
        return f"All {len(known)} outputs of ours are the printed ones."
    return f"Our outputs differ from the print in {', '.join(other)}."


def _layer_row(row: dict[str, Any], ours: dict[str, Any] | None) -> Row:
    printed_params = (row["printed_params"] or "") + (MARK if row["params_disagree"] else "")
    printed_ops = (row["printed_ops"] or "") + (MARK if row["ops_disagree"] else "")
    has_weights = row["recount_weights"] > 0
    return Row(
        (
            row["layer"],
            f" {TIMES} ".join(str(side) for side in row["output"]),
            "" if row["depth"] is None else str(row["depth"]),
            printed_params,
            kilo(row["recount_weights"]) if has_weights else "",
            NONE if ours is None else count(ours["weights"]) if ours["weights"] else "",
            printed_ops,
            mega(row["recount_macs"]) if has_weights else "",
            NONE if ours is None else mega(ours["macs"]) if ours["macs"] else "",
        )
    )


def table_2(ensemble: dict[str, Any], dataset: str) -> Table:
    """Table 2 (section 7): the teams' top-5 errors and our ensemble at its most crops."""
    rows = [
        Row(
            (
                r["team"],
                str(r["year"]),
                str(r["place"]),
                as_printed(r["top5_error_percent"]),
                r["external_data"],
            )
        )
        for r in paper.table_2()
    ]
    last = ensemble["table_3"][-1]
    top5 = NONE if ensemble["classes"] <= 5 else decimal(last["top5_error_percent"])
    name = f"Ours: {plural(last['models'], 'model')}, {plural(last['crops'], 'crop')}, on {dataset}"
    rows.append(Row((name, NONE, NONE, top5, NONE), OURS))
    columns = (
        Column("Team", words=True),
        Column("Year"),
        Column("Place"),
        Column("Top-5 error, %"),
        Column("External data", words=True),
    )
    note = f"Our top-1 error is {decimal(last['top1_error_percent'])} %. {top5_note(ensemble['classes'])}"
    caption = "Table 2, section 7: classification on ILSVRC by team, and this run on its own data."
    return Table("Classification by team", caption, columns, tuple(rows), note.strip())


def table_3(ensemble: dict[str, Any]) -> Table:
    """Table 3 (section 7): models times crops, the printed top-5 error beside our top-5 and top-1.

    ensemble: evaluate_ensemble's metrics, whose table_3 has the paper's six rows in its order. Differences
    are in points against the base (one model, one crop) of the same column.
    """
    rows, base, top5_known = [], ensemble["table_3"][0], ensemble["classes"] > 5
    said = f"{ensemble.get('confidence_percent', 95):g} % interval"
    for index, ours in enumerate(ensemble["table_3"]):
        printed = _printed_row(ours)
        cells = [str(ours["models"]), str(ours["crops"]), count(ours["cost"])]
        cells.append(decimal(printed.get("top5_error_percent")))
        cells.append(_against(printed.get("against_base"), index))
        for top, known in (("top5", top5_known), ("top1", True)):
            error = ours[f"{top}_error_percent"]
            cells.append(spread(error, ours.get(f"{top}_std")) if known else NONE)
            cells.append(interval(_interval_of(ensemble, ours, f"{top}_error_percent")) if known else NONE)
            cells.append(_against(error - base[f"{top}_error_percent"], index) if known else NONE)
        rows.append(Row(tuple(cells)))
    columns = (
        Column("Models"),
        Column("Crops"),
        Column("Cost"),
        Column("Top-5 error, %", PAPER),
        Column("against base", PAPER),
        Column("Top-5 error, %", OURS),
        Column(said, OURS),
        Column("against base", OURS),
        Column("Top-1 error, %", OURS),
        Column(said, OURS),
        Column("against base", OURS),
    )
    note = (
        "Our one-model rows are the mean over the members, ± their standard deviation; the paper's are of "
        "one model. The intervals are over test images, for these members; whether two rows differ is in the table "
        f"of comparisons, not in whether their intervals overlap. The print has {signed(-3.45)} in its last row, where its own errors give "
        f"{signed(-3.40)}. {_none_wrong(ensemble)}{top5_note(ensemble['classes'])}"
    )
    caption = (
        f"Table 3, section 7: error over {plural(ensemble['images'], 'test image')} by models and crops."
    )
    return Table("Models and crops", caption, columns, tuple(rows), note.strip())


def _interval_of(ensemble: dict[str, Any], row: dict[str, Any], key: str) -> list[float] | None:
    """The interval of a row of Table 3, or None where there is none."""
    system = f"{'single' if row['models'] == 1 else 'ensemble'}_{row['crops']}"
    return (ensemble.get("intervals") or {}).get(system, {}).get(key)


def _none_wrong(ensemble: dict[str, Any]) -> str:
    """What an interval from zero to zero leaves open, or "" when there is none.

    The bootstrap knows no errors but those that it saw: the exact (Clopper-Pearson) bound says what it cannot.
    """
    shown = (
        ("top1_error_percent", "top5_error_percent") if ensemble["classes"] > 5 else ("top1_error_percent",)
    )
    intervals = (ensemble.get("intervals") or {}).values()
    if not any(list(bounds.get(key, [1])) == [0, 0] for bounds in intervals for key in shown):
        return ""
    tail = (1 - ensemble.get("confidence_percent", 95) / 100) / 2
    bound = 100 * (1 - tail ** (1 / ensemble["images"]))
    return (
        f"{interval([0, 0])}: no image was wrong; with {plural(ensemble['images'], 'image')} that is compatible with a true "
        f"error of up to {decimal(bound)} %. "
    )


def _printed_row(ours: dict[str, Any]) -> dict[str, Any]:
    """The paper's row for as many models and crops, or {} when it has none (an ensemble of five, say)."""
    same = [r for r in paper.table_3() if (r["models"], r["crops"]) == (ours["models"], ours["crops"])]
    return same[0] if same else {}


def _against(difference: float | None, index: int) -> str:
    return "base" if index == 0 else signed(difference)
