"""Sections on the crops one by one, on what helps which class, and on calibration; their intervals decide the words."""

from collections.abc import Mapping

from googlenet.metrics.classification import Effects, EnsembleMetrics
from googlenet.metrics.classification_studies import CropStudyMetrics
from googlenet.report import crop_tables
from googlenet.report.captions import captioned
from googlenet.report.parts import Picture, Section, Table
from googlenet.report.words import count, decimal, main_metric, of_difference, plural, with_confidence


def choices_of_crops(study: CropStudyMetrics | None, figures: Mapping[str, bytes]) -> Section | None:
    """How many crops are worth their time, and how they are best combined."""
    if study is None:
        return None
    content: tuple[Table | Picture, ...] = (
        *captioned(figures, "error_over_crops"),
        crop_tables.budgets(study),
        crop_tables.policies(study),
        *([crop_tables.first_chosen(study)] if study.chosen else []),
        crop_tables.aggregations(study),
    )
    error, _ = main_metric(study.classes)
    rows = (row for row in study.aggregations if row.aggregation == "max_over_crops")
    against_mean = {row.system: row.against_mean for row in rows if row.against_mean is not None}
    maximum = of_difference(against_mean[crop_tables.systems_of(study)[0]].of(error))
    text = (
        "The paper calls 144 crops more than real applications may need, and says that it tried other ways than the "
        f"mean. Both are looked at here on {plural(study.images, 'test image')} whose predictions were kept crop by "
        "crop (predict_crops.per_crop_images).",
        _chosen(study),
        f"The maximum over crops, which the paper found worse than the mean, is here, against the mean: {maximum}.",
    )
    return Section("Fewer crops, and other ways to combine them", text, content)


def _chosen(study: CropStudyMetrics) -> str:
    """What validation chose, and what that costs against all crops."""
    if not study.chosen:
        return "This data set has no validation split, so no crops were chosen: only random crops and the paper's are shown."
    error, name = main_metric(study.classes)
    system = crop_tables.systems_of(study)[0]
    chosen = next(iter(study.chosen)) if study.models == 1 else "ensemble"
    budget = study.chosen[chosen].preferred_budget
    models = crop_tables.models_of(system, study.models)
    if budget == study.candidates:
        return f"For {models}, validation prefers all crops to the best few: no smaller budget has a lower loss there."
    rows = [row.best for row in study.budgets if (row.system, row.crops) == (system, budget)]
    best = next(best for best in rows if best is not None)
    return (
        f"For {models}, the budget with the least loss on {plural(study.validation_images, 'validation image')} is "
        f"{plural(budget, 'crop')}. On test their {name} is {decimal(best.of(error))} %; against all {count(study.crops)}: "
        f"{of_difference(best.against_all.of(error))}."
    )


def what_helps(ensemble: EnsembleMetrics | None, study: CropStudyMetrics | None) -> Section | None:
    """Members and groups of crops left out: what that changes, overall and by class."""
    content: list[Table] = []
    text = [
        "A part is left out and the rest averaged. A change above zero means that the part helps. p is that of an exact sign "
        "test on the images that change; what is said of a part holds after Holm's correction for all parts (and classes) "
        "that were looked at."
    ]
    looked_at: list[tuple[str, Effects, Table]] = []
    if ensemble and ensemble.left_out.overall:
        looked_at.append(("member", ensemble.left_out, crop_tables.members_left_out(ensemble.left_out)))
    if study and study.groups.overall:
        looked_at.append(("group of crops", study.groups, crop_tables.crop_groups(study)))
    for part, effects, table in looked_at:
        cells, level = effects.by_class, effects.confidence_percent
        content += [table, *([crop_tables.by_class(effects, part)] if cells.largest else [])]
        stand = f"{count(cells.standing)} of them stand" if cells.standing else "none stands"
        text.append(
            f"One {part} and one class make {plural(cells.comparisons, 'comparison')}: alone, "
            f"{count(cells.alone_significant)} would pass a test at {level:g} %, where chance alone would let through "
            f"up to {decimal(cells.comparisons * (1 - level / 100), 1)} on average; after the correction {stand}."
        )
    title = "Which members and crops help which classes"
    return Section(title, tuple(text), tuple(content)) if content else None


def calibration(ensemble: EnsembleMetrics | None, figures: Mapping[str, bytes]) -> Section | None:
    """Whether the networks are right as often as they say, before and after averaging."""
    if ensemble is None:
        return None
    systems = {
        f"{plural(row.models, 'model')} at {plural(row.crops, 'crop')}": row
        for row in (ensemble.calibration.systems[0], ensemble.calibration.systems[-1])
    }
    expected = {name: row.ece_percent for name, row in systems.items()}
    errors = [f"{name}: {decimal(ece.value)} %, {with_confidence(ece.interval)}" for name, ece in expected.items()]
    text = [f"Expected calibration error of {'; of '.join(errors)}."]
    if len(systems) > 1:
        (first, _), (last, row) = systems.items()
        falls = [
            f"{heading.split(',')[0].lower()} {of_difference(row.of(measure).fall, unit=unit, digits=digits)}"
            for measure, (heading, unit, digits) in crop_tables.MEASURES.items()
        ]
        text.append(f"{last} against {first}: {'; '.join(falls)}.")
    table = crop_tables.calibration(ensemble.calibration, ensemble.classes)
    return Section("Calibration", tuple(text), (table, *captioned(figures, "reliability")))
