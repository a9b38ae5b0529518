"""Tables on what the paper states only in its text: aggregations, fewer crops, what helps which class, calibration."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from googlenet.config.schema.shared import System
from googlenet.metrics.classification import CalibrationMeasure, CalibrationMetrics, Effect, Effects
from googlenet.metrics.classification_studies import AggregationErrors, BudgetErrors, CropStudyMetrics, PolicyErrors
from googlenet.report.parts import Column, Row, Table, numbers, our_numbers, texts
from googlenet.report.words import (
    EACH_ROW,
    NONE,
    confidence,
    count,
    decimal,
    interval,
    main_metric,
    of_difference,
    plural,
    signed,
    spread,
)

RowT = TypeVar("RowT", AggregationErrors, BudgetErrors, PolicyErrors)

WAYS = {
    "mean": "Mean of the softmax (the paper's)",
    "max_over_crops": "Maximum over crops, mean over models (the paper's other)",
    "max_over_all": "Maximum over crops and models",
    "geometric_mean": "Mean of the logits (geometric mean)",
    "majority_vote": "Majority vote of all crops",
}
MEASURES: dict[CalibrationMeasure, tuple[str, str, int]] = {  # measure: heading, unit and decimals
    "ece_percent": ("Calibration error, %", " points", 2),
    "nll_nats": ("Negative log-likelihood, nats", " nats", 3),
    "brier": ("Brier score", "", 3),
}
SAME = "the same crops"


def models_of(system: System, models: int) -> str:
    """Name a system: "one model" for the mean over the members, "7 models" for all."""
    return "one model" if system == "single" else plural(models, "model")


def systems_of(study: CropStudyMetrics) -> tuple[System, ...]:
    """Return the distinct systems: only one if there is a single model."""
    return ("single",) if study.models == 1 else ("ensemble", "single")


def _by_system(study: CropStudyMetrics, rows: Sequence[RowT]) -> Iterator[tuple[str, RowT]]:
    """Yield the rows, grouped by distinct system, with the system's name."""
    for system in systems_of(study):
        yield from ((models_of(system, study.models), row) for row in rows if row.system == system)


def aggregations(study: CropStudyMetrics) -> Table:
    """Every way to combine all crops into one prediction, against the mean of the softmax."""
    error, name = main_metric(study.classes)
    rows = []
    for models, row in _by_system(study, study.aggregations):
        if row.system == "single" and row.aggregation == "max_over_all":
            continue  # the same as max_over_crops for one model
        against = "base" if row.against_mean is None else of_difference(row.against_mean.of(error))
        measured = (decimal(row.of(error)), interval(row.intervals.of(error)), against)
        rows.append(Row((models, WAYS[row.aggregation], *measured)))
    columns = (
        *texts("Models", "Combined by"),
        *our_numbers(f"{name.capitalize()}, %", _level(study)),
        *texts("Against the mean, on the same images"),
    )
    caption = (
        "Section 7 averages the softmax, and reports that the maximum over crops was worse. "
        f"{plural(study.crops, 'crop')} of each of {plural(study.images, 'test image')}."
    )
    note = f"{'One model: the mean over the members. ' if study.models > 1 else ''}{EACH_ROW}"
    return Table("Ways to combine crops and models", caption, columns, tuple(rows), note)


def budgets(study: CropStudyMetrics) -> Table:
    """The best crops for each number of crops, against as many random ones and against all."""
    error, name = main_metric(study.classes)
    rows = []
    for models, row in _by_system(study, study.budgets):
        random, best = row.random.of(error), row.best
        cells = [models, count(row.crops), spread(random.mean, random.std)]
        if best is None:
            cells += [NONE] * 4
        else:
            cells += [decimal(best.of(error)), interval(best.intervals.of(error))]
            same = row.crops == study.candidates
            cells.append(SAME if same else of_difference(best.against_random.of(error)))
            # Among all, a crop counts as often as it occurs.
            same = same and study.candidates == study.crops
            cells.append(SAME if same else of_difference(best.against_all.of(error)))
        rows.append(Row(tuple(cells)))
    columns = (
        *texts("Models"),
        *numbers("Crops"),
        *our_numbers("Random crops", "Best crops", _level(study)),
        *texts("Best against random", f"Best against all {count(study.crops)}"),
    )
    caption = (
        f"{name.capitalize()} in %, over {plural(study.images, 'test image')}. Random: mean and standard deviation "
        f"over {plural(study.random_subsets, 'random subset')} of that many crops."
    )
    note = (
        "Only distinct crops count: one stands for those that coincide in every image. Best: chosen one after the "
        "other on validation images, each time the crop that minimises the negative log-likelihood of the mean (that "
        "loss also rises where averaging flattens probabilities without changing the order of classes); for one "
        f"model, each member chose its own. {EACH_ROW}"
    )
    return Table("How many crops are worth their time", caption, columns, tuple(rows), note)


def _level(study: CropStudyMetrics) -> str:
    """Return the name of the study's intervals."""
    return confidence(study.aggregations[0].intervals.top1_error_percent)


