"""Tables of what the paper says in words: other aggregations, fewer crops, what helps which class, calibration."""

from collections.abc import Sequence

from googlenet.metrics.classification import CalibrationMeasure, CalibrationMetrics, Effect, Effects, System
from googlenet.metrics.classification_studies import BestCrops, CropStudyMetrics
from googlenet.metrics.error_rates import TopError
from googlenet.report.parts import OURS, Column, Row, Table
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
    """The systems that differ: with one model there is no other."""
    return ("single",) if study.models == 1 else ("ensemble", "single")


def aggregations(study: CropStudyMetrics) -> Table:
    """Every way to make one prediction of all crops, against the mean of the softmax."""
    error, name = main_metric(study.classes)
    rows = []
    for system in systems_of(study):
        for row in (row for row in study.aggregations if row.system == system):
            if system == "single" and row.aggregation == "max_over_all":
                continue  # of one model the same as max_over_crops
            against = row.against_mean
            cells = (models_of(system, study.models), WAYS[row.aggregation], decimal(row.of(error)))
            words = "base" if against is None else of_difference(against.of(error))
            rows.append(Row((*cells, interval(row.intervals.of(error)), words)))
    columns = (
        Column("Models", words=True),
        Column("Combined by", words=True),
        Column(f"{name.capitalize()}, %", OURS),
        Column(_level(study), OURS),
        Column("Against the mean, on the same images", words=True),
    )
    caption = (
        f"Section 7 averages the softmax, and found the maximum over crops worse. {plural(study.crops, 'crop')} of "
        f"each of {plural(study.images, 'test image')}."
    )
    note = "One model: the mean over the members." if study.models > 1 else ""
    return Table("Ways to combine crops and models", caption, columns, tuple(rows), note)


