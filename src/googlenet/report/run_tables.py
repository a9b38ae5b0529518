"""Tables without a counterpart in the paper: members, differences between them, jobs, versions, data digests."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from googlenet.config.schema.base import Named
from googlenet.config.schema.shared import TrainedMember
from googlenet.data.wnids import wnids
from googlenet.metrics.classification import ClassError, EnsembleMetrics, PairedDifference
from googlenet.metrics.data import Manifest
from googlenet.metrics.imports import ImportMetrics
from googlenet.metrics.order import natural
from googlenet.metrics.runs import RunRecord
from googlenet.metrics.single_images import Confusion
from googlenet.metrics.training import TrainingMetrics
from googlenet.report import paper
from googlenet.report.parts import Column, Row, Section, Table, numbers, our_numbers, texts
from googlenet.report.words import (
    EACH_ROW,
    NONE,
    THESE_NETWORKS,
    TOPS,
    count,
    decimal,
    main_metric,
    of_difference,
    plural,
    short,
)

SETTINGS = {  # setting of a member or detector -> its column; the name has none
    "init_seed": Column("Initial-weights seed"),
    "order_seed": Column("Order seed"),
    "sampling_seed": Column("Sampling seed"),
    "sampling": Column("Sampling", words=True),
    "width": Column("Width"),
    "repeat_modules": Column("Repeated modules"),
    "init_from": Column("Started from", words=True),
}
RESUMED = " §"  # marks a job that resumed
NETWORKS = {"paper": "the paper's", "torchvision_bn": "torchvision's variant, with batch normalisation"}


def setting_columns(kind: type[Named]) -> list[Column]:
    """Return a column for each setting of a row type, TrainedMember or Detector."""
    return [column for key, column in SETTINGS.items() if key in kind.model_fields]


def setting_cells(row: Named) -> list[str]:
    """Return the settings of such a row, in column order."""
    return [setting(getattr(row, key)) for key in SETTINGS if key in type(row).model_fields]


def setting(value: str | float | tuple[str, ...]) -> str:
    """Format a setting of a member as text."""
    if isinstance(value, tuple):
        return ", ".join(value) or NONE
    return f"{value:g}" if isinstance(value, float) else str(value).replace("_", " ")


def chosen(trained: Mapping[str, TrainingMetrics], ensemble: EnsembleMetrics) -> str | None:
    """The member that the paper would use alone: with the lowest top-1 error on validation (ties: top-5, then the name).
    None if it does not apply: one member, or some that were not trained here."""
    if len(ensemble.members) < 2 or trained.keys() != ensemble.members.keys():
        return None
    errors = {name: one.validation.averaged for name, one in trained.items()}
    return min(
        sorted(errors, key=natural), key=lambda name: (errors[name].top1_error_percent, errors[name].top5_error_percent)
    )


def against_chosen(trained: Mapping[str, TrainingMetrics], ensemble: EnsembleMetrics) -> str:
    """State how all members compare with the chosen one, as in the paper's Table 3; "" if that does not apply."""
    name = chosen(trained, ensemble)
    if name is None:
        return ""
    error, words = main_metric(ensemble.classes)
    pair = ensemble.over_members[name].of(error)
    return f"against {name}, the member with the lowest top-1 error on validation: {words} {of_difference(pair)}"


def members(trained: Mapping[str, TrainingMetrics], ensemble: EnsembleMetrics) -> Table:
    """The members side by side: their settings, parameters, test errors by crops, averaged and last weights."""
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
    caption = "Section 7: members of the same seed and width share their initial weights. Errors are top-1, in %."
    note = (
        "Averaged: the running average of the weights, as in the paper; columns use it unless they name the last "
        "weights. Validation is on 1 crop. Choices were made on validation."
    )
    if best := against_chosen(trained, ensemble):
        crops_of = plural(ensemble.table_3[-1].crops, "crop")
        note += f" The paper's single model is the one with the lowest top-1 error on validation. All members on {crops_of} {best}."
    return Table("The members, side by side", caption, columns, tuple(rows), note)


