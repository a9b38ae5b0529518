"""Region proposals in words and tables: how many boxes, how many objects they cover, the paper's figures beside."""

from typing import Any

from googlenet import paper
from googlenet.report.parts import OURS, Column, Row, Table
from googlenet.report.words import NONE, TIMES, count, decimal, gain, in_order, interval, plural, signed

SOURCES = ("selective_search_full", "selective_search", "multibox", "priors", "merged")
CLASSES_SHOWN = 30


def source_name(source: str, study: dict[str, Any]) -> str:
    """A source of boxes in words, with its superpixel scale where that is what it differs in."""
    scale = study["superpixel_scale"]
    return {
        "selective_search_full": f"selective search, superpixels times {scale['compared']:g}",
        "selective_search": f"selective search, superpixels times {scale['ours']:g}",
        "multibox": "MultiBox",
        "priors": "as many fixed boxes",
        "merged": "both: selective search and MultiBox",
    }[source]


def sources(study: dict[str, Any]) -> Table:
    """Every source of boxes: boxes an image, coverage with its interval, and the paper's two figures above."""
    told = paper.facts("detection")
    rcnn, (low, high) = told["rcnn_recipe"]["selective_search"], told["proposals"]["coverage"]
    full = study["sources"]["selective_search_full"]["boxes_per_image"]
    boxes = count(rcnn["boxes_per_image"])
    rows = [
        Row(("paper, on ILSVRC: selective search as in R-CNN", boxes, "100", f"{low}", NONE)),
        Row(("paper, on ILSVRC: half of it, and 200 boxes of MultiBox", NONE, "about 60", f"{high}", NONE)),
    ]
    for name in SOURCES:
        found = study["sources"][name]
        cells = (
            source_name(name, study),
            count(found["boxes_per_image"]),
            decimal(100 * found["boxes_per_image"] / full if full else None, 0),
            decimal(found["coverage_percent"], 1),
            interval(found["interval"], 1),
        )
        rows.append(Row(cells, OURS if name == "merged" else ""))
    columns = (
        Column("Boxes from", words=True),
        Column("Boxes an image"),
        Column("Boxes, % of the undoubled"),
        Column("Coverage, %"),
        Column(f"{study['confidence_percent']:g} % interval"),
    )
    caption = (
        f"Section 8: boxes, and objects that some box overlaps by at least {study['iou']:g}, of {plural(study['objects'], 'object')} in "
        f"{plural(study['compared_images'], 'image')} of {study['split']}."
    )
    note = (
        f"The {boxes} boxes are R-CNN's own figure, which covered {rcnn['recall']} there. The interval is over images. Whether two rows differ is in the sentences above, not in whether their intervals overlap. "
        "Fixed boxes: the same in every image, k-means of the training set's."
    )
    return Table("Region proposals: how many, and what they cover", caption, columns, tuple(rows), note)


def said(study: dict[str, Any]) -> tuple[str, ...]:
    """What doubling the superpixels, adding MultiBox and learning it change, as far as the intervals carry."""
    full, ours = (study["sources"][name] for name in ("selective_search_full", "selective_search"))
    scale, confidence = study["superpixel_scale"], study["confidence_percent"]
    merged, priors = (study["differences"][key] for key in ("merged_minus_full", "multibox_minus_priors"))
    ratio = scale["ours"] / scale["compared"]
    before_and_after = (
        f"Superpixels {ratio:g} times as large: {count(full['boxes_per_image'])} boxes an image become "
        f"{count(ours['boxes_per_image'])}, and {_covered(full)} of the objects covered become {_covered(ours)}."
        if ratio != 1
        else f"The superpixels have the compared size, so nothing was doubled: {count(full['boxes_per_image'])} boxes an image."
    )
    return (
        "The paper halved selective search by doubling its superpixels and added 200 boxes of MultiBox: about 60 % of the "
        "boxes, and coverage from 92 to 93 %.",
        before_and_after,
        f"With MultiBox's boxes there are {decimal(study['share_of_boxes_percent'], 0)} % of the boxes of the undoubled selective "
        f"search; their coverage, against its, is: {gain(merged['coverage_percent'], merged['interval'], confidence)}.",
        "MultiBox against as many fixed boxes, in coverage: "
        f"{gain(priors['coverage_percent'], priors['interval'], confidence)}.",
    )