def budgets(study: CropStudyMetrics) -> Table:
    """The best crops of each number, against random ones of as many and against all."""
    error, name = main_metric(study.classes)
    rows = []
    for system in systems_of(study):
        for row in (row for row in study.budgets if row.system == system):
            random, best = row.random.of(error), row.best
            cells = [models_of(system, study.models), count(row.crops)]
            cells.append(spread(random.mean, random.std))
            if best is None:
                cells += [NONE] * 4
            else:
                cells += [decimal(best.of(error)), interval(best.intervals.of(error))]
                everything = row.crops == study.candidates
                cells += ["the same crops"] * 2 if everything else _falls(best, error)
            rows.append(Row(tuple(cells)))
    columns = (
        Column("Models", words=True),
        Column("Crops"),
        Column("Random crops", OURS),
        Column("Best crops", OURS),
        Column(_level(study), OURS),
        Column("Best against random", words=True),
        Column(f"Best against all {count(study.crops)}", words=True),
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


def _falls(best: BestCrops, error: TopError) -> list[str]:
    return [of_difference(against.of(error)) for against in (best.against_random, best.against_all)]


def _level(study: CropStudyMetrics) -> str:
    """What the study's intervals are called."""
    return confidence(study.aggregations[0].intervals.top1_error_percent)


def policies(study: CropStudyMetrics) -> Table:
    """The paper's 1, 10 and 144 crops, and the best crops that cost as much."""
    error, name = main_metric(study.classes)
    rows = []
    for system in systems_of(study):
        for row in (row for row in study.policies if row.system == system):
            best = row.to_best
            same = round(row.forward_passes) == study.candidates
            words = NONE if best is None else "the same crops" if same else of_difference(best.of(error))
            cells = (models_of(system, study.models), count(row.crops), decimal(row.forward_passes, 0))
            rows.append(Row((*cells, decimal(row.of(error)), interval(row.intervals.of(error)), words)))
    columns = (
        Column("Models", words=True),
        Column("Crops"),
        Column("Forward passes"),
        Column(f"{name.capitalize()}, %", OURS),
        Column(_level(study), OURS),
        Column("The best crops of that cost are", words=True),
    )
    caption = (
        "The paper's crops. Forward passes: of an image by each model; crops that coincide need only one."
    )
    return Table("The paper's crops against the best of the same cost", caption, columns, tuple(rows))


def first_chosen(study: CropStudyMetrics) -> Table:
    """The crops that all models together want first."""
    rows = []
    for at, crop in enumerate(study.chosen["ensemble"].first, start=1):
        mirrored = "yes" if crop.mirrored else "no"
        rows.append(Row((str(at), str(crop.scale_px), crop.square, crop.kind, mirrored)))
    columns = (
        Column("Order"),
        Column("Shorter side, px"),
        Column("Square", words=True),
        Column("Crop", words=True),
        Column("Mirrored", words=True),
    )
    caption = (
        f"For {plural(study.models, 'model')} together, on {plural(study.validation_images, 'validation image')}; "
        "sizes are the paper's, for crops of 224 px."
    )
    return Table("The crops that are chosen first", caption, columns, tuple(rows))


def crop_groups(study: CropStudyMetrics) -> Table:
    """Each group of crops: its error alone, and what leaving it out changes."""
    error, name = main_metric(study.classes)
    groups, rows = study.groups, []
    for row in groups.overall:
        cells = (row.left_out, count(row.crops), decimal(row.alone.of(error)))
        rows.append(Row((*cells, *_effect(row))))
    columns = (
        Column("Group", words=True),
        Column("Crops"),
        Column(f"{name.capitalize()} with it alone, %", OURS),
        *_effect_columns(groups.overall),
    )
    note = (
        f"Change nothing here, because their crops coincide with others: {', '.join(groups.without_effect)}."
        if groups.without_effect
        else ""
    )
    caption = f"{plural(study.models, 'model')}, {plural(study.images, 'test image')}, all classes."
    return Table("Groups of crops left out", caption, columns, tuple(rows), note)


def members_left_out(left_out: Effects) -> Table:
    """Each member: what leaving it out of the ensemble changes."""
    rows = tuple(Row((row.left_out, count(row.images), *_effect(row))) for row in left_out.overall)
    columns = (
        Column("Member", words=True),
        Column("Test images"),
        *_effect_columns(left_out.overall),
    )
    return Table("Members left out", "The ensemble at its most crops, all classes.", columns, rows)


def by_class(effects: Effects, part: str) -> Table:
    """The most certain changes of a class's error when a part (member, group of crops) is left out."""
    rows = tuple(
        Row((row.left_out, str(row.class_name), count(row.images), *_effect(row)))
        for row in effects.by_class.largest
    )
    columns = (
        Column(f"{part.capitalize()} left out", words=True),
        Column("Class", words=True),
        Column("Test images"),
        *_effect_columns(effects.by_class.largest),
    )
    caption = f"The {plural(len(rows), 'change')} with the least p of {count(effects.by_class.comparisons)} that were looked at."
    return Table(f"Which {part} helps which class", caption, columns, rows)


def _effect_columns(effects: Sequence[Effect]) -> tuple[Column, ...]:
    return (
        Column("Top-1 error without it, points", OURS),
        Column(confidence(effects[0].interval), OURS),
        Column("Right thanks to it", OURS),
        Column("Wrong because of it", OURS),
        Column("p", OURS),
        Column("It", words=True),
    )


def _effect(row: Effect) -> tuple[str, ...]:
    numbers = (signed(row.difference), interval(row.interval), count(row.gained), count(row.lost))
    return (*numbers, decimal(row.p_value, 3), verdict(row))


def verdict(row: Effect) -> str:
    """What may be said of an effect: by its interval, and by the correction for all that were looked at."""
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
    columns = [Column("Models", words=True), Column("Crops", words=True)]
    for heading, _, _ in MEASURES.values():
        columns += [Column(heading, OURS), Column(confidence(base.ece_percent.interval), OURS)]
        columns.append(Column("Against the first row", words=True))
    binned = "equal width" if metrics.binning == "equal_width" else "equal numbers of images"
    note = (
        f"Calibration error: over {plural(metrics.bins, 'bin')} of {binned} by the probability of the first class, the mean "
        "distance between that probability and the share that is right. By chance it is above zero even for a perfect "
        "network; the intervals say how far it would move with other images, not how far chance has lifted it. Brier "
        f"score: sum over the {count(classes)} classes of squared differences, 0 to 2. One model: the "
        "mean over the members."
    )
    return Table(
        "Calibration", "On the test images; lower is better in all three.", tuple(columns), tuple(rows), note
    )
