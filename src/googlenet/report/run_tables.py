"""Tables of our own results, which the paper has no like of: members, and what their differences carry."""

from collections.abc import Mapping, Sequence

from googlenet.config.schema.base import Named
from googlenet.config.schema.shared import TrainedMember
from googlenet.metrics.classification import ClassError, EnsembleMetrics, PairedDifference
from googlenet.metrics.order import natural
from googlenet.metrics.training import TrainingMetrics
from googlenet.report.parts import OURS, Column, Row, Table
from googlenet.report.words import NONE, TOPS, count, decimal, main_metric, of_difference, plural

SETTINGS = {  # of a member or detector: its column; a name has none
    "init_seed": Column("Initial-weights seed"),
    "order_seed": Column("Order seed"),
    "sampling_seed": Column("Sampling seed"),
    "sampling": Column("Sampling", words=True),
    "width": Column("Width"),
    "repeat_modules": Column("Repeated modules"),
    "init_from": Column("Started from", words=True),
}
KINDS = ("single", "ensemble")  # in a system's key, before its number of crops


def setting_columns(kind: type[Named]) -> list[Column]:
    """A column for each setting of a kind of rows, TrainedMember or Detector."""
    return [column for key, column in SETTINGS.items() if key in kind.model_fields]


def setting_cells(row: Named) -> list[str]:
    """What such a row sets, in the order of the columns."""
    return [setting(getattr(row, key)) for key in SETTINGS if key in type(row).model_fields]


def setting(value: str | float | tuple[str, ...]) -> str:
    """A setting of a member as text."""
    if isinstance(value, tuple):
        return ", ".join(value) or NONE
    return f"{value:g}" if isinstance(value, float) else str(value).replace("_", " ")


def members(trained: Mapping[str, TrainingMetrics], ensemble: EnsembleMetrics) -> Table:
    """The members side by side: what differs, parameters, test errors by crops, averaged and last weights."""
    crops = sorted({crops for name in trained for crops in ensemble.members[name]}, key=int)
    rows = []
    for name in sorted(trained, key=natural):
        metrics, tested = trained[name], ensemble.members[name]
        errors = [tested[number] for number in crops]
        errors += [metrics.test.last, metrics.validation.averaged, metrics.validation.last]
        cells = [name, *setting_cells(metrics.member), count(metrics.parameters)]
        rows.append(Row((*cells, *(decimal(error.top1_error_percent) for error in errors))))
    columns = [
        Column("Model", words=True),
        *setting_columns(TrainedMember),
        Column("Parameters"),
        *(Column(f"Test, {number} crop{'s' * (number != '1')}", OURS) for number in crops),
        Column("Test, 1 crop, last weights", OURS),
        Column("Validation, averaged weights", OURS),
        Column("Validation, last weights", OURS),
    ]
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
    if key == "single_1":
        return "one model, one crop"
    many = "one model" if kind == "single" else plural(models, "model")
    return f"{many}, {plural(int(crops), 'crop')}"


def _order(key: str) -> tuple[int, int, int]:
    """A sort key of pairs: few against all first, then more models at the same crops, then more crops."""
    before, after = (name.rpartition("_") for name in key.split("_minus_"))
    change = 0 if before[0] != after[0] and before[2] != after[2] else 1 if before[0] != after[0] else 2
    return (change, -KINDS.index(before[0]), int(before[2]))


def comparisons(ensemble: EnsembleMetrics) -> Table:
    """Paired differences in error, each with what its interval lets us say."""
    models = ensemble.table_3[-1].models
    listed = _in_order(ensemble.paired)
    if main_metric(ensemble.classes)[0] == "top5_error_percent":
        listed += _in_order(ensemble.paired_top5)
    rows = []
    for key, pair in listed:
        before, _, after = key.partition("_minus_")
        names = f"{system_name(after, models)}, against {system_name(before, models)}"
        rows.append(Row((names, f"{TOPS[pair.metric]} error", of_difference(pair))))
    columns = tuple(Column(label, words=True) for label in ("Compared", "Measure", "The first is"))
    draws = count(max(pair.resamples for _, pair in listed))
    note = f"Bootstrap over test images ({draws} resamples), the same images for both systems."
    caption = "Better or worse is said only where the whole interval lies on one side of zero."
    return Table("What the differences carry", caption, columns, tuple(rows), note)


def _in_order(pairs: Mapping[str, PairedDifference]) -> list[tuple[str, PairedDifference]]:
    return [(key, pairs[key]) for key in sorted(pairs, key=_order)]


def worst_classes(per_class: Sequence[ClassError], shown: int) -> list[tuple[ClassError, float]]:
    """The classes with the largest error, at most `shown`, each with its error; a class without images has none."""
    known = [(row, row.top1_error_percent) for row in per_class if row.top1_error_percent is not None]
    return sorted(known, key=lambda item: (-item[1], item[0].class_name))[:shown]


def classes_by_error(ensemble: EnsembleMetrics, shown: int = 20) -> Table:
    """The classes with the largest error, at most `shown`."""
    rows = tuple(
        Row((row.class_name, count(row.images), decimal(error)))
        for row, error in worst_classes(ensemble.per_class, shown)
    )
    columns = (Column("Class", words=True), Column("Test images"), Column("Top-1 error, %", OURS))
    return Table("Error by class", "The ensemble at its most crops, worst first.", columns, rows)
