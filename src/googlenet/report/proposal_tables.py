"""Region proposals in text and tables: number of boxes and objects covered, next to the paper's figures."""

from collections.abc import Iterable, Mapping

from googlenet.metrics.interval import Difference
from googlenet.metrics.proposals import (
    LEAST_IMAGES,
    ClassCoverage,
    Coverage,
    ProposalMetrics,
    ProposalStudyMetrics,
    SuperpixelScales,
)
from googlenet.report import paper
from googlenet.report.parts import OURS, Row, Table, numbers, texts
from googlenet.report.words import (
    NONE,
    TIMES,
    UNDECIDED,
    confidence,
    count,
    decimal,
    exact,
    gain,
    interval,
    plural,
    signed,
)

SEARCHED = ("selective_search_full", "selective_search")
SOURCES = (*SEARCHED, "multibox", "priors", "merged")


def source_name(source: str, scale: SuperpixelScales) -> str:
    """Name a source of boxes, with its superpixel scale if the sources differ in that."""
    return {
        "selective_search_full": f"selective search, superpixels times {scale.compared:g}",
        "selective_search": f"selective search, superpixels times {scale.ours:g}",
        "multibox": "MultiBox",
        "priors": "as many fixed boxes",
        "merged": "both: selective search and MultiBox",
    }[source]


def shown_sources(study: ProposalStudyMetrics) -> tuple[str, ...]:
    """The sources that differ: without boxes of MultiBox, nothing is merged or compared with fixed boxes."""
    return SEARCHED if study.differences.multibox_minus_priors is None else SOURCES


def sources(study: ProposalStudyMetrics) -> Table:
    """Every source of boxes: boxes per image, coverage with its interval; the paper's two figures first."""
    facts = paper.facts("detection")
    rcnn, (low, high) = facts["rcnn_recipe"]["selective_search"], facts["proposals"]["coverage"]
    undoubled = study.sources["selective_search_full"]
    boxes = count(rcnn["boxes_per_image"])
    rows = [
        Row(("paper, on ILSVRC: selective search as in R-CNN", boxes, "100", f"{low}", NONE)),
        Row(("paper, on ILSVRC: half of it, and 200 boxes of MultiBox", NONE, "about 60", f"{high}", NONE)),
    ]
    names = shown_sources(study)
    for name in names:
        source, full = study.sources[name], undoubled.boxes_per_image
        share = decimal(100 * source.boxes_per_image / full if full else None, 0)
        bounds = exact(source.interval, source.coverage_percent, source.objects)
        covered = (decimal(source.coverage_percent, 1), interval(bounds, 1))
        cells = (source_name(name, study.superpixel_scale), count(source.boxes_per_image), share, *covered)
        rows.append(Row(cells, OURS if name == names[-1] else ""))
    covered_of = ("Coverage, %", confidence(undoubled.interval))
    columns = (*texts("Boxes from"), *numbers("Boxes per image", "Boxes, % of the undoubled", *covered_of))
    caption = (
        f"Section 8: boxes, and objects that some box overlaps by at least {study.iou:g}, of "
        f"{plural(study.objects, 'object')} in {plural(study.compared_images, 'image')} of {study.split}."
    )
    note = (
        f"The {boxes} boxes are R-CNN's own figure, with a coverage of {rcnn['recall']} there. The interval is over "
        "images; if no object, or every object, is covered, over objects (Clopper and Pearson). The sentences above state "
        "whether two rows differ; overlapping intervals do not decide it."
    )
    if "priors" in names:
        note += " Fixed boxes: the same in every image, from k-means on the training set's boxes."
    return Table("Region proposals: how many, and what they cover", caption, columns, tuple(rows), note)


def summary(study: ProposalStudyMetrics) -> tuple[str, ...]:
    """State the effects of larger superpixels, of adding MultiBox and of training it, as the intervals allow."""
    full, ours = study.sources["selective_search_full"], study.sources["selective_search"]
    ratio = study.superpixel_scale.ours / study.superpixel_scale.compared
    before, after = (f"{decimal(row.coverage_percent, 1)} % {interval(row.interval, 1)}" for row in (full, ours))
    before_and_after = (
        f"With superpixels {ratio:g} times as large, {count(full.boxes_per_image)} boxes per image become "
        f"{count(ours.boxes_per_image)}, and coverage changes from {before} to {after}."
        if ratio != 1
        else f"The superpixels have the compared size (nothing doubled): {count(full.boxes_per_image)} boxes per image."
    )
    sentences = (
        "The paper halved the number of selective search's boxes by doubling its superpixels, and added 200 boxes of "
        "MultiBox: about 60 % of the boxes, and coverage from 92 to 93 %.",
        before_and_after,
    )
    learned = study.differences.multibox_minus_priors
    if learned is None:
        return sentences
    return (
        *sentences,
        f"With MultiBox's boxes there are {decimal(study.share_of_boxes_percent, 0)} % as many boxes as in undoubled "
        f"selective search; coverage against the latter: {gain(study.differences.merged_minus_full)}.",
        f"Coverage of MultiBox against as many fixed boxes: {gain(learned)}.",
    )


