"""The headline figures: what the paper states, what was measured here, and what the interval of a difference allows."""

from collections.abc import Mapping
from dataclasses import dataclass

from googlenet.metrics.classification import EnsembleMetrics, ErrorRow
from googlenet.metrics.classification_studies import CropStudyMetrics
from googlenet.metrics.cost import CostMetrics
from googlenet.metrics.detection import DetectionMetrics
from googlenet.metrics.interval import Difference, Interval
from googlenet.metrics.proposals import ProposalStudyMetrics
from googlenet.metrics.reference import FAILED, PREDICTED_PERCENT, Figure, Judgement, Kind, Reference
from googlenet.metrics.results import Results
from googlenet.report import crop_tables, paper, tables
from googlenet.report.parts import Column, Row, Table, texts
from googlenet.report.words import (
    NONE,
    THESE_NETWORKS,
    count,
    decimal,
    exact,
    gain,
    main_metric,
    of_difference,
    plural,
    signed,
    spread,
    turned,
    with_confidence,
)

# The metrics that the headline figures come from.
SOURCES = (EnsembleMetrics, CropStudyMetrics, ProposalStudyMetrics, DetectionMetrics, CostMetrics)
SIX = 6  # detectors of the paper's ensemble
Judgements = Mapping[str, tuple[Judgement, Figure]]  # by key
Printed = dict[tuple[int, int], float]  # the paper's top-5 errors, by models and crops


@dataclass(frozen=True)
class Headline:
    """One line of the summary.

    key, value, bounds: the figure as a number, to compare with a reference, and its interval; times have no key, as
    they differ between runs.
    """

    what: str
    paper: str
    here: str
    remark: str
    key: str = ""
    value: float = 0.0
    bounds: Interval | None = None


def headlines(results: Results) -> tuple[Headline, ...]:
    """Return the headline figures that an experiment has, classification first."""
    made: list[Headline] = []
    if ensemble := results.one(EnsembleMetrics):
        made += errors(ensemble)
    if study := results.one(CropStudyMetrics):
        made += _maximum(study)
    if proposals := results.one(ProposalStudyMetrics):
        made += _proposals(proposals)
    if detection := results.one(DetectionMetrics):
        made += _precision(detection)
    if cost := results.one(CostMetrics):
        made += _cost(cost)
    return tuple(made)


def table(lines: tuple[Headline, ...], judged: Judgements | None = None) -> Table:
    """The summary: a row for each headline figure. judged: how they compare with the experiment's reference, if any."""
    columns = (*texts("What"), Column("In the paper", "paper"), Column("Here", "ours"), *texts("How sure"))
    cells = [(line.what, line.paper, line.here, line.remark) for line in lines]
    rows = [Row(row) for row in cells]
    if judged is not None:
        columns = (*columns, *texts("Reproduced"))
        rows = [Row((*row, _mark(line.value, judged.get(line.key)))) for row, line in zip(cells, lines, strict=True)]
    caption = (
        "The paper's figures are for ILSVRC. A difference is as in the paper, or unlike it, only if its whole interval is. "
        f"{THESE_NETWORKS}"
    )
    return Table("Headline figures", caption, columns, tuple(rows), stacked=True)


def _mark(value: float, judged: tuple[Judgement, Figure] | None) -> str:
    """Format how a figure compares with its reference, which has as many decimals as tell the two apart."""
    if judged is None:
        return NONE
    judgement, known = judged
    if judgement in FAILED:
        pairs = ((decimal(known.value, digits), decimal(value, digits)) for digits in range(2, 17))
        return f"no: the reference is {next((theirs for theirs, ours in pairs if theirs != ours), repr(known.value))}"
    return {"identical": "yes, to the bit", "within": "yes, within its range"}.get(judgement, judgement)


