"""Assemble the page: turn the metrics of every stage into a Report, in order. Sections without metrics are left out."""

from collections.abc import Mapping, Sequence

from googlenet.metrics.classification import BaselineMetrics, EnsembleMetrics
from googlenet.metrics.classification_studies import CropStudyMetrics, UnitMetrics
from googlenet.metrics.cost import CostMetrics
from googlenet.metrics.data import Manifest
from googlenet.metrics.detection import DetectionMetrics, DetectorMetrics
from googlenet.metrics.imports import ImportMetrics
from googlenet.metrics.proposals import ProposalMetrics, ProposalStudyMetrics
from googlenet.metrics.reference import Kind, Reference
from googlenet.metrics.results import Results
from googlenet.metrics.runs import RunRecord
from googlenet.metrics.training import TrainingMetrics
from googlenet.report import (
    claims,
    crop_scales,
    crop_sections,
    data_tables,
    detection_tables,
    glance,
    headlines,
    module_units,
    paper,
    proposal_tables,
    run_tables,
    tables,
)
from googlenet.report.captions import captioned
from googlenet.report.parts import Content, Part, Report, Section
from googlenet.report.words import TOPS, count, decimal, gain, main_metric, of_difference, plural, with_confidence

TITLE = "Going Deeper with Convolutions, reproduced"


def build(
    experiment: str,
    results: Results,
    runs: Sequence[RunRecord],
    figures: Mapping[str, bytes],
    title: str = TITLE,
    purpose: str = "",
    reference: Reference | None = None,
) -> Report:
    """Build the report of one experiment. figures: PNG bytes by name in captions.CAPTIONS; any may be missing.
    reference: the experiment's, if it has one."""
    ensemble, study = results.one(EnsembleMetrics), results.one(CropStudyMetrics)
    parts = (
        Part("", present(summary(results, figures, runs, reference), claimed(results))),
        Part(
            "Classification",
            present(
                classification(results, figures),
                single_images(ensemble, figures),
                training(results.several(TrainingMetrics), ensemble, figures),
                run_tables.imported_weights(results.several(ImportMetrics), ensemble),
                crops(ensemble, figures),
                crop_sections.choices_of_crops(study, figures),
                crop_scales.section(study, ensemble, figures),
                crop_sections.what_helps(ensemble, study),
                crop_sections.calibration(ensemble, figures),
                filters(figures),
                module_units.section(results.one(UnitMetrics), figures),
            ),
        ),
        Part("Detection", present(proposals(results, figures), detection(results, figures), errors(results, figures))),
        Part("Cost", present(network(results.one(CostMetrics), figures))),
        Part("Data and provenance", present(data(results), open_choices(), provenance(results.manifests, runs)), True),
    )
    about, warning = glance.about(results.manifests, purpose), glance.warning(results.manifests)
    return Report(title, experiment, about, warning, tuple(part for part in parts if part.sections))


def present(*made: Section | None) -> tuple[Section, ...]:
    """The sections for which there are metrics."""
    return tuple(section for section in made if section is not None)


def summary(
    results: Results, figures: Mapping[str, bytes], runs: Sequence[RunRecord], reference: Reference | None
) -> Section | None:
    """What was reproduced, and how well: the headline figures, and a figure for each task."""
    lines = headlines.headlines(results)
    if not lines:
        return None
    text, judged = "No reference results are kept for this experiment.", None
    if reference:
        kind = Kind.of(runs)
        judged = reference.judged({line.key: line.value for line in lines}, kind)
        text = headlines.against_reference(judged, reference, kind)
    shown = captioned(figures, "error_by_models_and_crops", "detections_best", "cost_of_networks")
    return Section("What was reproduced, and how well", (text,), (headlines.table(lines, judged), *shown))


def claimed(results: Results) -> Section | None:
    """The paper's claims, and which of them hold here."""
    tested = claims.of_report(results)
    return Section(claims.TITLE, (), (tested,)) if tested else None


def data(results: Results) -> Section:
    """Splits of the data sets, and the refused files."""
    study = results.one(CropStudyMetrics)
    trained = "Only the baseline was trained" if results.one(BaselineMetrics) else "Nothing was trained"
    chosen = "crops were chosen on the validation split" if study and study.chosen else "nothing was chosen"
    text = f"{trained} here, and {chosen}; the figures are on the test split."
    members, detectors = results.several(TrainingMetrics), results.several(DetectorMetrics)
    if members or detectors:
        text = "Within this run, choices were made on the validation split; the figures are on the test split. How the recipe was found: docs/deviations.md."
    content = [table for manifest in results.manifests for table in data_tables.tables(manifest)]
    return Section("Data", (text,), tuple(content))


