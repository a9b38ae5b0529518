"""Tables of what the paper says in words: other aggregations, fewer crops, what helps which class, calibration."""

from typing import Any

from googlenet.report.parts import OURS, Column, Row, Table
from googlenet.report.words import NONE, count, decimal, fall, interval, main_metric, plural, signed, spread

WAYS = {
    "mean": "Mean of the softmax (the paper's)",
    "max_over_crops": "Maximum over crops, mean over models (the paper's other)",
    "max_over_all": "Maximum over crops and models",
    "geometric_mean": "Mean of the logits (geometric mean)",
    "majority_vote": "Majority vote of all crops",
}
MEASURES = {  # key: heading, unit and decimals
    "ece_percent": ("Calibration error, %", " points", 2),
    "nll_nats": ("Negative log-likelihood, nats", " nats", 3),
    "brier": ("Brier score", "", 3),
}


def models_of(system: str, models: int) -> str:
    """ "one model" for the mean over the members, "7 models" for all."""
    return "one model" if system == "single" else plural(models, "model")


def systems_of(study: dict[str, Any]) -> tuple[str, ...]:
    """The systems that differ: with one model there is no other."""
    return ("single",) if study["models"] == 1 else ("ensemble", "single")


def aggregations(study: dict[str, Any]) -> Table:
    """Every way to make one prediction of all crops, against the mean of the softmax."""
    key, said = main_metric(study["classes"])
    rows, confidence = [], study["confidence_percent"]
    for system in systems_of(study):
        for row in (row for row in study["aggregations"] if row["system"] == system):
            if system == "single" and row["aggregation"] == "max_over_all":
                continue  # of one model the same as max_over_crops
            against = row["against_mean"]
            cells = (models_of(system, study["models"]), WAYS[row["aggregation"]], decimal(row[key]))
            words = "base" if against is None else fall(against[key], confidence)
            rows.append(Row((*cells, interval(row["intervals"][key]), words)))
    columns = (
        Column("Models", words=True),
        Column("Combined by", words=True),
        Column(f"{said.capitalize()}, %", OURS),
        Column(f"{confidence:g} % interval", OURS),
        Column("Against the mean, on the same images", words=True),
    )
    caption = (
        f"Section 7 averages the softmax, and found the maximum over crops worse. {plural(study['crops'], 'crop')} of "
        f"each of {plural(study['images'], 'test image')}."
    )
    note = "One model: the mean over the members." if study["models"] > 1 else ""
    return Table("Ways to combine crops and models", caption, columns, tuple(rows), note)


def budgets(study: dict[str, Any]) -> Table:
    """The best crops of each number, against random ones of as many and against all."""
    key, said = main_metric(study["classes"])
    rows, confidence = [], study["confidence_percent"]
    for system in systems_of(study):
        for row in (row for row in study["budgets"] if row["system"] == system):
            random, best = row["random"][key], row["best"]
            cells = [models_of(system, study["models"]), count(row["crops"])]
            cells.append(spread(random["mean"], random["std"]))
            if best is None:
                cells += [NONE] * 4
            else:
                cells += [decimal(best[key]), interval(best["intervals"][key])]
                everything = row["crops"] == study["candidates"]
                cells += ["the same crops"] * 2 if everything else _fallen(best, key, confidence)
            rows.append(Row(tuple(cells)))
    columns = (
        Column("Models", words=True),
        Column("Crops"),
        Column("Random crops", OURS),
        Column("Best crops", OURS),
        Column(f"{confidence:g} % interval", OURS),
        Column("Best against random", words=True),
        Column(f"Best against all {count(study['crops'])}", words=True),
    )
    caption = (
        f"{said.capitalize()} in %, over {plural(study['images'], 'test image')}. Random: mean and standard deviation of "
        f"{plural(study['random_subsets'], 'subset')} of as many crops."
    )
    note = (
        "Only crops that differ count: one stands for those that coincide in every image. Best: chosen one after the other "
        "on validation images, each time the crop with which the mean's negative log-likelihood is least (that loss also "
        "rises where averaging makes probabilities flatter and leaves the order of classes alone); of one model, each "
        "member chose its own."
    )
    return Table("How many crops are worth their time", caption, columns, tuple(rows), note)


def _fallen(best: dict[str, Any], key: str, confidence: float) -> list[str]:
    return [fall(best[against][key], confidence) for against in ("against_random", "against_all")]


def policies(study: dict[str, Any]) -> Table:
    """The paper's 1, 10 and 144 crops, and the best crops that cost as much."""
    key, said = main_metric(study["classes"])
    rows, confidence = [], study["confidence_percent"]
    for system in systems_of(study):
        for row in (row for row in study["policies"] if row["system"] == system):
            best = row["to_best"]
            same = round(row["forward_passes"]) == study["candidates"]
            words = NONE if best is None else "the same crops" if same else fall(best[key], confidence)
            cells = (
                models_of(system, study["models"]),
                count(row["crops"]),
                decimal(row["forward_passes"], 0),
            )
            rows.append(Row((*cells, decimal(row[key]), interval(row["intervals"][key]), words)))
    columns = (
        Column("Models", words=True),
        Column("Crops"),
        Column("Forward passes"),
        Column(f"{said.capitalize()}, %", OURS),
        Column(f"{confidence:g} % interval", OURS),
        Column("The best crops of that cost are", words=True),
    )
    caption = (
        "The paper's crops. Forward passes: of an image by each model; crops that coincide need only one."
    )
    return Table("The paper's crops against the best of the same cost", caption, columns, tuple(rows))