def against_reference(judged: Judgements, reference: Reference, kind: Kind | None) -> str:
    """State how many figures agree with the reference, and the type of machine of that."""
    judgements = [judgement for judgement, _ in judged.values() if judgement != "not compared"]
    failed = sum(judgement in FAILED for judgement in judgements)
    held = f"{count(len(judgements) - failed)} of {plural(len(judgements), 'figure')}"
    if known := reference.of(kind):
        return f"{held} agree to the bit with the reference of this type of machine ({known.kind})."
    other = (
        "There is no reference for this type of machine. The figures need not agree to the bit with that of another type "
        f"({reference.machines[0].kind}). Its intervals are for other test images, not for other weights"
    )
    if not reference.predicts:
        return f"{other}: {held} lie within."
    machines = plural(len(reference.machines), "type")
    return (
        f"{other}, so they are widened to the {PREDICTED_PERCENT} % prediction interval of the values of {machines} of "
        f"machine: {held} lie within."
    )


def compared(pair: Difference, digits: int = 2, better: bool = True) -> str:
    """State what an interval shows, and whether the paper's finding (its second system is better, or not) holds."""
    side, words = pair.interval.side, of_difference(pair, digits=digits)
    if side == 0:
        return words
    return f"{'as in' if (side > 0) == better else 'unlike'} the paper: {words}"


def errors(ensemble: EnsembleMetrics) -> list[Headline]:
    """Errors of one model and of all, and the differences that Table 3 is about."""
    error, name = main_metric(ensemble.classes)
    first, last = ensemble.table_3[0], ensemble.table_3[-1]
    printed: Printed = {(row.models, row.crops): row.top5_error_percent for row in paper.table_3()}
    made = []
    for row in dict.fromkeys((first.system_key, last.system_key)):
        measured = first if row == first.system_key else last
        in_paper = printed.get((measured.models, measured.crops))
        bounds = ensemble.intervals[row].of(error)
        number = len(ensemble.members)
        mean = f"mean of {plural(number, 'member')} ± standard deviation; " if measured.models == 1 < number else ""
        made.append(
            Headline(
                f"{name.capitalize()}, {system(measured)}",
                f"{in_paper:g} % (top-5)" if in_paper else NONE,
                f"{spread(measured.of(error), measured.std(error))} %",
                f"{mean}{with_confidence(bounds)}, {plural(ensemble.images, 'test image')}",
                f"{error}_{row}",
                measured.of(error),
                bounds,
            )
        )
    pairs = ensemble.paired if error == "top1_error_percent" else ensemble.paired_top5
    systems = {row.system_key: row for row in ensemble.table_3}
    second = ensemble.table_3[1 % len(ensemble.table_3)]
    few, many = f"single_{first.crops}", f"single_{last.crops}"
    wanted = {
        f"{few}_minus_ensemble_{last.crops}": (first, last),
        f"{few}_minus_{second.system_key}": (first, second),
        f"{many}_minus_ensemble_{last.crops}": (systems[many], last),
    }
    made += [_difference(*rows, pairs[key], name, printed) for key, rows in wanted.items() if key in pairs]
    return list({line.what: line for line in made}.values())  # with one model or two policies, some coincide


def _difference(before: ErrorRow, after: ErrorRow, pair: Difference, name: str, printed: Printed) -> Headline:
    old, new = printed.get((before.models, before.crops)), printed.get((after.models, after.crops))
    in_paper = f"{signed(new - old)} points (top-5)" if old and new else NONE
    what = f"{system(after)} instead of {system(before)}: change in {name}"
    key, here = f"{after.system_key}_minus_{before.system_key}", f"{signed(-pair.difference)} points"
    remark = compared(pair) if old and new else of_difference(pair)
    return Headline(what, in_paper, here, remark, key, -pair.difference, turned(pair.interval))


def system(row: ErrorRow) -> str:
    """Name a system of Table 3: "7 models on 144 crops"."""
    return f"{plural(row.models, 'model')} on {plural(row.crops, 'crop')}"


def _maximum(study: CropStudyMetrics) -> list[Headline]:
    """The paper's other way to combine crops: their maximum."""
    error, name = main_metric(study.classes)
    which = crop_tables.systems_of(study)[0]
    rows = [row for row in study.aggregations if (row.system, row.aggregation) == (which, "max_over_crops")]
    made = []
    for row in rows:
        if row.against_mean is not None:
            pair = row.against_mean.of(error)
            bounds = turned(pair.interval)
            what = f"Maximum over crops instead of their mean: change in {name}"
            here, remark = f"{signed(-pair.difference)} points", compared(pair, better=False)
            made.append(Headline(what, "worse", here, remark, "maximum_minus_mean", -pair.difference, bounds))
    return made