def network(cost: CostMetrics | None, figures: Mapping[str, bytes]) -> Section | None:
    """Table 1 and the cost of the network that this experiment trained."""
    if cost is None:
        return None
    ours, forward = cost.ours, cost.forward
    text = (
        f"This experiment's network: input {ours.input_px} px, width {ours.width:g}, {plural(ours.classes, 'output')}: "
        f"{count(ours.parameters)} parameters and {decimal(ours.macs / 1e6, 1)} million multiply-adds for one crop. "
        "The table below is for the full network.",
        f"Measured forward speed: {count(forward.images_per_s)} images per second on {forward.device}, "
        f"{plural(forward.threads, 'thread')}, {forward.batch} images at a time. Times are not reproducible exactly.",
    )
    content: tuple[Content, ...] = (
        tables.table_1(cost.layers, cost.totals),
        *captioned(figures, "cost_by_layer"),
        tables.claims(cost.beside),
        tables.networks(cost.beside),
    )
    return Section("The network and its cost", text, content)


def training(
    trained: Mapping[str, TrainingMetrics], ensemble: EnsembleMetrics | None, figures: Mapping[str, bytes]
) -> Section | None:
    """The members side by side and their curves."""
    if not trained or ensemble is None:
        return None
    text = (
        "The paper's seven models share their initial weights and learning-rate policy; they differ in how they sample "
        f"crops and in the order in which they see the images, and one is wider. This experiment trains {len(trained)}.",
    )
    curves = captioned(figures, "training_curves", "member_errors")
    return Section("Training the members", text, (run_tables.members(trained, ensemble), *curves))


def crops(ensemble: EnsembleMetrics | None, figures: Mapping[str, bytes]) -> Section | None:
    """Explanation of the 144 crops."""
    drawing = captioned(figures, "crops_144")
    text = [
        "4 scales, 3 squares of each (left, centre, right; top, centre, bottom in a portrait), 6 crops of each square "
        "(four corners, centre, and the whole square resized), and a mirror image of each: 4 · 3 · 6 · 2 = 144. The "
        "prediction is the mean of the softmax over crops and models.",
        "In a square image the three squares coincide, so a third of the crops, counted three times, give the same mean.",
    ]
    if ensemble and not ensemble.mirrored:
        text.append(
            "Images are not mirrored in this experiment (dataset.mirror: false), so each mirrored crop is "
            "replaced by the crop itself: the mean is over half of the crops, each counted twice."
        )
    return Section("The 144 crops of an image", tuple(text), drawing) if drawing else None


def classification(results: Results, figures: Mapping[str, bytes]) -> Section | None:
    """Tables 2 and 3, differences, baseline and classes, with text worded as the intervals allow."""
    ensemble, manifest = results.one(EnsembleMetrics), results.manifest("classification")
    if ensemble is None or manifest is None:
        return None
    content: list[Content] = [tables.table_3(ensemble)]
    if ensemble.paired:
        content.append(run_tables.comparisons(ensemble))
    content.append(tables.table_2(ensemble, manifest.dataset))
    content += captioned(figures, "error_by_class") or (run_tables.classes_by_error(ensemble),)
    first, last, text = ensemble.table_3[0], ensemble.table_3[-1], list[str]()
    name = f"{plural(last.models, 'model')} at {plural(last.crops, 'crop')}"
    if ensemble.overall:
        fewest = "one crop" if first.crops == 1 else plural(first.crops, "crop")
        text.append(f"{name}, against one model at {fewest}: {of_difference(ensemble.overall)}.")
    for error, top in TOPS.items():
        if error in ("top1_error_percent", main_metric(ensemble.classes)[0]):
            bounds = with_confidence(ensemble.intervals[last.system_key].of(error))
            text.append(f"{top.capitalize()} error of {name} on test: {decimal(last.of(error))} %, {bounds}.")
    guess = decimal(ensemble.largest_class_error_percent)
    text.append(f"Always predicting the largest class has a top-1 error of {guess} %.")
    if (compared := ensemble.baseline) and (trained := results.one(BaselineMetrics)):
        times, percent = compared.times_as_wrong, decimal(compared.top1_error_percent)
        whose = "ensemble's" if last.models > 1 else "network's"
        often = f", {decimal(times, 1)} times the {whose}" if times is not None else ""
        text.append(f"The baseline, {trained.method} ({trained.pixels}), has a top-1 error of {percent} %{often}.")
    return Section("Classification: Tables 2 and 3", tuple(text), tuple(content))