def policies(study: CropStudyMetrics) -> Table:
    """The paper's 1, 10 and 144 crops, and the best crops that cost as much."""
    error, name = main_metric(study.classes)
    rows = []
    for models, row in _by_system(study, study.policies):
        same = row.crops == round(row.forward_passes) == study.candidates  # none coincide, so all count once
        best = NONE if row.to_best is None else SAME if same else of_difference(row.to_best.of(error))
        cost = (count(row.crops), decimal(row.forward_passes, 0))
        rows.append(Row((models, *cost, decimal(row.of(error)), interval(row.intervals.of(error)), best)))
    columns = (
        *texts("Models"),
        *numbers("Crops", "Forward passes"),
        *our_numbers(f"{name.capitalize()}, %", _level(study)),
        *texts("The best crops of that cost are"),
    )
    caption = (
        "The paper's crops. Forward passes: per image and model; crops that coincide need only one. Some of the best "
        "crops may coincide too, as in square images, so they cost at most as much."
    )
    return Table("The paper's crops against the best of at most the same cost", caption, columns, tuple(rows), EACH_ROW)


def first_chosen(study: CropStudyMetrics) -> Table:
    """The crops chosen first for all models together."""
    rows = tuple(
        Row((str(place), str(crop.scale_px), crop.square, crop.kind, "yes" if crop.mirrored else "no"))
        for place, crop in enumerate(study.chosen["ensemble"].first, start=1)
    )
    columns = (*numbers("Order", "Shorter side, px"), *texts("Square", "Crop", "Mirrored"))
    images = plural(study.validation_images, "validation image")
    caption = f"For {plural(study.models, 'model')} together, on {images}; sizes are for crops of 224 px."
    return Table("The crops chosen first", caption, columns, rows)


def crop_groups(study: CropStudyMetrics) -> Table:
    """Each group of crops: its error alone, and what leaving it out changes."""
    error, name = main_metric(study.classes)
    groups = study.groups
    rows = tuple(
        Row((row.left_out, count(row.crops), decimal(row.alone.of(error)), *_effect(row))) for row in groups.overall
    )
    alone = our_numbers(f"{name.capitalize()} with it alone, %")
    columns = (*texts("Group"), *numbers("Crops"), *alone, *_effect_columns(groups.overall))
    nothing = ", ".join(groups.without_effect)
    note = f"Groups without effect here, because their crops coincide with others: {nothing}." if nothing else ""
    caption = f"{plural(study.models, 'model')}, {plural(study.images, 'test image')}, all classes."
    return Table("Groups of crops left out", caption, columns, rows, note)


def members_left_out(left_out: Effects) -> Table:
    """Each member: what leaving it out of the ensemble changes."""
    rows = tuple(Row((row.left_out, count(row.images), *_effect(row))) for row in left_out.overall)
    columns = (*texts("Member"), *numbers("Test images"), *_effect_columns(left_out.overall))
    return Table("Members left out", "The ensemble with the most crops, all classes.", columns, rows)


def by_class(effects: Effects, part: str) -> Table:
    """The most significant changes in a class's error when a part (member, group of crops) is left out."""
    rows = tuple(
        Row((row.left_out, str(row.class_name), count(row.images), *_effect(row))) for row in effects.by_class.largest
    )
    left_out = (*texts(f"{part.capitalize()} left out", "Class"), *numbers("Test images"))
    columns = (*left_out, *_effect_columns(effects.by_class.largest))
    compared = plural(effects.by_class.comparisons, "comparison")
    caption = f"The {plural(len(rows), 'change')} with the smallest p among {compared}."
    return Table(f"Which {part} helps which class", caption, columns, rows)


def _effect_columns(effects: Sequence[Effect]) -> tuple[Column, ...]:
    without = ("Top-1 error without it, points", confidence(effects[0].interval))
    return (*our_numbers(*without, "Right thanks to it", "Wrong because of it", "p"), *texts("Conclusion"))


def _effect(row: Effect) -> tuple[str, ...]:
    figures = (signed(row.difference), interval(row.interval), count(row.gained), count(row.lost))
    return (*figures, "< 0.001" if row.p_value < 0.001 else decimal(row.p_value, 3), verdict(row))


def verdict(row: Effect) -> str:
    """State the conclusion on an effect: by its interval, and by the correction for all effects examined."""
    if row.interval.side == 0:
        return "interval contains zero"
    if not row.stands:
        return "not significant after correction"
    return "helps" if row.difference > 0 else "harms"


def calibration(metrics: CalibrationMetrics, classes: int) -> Table:
    """Calibration before and after averaging over crops and models."""
    rows, base = [], metrics.systems[0]
    for row in metrics.systems:
        cells = [plural(row.models, "model"), plural(row.crops, "crop")]
        for measure, (_, unit, digits) in MEASURES.items():
            figure = row.of(measure)
            cells += [decimal(figure.value, digits), interval(figure.interval, digits)]
            if figure.fall is not None:
                cells.append("base" if row is base else of_difference(figure.fall, unit=unit, digits=digits))
        rows.append(Row(tuple(cells)))
    columns = [*texts("Models", "Crops")]
    for measure, (heading, _, _) in MEASURES.items():
        columns += our_numbers(heading, confidence(base.ece_percent.interval))
        columns += texts("Against the first row") if base.of(measure).fall else ()
    binned = "equal width" if metrics.binning == "equal_width" else "equal numbers of images"
    note = (
        f"Calibration error: over {plural(metrics.bins, 'bin')} of {binned} by the probability of the first class, "
        "the mean distance between that probability and the share correct. By chance it is above zero even for a "
        "perfectly calibrated network; the intervals show how it would vary with other images, not how much of it is "
        "chance. It gets no verdict, since chance adds more to it in a less certain system: the log-likelihood and the "
        f"Brier score decide. Brier score: sum over the {count(classes)} classes of squared differences, 0 to 2. One "
        "model: the mean over the members."
    )
    caption = "On the test images; lower is better in all three."
    return Table("Calibration", caption, tuple(columns), tuple(rows), note)
