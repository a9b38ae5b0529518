"""The paper's claims, each with the difference measured here and a verdict by one rule.

Each claim is one function: metrics in, a Claim out, even if nothing tested it. Claims about cost are in tables.py.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from googlenet.metrics.classification import EnsembleMetrics
from googlenet.metrics.classification_studies import AblationMetrics, AblationResult, CropStudyMetrics
from googlenet.metrics.detection import DetectionMetrics
from googlenet.metrics.interval import Difference
from googlenet.metrics.proposals import ProposalStudyMetrics
from googlenet.metrics.results import Results
from googlenet.metrics.training import TrainingMetrics
from googlenet.report import crop_tables, headlines, paper, run_tables
from googlenet.report.parts import OURS, PAPER, Column, Row, Table, texts
from googlenet.report.words import (
    NONE,
    confidence,
    count,
    decimal,
    interval,
    main_metric,
    plural,
    signed,
    turned,
    with_confidence,
)

Verdict = Literal["holds", "does not hold", "undecided", "not tested"]
AS_MUCH = 1.0  # largest difference in points at which two sources still cover equally much
ENOUGH = 0.25  # points by which one auxiliary head may be worse than two: half of what the paper gives for both
SEVEN = 7  # models of the paper's ensemble
TITLE = "The paper's claims"
WHOLE_BATCH = {"micro_batches": 1, "update": "synchronous"}  # without these, batch normalisation is refused
ABLATIONS = "by the target `ablations`, whose page has its verdict"
RULE = (
    "The rule: a claim holds if the whole interval of the difference is on its side, does not hold if the whole interval is on "
    f"the other side, and is undecided otherwise. For proposals to cover as many objects, the interval must lie above \N{MINUS SIGN}{AS_MUCH:g} point, "
    "which is weaker than the paper's claim that coverage rises by 1 point; for one auxiliary classifier to be enough, above "
    f"\N{MINUS SIGN}{ENOUGH:g} points. A positive difference is in the claim's favour. Each interval is for its claim alone: those of ablations are over "
    "seeds and test images, the others over test images, for the networks that were trained here."
)


class Claim(NamedTuple):
    """A sentence of the paper, its section, the figure it gives, and the result here.

    ours: in points, positive if it supports the claim; None if nothing tested it. why: how it was measured, or why not.
    """

    words: str
    section: str
    printed: str
    ours: Difference | None
    why: str
    margin: float = 0.0  # points against it that the claim allows

    @property
    def verdict(self) -> Verdict:
        """The conclusion that the interval of the difference allows."""
        if self.ours is None:
            return "not tested"
        bounds = self.ours.interval
        return "holds" if bounds.low > -self.margin else "does not hold" if bounds.high < -self.margin else "undecided"


def of_report(results: Results) -> Table | None:
    """The claims that an experiment's report can test; None if it has no evaluation."""
    ensemble, detected = results.one(EnsembleMetrics), results.one(DetectionMetrics)
    trained = results.several(TrainingMetrics)
    if ensemble is None and detected is None:
        return None
    return table(
        seven_models(ensemble, trained),
        many_crops(ensemble),
        mean_over_crops(results.one(CropStudyMetrics)),
        average_pooling(None),
        auxiliary_heads(None),
        one_auxiliary_head(None),
        fewer_proposals(results.one(ProposalStudyMetrics)),
        better_proposals(),
        six_detectors(detected),
    )


def of_ablations(compared: AblationMetrics) -> Table:
    """The claims that the ablation table tests: the paper's, and those on what it leaves open."""
    return table(
        average_pooling(compared),
        auxiliary_heads(compared),
        one_auxiliary_head(compared),
        he_weights(compared),
        batch_normalisation(compared),
    )


def table(*claims: Claim) -> Table:
    """A table with a row for every claim."""
    levels = {confidence(claim.ours.interval) for claim in claims if claim.ours}
    shown = interval if len(levels) == 1 else with_confidence
    columns = (
        Column("Claim", PAPER, True),
        *texts("Section"),
        Column("In the paper", PAPER, True),
        Column("Here, points", OURS),
        Column(levels.pop() if len(levels) == 1 else "Interval", OURS),
        *texts("Verdict", "How"),
    )
    rows = []
    for claim in claims:
        figures = (signed(claim.ours.difference), shown(claim.ours.interval)) if claim.ours else (NONE, NONE)
        rows.append(Row((claim.words, claim.section, claim.printed, *figures, claim.verdict, claim.why)))
    caption = "The paper's claims about its method, and what the networks trained here show of them on these data."
    return Table(TITLE, caption, columns, tuple(rows), RULE, stacked=True)