def single_images(ensemble: EnsembleMetrics | None, figures: Mapping[str, bytes]) -> Section | None:
    """Images that averaging corrects, the remaining mistakes, and the confused classes."""
    if ensemble is None:
        return None
    found, images = ensemble.single_images, ensemble.images
    few = f"{plural(found.fewest_crops, 'crop')}"
    some = f"at least one of {plural(found.members, 'member')} is" if found.members > 1 else "the network is"
    text = [
        f"On {few}, {some} wrong on {count(found.rescued_images)} of {plural(images, 'test image')} that the average "
        f"over {plural(found.members, 'member')} and {plural(found.most_crops, 'crop')} gets right. "
        f"{plural(found.mistaken_images, 'mistake')} remain{'s' if found.mistaken_images == 1 else ''}."
    ]
    content: list[Content] = [*captioned(figures, "images_rescued", "images_mistaken", "confusion_matrix")]
    if found.confusion.pairs:
        content.append(run_tables.confused_pairs(found.confusion))
    return Section("Images and classes that are confused", tuple(text), tuple(content))


def filters(figures: Mapping[str, bytes]) -> Section | None:
    """The filters of the first layer."""
    drawing = captioned(figures, "conv1_filters")
    return Section("The filters of the first layer", (), drawing) if drawing else None


def proposals(results: Results, figures: Mapping[str, bytes]) -> Section | None:
    """Boxes and coverage of selective search, MultiBox and both, next to the paper's."""
    study, evaluated = results.one(ProposalStudyMetrics), results.one(DetectionMetrics)
    content: list[Content] = []
    if study:
        content += [proposal_tables.sources(study), *captioned(figures, "coverage_by_boxes")]
        content += [proposal_tables.by_class(study), *captioned(figures, "proposals")]
    elif evaluated:
        content.append(proposal_tables.coverage(evaluated.coverage))
    if evaluated:
        content += captioned(figures, "coverage_by_class")
    if parts := results.several(ProposalMetrics):
        content.append(proposal_tables.parts(parts))
    text = proposal_tables.summary(study) if study else ()
    return Section("Region proposals", text, tuple(content)) if content else None


def detection(results: Results, figures: Mapping[str, bytes]) -> Section | None:
    """Tables 4 and 5, detectors, switches and classes."""
    evaluated, manifest = results.one(DetectionMetrics), results.manifest("detection")
    if evaluated is None or manifest is None:
        return None
    content: list[Content] = [detection_tables.table_4(evaluated, manifest.dataset)]
    content.append(detection_tables.table_5(evaluated, manifest.dataset))
    if trained := results.several(DetectorMetrics):
        content.append(detection_tables.detectors(trained, evaluated))
    content += captioned(figures, "detector_curves")
    if evaluated.switches.compared:
        content.append(detection_tables.switches(evaluated))
    content += captioned(figures, "precision_recall", "average_precision_by_class")
    content.append(detection_tables.average_precision(evaluated))
    single, together = evaluated.single_mean_ap_percent, evaluated.table_4.ensemble_mean_ap_percent
    number = len(evaluated.detectors)
    mean = f" (the mean of {count(number)}), all together {decimal(together, 1)} %" if number > 1 else ""
    against = f" All together, against one: {gain(evaluated.ensemble_minus_single)}." if number > 1 else ""
    one, six, in_text = paper.mean_ap(1), paper.mean_ap(headlines.SIX), paper.mean_ap_in_the_text()[0]
    printed = f"{one:g} % with one model (Table 5; {in_text:g} % in the text)"
    printed += f" and {six:g} % with six" if number == headlines.SIX else ""
    text = (
        f"Over {plural(evaluated.images, 'test image')} with {plural(evaluated.objects, 'object')}: one "
        f"detector reaches {decimal(single, 1)} % mean average precision{mean}.{against} In the paper, on ILSVRC: "
        f"{printed}."
    )
    return Section("Detection: Tables 4 and 5", (text,), tuple(content))


def errors(results: Results, figures: Mapping[str, bytes]) -> Section | None:
    """False detections by kind, missed objects by reason, and the best and the worst images."""
    evaluated = results.one(DetectionMetrics)
    if evaluated is None:
        return None
    types = evaluated.error_types
    content: tuple[Content, ...] = (
        *captioned(figures, "error_types"),
        detection_tables.false_detections(types),
        detection_tables.missed_objects(types),
        *captioned(figures, "detections_worst"),
    )
    return Section("Where detection errors come from", detection_tables.summary(types), content)


def open_choices() -> Section:
    """What the paper leaves open."""
    text = "The paper does not specify these, or contradicts itself; docs/deviations.md names the setting or the code for each:"
    points = "; ".join(map(str, paper.facts("ambiguous_in_the_paper")))
    return Section("What the paper leaves open", (text, f"{points}."))


def provenance(manifests: Sequence[Manifest], runs: Sequence[RunRecord]) -> Section:
    """Every job, the versions and the digests of the data."""
    content = (run_tables.jobs(runs), run_tables.versions(runs), run_tables.digests(manifests))
    text = (f"{plural(len(runs), 'job')} made this page.", *run_tables.mixed_versions(runs))
    return Section("Provenance", text, content)