def _proposals(study: ProposalStudyMetrics) -> list[Headline]:
    """The number of boxes that remain with MultiBox, if it has any, and their coverage."""
    merged, difference = study.sources["merged"], study.differences.merged_minus_full
    share, percent = study.share_of_boxes_percent, merged.coverage_percent
    bounds = exact(merged.interval, percent, merged.objects)
    boxes = Headline(
        "Boxes with MultiBox, of those of undoubled selective search",
        "about 60 %",
        f"{decimal(share, 0)} %",
        f"change in coverage: {gain(difference)}",
        "share_of_boxes_percent",
        share,
    )
    covered = Headline(
        "Objects that the proposals cover",
        "93 %",
        f"{decimal(percent, 1)} %",
        f"{with_confidence(bounds, 1)}, {decimal(merged.boxes_per_image, 0)} boxes per image, "
        f"{plural(merged.objects, 'object')}",
        "coverage_percent",
        percent,
        bounds,
    )
    return [covered] if study.differences.multibox_minus_priors is None else [boxes, covered]


def _precision(detection: DetectionMetrics) -> list[Headline]:
    """Mean average precision of one detector, of all, and their difference; the paper's are of six."""
    single, together, pair = detection.single_mean_ap_percent, detection.table_4, detection.ensemble_minus_single
    printed, printed_together = paper.mean_ap(1), paper.mean_ap(SIX)
    in_text, together_in_text = paper.mean_ap_in_the_text()
    by_text, by_table = (signed(gained, 1) for gained in (together_in_text - in_text, printed_together - printed))
    images, number = plural(detection.images, "test image"), together.detectors
    mean = f"mean of {plural(number, 'detector')} ± standard deviation; " if number > 1 else ""
    made = [
        Headline(
            "Mean average precision, 1 detector",
            f"{printed:g} % (Table 5; text: {in_text:g} %)",
            f"{spread(single, detection.single_std, 1)} %",
            f"{mean}{with_confidence(detection.single_interval, 1)}, {images}",
            "mean_ap_percent_single",
            single,
            detection.single_interval,
        )
    ]
    if number > 1:
        percent = together.ensemble_mean_ap_percent
        made += [
            Headline(
                f"Mean average precision, {plural(number, 'detector')}",
                f"{printed_together:g} %" if number == SIX else NONE,
                f"{decimal(percent, 1)} %",
                f"{with_confidence(together.interval, 1)}, {images}",
                "mean_ap_percent_ensemble",
                percent,
                together.interval,
            ),
            Headline(
                f"{plural(number, 'detector')} instead of one: change in mean average precision",
                f"{by_text} points (text; with Table 5's single model: {by_table})" if number == SIX else NONE,
                f"{signed(pair.difference, 1)} points",
                compared(pair, digits=1) if number == SIX else gain(pair),
                "mean_ap_ensemble_minus_single",
                pair.difference,
                pair.interval,
            ),
        ]
    return made


def _cost(cost: CostMetrics) -> list[Headline]:
    """Parameters compared with the winner of 2012, and speed compared with a network of similar accuracy."""
    networks = cost.beside.by_name()
    ours, winner, similar = networks["googlenet"], networks["alexnet"], networks[tables.SIMILAR]
    fewer = winner.parameters / ours.parameters
    return [
        Headline(
            "Parameters against those of the winner of 2012",
            "12 times fewer",
            f"{decimal(fewer, 1)} times fewer",
            f"counted: {count(winner.parameters)} and {count(ours.parameters)}",
            "times_fewer_parameters",
            fewer,
            Interval(low=fewer, high=fewer, confidence_percent=100),  # counts are the same everywhere
        ),
        Headline(
            f"Time of a forward pass against {similar.title.split(' (')[0]}",
            f"{paper.times_faster()} than networks of similar accuracy",
            tables.faster(similar).split(", ")[0].split(": ")[0],
            f"{tables.ratio(similar)} times GoogLeNet's: median and range over the turns"
            if similar.times_googlenet
            else "",
        ),
    ]
