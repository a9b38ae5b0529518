"""Tables of our own results, which the paper has no like of: members, and what their differences carry."""

from collections.abc import Iterable
from typing import Any

from googlenet.report.parts import OURS, Column, Row, Table
from googlenet.report.words import NONE, count, decimal, main_metric, natural, of_difference, plural

SETTINGS = {
    "init_seed": "Initial-weights seed",
    "order_seed": "Order seed",
    "sampling_seed": "Sampling seed",
    "sampling": "Sampling",
    "width": "Width",
    "repeat_modules": "Repeated modules",
    "init_from": "Started from",
}
SYSTEMS = {"single_1": "one model, one crop", "baseline": "the baseline"}
KINDS = ("single", "ensemble")  # in a system's key, before its number of crops


def member_settings(rows: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Headings of the settings that members have, known ones first; a row's own name is left out."""
    keys = {key for row in rows for key in row} - {"name", "member", "id"}
    known = [key for key in SETTINGS if key in keys]
    return {
        key: SETTINGS.get(key, key.replace("_", " ").capitalize()) for key in known + sorted(keys - {*known})
    }


def setting_columns(settings: dict[str, str], trained: dict[str, Any]) -> list[Column]:
    """A column for each setting; of words where any member's value is text."""
    return [
        Column(heading, words=any(isinstance(run["member"].get(key), str | dict) for run in trained.values()))
        for key, heading in settings.items()
    ]


def setting(value: Any) -> str:
    """A setting of a member as text; a mapping as "key value, key value"."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {setting(value[key])}" for key in sorted(value))
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value) or NONE
    if isinstance(value, list | tuple):
        return " to ".join(setting(item) for item in value)
    return (
        NONE if value is None else f"{value:g}" if isinstance(value, float) else str(value).replace("_", " ")
    )


def members(trained: dict[str, Any], ensemble: dict[str, Any]) -> Table:
    """The members side by side: what differs, parameters, test errors by crops, averaged and last weights."""
    names = sorted(trained, key=natural)
    settings = member_settings(trained[name]["member"] for name in names)
    crops = sorted({crop for name in names for crop in ensemble["members"].get(name, {})}, key=int)
    rows = []
    for name in names:
        metrics, tested = trained[name], ensemble["members"].get(name, {})
        cells = [
            name,
            *(setting(metrics["member"].get(key)) for key in settings),
            count(metrics["parameters"]),
        ]
        cells += [decimal(tested.get(crop, {}).get("top1_error_percent")) for crop in crops]
        cells += [
            decimal(((metrics.get(split) or {}).get(kind) or {}).get("top1_error_percent"))
            for split, kind in (("test", "last"), ("validation", "averaged"), ("validation", "last"))
        ]
        rows.append(Row(tuple(cells)))
    columns = [
        Column("Model", words=True),
        *setting_columns(settings, trained),
    ]
    columns += [
        Column("Parameters"),
        *(Column(f"Test, {crop} crop{'s' * (crop != '1')}", OURS) for crop in crops),
    ]
    columns += [Column("Test, 1 crop, last weights", OURS)]
    columns += [Column("Validation, averaged weights", OURS), Column("Validation, last weights", OURS)]
    return Table(
        "The members, side by side",
        "Section 7: the same initial weights for all where their seed is the same. Errors are top-1, in %.",
        tuple(columns),
        tuple(rows),
        "Averaged: the running average of the weights, which the paper uses, and which all columns show that do not say "
        "otherwise. Validation is on 1 crop. Choices were made on validation.",
    )


def system_name(key: str, models: int) -> str:
    """Words for a system's key in the metrics: "ensemble_144" is all models at 144 crops."""
    kind, _, crops = key.rpartition("_")
    if key in SYSTEMS or kind not in KINDS:
        return SYSTEMS.get(key, key.replace("_", " "))
    many = "one model" if kind == "single" else plural(models, "model")
    return f"{many}, {plural(int(crops), 'crop')}"


def _order(key: str) -> tuple:
    """A sort key of pairs: few against all first, then more models at the same crops, then more crops."""
    before, after = (name.rpartition("_") for name in key.split("_minus_"))
    if before[0] not in KINDS or after[0] not in KINDS:
        return (3, 0, key)
    change = 0 if before[0] != after[0] and before[2] != after[2] else 1 if before[0] != after[0] else 2
    return (change, -KINDS.index(before[0]), int(before[2]))


def comparisons(ensemble: dict[str, Any]) -> Table:
    """Paired differences in error, each with what its interval lets us say."""
    models = max(row["models"] for row in ensemble["table_3"])
    rows, top5 = [], ensemble.get("paired_top5") or {}
    listed = [(key, ensemble["paired"][key]) for key in sorted(ensemble["paired"], key=_order)]
    if main_metric(ensemble["classes"])[0].startswith("top5"):
        listed += [(key, top5[key]) for key in sorted(top5, key=_order)]
    for key, pair in listed:
        before, _, after = key.partition("_minus_")
        said = of_difference(pair["difference"], pair["low"], pair["high"], pair["confidence_percent"])
        rows.append(
            Row(
                (
                    f"{system_name(after, models)}, against {system_name(before, models)}",
                    pair["metric"].replace("_percent", "").replace("_", " ").replace("top", "top-"),
                    said,
                )
            )
        )
    columns = tuple(Column(label, words=True) for label in ("Compared", "Measure", "The first is"))
    draws = count(max((pair.get("resamples") or 0 for pair in ensemble["paired"].values()), default=0))
    note = f"Bootstrap over test images ({draws} resamples), the same images for both systems."
    caption = "Better or worse is said only where the whole interval lies on one side of zero."
    return Table("What the differences carry", caption, columns, tuple(rows), note)


def classes_by_error(ensemble: dict[str, Any], shown: int = 20) -> Table:
    """The classes with the largest error, at most `shown`."""
    worst = sorted(ensemble["per_class"], key=lambda row: (-row["top1_error_percent"], row["class"]))[:shown]
    rows = tuple(Row((str(r["class"]), count(r["images"]), decimal(r["top1_error_percent"]))) for r in worst)
    columns = (Column("Class", words=True), Column("Test images"), Column("Top-1 error, %", OURS))
    return Table("Error by class", "The ensemble at its most crops, worst first.", columns, rows)