def least_covered(per_class: Iterable[ClassCoverage]) -> list[tuple[float, ClassCoverage]]:
    """Return the classes that have objects, with their coverage in %, least covered first."""
    known = [(row.coverage_percent, row) for row in per_class if row.coverage_percent is not None]
    return sorted(known, key=lambda pair: (pair[0], pair[1].class_name))


def by_class(study: ProposalStudyMetrics, shown: int = 30) -> Table:
    """Coverage by class from every source, least covered first, and whether MultiBox beats fixed boxes in each."""
    names, learned, scale = shown_sources(study), study.differences.multibox_minus_priors, study.superpixel_scale
    covered = [{row.class_name: row.coverage_percent for row in study.sources[name].per_class} for name in names]
    gains = {row.class_name: row.gain for row in learned.per_class} if learned else {}
    known = least_covered(study.sources[names[-1]].per_class)
    rows = []
    for _, row in known[:shown]:
        shares = (decimal(of_class[row.class_name], 1) for of_class in covered)
        gained = _learned(gains[row.class_name]) if learned else ()
        rows.append(Row((row.class_name, count(row.objects), *shares, *gained)))
    searched = (f"Search {TIMES} {scale.compared:g}", f"Search {TIMES} {scale.ours:g}")
    columns = (*texts("Class"), *numbers("Objects", *searched))
    note = f"Search: selective search, {TIMES} the size of its superpixels."
    if learned:
        minus = ("MultiBox minus fixed boxes", confidence(learned.interval))
        columns += (*numbers("MultiBox", "Fixed boxes", "Both", *minus), *texts("MultiBox is"))
        note += (
            " Each interval is for its class alone: among many classes a few exclude zero by chance. A class that fewer "
            f"than {LEAST_IMAGES} images hold has none."
        )
    some = f"; the lowest {count(len(rows))} of {count(len(known))} classes" if len(known) > len(rows) else ""
    caption = f"Objects covered by class, in %; lowest coverage{' by both' if learned else ''} first{some}."
    return Table("Coverage by class", caption, columns, tuple(rows), note)


def _learned(pair: Difference | None) -> tuple[str, str, str]:
    """Return a class's difference from the fixed boxes, its interval, and the conclusion it supports."""
    if pair is None:
        return NONE, NONE, NONE
    bounds = pair.interval
    conclusion = {1: "better", -1: "worse", 0: UNDECIDED}[bounds.side]
    return signed(pair.difference, 1), interval(bounds, 1), conclusion


def coverage(ours: Coverage) -> Table:
    """Share of ground-truth boxes covered by the detectors' regions at an IoU of 0.5, ours and the paper's."""
    facts = paper.facts("detection")
    rcnn, printed = facts["rcnn_recipe"]["selective_search"], facts["proposals"]
    _, after = printed["coverage"]  # before and after MultiBox
    rows = [
        Row(("R-CNN's selective search", count(rcnn["boxes_per_image"]), rcnn["recall"].rstrip(" %"))),
        Row(("GoogLeNet: superpixel size doubled, with MultiBox", printed["total"], f"{after}")),
        Row(("Ours", decimal(ours.boxes_per_image, 0), decimal(ours.coverage_percent, 1)), OURS),
    ]
    columns = (*texts("Proposals"), *numbers("Boxes per image", "Coverage, %"))
    caption = "Section 8: boxes proposed and objects covered, over all test images."
    return Table("Region proposals", caption, columns, tuple(rows))


def parts(by_part: Mapping[str, ProposalMetrics]) -> Table:
    """Selective search boxes in each part of the data."""
    rows = [
        Row((name, count(part.images), count(part.boxes), decimal(part.boxes_per_image, 1)))
        for name, part in by_part.items()
    ]
    columns = (*texts("Part"), *numbers("Images", "Boxes", "Boxes per image"))
    return Table("Selective search by part", "Over all images.", columns, tuple(rows))