def seven_models(ensemble: EnsembleMetrics | None, trained: Mapping[str, TrainingMetrics]) -> Claim:
    """Seven models on all crops against one model, the mean over the seven, on the same crops; no other number tests the
    claim. Beside it, the model that the paper would choose as its one."""
    words, section = "An ensemble of seven models has a lower error than one", "7, Table 3"
    printed = f"top-5 error {printed_error(1, 144):g} to {printed_error(7, 144):g} % on 144 crops"
    if ensemble is None or len(ensemble.members) < 2:
        return Claim(words, section, printed, None, "one member alone" if ensemble else "nothing was classified")
    if len(ensemble.members) != SEVEN:
        return Claim(words, section, printed, None, f"an ensemble of {count(len(ensemble.members))}")
    crops = ensemble.table_3[-1].crops
    pair, how = of_errors(ensemble, f"single_{crops}_minus_ensemble_{crops}")
    how = f"{how}: {SEVEN} models on {plural(crops, 'crop')} against one, the mean over the {SEVEN}"
    best = run_tables.against_chosen(trained, ensemble)
    return Claim(words, section, printed, pair, f"{how}; {best}" if best else how)


def many_crops(ensemble: EnsembleMetrics | None) -> Claim:
    """One model on 144 crops of an image against one crop; no other numbers test the claim."""
    words, section = "144 crops of an image give a lower error than one crop", "7, Table 3"
    printed = f"top-5 error {printed_error(1, 1):g} to {printed_error(1, 144):g} % of one model"
    if ensemble is None:
        return Claim(words, section, printed, None, "nothing was classified")
    first, last = ensemble.table_3[0].crops, ensemble.table_3[-1].crops
    if first == last:
        return Claim(words, section, printed, None, f"{plural(last, 'crop')} alone")
    if (first, last) != (1, 144):
        return Claim(words, section, printed, None, f"{count(first)} to {plural(last, 'crop')}")
    pair, how = of_errors(ensemble, f"single_{first}_minus_single_{last}")
    return Claim(words, section, printed, pair, f"{how}: one model on {plural(last, 'crop')} against {count(first)}")


def mean_over_crops(study: CropStudyMetrics | None) -> Claim:
    """The mean of the softmax over crops against their maximum; of one crop they are the same."""
    words, section, printed = "The mean over crops is better than their maximum", "7", "no figure"
    rows = [row for row in study.aggregations if row.aggregation == "max_over_crops"] if study else []
    if study is None or not rows:
        return Claim(words, section, printed, None, "crops were not studied")
    if study.crops == 1:
        return Claim(words, section, printed, None, "1 crop alone")
    error, name = main_metric(study.classes)
    row = next(row for row in rows if row.system == crop_tables.systems_of(study)[0])
    found = row.against_mean
    ours = opposite(found.of(error)) if found else None
    how = f"{name} of {'all models' if row.system == 'ensemble' else 'one model'}"
    return Claim(words, section, printed, ours, f"{how}, {plural(study.images, 'test image')}")


def average_pooling(compared: AblationMetrics | None) -> Claim:
    """Average pooling before the classifier against a fully connected layer on the whole last map."""
    words = "Average pooling is better than a fully connected layer"
    return of_ablation(
        compared, words, "5", "top-1 error 0.6 points lower", {"model": {"classifier": "fully_connected"}}
    )


def auxiliary_heads(compared: AblationMetrics | None) -> Claim:
    """Training with both auxiliary heads against training without."""
    words = "The auxiliary classifiers help a little"
    return of_ablation(compared, words, "5", "about 0.5 % (CVPR alone)", {"model": {"aux_heads": ()}})


def one_auxiliary_head(compared: AblationMetrics | None) -> Claim:
    """The first auxiliary head alone against both; the paper does not say which one is enough."""
    words, printed = "One auxiliary classifier is enough", "the same effect as both (CVPR alone)"
    claim = of_ablation(compared, words, "5", printed, {"model": {"aux_heads": ("4a",)}})
    return claim._replace(ours=opposite(claim.ours), margin=ENOUGH) if claim.ours else claim


def he_weights(compared: AblationMetrics | None) -> Claim:
    """He's initial weights against the replica's, which may never start to learn; the difference then includes that."""
    words = "He's initial weights are better than the replica's"
    return of_ablation(compared, words, NONE, "not stated", {"model": {"initialisation": "replica"}}, also_stalled=True)


def batch_normalisation(compared: AblationMetrics | None) -> Claim:
    """Batch normalisation against response normalisation."""
    words = "Batch normalisation is better than response normalisation (Ioffe and Szegedy 2015)"
    claim = of_ablation(compared, words, NONE, "not in the paper", {"model": {"network": "batch_norm"}})
    return claim._replace(ours=opposite(claim.ours)) if claim.ours else claim


