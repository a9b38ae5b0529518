"""Sections on detection: the proposals, the detectors' results, and where their errors come from."""

from collections.abc import Mapping

from googlenet.metrics.detection import DetectionMetrics, DetectorMetrics
from googlenet.metrics.proposals import ProposalMetrics, ProposalStudyMetrics
from googlenet.metrics.results import Results
from googlenet.report import detection_tables, error_tables, proposal_tables
from googlenet.report.captions import captioned
from googlenet.report.parts import Picture, Section, Table
from googlenet.report.words import count, decimal, gain, plural


def proposals(results: Results, figures: Mapping[str, bytes]) -> Section | None:
    """Boxes and coverage of selective search, MultiBox and both, beside the paper's."""
    study, evaluated = results.one(ProposalStudyMetrics), results.one(DetectionMetrics)
    content: list[Table | Picture] = []
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
    content: list[Table | Picture] = [detection_tables.table_4(evaluated, manifest.dataset)]
    content.append(detection_tables.table_5(evaluated, manifest.dataset))
    if trained := results.several(DetectorMetrics):
        content.append(detection_tables.detectors(trained, evaluated))
    content += captioned(figures, "detector_curves")
    if evaluated.switches.compared:
        content.append(detection_tables.switches(evaluated))
    content += captioned(figures, "precision_recall", "average_precision_by_class")
    content.append(detection_tables.average_precision(evaluated))
    return Section("Detection", (_summary(evaluated),), tuple(content))


def _summary(evaluated: DetectionMetrics) -> str:
    single, together = evaluated.single_mean_ap_percent, evaluated.table_4.ensemble_mean_ap_percent
    return (
        f"Over {plural(evaluated.images, 'test image')} with {plural(evaluated.objects, 'object')}: one "
        f"detector reaches {decimal(single, 1)} % mean average precision (the mean of "
        f"{count(len(evaluated.detectors))}), all together {decimal(together, 1)} %. All together, against one: "
        f"{gain(evaluated.ensemble_minus_single)}. In the paper, on ILSVRC: 38.02 % and 43.9 %."
    )


def errors(results: Results, figures: Mapping[str, bytes]) -> Section | None:
    """False detections by kind, missed objects by reason, and the best and the worst images."""
    evaluated = results.one(DetectionMetrics)
    if evaluated is None:
        return None
    types = evaluated.error_types
    content: tuple[Table | Picture, ...] = (
        *captioned(figures, "error_types"),
        error_tables.false_detections(types),
        error_tables.missed_objects(types),
        *captioned(figures, "detections_best", "detections_worst"),
    )
    return Section("Where the errors of detection come from", error_tables.summary(types), content)
