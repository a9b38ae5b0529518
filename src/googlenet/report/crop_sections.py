"""Sections on the crops one by one, on what helps which class, and on calibration; their intervals decide the words."""

from typing import Any

from googlenet.report import crop_tables
from googlenet.report.captions import captioned
from googlenet.report.parts import Picture, Section, Table
from googlenet.report.words import count, decimal, fall, interval, main_metric, plural


def choices_of_crops(metrics: dict[str, Any], figures: dict[str, bytes]) -> Section | None:
    """How many crops are worth their time, and how they are best combined."""
    if "study_crops" not in metrics:
        return None
    study = metrics["study_crops"]
    content: list[Table | Picture] = [*captioned(figures, "error_over_crops"), crop_tables.budgets(study)]
    content.append(crop_tables.policies(study))
    if study["chosen"]:
        content.append(crop_tables.first_chosen(study))
    content.append(crop_tables.aggregations(study))
    text = (
        "The paper calls 144 crops more than real applications may need, and says that it tried other ways than the "
        f"mean. Both are looked at here on {plural(study['images'], 'test image')} whose predictions were kept crop by "
        "crop (predict_crops.per_crop_images).",
        _chosen(study),
        _combined(study),
    )
    return Section("Fewer crops, and other ways to combine them", text, tuple(content))


def _chosen(study: dict[str, Any]) -> str:
    """What validation chose, and what that costs against all crops."""
    if not study["chosen"]:
        return "This data set has no validation split, so no crops were chosen: only random crops and the paper's are shown."
    key, said = main_metric(study["classes"])
    system = crop_tables.systems_of(study)[0]
    name = next(iter(study["chosen"])) if study["models"] == 1 else "ensemble"
    budget = study["chosen"][name]["preferred_budget"]
    best = next(row["best"] for row in study["budgets"] if (row["system"], row["crops"]) == (system, budget))
    models = crop_tables.models_of(system, study["models"])
    if budget == study["candidates"]:
        return f"For {models}, validation prefers all crops to the best few: no smaller budget has a lower loss there."
    return (
        f"For {models}, the budget with the least loss on {plural(study['validation_images'], 'validation image')} is "
        f"{plural(budget, 'crop')}. On test their {said} is {decimal(best[key])} %; against all {count(study['crops'])}: "
        f"{fall(best['against_all'][key], study['confidence_percent'])}."
    )


def _combined(study: dict[str, Any]) -> str:
    """What the paper says of the maximum, here."""
    key, _ = main_metric(study["classes"])
    system = crop_tables.systems_of(study)[0]
    row = next(
        row
        for row in study["aggregations"]
        if (row["system"], row["aggregation"]) == (system, "max_over_crops")
    )
    words = fall(row["against_mean"][key], study["confidence_percent"])
    return f"The maximum over crops, which the paper found worse than the mean, is here, against the mean: {words}."


def what_helps(metrics: dict[str, Any]) -> Section | None:
    """Members and groups of crops left out: what that changes, overall and by class."""
    members = metrics.get("evaluate_ensemble", {}).get("left_out") or {}
    study = metrics.get("study_crops")
    content: list[Table] = []
    text = [
        "A part is left out and the rest averaged. A change above zero means that the part helps. p is that of an exact sign "
        "test on the images that change; what is said of a part holds after Holm's correction for all parts (and classes) "
        "that were looked at."
    ]
    if members.get("overall"):
        content += _tables_of(crop_tables.members_left_out(members), members, "member")
        text.append(_among(members, "member"))
    if study and study["groups"]["overall"]:
        content += _tables_of(crop_tables.crop_groups(study), study["groups"], "group of crops")
        text.append(_among(study["groups"], "group of crops"))
    return (
        Section("Which members and crops help which classes", tuple(text), tuple(content))
        if content
        else None
    )


def _tables_of(overall: Table, found: dict[str, Any], part: str) -> list[Table]:
    return [overall, crop_tables.by_class(found, part)] if found["by_class"]["largest"] else [overall]


def _among(found: dict[str, Any], part: str) -> str:
    """How many effects by class stand, and how many would seem to by chance."""
    cells, confidence = found["by_class"], found["confidence_percent"]
    by_chance = cells["comparisons"] * (1 - confidence / 100)
    stand = "none stands" if not cells["standing"] else f"{count(cells['standing'])} of them stand"
    return (
        f"One {part} and one class make {plural(cells['comparisons'], 'comparison')}: alone, "
        f"{count(cells['alone_significant'])} would pass a test at {confidence:g} %, where chance alone would let through "
        f"up to {decimal(by_chance, 1)} on average; after the correction {stand}."
    )


def calibration(metrics: dict[str, Any], figures: dict[str, bytes]) -> Section | None:
    """Whether the networks are right as often as they say, before and after averaging."""
    ensemble = metrics.get("evaluate_ensemble", {})
    found = ensemble.get("calibration")
    if not found:
        return None
    confidence = ensemble["confidence_percent"]
    first, last = found["systems"][0], found["systems"][-1]
    names = [f"{plural(row['models'], 'model')} at {plural(row['crops'], 'crop')}" for row in (first, last)]
    said = [
        f"{name}: {decimal(row['ece_percent'])} %, {confidence:g} % interval {interval(row['ece_percent_interval'])}"
        for name, row in zip(names, (first, last), strict=True)
    ]
    text = [f"Expected calibration error of {said[0]}."]
    if first is not last:
        text[0] = f"Expected calibration error of {'; of '.join(said)}."
        falls = [
            f"{heading.split(',')[0].lower()} {fall(last[f'{key}_fall'], confidence, unit=unit, digits=digits)}"
            for key, (heading, unit, digits) in crop_tables.MEASURES.items()
        ]
        text.append(f"{names[1]} against {names[0]}: {'; '.join(falls)}.")
    table = crop_tables.calibration(found, ensemble["classes"], confidence)
    return Section("Calibration", tuple(text), (table, *captioned(figures, "reliability")))