def imported_weights(imported: Mapping[str, ImportMetrics], ensemble: EnsembleMetrics | None) -> Section | None:
    """The section on imported members, or None if there are none."""
    if not imported:
        return None
    were = "member was" if len(imported) == 1 else "members were"
    text = [
        f"{count(len(imported))} {were} not trained here but imported, with the properties that belong to the weights: "
        "order of channels, mean, scale, input size and order of classes."
    ]
    caffe = ("caffemodel", "raw_float32")
    if any(
        row.format in caffe and row.network == "paper" and row.classes == len(wnids("classification"))
        for row in imported.values()
    ):
        accuracy = paper.facts("training_facts")["caffe_replica"]["result_centre_crop"]
        top1, top5 = (decimal(100 - accuracy[key], 1) for key in ("top1", "top5"))
        text.append(
            f"The authors of the Caffe replica, bvlc_googlenet, state a top-1 error of {top1} % and a top-5 error of {top5} % on the "
            "centre crop of ILSVRC's 50,000 validation images, each warped to a square. Ours at 1 crop keeps their "
            "proportions: with the same weights and images it may differ slightly; with others it is not comparable."
        )
    content = [origins(imported)] + ([tested(imported, ensemble)] if ensemble else [])
    return Section("Imported weights", tuple(text), tuple(content))


def origins(imported: Mapping[str, ImportMetrics]) -> Table:
    """Each file's origin, and the input of its network."""
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
    caption = "What was read, and what is stored with the weights. Mean and scale are in the order of the channels."
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
    """Format one number, or one per channel."""
    return ", ".join(f"{value:.4g}" for value in (values if isinstance(values, tuple) else (values,)))


def system_name(key: str, models: int) -> str:
    """Name a system by its key in the metrics: "ensemble_144" is all models on 144 crops."""
    if key == "single_1":
        return "one model, one crop"
    kind, _, crops = key.rpartition("_")
    return f"{'one model' if kind == 'single' else plural(models, 'model')}, {plural(int(crops), 'crop')}"


def comparisons(ensemble: EnsembleMetrics) -> Table:
    """Paired differences in error, each with the conclusion that its interval allows."""
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
    note = (
        f"Bootstrap over test images ({draws} resamples), the same images for both systems. {EACH_ROW} {THESE_NETWORKS}"
    )
    caption = "The first is called better or worse only if the whole interval is on one side of zero."
    columns = texts("Compared", "Measure", "The first is")
    return Table("Differences between systems", caption, columns, tuple(rows), note)


def _in_order(pairs: Mapping[str, PairedDifference]) -> list[tuple[str, PairedDifference]]:
    """Sort: fewest models and crops against all first, then more models on the same crops, then more crops."""

    def order(key: str) -> tuple[int, bool, int]:
        (kind, _, crops), (other_kind, _, other_crops) = (name.rpartition("_") for name in key.split("_minus_"))
        change = 2 if kind == other_kind else 1 if crops == other_crops else 0
        return (change, kind != "ensemble", int(crops))

    return [(key, pairs[key]) for key in sorted(pairs, key=order)]


def worst_classes(per_class: Sequence[ClassError], shown: int) -> list[tuple[ClassError, float]]:
    """Return at most `shown` classes with the largest errors, and these errors; classes without images are omitted."""
    known = [(row, row.top1_error_percent) for row in per_class if row.top1_error_percent is not None]
    return sorted(known, key=lambda item: (-item[1], item[0].class_name))[:shown]


def classes_by_error(ensemble: EnsembleMetrics) -> Table:
    """The classes with the largest error, at most 20."""
    rows = tuple(
        Row((row.class_name, count(row.images), decimal(error))) for row, error in worst_classes(ensemble.per_class, 20)
    )
    columns = (*texts("Class"), *numbers("Test images"), *our_numbers("Top-1 error, %"))
    return Table("Error by class", "All members together, with the most crops; worst first.", columns, rows)


