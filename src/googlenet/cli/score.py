"""Score a file of detections against a folder of annotations, by the rules of the ILSVRC detection task.

\b
    googlenet score detections.txt --annotations Annotations/DET/val --list ImageSets/DET/val.txt \\
        --classes devkit/data/map_det.txt --blacklist devkit/data/ILSVRC2015_det_validation_blacklist.txt

Prints the AP of every class and their mean. It needs only these files: no images, no experiment.
"""

from pathlib import Path
from typing import Any, Literal, get_args

import click
import numpy as np
from pydantic import Field

from googlenet.data.class_table import read_class_table
from googlenet.data.detection_files import blacklisted, read_detections, read_truth
from googlenet.data.image_list import read_list
from googlenet.detection.mean_ap import NEUTRAL, Detections, Objects, evaluate
from googlenet.errors import printable
from googlenet.metrics.base import Metrics
from googlenet.storage.files import check_target, write_json

Threshold = Literal["small", "fixed"]
Difficult = Literal["neutral", "count"]


class ClassScore(Metrics):
    """A class's score. key: in the XML; ap_percent: None if there are no objects."""

    key: str = Field(serialization_alias="class")
    name: str
    objects: int
    detections: int
    ap_percent: float | None


class Scores(Metrics):
    """The command's result, printed and written as JSON. neutral_detections: neither true nor false positives."""

    mean_ap_percent: float
    classes: tuple[ClassScore, ...]
    images: int
    objects: int
    detections: int
    neutral_detections: int
    blacklisted_pairs: int
    blacklist_outside: int  # entries on images or classes that are not scored here
    threshold: Threshold
    difficult: Difficult


FORMS = """DETECTIONS is a submission to ILSVRC, lines `image class score xmin ymin xmax ymax` with images and classes as
numbers; or a .csv file with the header `image,class,score,xmin,ymin,xmax,ymax`; or a .json file, a list of
{"image", "class", "score", "box": [xmin, ymin, xmax, ymax]}, both with names."""
FILE = click.Path(path_type=Path)
THRESHOLD, DIFFICULT = click.Choice(get_args(Threshold)), click.Choice(get_args(Difficult))


@click.command(help=__doc__, epilog=FORMS)
@click.argument("detections", type=FILE)
@click.option("--annotations", type=FILE, required=True, help="folder of XML, one for each image")
@click.option(
    "--list",
    type=FILE,
    required=True,
    help="one image name per line, optionally with its number (default: the line number)",
)
@click.option("--classes", type=FILE, help="lines `wnid number name` or `name`, as map_det.txt; a submission needs it")
@click.option("--blacklist", type=FILE, help="<image> <class> lines that count neither way")
@click.option(
    "--numbers", type=FILE, help="list whose numbers the blacklist uses, if not those of --list: the kit's val.txt"
)
@click.option(
    "--threshold", type=THRESHOLD, default="small", help="small: ILSVRC's, lower for small objects; fixed: 0.5"
)
@click.option("--difficult", type=DIFFICULT, default="neutral", help="whether objects marked difficult (VOC) count")
@click.option("--json", type=FILE, help="write the result here as JSON too")
def command(json: Path | None, **given: Any) -> None:
    """Score the files, print the table, write the result as JSON if asked for."""
    if json:
        check_target(json)
    result = scored(**given)
    print(as_text(result))
    if json:
        write_json(json, result.model_dump(mode="json", by_alias=True))


def scored(
    detections: Path,
    annotations: Path,
    list: Path,
    classes: Path | None = None,
    blacklist: Path | None = None,
    numbers: Path | None = None,
    threshold: Threshold = "small",
    difficult: Difficult = "neutral",
) -> Scores:
    """Read the files and score: mAP, the AP of each class, and what was counted. Raises UserError for bad input."""
    images = read_list(list, annotations)
    (image, label, box, hard), known = read_truth(images, annotations, read_class_table(classes) if classes else ())
    pairs, outside = np.zeros((0, 2), np.int64), 0
    if blacklist:
        pairs, outside = blacklisted(blacklist, images, known, read_list(numbers) if numbers else None)
    hard &= difficult == "neutral"
    objects, total = Objects(image, label, box, hard, pairs, np.array(images.numbers)), len(known.keys)
    detected = Detections(*read_detections(detections, images, known))
    result = evaluate(detected, objects, total, small=threshold == "small")
    wanted = result.object_counts.tolist()
    counts = np.bincount(detected.label, minlength=total).tolist()
    rows = zip(known.keys, known.names, wanted, counts, result.ap_percent, strict=True)
    return Scores(
        mean_ap_percent=result.mean_ap_percent,
        classes=tuple(ClassScore(**dict(zip(ClassScore.model_fields, row, strict=True))) for row in rows),
        images=len(images.names),
        objects=sum(wanted),
        detections=len(detected.label),
        neutral_detections=int((result.flags == NEUTRAL).sum()),
        blacklisted_pairs=len(pairs),
        blacklist_outside=outside,
        threshold=threshold,
        difficult=difficult,
    )


def as_text(result: Scores) -> str:
    """Format a table of the classes, with the mean below it."""
    rows = [("class", "objects", "detections", "AP %")]
    for row in result.classes:
        ap = "-" if row.ap_percent is None else f"{row.ap_percent:.2f}"
        rows.append((printable(row.name), f"{row.objects:,}", f"{row.detections:,}", ap))
    scored_classes = sum(row.ap_percent is not None for row in result.classes)
    totals = f"{result.objects:,}", f"{result.detections:,}", f"{result.mean_ap_percent:.2f}"
    rows.append((f"mean of {scored_classes} classes", *totals))
    first, *others = (max(map(len, column)) for column in zip(*rows, strict=True))
    head, *body, last = ("  ".join([name.ljust(first), *map(str.rjust, cells, others)]) for name, *cells in rows)
    rule = "-" * len(head)
    lines = [head, rule, *body, rule, last]
    if result.neutral_detections:
        lines.append(f"{result.neutral_detections:,} detections count neither way")
    if result.blacklist_outside:
        lines.append(f"{result.blacklist_outside:,} entries of the blacklist are on images or classes not scored here")
    return "\n".join(lines)
