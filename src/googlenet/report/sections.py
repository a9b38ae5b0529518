"""The order of the page: from the metrics of every stage to a Report. What is missing is left out."""

from typing import Any

from googlenet import paper
from googlenet.report import (
    cost_tables,
    crop_sections,
    data_tables,
    detection_sections,
    glance,
    import_tables,
    record_tables,
    run_tables,
    tables,
    unit_tables,
)
from googlenet.report.captions import captioned as _pictures
from googlenet.report.parts import Picture, Report, Section, Table
from googlenet.report.words import count, decimal, interval, main_metric, of_difference, plural

TITLE = "Going Deeper with Convolutions, reproduced"


def build(
    experiment: str,
    metrics: dict[str, Any],
    runs: list[dict[str, Any]],
    figures: dict[str, bytes],
    title: str = TITLE,
    purpose: str = "",
) -> Report:
    """The report of one experiment.

    metrics: metrics.json by stage, and by stage then job where a stage has several; detection may be missing.
    runs: every job's run.json. figures: PNG bytes by the names in captions.CAPTIONS; any may be missing.
    purpose: one line on what the experiment is for.
    """
    made = (
        data(metrics),
        network(metrics, figures),
        training(metrics, figures),
        import_tables.section(metrics),
        crops(metrics, figures),
        classification(metrics, figures),
        crop_sections.choices_of_crops(metrics, figures),
        crop_sections.what_helps(metrics),
        crop_sections.calibration(metrics, figures),
        units(metrics, figures),
        detection_sections.proposals(metrics, figures),
        detection_sections.detection(metrics, figures),
        detection_sections.errors(metrics, figures),
        choices(),
        provenance(metrics, runs),
    )
    return Report(
        title,
        experiment,
        ((purpose,) if purpose else ()) + glance.about(metrics),
        glance.warning(metrics),
        glance.cards(metrics),
        tuple(section for section in made if section is not None),
    )


def data(metrics: dict[str, Any]) -> Section:
    """Splits of the data sets, and what was refused."""
    content: list[Table] = []
    for stage in ("prepare_classification", "prepare_detection"):
        if stage in metrics:
            content += data_tables.tables(metrics[stage])
    text = ("Nothing was trained or chosen here; the figures come from test.",)
    if "train_classifier" in metrics or "train_detector" in metrics:
        text = ("Choices were made on validation; published figures come from test, evaluated once.",)
    return Section("Data", text, tuple(content))


def network(metrics: dict[str, Any], figures: dict[str, bytes]) -> Section | None:
    """Table 1 and the cost of the network that this experiment trained."""
    if "measure_cost" not in metrics:
        return None
    cost = metrics["measure_cost"]
    ours, forward = cost["ours"], cost.get("forward")
    text = [
        f"This experiment's network: input {ours['input_px']} px, width {ours['width']:g}, "
        f"{plural(ours['classes'], 'output')}: {count(ours['parameters'])} parameters and "
        f"{decimal(ours['macs'] / 1e6, 1)} million multiply-adds for one crop. The table below is the full "
        "network's."
    ]
    if forward:
        text.append(
            f"Measured forward speed: {count(forward['images_per_s'])} images a second on "
            f"{forward['device']}, {plural(forward['threads'], 'thread')}, {forward['batch']} images at a "
            "time. A time, so not repeatable."
        )
    content = [tables.table_1(cost["layers"], cost["totals"]), *_pictures(figures, "cost_by_layer")]
    if cost.get("beside"):
        content += [cost_tables.claims(cost["beside"]), cost_tables.networks(cost["beside"])]
        content += _pictures(figures, "cost_of_networks")
    return Section("The network and its cost", tuple(text), tuple(content))


def training(metrics: dict[str, Any], figures: dict[str, bytes]) -> Section | None:
    """The members side by side and their curves."""
    if "train_classifier" not in metrics:
        return None
    trained, ensemble = metrics["train_classifier"], metrics["evaluate_ensemble"]
    text = (
        "The paper's seven models share their initial weights and learning-rate policy; they differ in how "
        "they sample crops and in the order in which they see the images, and one is wider. Here are "
        f"{len(trained)}.",
    )
    content = (run_tables.members(trained, ensemble), *_pictures(figures, "training_curves", "member_errors"))
    return Section("Training the members", text, content)