def confused_pairs(confusion: Confusion) -> Table:
    """The pairs of classes with the most confused images."""
    rows = tuple(
        Row((pair.class_name, pair.taken_for, count(pair.images), decimal(100 * pair.images / pair.of, 1)))
        for pair in confusion.pairs
    )
    columns = (*texts("Class", "Taken for"), *our_numbers("Images", "Of the class, %"))
    return Table("The most confused classes", "All members together, with the most crops.", columns, rows)


def jobs(runs: Sequence[RunRecord]) -> Table:
    """Every job: code, configuration, data, run and times."""
    rows = []
    for run in sorted(runs, key=lambda run: (run.started, run.stage, natural(run.job))):
        started = run.started.replace("T", " ").removesuffix("Z")
        digests = (short(run.commit), short(run.config_sha256), short(run.stamp))
        took = f"{decimal(run.duration_s, 1)} s{RESUMED if run.resumed else ''}"
        where = (run.device, run.precision, str(run.threads))
        rows.append(
            Row((run.stage, run.job, started, took, *digests, run.run_id or NONE, ", ".join(filter(None, where))))
        )
    columns = (
        *texts("Stage", "Job", "Started, UTC"),
        *numbers("Took"),
        *texts("Commit", "Config", "Stamp", "Run", "Device, precision, threads"),
    )
    caption = "One row for each job. Commit, configuration and stamp (configuration and inputs) are abbreviated."
    note = "In MLflow, a run is found by its tag run_id. A commit that ends in +dirty had uncommitted edits."
    if any(run.resumed for run in runs):
        note += f"{RESUMED} resumed from an earlier attempt's saved state; the time is of the last attempt."
    return Table("Jobs", caption, columns, tuple(rows), note)


def versions(runs: Sequence[RunRecord]) -> Table:
    """Versions of the interpreter and libraries, and the machine; more than one value if jobs differ."""
    rows = tuple(Row((name, "; ".join(sorted(jobs)))) for name, jobs in _jobs_by_version(runs).items())
    return Table("Versions", "Everything that a figure may depend on.", texts("Component", "Version"), rows)


def mixed_versions(runs: Sequence[RunRecord]) -> tuple[str, ...]:
    """Return a sentence for each library, interpreter or machine that differs among the computing jobs; () if none."""
    sentences = []
    for name, jobs in _jobs_by_version([run for run in runs if run.stage != "make_report"]).items():
        if len(jobs) > 1:
            parts = [f"{value} for {plural(number, 'job')}" for value, number in sorted(jobs.items())]
            sentences.append(f"Mixed: {name} was {' and '.join(parts)}.")
    return tuple(sentences)


def _jobs_by_version(runs: Sequence[RunRecord]) -> dict[str, Counter[str]]:
    """Count the jobs with each version, by component, in name order."""
    jobs: dict[str, Counter[str]] = defaultdict(Counter)
    for run in runs:
        for name, value in run.versions.items():
            jobs[name][value] += 1
    return dict(sorted(jobs.items()))


def digests(manifests: Sequence[Manifest]) -> Table:
    """The SHA-256 of the data shards; the first 60 of them."""
    rows = tuple(
        Row((manifest.dataset, shard.file, count(shard.records), shard.sha256))
        for manifest in manifests
        for split in sorted(manifest.splits)
        for shard in manifest.splits[split].shards
    )
    columns = (*texts("Data set", "Shard"), *numbers("Records"), *texts("SHA-256"))
    note = f"{count(len(rows) - 60)} more are in the manifests." if len(rows) > 60 else ""
    caption = f"SHA-256 of {plural(len(rows), 'shard')}."
    return Table("Digests of the data", caption, columns, rows[:60], note)
