"""Weights that were not trained here: where they come from, what belongs to them, and how they test."""

from collections.abc import Mapping

from googlenet import paper
from googlenet.metrics.classification import EnsembleMetrics
from googlenet.metrics.imports import ImportMetrics
from googlenet.metrics.order import natural
from googlenet.report.parts import Row, Section, Table, numbers, our_numbers, texts
from googlenet.report.words import NONE, count, decimal, plural, short

NETWORKS = {"paper": "the paper's", "torchvision_bn": "torchvision's variant, with batch normalisation"}


def section(imported: Mapping[str, ImportMetrics], ensemble: EnsembleMetrics | None) -> Section | None:
    """The imported members, or None where there are none."""
    if not imported:
        return None
    were = "member of the ensemble was" if len(imported) == 1 else "members of the ensemble were"
    text = [
        f"{count(len(imported))} {were} not trained here but imported, with what belongs to the weights: order of "
        "channels, mean, scale, input size and order of classes."
    ]
    if any(row.member.origin.startswith("bvlc") for row in imported.values()):
        text.append(published())
    content = [origins(imported)] + ([tested(imported, ensemble)] if ensemble else [])
    return Section("Imported weights", tuple(text), tuple(content))


def published() -> str:
    """What the makers of the Caffe replica state, and where it would compare."""
    accuracy = paper.facts("training_facts")["caffe_replica"]["result_centre_crop"]
    top1, top5 = (decimal(100 - accuracy[key], 1) for key in ("top1", "top5"))
    return (
        f"The makers of the Caffe replica state a top-1 error of {top1} % and a top-5 error of {top5} % on the centre "
        "crop of ILSVRC's 50,000 validation pictures, each warped to a square. Ours at 1 crop keeps their proportions: "
        "on the same pictures it may differ a little, on others it says nothing of the replica's."
    )


def origins(imported: Mapping[str, ImportMetrics]) -> Table:
    """What each file is, and what its network takes."""
    rows = []
    for name in sorted(imported, key=natural):
        row = imported[name]
        cells = [name, row.format.replace("_", " "), short(row.source_sha256)]
        cells += [NETWORKS.get(row.network, row.network), count(row.parameters)]
        cells += [", ".join(row.aux_heads) or "none", str(row.input_px), row.channel_order.upper()]
        cells += [by_channel(row.input_mean), by_channel(row.input_scale), count(row.classes)]
        rows.append(Row((*cells, "by name" if row.class_names else "unnamed")))
    columns = (
        *texts("Model", "Format", "SHA-256 of the source", "Network"),
        *numbers("Parameters"),
        *texts("Auxiliary heads"),
        *numbers("Input, px"),
        *texts("Channels", "Mean", "Scale"),
        *numbers("Classes"),
        *texts("Class order"),
    )
    caption = "What was read, and what is kept beside the weights. Mean and scale in the order of the channels."
    return Table("The imported weights", caption, columns, tuple(rows))


def tested(imported: Mapping[str, ImportMetrics], ensemble: EnsembleMetrics) -> Table:
    """Top-1 and top-5 errors of each imported member by its number of crops."""
    rows = []
    for name in sorted(imported, key=natural):
        for crops, errors in sorted(ensemble.members[name].items(), key=lambda item: int(item[0])):
            top5 = decimal(errors.top5_error_percent) if ensemble.classes > 5 else NONE
            rows.append(Row((name, crops, decimal(errors.top1_error_percent), top5)))
    columns = (*texts("Model"), *numbers("Crops"), *our_numbers("Top-1 error, %", "Top-5 error, %"))
    caption = f"Over {plural(ensemble.images, 'test image')}, among {count(ensemble.classes)} classes."
    return Table("The imported weights, tested", caption, columns, tuple(rows))


def by_channel(values: float | tuple[float, ...]) -> str:
    """One number, or one for each channel."""
    return ", ".join(f"{value:.4g}" for value in (values if isinstance(values, tuple) else (values,)))