def first_chosen(study: dict[str, Any]) -> Table:
    """The crops that all models together want first."""
    rows = []
    for at, crop in enumerate(study["chosen"]["ensemble"]["first"], start=1):
        cells = (
            str(at),
            str(crop["scale_px"]),
            crop["square"],
            crop["kind"],
            "yes" if crop["mirrored"] else "no",
        )
        rows.append(Row(cells))
    columns = (
        Column("Order"),
        Column("Shorter side, px"),
        Column("Square", words=True),
        Column("Crop", words=True),
        Column("Mirrored", words=True),
    )
    caption = (
        f"For {plural(study['models'], 'model')} together, on {plural(study['validation_images'], 'validation image')}; "
        "sizes are the paper's, for crops of 224 px."
    )
    return Table("The crops that are chosen first", caption, columns, tuple(rows))


def crop_groups(study: dict[str, Any]) -> Table:
    """Each group of crops: its error alone, and what leaving it out changes."""
    key, said = main_metric(study["classes"])
    found, rows = study["groups"], []
    for row in found["overall"]:
        cells = (row["left_out"], count(row["crops"]), decimal(row["alone"][key]))
        rows.append(Row((*cells, *_effect(row))))
    columns = (
        Column("Group", words=True),
        Column("Crops"),
        Column(f"{said.capitalize()} with it alone, %", OURS),
        *_effect_columns(found["confidence_percent"]),
    )
    note = (
        f"Change nothing here, because their crops coincide with others: {', '.join(found['without_effect'])}."
        if found["without_effect"]
        else ""
    )
    caption = f"{plural(study['models'], 'model')}, {plural(study['images'], 'test image')}, all classes."
    return Table("Groups of crops left out", caption, columns, tuple(rows), note)


def members_left_out(left_out: dict[str, Any]) -> Table:
    """Each member: what leaving it out of the ensemble changes."""
    rows = tuple(Row((row["left_out"], count(row["images"]), *_effect(row))) for row in left_out["overall"])
    columns = (
        Column("Member", words=True),
        Column("Test images"),
        *_effect_columns(left_out["confidence_percent"]),
    )
    return Table("Members left out", "The ensemble at its most crops, all classes.", columns, rows)


def by_class(found: dict[str, Any], parts: str) -> Table:
    """The most certain changes of a class's error when a part ("member", "group of crops") is left out."""
    rows = tuple(
        Row((row["left_out"], str(row["class"]), count(row["images"]), *_effect(row)))
        for row in found["by_class"]["largest"]
    )
    columns = (
        Column(f"{parts.capitalize()} left out", words=True),
        Column("Class", words=True),
        Column("Test images"),
        *_effect_columns(found["confidence_percent"]),
    )
    caption = f"The {plural(len(rows), 'change')} with the least p of {count(found['by_class']['comparisons'])} that were looked at."
    return Table(f"Which {parts} helps which class", caption, columns, rows)


def _effect_columns(confidence: float) -> tuple[Column, ...]:
    return (
        Column("Top-1 error without it, points", OURS),
        Column(f"{confidence:g} % interval", OURS),
        Column("Right thanks to it", OURS),
        Column("Wrong because of it", OURS),
        Column("p", OURS),
        Column("It", words=True),
    )


def _effect(row: dict[str, Any]) -> tuple[str, ...]:
    bounds = (row["low"], row["high"])
    numbers = (signed(row["difference"]), interval(bounds), count(row["gained"]), count(row["lost"]))
    return (*numbers, decimal(row["p_value"], 3), verdict(row))


def verdict(row: dict[str, Any]) -> str:
    """What may be said of an effect: by its interval, and by the correction for all that were looked at."""
    if row["low"] <= 0 <= row["high"]:
        return "interval contains zero"
    if not row["stands"]:
        return "not certain among so many comparisons"
    return "helps" if row["difference"] > 0 else "harms"


def calibration(found: dict[str, Any], classes: int, confidence: float) -> Table:
    """Calibration before and after averaging over crops and models."""
    rows = []
    for row in found["systems"]:
        cells = [plural(row["models"], "model"), plural(row["crops"], "crop")]
        for key, (_, unit, digits) in MEASURES.items():
            cells += [decimal(row[key], digits), interval(row[f"{key}_interval"], digits)]
            first = row is found["systems"][0]
            cells.append("base" if first else fall(row[f"{key}_fall"], confidence, unit=unit, digits=digits))
        rows.append(Row(tuple(cells)))
    columns = [Column("Models", words=True), Column("Crops", words=True)]
    for heading, _, _ in MEASURES.values():
        columns += [Column(heading, OURS), Column(f"{confidence:g} % interval", OURS)]
        columns.append(Column("Against the first row", words=True))
    binned = "equal width" if found["binning"] == "equal_width" else "equal numbers of images"
    note = (
        f"Calibration error: over {plural(found['bins'], 'bin')} of {binned} by the probability of the first class, the mean "
        "distance between that probability and the share that is right. By chance it is above zero even for a perfect "
        "network; the intervals say how far it would move with other images, not how far chance has lifted it. Brier "
        f"score: sum over the {count(classes)} classes of squared differences, 0 to 2. One model: the "
        "mean over the members."
    )
    return Table(
        "Calibration", "On the test images; lower is better in all three.", tuple(columns), tuple(rows), note
    )