def fewer_proposals(study: ProposalStudyMetrics | None) -> Claim:
    """MultiBox with half of selective search's boxes against all of them."""
    words, section = "Half of selective search's boxes, with MultiBox's, cover as many objects", "8"
    printed = "about 60 % of the boxes; coverage rises from 92 to 93 %"
    if study is None:
        return Claim(words, section, printed, None, "no proposals were studied")
    if study.differences.multibox_minus_priors is None:
        return Claim(words, section, printed, None, "MultiBox proposed no box")
    if study.superpixel_scale.ours == study.superpixel_scale.compared:
        return Claim(words, section, printed, None, "selective search's boxes were not halved: the same superpixels")
    share, number = decimal(study.share_of_boxes_percent, 0), plural(study.objects, "object")
    how = f"objects covered at IoU {study.iou:g} with {share} % of the boxes, of {number}"
    return Claim(words, section, printed, study.differences.merged_minus_full, how, AS_MUCH)


def better_proposals() -> Claim:
    """One detector on fewer boxes of higher coverage against selective search's boxes alone: no stage trains the latter."""
    words = "Fewer boxes that cover more objects raise the mean average precision"
    printed = str(paper.facts("detection")["proposals"]["effect"])
    return Claim(
        words, "8", printed, None, "detectors are not trained a second time, on selective search's boxes alone"
    )


def six_detectors(detected: DetectionMetrics | None) -> Claim:
    """The ensemble of six detectors against one; no other number tests the claim."""
    words, section = "An ensemble of six detectors has a higher mean average precision than one", "8, Tables 4 and 5"
    one, six = paper.mean_ap_in_the_text()
    printed = f"{one:g} to {six:g} % in the text; {paper.mean_ap(1):g} % for one in Table 5"
    if detected is None or detected.table_4.detectors < 2:
        return Claim(words, section, printed, None, "one detector alone" if detected else "nothing was detected")
    if detected.table_4.detectors != headlines.SIX:
        return Claim(words, section, printed, None, f"an ensemble of {count(detected.table_4.detectors)}")
    how = f"mean average precision: {headlines.SIX} detectors against one, {plural(detected.images, 'test image')}"
    return Claim(words, section, printed, detected.ensemble_minus_single, how)


def of_errors(ensemble: EnsembleMetrics, key: str) -> tuple[Difference | None, str]:
    """The paired difference, if known, in the error that is informative for this number of classes; and its name."""
    error, name = main_metric(ensemble.classes)
    pairs = ensemble.paired_top5 if error == "top5_error_percent" else ensemble.paired
    return pairs.get(key), f"{name}, {plural(ensemble.images, 'test image')}"


def of_ablation(
    compared: AblationMetrics | None,
    words: str,
    section: str,
    printed: str,
    changes: dict[str, dict[str, object]],
    also_stalled: bool = False,
) -> Claim:
    """A claim tested by the ablation row with exactly these changes (see `changed`) and the reference's kind of weights:
    the reference has what the row lacks. also_stalled: trainings that never started to learn count too."""
    if compared is None:
        return Claim(words, section, printed, None, ABLATIONS)
    reference = compared.reference
    row = next((row for row in compared.rows if changed(row) == changes and row.weights == reference.weights), None)
    if row is None or row.sources == reference.sources:
        return Claim(words, section, printed, None, "the table of ablations has no row for it")
    stalled = row.stalled + reference.stalled
    if stalled and not also_stalled:
        return Claim(words, section, printed, None, f"{plural(stalled, 'training')} stalled")
    error, name = main_metric(compared.classes)
    measured = row.test.top5 if error == "top5_error_percent" else row.test.top1
    ours = Difference(difference=measured.difference_points, interval=measured.interval)
    seeds, images = plural(len(compared.seeds), "seed"), plural(compared.images.test, "test image")
    how = f"{name} on one crop, {seeds}, {images}{f'; {count(stalled)} stalled' if stalled else ''}"
    return Claim(words, section, printed, ours, how)


def changed(row: AblationResult) -> dict[str, dict[str, object]]:
    """A row's changes, with lists as the original tuples, without settings that only stop a training, and without what
    batch normalisation requires."""
    sections = {section: dict(keys) for section, keys in row.changes.items() if isinstance(keys, dict)}
    training = sections.get("train_classifier", {})
    training.pop("stall", None)
    if sections.get("model", {}).get("network") == "batch_norm":
        sections["train_classifier"] = {key: value for key, value in training.items() if WHOLE_BATCH.get(key) != value}
    return {
        section: {key: tuple(value) if isinstance(value, list) else value for key, value in keys.items()}
        for section, keys in sections.items()
        if keys
    }


def opposite(pair: Difference) -> Difference:
    """The same difference with the opposite sign."""
    return Difference(difference=-pair.difference, interval=turned(pair.interval))


def printed_error(models: int, crops: int) -> float:
    """The paper's top-5 error in Table 3."""
    return next(row.top5_error_percent for row in paper.table_3() if (row.models, row.crops) == (models, crops))
