"""The top of the page: the data, whether the paper's figures are comparable, and the main results."""

from collections.abc import Sequence

from googlenet.config.schema.dataset import Kind
from googlenet.data.wnids import wnids
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

IMAGES: dict[Kind, int] = {"classification": 50_000, "detection": 20_121}  # of ILSVRC's validation sets
LEAST = 0.95  # of these: ILSVRC's own blacklist leaves out 3.5 % of the images of classification


def of_ilsvrc(manifest: Manifest) -> bool:
    """Whether all classes of a data set are ILSVRC's, by their wnids."""
    return set(manifest.class_keys) <= set(wnids(manifest.kind))


def is_ilsvrc(manifest: Manifest) -> bool:
    """Whether a data set has all of ILSVRC's classes, and about as many test images as its validation set."""
    whole, tested = IMAGES[manifest.kind], manifest.splits["test"].records
    complete = len(manifest.class_keys) == len(wnids(manifest.kind))
    return of_ilsvrc(manifest) and complete and LEAST * whole <= tested <= whole


def extent(manifest: Manifest) -> str:
    """State how much of ILSVRC a data set is, as far as its classes and its number of test images tell."""
    return (
        f"{count(len(manifest.class_keys))} of ILSVRC's {count(len(wnids(manifest.kind)))} classes, and "
        f"{plural(manifest.splits['test'].records, 'test image')} where its validation set has "
        f"{count(IMAGES[manifest.kind])}"
    )


def warning(manifests: Sequence[Manifest]) -> str:
    """Warn that the paper's figures are on other data, or on more of them; "" if all data are ILSVRC's."""
    names = " and ".join(dict.fromkeys(manifest.dataset for manifest in manifests if not of_ilsvrc(manifest)))
    parts = [each for each in manifests if of_ilsvrc(each) and not is_ilsvrc(each)]
    texts = [f"{each.dataset} ({each.kind}) has {extent(each)}." for each in parts]
    if names:
        texts.insert(0, f"These results are on {names}, not on ILSVRC.")
    if texts:
        texts.append(
            f"The paper's figures beside ours are for {'another data set' if names else 'the whole of it'}: "
            "compare the differences within a column, never our figure with the paper's."
        )
    return " ".join(texts)


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
        boxes = f"{decimal(coverage.boxes_per_image, 0)} boxes per image, {count(detection.objects)} objects"
        made.append(Card(together, f"{decimal(table.ensemble_mean_ap_percent, 1)} %", bounds))
        if table.detectors > 1:
            single = f"{spread(detection.single_mean_ap_percent, detection.single_std, 1)} %"
            mean = "mean of the detectors ± standard deviation"
            made.append(Card("1 detector: mean average precision", single, mean))
        made.append(Card("Objects covered by proposals", f"{decimal(coverage.coverage_percent, 1)} %", boxes))
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
    mean = f"mean of {plural(len(ensemble.members), 'member')} ± standard deviation" if last.models > 1 else ""
    made = [Card(systems[0], f"{decimal(last.of(error))} %", f"{bounds}, {plural(ensemble.images, 'test image')}")]
    if first is not last:
        made.append(Card(systems[1], f"{spread(first.of(error), first.std(error))} %", mean))
    if pair := ensemble.overall:
        change = f"{signed(-pair.difference)} points"
        compared = f"{plural(last.crops, 'crop')} against {count(first.crops)}"
        compared = "Ensemble against one model" if last.models > 1 else compared
        made.append(Card(f"{compared}, top-1 error", change, of_difference(pair)))
    if baseline and ensemble.baseline:
        times, ours = ensemble.baseline.times_as_wrong, "ensemble" if last.models > 1 else "network"
        often = "" if times is None else f"wrong {decimal(times, 1)} times as often as the {ours}"
        method = f"{baseline.method[:1].upper()}{baseline.method[1:]}: top-1 error"
        made.append(Card(method, f"{decimal(ensemble.baseline.top1_error_percent)} %", often))
    return made
