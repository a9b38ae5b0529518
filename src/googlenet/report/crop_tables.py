"""Tables on what the paper only states in words: aggregations, fewer crops, what helps which class, calibration."""

from collections.abc import Sequence

from googlenet.metrics.classification import CalibrationMeasure, CalibrationMetrics, Effect, Effects, System
from googlenet.metrics.classification_studies import CropStudyMetrics
from googlenet.report.parts import Column, Row, Table, numbers, our_numbers, texts
from googlenet.report.words import (
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


def models_of(system: System, models: int) -> str:
    """ "one model" for the mean over the members, "7 models" for all."""
    return "one model" if system == "single" else plural(models, "model")


def systems_of(study: CropStudyMetrics) -> tuple[System, ...]:
    """Return the distinct systems: only one with a single model."""
    return ("single",) if study.models == 1 else ("ensemble", "single")


def aggregations(study: CropStudyMetrics) -> Table:
    """Every way to combine all crops into one prediction, against the mean of the softmax."""
    error, name = main_metric(study.classes)
    rows = []
    for system in systems_of(study):
        for row in (row for row in study.aggregations if row.system == system):
            if system == "single" and row.aggregation == "max_over_all":
                continue  # the same as max_over_crops for one model
            against = "base" if row.against_mean is None else of_difference(row.against_mean.of(error))
            measured = (decimal(row.of(error)), interval(row.intervals.of(error)), against)
            rows.append(Row((models_of(system, study.models), WAYS[row.aggregation], *measured)))
    columns = (
        *texts("Models", "Combined by"),
        *our_numbers(f"{name.capitalize()}, %", _level(study)),
        *texts("Against the mean, on the same images"),
    )
    caption = (
        f"Section 7 averages the softmax, and found the maximum over crops worse. {plural(study.crops, 'crop')} of "
        f"each of {plural(study.images, 'test image')}."
    )
    note = "One model: the mean over the members." if study.models > 1 else ""
    return Table("Ways to combine crops and models", caption, columns, tuple(rows), note)


def budgets(study: CropStudyMetrics) -> Table:
    """The best crops for each number of crops, against as many random ones and against all."""
    error, name = main_metric(study.classes)
    rows = []
    for system in systems_of(study):
        for row in (row for row in study.budgets if row.system == system):
            random, best = row.random.of(error), row.best
            cells = [models_of(system, study.models), count(row.crops), spread(random.mean, random.std)]
            if best is None:
                cells += [NONE] * 4
            else:
                cells += [decimal(best.of(error)), interval(best.intervals.of(error))]
                falls = [of_difference(fall.of(error)) for fall in (best.against_random, best.against_all)]
                cells += ["the same crops"] * 2 if row.crops == study.candidates else falls
            rows.append(Row(tuple(cells)))
    columns = (
        *texts("Models"),
        *numbers("Crops"),
        *our_numbers("Random crops", "Best crops", _level(study)),
        *texts("Best against random", f"Best against all {count(study.crops)}"),
    )
    caption = (
        f"{name.capitalize()} in %, over {plural(study.images, 'test image')}. Random: mean and standard deviation of "
        f"{plural(study.random_subsets, 'subset')} of as many crops."
    )
    note = (
        "Only crops that differ count: one stands for those that coincide in every image. Best: chosen one after the other "
        "on validation images, each time the crop with which the mean's negative log-likelihood is least (that loss also "
        "rises where averaging makes probabilities flatter and leaves the order of classes alone); of one model, each "
        "member chose its own."
    )
    return Table("How many crops are worth their time", caption, columns, tuple(rows), note)


def _level(study: CropStudyMetrics) -> str:
    """Return the name of the study's intervals."""
    return confidence(study.aggregations[0].intervals.top1_error_percent)


def policies(study: CropStudyMetrics) -> Table:
    """The paper's 1, 10 and 144 crops, and the best crops that cost as much."""
    error, name = main_metric(study.classes)
    rows = []
    for system in systems_of(study):
        for row in (row for row in study.policies if row.system == system):
            best, same = row.to_best, round(row.forward_passes) == study.candidates
            words = NONE if best is None else "the same crops" if same else of_difference(best.of(error))
            measured = (decimal(row.of(error)), interval(row.intervals.of(error)), words)
            cost = (count(row.crops), decimal(row.forward_passes, 0))
            rows.append(Row((models_of(system, study.models), *cost, *measured)))
    columns = (
        *texts("Models"),
        *numbers("Crops", "Forward passes"),
        *our_numbers(f"{name.capitalize()}, %", _level(study)),
        *texts("The best crops of that cost are"),
    )
    caption = "The paper's crops. Forward passes: of an image by each model; crops that coincide need only one."
    return Table("The paper's crops against the best of the same cost", caption, columns, tuple(rows))


def first_chosen(study: CropStudyMetrics) -> Table:
    """The crops chosen first for all models together."""
    rows = []
    for at, crop in enumerate(study.chosen["ensemble"].first, start=1):
        rows.append(Row((str(at), str(crop.scale_px), crop.square, crop.kind, "yes" if crop.mirrored else "no")))
    columns = (*numbers("Order", "Shorter side, px"), *texts("Square", "Crop", "Mirrored"))
    images = plural(study.validation_images, "validation image")
    caption = f"For {plural(study.models, 'model')} together, on {images}; sizes are the paper's, for crops of 224 px."
    return Table("The crops that are chosen first", caption, columns, tuple(rows))


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
    note = f"Change nothing here, because their crops coincide with others: {nothing}." if nothing else ""
    caption = f"{plural(study.models, 'model')}, {plural(study.images, 'test image')}, all classes."
    return Table("Groups of crops left out", caption, columns, rows, note)


def members_left_out(left_out: Effects) -> Table:
    """Each member: what leaving it out of the ensemble changes."""
    rows = tuple(Row((row.left_out, count(row.images), *_effect(row))) for row in left_out.overall)
    columns = (*texts("Member"), *numbers("Test images"), *_effect_columns(left_out.overall))
    return Table("Members left out", "The ensemble at its most crops, all classes.", columns, rows)


def by_class(effects: Effects, part: str) -> Table:
    """The most significant changes of a class's error when a part (member, group of crops) is left out."""
    rows = tuple(
        Row((row.left_out, str(row.class_name), count(row.images), *_effect(row))) for row in effects.by_class.largest
    )
    left_out = (*texts(f"{part.capitalize()} left out", "Class"), *numbers("Test images"))
    columns = (*left_out, *_effect_columns(effects.by_class.largest))
    compared = count(effects.by_class.comparisons)
    caption = f"The {plural(len(rows), 'change')} with the least p of {compared} that were looked at."
    return Table(f"Which {part} helps which class", caption, columns, rows)


def _effect_columns(effects: Sequence[Effect]) -> tuple[Column, ...]:
    without = ("Top-1 error without it, points", confidence(effects[0].interval))
    return (*our_numbers(*without, "Right thanks to it", "Wrong because of it", "p"), *texts("It"))


def _effect(row: Effect) -> tuple[str, ...]:
    figures = (signed(row.difference), interval(row.interval), count(row.gained), count(row.lost))
    return (*figures, decimal(row.p_value, 3), verdict(row))


def verdict(row: Effect) -> str:
    """Word the conclusion on an effect: by its interval, and by the correction for all effects examined."""
    if row.interval.low <= 0 <= row.interval.high:
        return "interval contains zero"
    if not row.stands:
        return "not certain among so many comparisons"
    return "helps" if row.difference > 0 else "harms"


def calibration(metrics: CalibrationMetrics, classes: int) -> Table:
    """Calibration before and after averaging over crops and models."""
    rows, base = [], metrics.systems[0]
    for row in metrics.systems:
        cells = [plural(row.models, "model"), plural(row.crops, "crop")]
        for measure, (_, unit, digits) in MEASURES.items():
            figure = row.of(measure)
            cells += [decimal(figure.value, digits), interval(figure.interval, digits)]
            cells.append("base" if row is base else of_difference(figure.fall, unit=unit, digits=digits))
        rows.append(Row(tuple(cells)))
    columns = [*texts("Models", "Crops")]
    for heading, _, _ in MEASURES.values():
        columns += our_numbers(heading, confidence(base.ece_percent.interval))
        columns += texts("Against the first row")
    binned = "equal width" if metrics.binning == "equal_width" else "equal numbers of images"
    note = (
        f"Calibration error: over {plural(metrics.bins, 'bin')} of {binned} by the probability of the first class, the mean "
        "distance between that probability and the share that is right. By chance it is above zero even for a perfect "
        "network; the intervals say how far it would move with other images, not how far chance has lifted it. Brier "
        f"score: sum over the {count(classes)} classes of squared differences, 0 to 2. One model: the "
        "mean over the members."
    )
    caption = "On the test images; lower is better in all three."
    return Table("Calibration", caption, tuple(columns), tuple(rows), note)