def _covered(found: dict[str, Any]) -> str:
    return f"{decimal(found['coverage_percent'], 1)} % {interval(found['interval'], 1)}"


def by_class(study: dict[str, Any], shown: int = CLASSES_SHOWN) -> Table:
    """Coverage by class from every source, the least covered first, and whether MultiBox beats fixed boxes there."""
    rows_of = {name: {row["class"]: row for row in study["sources"][name]["per_class"]} for name in SOURCES}
    learned = {row["class"]: row for row in study["differences"]["multibox_minus_priors"]["per_class"]}
    known = [row for row in rows_of["merged"].values() if row["coverage_percent"] is not None]
    worst = sorted(known, key=lambda row: (row["coverage_percent"], str(row["class"])))[:shown]
    rows = []
    for row in worst:
        name, pair = row["class"], learned.get(row["class"]) or {}
        cells = [str(name), count(row["objects"])]
        cells += [decimal(rows_of[source][name]["coverage_percent"], 1) for source in SOURCES]
        cells += _learned(pair)
        rows.append(Row(tuple(cells)))
    scale = study["superpixel_scale"]
    heads = (f"Search {TIMES} {scale['compared']:g}", f"Search {TIMES} {scale['ours']:g}")
    columns = [Column("Class", words=True), Column("Objects")]
    columns += [Column(head) for head in (*heads, "MultiBox", "Fixed boxes", "Both")]
    columns += [
        Column("MultiBox less fixed boxes"),
        Column(f"{study['confidence_percent']:g} % interval"),
        Column("MultiBox is", words=True),
    ]
    some = (
        f"; the {count(len(worst))} of {count(len(known))} classes with the least"
        if len(known) > len(worst)
        else ""
    )
    caption = f"Objects covered by class, in %, the least by both first{some}."
    note = (
        f"Search: selective search, {TIMES} the size of its superpixels. Each interval is of its own class: among many classes a few "
        "lie off zero by chance."
    )
    return Table("Coverage by class", caption, tuple(columns), tuple(rows), note)


def _learned(pair: dict[str, Any]) -> tuple[str, str, str]:
    """A class's difference to the fixed boxes, its interval, and the words that this carries."""
    if not pair.get("interval"):
        return NONE, NONE, NONE
    low, high = pair["interval"]
    said = "better" if low > 0 else "worse" if high < 0 else "neither, as far as the interval carries"
    return signed(pair["coverage_percent"], 1), interval((low, high), 1), said


def coverage(detection: dict[str, Any]) -> Table:
    """How many ground-truth boxes the detectors' regions cover at an overlap of one half, and the paper's share."""
    ours, told = detection["coverage"], paper.facts("detection")
    rcnn, printed = told["rcnn_recipe"]["selective_search"], told["proposals"]
    low, high = printed["coverage"]
    rows = [
        Row(("R-CNN's selective search", count(rcnn["boxes_per_image"]), rcnn["recall"].rstrip(" %"))),
        Row(("GoogLeNet: superpixel size doubled, with MultiBox", printed["total"], f"{low} to {high}")),
        Row(("Ours", decimal(ours["boxes_per_image"], 0), decimal(ours["coverage_percent"], 1)), OURS),
    ]
    columns = (Column("Proposals", words=True), Column("Boxes an image"), Column("Coverage, %"))
    caption = "Section 8: boxes proposed and objects covered, over all test images."
    return Table("Region proposals", caption, columns, tuple(rows))


def parts(propose_regions: dict[str, Any]) -> Table:
    """Boxes of selective search in each part of the data."""
    rows = (
        Row((name, *(count(part[key]) for key in ("images", "boxes")), decimal(part["boxes_per_image"], 1)))
        for name, part in ((name, propose_regions[name]) for name in in_order(propose_regions))
    )
    columns = (Column("Part", words=True), Column("Images"), Column("Boxes"), Column("Boxes an image"))
    return Table("Selective search by part", "Over every image.", columns, tuple(rows))
