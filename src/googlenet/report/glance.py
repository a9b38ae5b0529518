"""The top of the page: the data, whether the paper's figures are comparable, and the main results."""

from collections.abc import Sequence

from googlenet.metrics.classification import BaselineMetrics, EnsembleMetrics
from googlenet.metrics.data import Manifest
from googlenet.metrics.detection import DetectionMetrics
from googlenet.metrics.proposals import ProposalStudyMetrics
from googlenet.metrics.results import Results
from googlenet.report.parts import Card
from googlenet.report.words import (
    count,
    decimal,
    gain,
    main_metric,
    of_difference,
    plural,
    signed,
    spread,
    with_confidence,
)

FULL_SIZE = {"classification": 1000, "detection": 200}  # classes of ILSVRC


def is_ilsvrc(manifest: Manifest) -> bool:
    """Whether a data set is ILSVRC's own, judged by its name and its full number of classes."""
    return manifest.dataset.lower().startswith("ilsvrc") and len(manifest.classes) == FULL_SIZE[manifest.kind]


def warning(manifests: Sequence[Manifest]) -> str:
    """Warn that the paper's figures are on other data; "" if all data are ILSVRC's."""
    names = " and ".join(dict.fromkeys(manifest.dataset for manifest in manifests if not is_ilsvrc(manifest)))
    if not names:
        return ""
    return (
        f"These results are on {names}, not on ILSVRC. The paper's figures beside ours are for another data "
        "set: compare the differences within a column, never our figure with the paper's."
    )


def about(manifests: Sequence[Manifest], purpose: str) -> tuple[str, ...]:
    """Return the experiment's purpose, if stated, and the descriptions of the data in their manifests."""
    return tuple(filter(None, (purpose, *dict.fromkeys(manifest.about.strip() for manifest in manifests))))


def cards(results: Results) -> tuple[Card, ...]:
    """The key results, one card each."""
    made: list[Card] = []
    if ensemble := results.one(EnsembleMetrics):
        made += _classification_cards(ensemble, results.one(BaselineMetrics))
    if detection := results.one(DetectionMetrics):
        table, coverage = detection.table_4, detection.coverage
        together = f"{plural(table.detectors, 'detector')}: mean average precision"
        bounds = f"{with_confidence(table.interval)}, {plural(detection.images, 'test image')}"
        single = f"{spread(detection.single_mean_ap_percent, detection.single_std, 1)} %"
        mean = "mean of the detectors ± standard deviation"
        boxes = f"{decimal(coverage.boxes_per_image, 0)} boxes per image, {count(detection.objects)} objects"
        made += [
            Card(together, f"{decimal(table.ensemble_mean_ap_percent, 1)} %", bounds),
            Card("1 detector: mean average precision", single, mean),
            Card("Objects covered by proposals", f"{decimal(coverage.coverage_percent, 1)} %", boxes),
        ]
    if study := results.one(ProposalStudyMetrics):
        title = "Boxes with MultiBox, relative to undoubled selective search"
        detail = f"coverage: {gain(study.differences.merged_minus_full)}"
        made.append(Card(title, f"{decimal(study.share_of_boxes_percent, 0)} %", detail))
    return tuple(made)


def _classification_cards(ensemble: EnsembleMetrics, baseline: BaselineMetrics | None) -> list[Card]:
    first, last = ensemble.table_3[0], ensemble.table_3[-1]
    error, name = main_metric(ensemble.classes)
    systems = [f"{plural(row.models, 'model')}, {plural(row.crops, 'crop')}: {name}" for row in (last, first)]
    bounds = with_confidence(ensemble.intervals[last.system_key].of(error))
    mean = f"mean of {plural(len(ensemble.members), 'member')} ± standard deviation"
    made = [
        Card(systems[0], f"{decimal(last.of(error))} %", f"{bounds}, {plural(ensemble.images, 'test image')}"),
        Card(systems[1], f"{spread(first.of(error), first.std(error))} %", mean),
    ]
    if pair := ensemble.overall:
        change = f"{signed(-pair.difference)} points"
        made.append(Card("Ensemble against one model, top-1 error", change, of_difference(pair)))
    if baseline and ensemble.baseline:
        times = ensemble.baseline.times_as_wrong
        often = "" if times is None else f"wrong {decimal(times, 1)} times as often as the ensemble"
        method = f"{baseline.method[:1].upper()}{baseline.method[1:]}: top-1 error"
        made.append(Card(method, f"{decimal(ensemble.baseline.top1_error_percent)} %", often))
    return made
