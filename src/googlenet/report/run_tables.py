"""Tables of our own results, which the paper has no like of: members, and what their differences carry."""

from collections.abc import Mapping, Sequence

from googlenet.config.schema.base import Named
from googlenet.config.schema.shared import TrainedMember
from googlenet.metrics.classification import ClassError, EnsembleMetrics, PairedDifference
from googlenet.metrics.order import natural
from googlenet.metrics.training import TrainingMetrics
from googlenet.report.parts import Column, Row, Table, numbers, our_numbers, texts
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
    tested_as = ("Test, 1 crop, last weights", "Validation, averaged weights", "Validation, last weights")
    columns = (
        *texts("Model"),
        *setting_columns(TrainedMember),
        *numbers("Parameters"),
        *our_numbers(*(f"Test, {plural(int(number), 'crop')}" for number in crops), *tested_as),
    )
    caption = "Section 7: the same initial weights for all where their seed is the same. Errors are top-1, in %."
    note = (
        "Averaged: the running average of the weights, which the paper uses, and which all columns show that do not say "
        "otherwise. Validation is on 1 crop. Choices were made on validation."
    )
    return Table("The members, side by side", caption, columns, tuple(rows), note)


def system_name(key: str, models: int) -> str:
    """Words for a system's key in the metrics: "ensemble_144" is all models at 144 crops."""
    if key == "single_1":
        return "one model, one crop"
    kind, _, crops = key.rpartition("_")
    return f"{'one model' if kind == 'single' else plural(models, 'model')}, {plural(int(crops), 'crop')}"


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
    draws = count(max(pair.resamples for _, pair in listed))
    note = f"Bootstrap over test images ({draws} resamples), the same images for both systems."
    caption = "Better or worse is said only where the whole interval lies on one side of zero."
    columns = texts("Compared", "Measure", "The first is")
    return Table("What the differences carry", caption, columns, tuple(rows), note)


def _in_order(pairs: Mapping[str, PairedDifference]) -> list[tuple[str, PairedDifference]]:
    """Few models and crops against all first, then more models at the same crops, then more crops."""

    def order(key: str) -> tuple[int, bool, int]:
        (kind, _, crops), (other_kind, _, other_crops) = (name.rpartition("_") for name in key.split("_minus_"))
        change = 2 if kind == other_kind else 1 if crops == other_crops else 0
        return (change, kind != "ensemble", int(crops))

    return [(key, pairs[key]) for key in sorted(pairs, key=order)]


def worst_classes(per_class: Sequence[ClassError], shown: int) -> list[tuple[ClassError, float]]:
    """The classes with the largest error, at most `shown`, each with its error; a class without images has none."""
    known = [(row, row.top1_error_percent) for row in per_class if row.top1_error_percent is not None]
    return sorted(known, key=lambda item: (-item[1], item[0].class_name))[:shown]


def classes_by_error(ensemble: EnsembleMetrics) -> Table:
    """The classes with the largest error, at most 20."""
    rows = tuple(
        Row((row.class_name, count(row.images), decimal(error))) for row, error in worst_classes(ensemble.per_class, 20)
    )
    columns = (*texts("Class"), *numbers("Test images"), *our_numbers("Top-1 error, %"))
    return Table("Error by class", "The ensemble at its most crops, worst first.", columns, rows)