def crops(metrics: dict[str, Any], figures: dict[str, bytes]) -> Section | None:
    """What 144 crops are."""
    pictures = _pictures(figures, "crops_144")
    text = (
        "4 scales, 3 squares of each (left, centre, right; top, centre, bottom in a portrait), 6 crops of "
        "each square (four corners, centre, and the whole square resized), and each of these also "
        "mirrored: 4 · 3 · 6 · 2 = 144. The prediction is the mean of the softmax over crops and models.",
        "In a square image the three squares coincide, so 48 distinct crops counted three times give the "
        "same mean.",
    )
    if not metrics.get("evaluate_ensemble", {}).get("mirrored", True):
        text += (
            "A mirrored picture of this data set is another thing (dataset.mirror: false), so each mirrored crop "
            "is replaced by the crop itself: the mean is over 72 crops, each counted twice.",
        )
    return Section("The 144 crops of an image", text, pictures) if pictures else None


def classification(metrics: dict[str, Any], figures: dict[str, bytes]) -> Section | None:
    """Tables 2 and 3, what the differences carry, the baseline, the classes."""
    if "evaluate_ensemble" not in metrics:
        return None
    ensemble = metrics["evaluate_ensemble"]
    content: list[Table | Picture] = [tables.table_3(ensemble)]
    content += _pictures(figures, "error_by_models_and_crops")
    if ensemble.get("paired"):
        content.append(run_tables.comparisons(ensemble))
    content.append(tables.table_2(ensemble, metrics["prepare_classification"]["dataset"]))
    pictures = _pictures(figures, "error_by_class")
    content += pictures or (run_tables.classes_by_error(ensemble),)
    return Section("Classification", tuple(_said(metrics)), tuple(content))


def _said(metrics: dict[str, Any]) -> list[str]:
    """The results of classification in sentences that say no more than their intervals."""
    ensemble = metrics["evaluate_ensemble"]
    last, said = ensemble["table_3"][-1], []
    name = f"{plural(last['models'], 'model')} at {plural(last['crops'], 'crop')}"
    pair = (ensemble.get("paired") or {}).get("single_1_minus_ensemble_144")
    if pair:
        words = of_difference(pair["difference"], pair["low"], pair["high"], pair["confidence_percent"])
        said.append(f"{name}, against one model at one crop: {words}.")
    bounds = (ensemble.get("intervals") or {}).get("ensemble_144") or {}
    for top in ("top1", "top5"):
        key = f"{top}_error_percent"
        if key in bounds and (top == "top1" or main_metric(ensemble["classes"])[0] == key):
            measure, error = top.replace("top", "Top-"), decimal(last[key])
            said.append(
                f"{measure} error of {name} on test: {error} %, 95 % interval {interval(bounds[key])}."
            )
    guess = ensemble.get("largest_class_error_percent")
    if guess is not None:
        said.append(f"Always answering the largest class has a top-1 error of {decimal(guess)} %.")
    if ensemble.get("baseline"):
        said.append(_baseline(ensemble["baseline"], metrics.get("train_baseline") or {}))
    return said


def _baseline(baseline: dict[str, Any], trained: dict[str, Any]) -> str:
    method = trained.get("method", "simple baseline")
    pixels = f" ({trained['pixels']})" if trained.get("pixels") else ""
    times = baseline.get("times_as_wrong")
    often = f", {decimal(times, 1)} times the ensemble's" if times is not None else ""
    error = decimal(baseline["top1_error_percent"])
    return f"The baseline, {method}{pixels}, has a top-1 error of {error} %{often}."


def units(metrics: dict[str, Any], figures: dict[str, bytes]) -> Section | None:
    """Clusters of a module's units, where they were looked for."""
    if "analyse_units" not in metrics:
        return None
    return unit_tables.section(metrics["analyse_units"], _pictures(figures, "unit_clusters"))


def choices() -> Section:
    """What the paper leaves open: each is a named setting of ours."""
    open_points = "; ".join(str(point) for point in paper.facts("ambiguous_in_the_paper"))
    text = ("The paper does not say, or says in two ways; each is a named setting here:", f"{open_points}.")
    return Section("What the paper leaves open", text)


def provenance(metrics: dict[str, Any], runs: list[dict[str, Any]]) -> Section:
    """Every job, the versions and the digests of the data."""
    manifests = [
        metrics[stage] for stage in ("prepare_classification", "prepare_detection") if stage in metrics
    ]
    content = (record_tables.jobs(runs), record_tables.versions(runs), record_tables.digests(manifests))
    text = (f"{plural(len(runs), 'job')} made this page.", *record_tables.mixed_versions(runs))
    return Section("Provenance", text, content)
