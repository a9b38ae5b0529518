"""Sections on detection: the proposals, the detectors' results, and where their errors come from."""

from typing import Any

from googlenet.report import detection_tables, error_tables, proposal_tables
from googlenet.report.captions import captioned
from googlenet.report.parts import Picture, Section, Table
from googlenet.report.words import count, decimal, gain, plural


def proposals(metrics: dict[str, Any], figures: dict[str, bytes]) -> Section | None:
    """Boxes and coverage of selective search, MultiBox and both, beside the paper's."""
    study, found = metrics.get("study_proposals"), metrics.get("evaluate_detection")
    content: list[Table | Picture] = []
    text: tuple[str, ...] = ()
    if study:
        text = proposal_tables.said(study)
        content += [proposal_tables.sources(study), *captioned(figures, "coverage_by_boxes")]
        content += [proposal_tables.by_class(study), *captioned(figures, "proposals")]
    elif found:
        content.append(proposal_tables.coverage(found))
    if found:
        content += captioned(figures, "coverage_by_class")
    if "propose_regions" in metrics:
        content.append(proposal_tables.parts(metrics["propose_regions"]))
    return Section("Region proposals", text, tuple(content)) if content else None


def detection(metrics: dict[str, Any], figures: dict[str, bytes]) -> Section | None:
    """Tables 4 and 5, detectors, switches and classes."""
    if "evaluate_detection" not in metrics:
        return None
    found = metrics["evaluate_detection"]
    dataset = metrics["prepare_detection"]["dataset"]
    content: list[Table | Picture] = [detection_tables.table_4(found, dataset)]
    content.append(detection_tables.table_5(found, dataset))
    if "train_detector" in metrics:
        content.append(detection_tables.detectors(metrics["train_detector"], found))
    content += captioned(figures, "detector_curves")
    if (found.get("switches") or {}).get("compared"):
        content.append(detection_tables.switches(found))
    content += captioned(figures, "precision_recall", "average_precision_by_class")
    content.append(detection_tables.average_precision(found))
    return Section("Detection", (_said(found),), tuple(content))


def _said(found: dict[str, Any]) -> str:
    single, together = found["single_mean_ap_percent"], found["table_4"]["ensemble_mean_ap_percent"]
    pair = found.get("ensemble_minus_single")
    words = ""
    if pair:
        carried = gain(pair["percent"], pair["interval"], found["table_4"]["confidence_percent"])
        words = f" All together, against one: {carried}."
    return (
        f"Over {plural(found['images'], 'test image')} with {plural(found['objects'], 'object')}: one "
        f"detector reaches {decimal(single, 1)} % mean average precision (the mean of "
        f"{count(len(found['detectors']))}), all together {decimal(together, 1)} %.{words} In the paper, on ILSVRC: 38.02 "
        "% and 43.9 %."
    )


def errors(metrics: dict[str, Any], figures: dict[str, bytes]) -> Section | None:
    """False detections by kind, missed objects by reason, and the best and the worst pictures."""
    found = metrics.get("evaluate_detection")
    if not found:
        return None
    content: list[Table | Picture] = [*captioned(figures, "error_types")]
    content += [error_tables.false_detections(found), error_tables.missed_objects(found)]
    content += captioned(figures, "detections_best", "detections_worst")
    text = error_tables.said(found)
    return Section("Where the errors of detection come from", text, tuple(content))
