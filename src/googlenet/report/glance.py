"""The head of the page: what data, whether the paper's figures may be compared, and the main results."""

from typing import Any

from googlenet.report.parts import Card
from googlenet.report.words import (
    count,
    decimal,
    gain,
    interval,
    main_metric,
    of_difference,
    plural,
    signed,
    spread,
)

FULL_SIZE = {"prepare_classification": 1000, "prepare_detection": 200}


def is_ilsvrc(stage: str, manifest: dict[str, Any]) -> bool:
    """Whether a data set is ILSVRC's own: by its name and its full number of classes."""
    return manifest["dataset"].lower().startswith("ilsvrc") and len(manifest["classes"]) == FULL_SIZE[stage]


def warning(metrics: dict[str, Any]) -> str:
    """That the paper's figures are of other data, or "" when all data are ILSVRC's."""
    other = [metrics[s]["dataset"] for s in FULL_SIZE if s in metrics and not is_ilsvrc(s, metrics[s])]
    if not other:
        return ""
    names = " and ".join(dict.fromkeys(other))
    return (
        f"These results are on {names}, not on ILSVRC. The paper's figures beside ours are of another data "
        "set: compare the differences within a column, never our figure with the paper's."
    )


def about(metrics: dict[str, Any]) -> tuple[str, ...]:
    """What the data are, in the words of their manifests."""
    texts = [str(metrics[stage].get("about", "")).strip() for stage in FULL_SIZE if stage in metrics]
    return tuple(text for text in dict.fromkeys(texts) if text)


def cards(metrics: dict[str, Any]) -> tuple[Card, ...]:
    """The key results, one card each."""
    return (*_classification_cards(metrics), *_detection_cards(metrics), *_proposal_cards(metrics))


def _classification_cards(metrics: dict[str, Any]) -> list[Card]:
    if "evaluate_ensemble" not in metrics:
        return []
    ensemble = metrics["evaluate_ensemble"]
    first, last = ensemble["table_3"][0], ensemble["table_3"][-1]
    key, said = main_metric(ensemble["classes"])
    top = key.split("_")[0]
    name = f"{plural(last['models'], 'model')}, {plural(last['crops'], 'crop')}: {said}"
    bounds = (ensemble.get("intervals") or {}).get("ensemble_144", {}).get(key)
    detail = f"95 % interval {interval(bounds)}, " if bounds else ""
    made = [
        Card(name, f"{decimal(last[key])} %", f"{detail}{plural(ensemble['images'], 'test image')}"),
        Card(
            f"1 model, 1 crop: {said}",
            f"{spread(first[key], first.get(f'{top}_std'))} %",
            f"mean of {plural(len(ensemble['members']), 'member')} ± standard deviation",
        ),
    ]
    pair = (ensemble.get("paired") or {}).get("single_1_minus_ensemble_144")
    if pair:
        words = of_difference(pair["difference"], pair["low"], pair["high"], pair["confidence_percent"])
        measure = pair["metric"].split("_")[0].replace("top", "top-")
        made.append(
            Card(f"Ensemble against one model, {measure}", f"{signed(-pair['difference'])} points", words)
        )
    baseline = ensemble.get("baseline")
    if baseline:
        method = (metrics.get("train_baseline") or {}).get("method", "baseline")
        value = f"{decimal(baseline['top1_error_percent'])} %"
        times = baseline.get("times_as_wrong")
        often = "" if times is None else f"wrong {decimal(times, 1)} times as often as the ensemble"
        made.append(Card(f"{method[:1].upper()}{method[1:]}: top-1 error", value, often))
    return made


def _detection_cards(metrics: dict[str, Any]) -> list[Card]:
    if "evaluate_detection" not in metrics:
        return []
    found = metrics["evaluate_detection"]
    table, coverage = found["table_4"], found["coverage"]
    bounds = table.get("interval")
    detail = f"95 % interval {interval(bounds)}, " if bounds else ""
    single = spread(found["single_mean_ap_percent"], found.get("single_std"), 1)
    return [
        Card(
            f"{plural(table['detectors'], 'detector')}: mean average precision",
            f"{decimal(table['ensemble_mean_ap_percent'], 1)} %",
            f"{detail}{plural(found['images'], 'test image')}",
        ),
        Card(
            "1 detector: mean average precision", f"{single} %", "mean of the detectors ± standard deviation"
        ),
        Card(
            "Objects covered by proposals",
            f"{decimal(coverage['coverage_percent'], 1)} %",
            f"{decimal(coverage['boxes_per_image'], 0)} boxes an image, {count(found['objects'])} objects",
        ),
    ]


def _proposal_cards(metrics: dict[str, Any]) -> list[Card]:
    if "study_proposals" not in metrics:
        return []
    study = metrics["study_proposals"]
    merged = study["differences"]["merged_minus_full"]
    words = gain(merged["coverage_percent"], merged["interval"], study["confidence_percent"])
    value = f"{decimal(study['share_of_boxes_percent'], 0)} %"
    return [Card("Boxes with MultiBox, of those of undoubled selective search", value, f"coverage: {words}")]
