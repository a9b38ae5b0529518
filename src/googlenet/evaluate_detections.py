"""Score a file of detections against a folder of annotations, by the rules of the ILSVRC detection task.

    python -m googlenet.evaluate_detections detections.txt --annotations Annotations/DET/val --list ImageSets/DET/val.txt \\
        --classes devkit/data/map_det.txt --blacklist devkit/data/ILSVRC2015_det_validation_blacklist.txt

Prints the AP of every class and their mean. Nothing but the files is needed: no images, no experiment.
"""

import argparse
import sys
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from googlenet.data.class_table import read_class_table
from googlenet.data.detection_files import read_blacklist, read_detections, read_list, read_truth
from googlenet.detection.mean_ap import NEUTRAL, Detections, Objects, count_objects, evaluate
from googlenet.errors import UserError, printable
from googlenet.metrics.base import Metrics
from googlenet.storage.files import write_json

Threshold = Literal["small", "fixed"]
Difficult = Literal["neutral", "count"]


class ClassScore(Metrics):
    """A class by its key in the XML and its name: objects to find, detections, and AP, None where there is no object."""

    key: str = Field(serialization_alias="class")
    name: str
    objects: int
    detections: int
    ap_percent: float | None


class Scores(Metrics):
    """What the command prints, and writes as JSON. neutral_detections: those that count neither way."""

    mean_ap_percent: float
    classes: tuple[ClassScore, ...]
    images: int
    objects: int
    detections: int
    neutral_detections: int
    blacklisted_pairs: int
    threshold: Threshold
    difficult: Difficult


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; a UserError becomes one line and exit code 1."""
    given = _parser().parse_args(arguments)
    try:
        result = scored(**{key: value for key, value in vars(given).items() if key != "json"})
        if given.json:
            write_json(given.json, result.model_dump(mode="json", by_alias=True))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(as_text(result))
    return 0


def scored(
    detections: Path,
    annotations: Path,
    list: Path,
    classes: Path | None = None,
    blacklist: Path | None = None,
    threshold: Threshold = "small",
    difficult: Difficult = "neutral",
) -> Scores:
    """Read the files and score: mAP, the AP of each class, and what was counted. Raises UserError for bad input."""
    images = read_list(list)
    truth, known = read_truth(images, annotations, read_class_table(classes) if classes else ())
    pairs = read_blacklist(blacklist, images, known) if blacklist else None
    objects = Objects(truth.image, truth.label, truth.box, truth.difficult, pairs)
    detected = Detections(*read_detections(detections, images, known))
    neutral, total = difficult == "neutral", len(known.keys)
    result = evaluate(detected, objects, total, difficult_neutral=neutral, small=threshold == "small")
    wanted = count_objects(objects, total, difficult_neutral=neutral).tolist()
    counts = np.bincount(detected.label, minlength=total).tolist()
    rows = zip(known.keys, known.names, wanted, counts, result.ap_percent, strict=True)
    return Scores(
        mean_ap_percent=result.mean_ap_percent,
        classes=tuple(
            ClassScore(key=key, name=name, objects=sought, detections=count, ap_percent=ap)
            for key, name, sought, count, ap in rows
        ),
        images=len(images.names),
        objects=sum(wanted),
        detections=len(detected.label),
        neutral_detections=int((result.flags == NEUTRAL).sum()),
        blacklisted_pairs=0 if pairs is None else len(pairs),
        threshold=threshold,
        difficult=difficult,
    )


def as_text(result: Scores) -> str:
    """A table of the classes, and the mean below it."""
    rows = [("class", "objects", "detections", "AP %")]
    for row in result.classes:
        ap = "-" if row.ap_percent is None else f"{row.ap_percent:.2f}"
        rows.append((printable(row.name), f"{row.objects:,}", f"{row.detections:,}", ap))
    scored_classes = sum(row.ap_percent is not None for row in result.classes)
    totals = f"{result.objects:,}", f"{result.detections:,}", f"{result.mean_ap_percent:.2f}"
    rows.append((f"mean of {scored_classes} classes", *totals))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            [name.ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(cells, widths[1:], strict=True))]
        )
        for name, *cells in rows
    ]
    rule = "-" * len(lines[0])
    ignored = (
        f"{result.neutral_detections:,} detections count neither way" if result.neutral_detections else ""
    )
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1], *([ignored] if ignored else [])])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m googlenet.evaluate_detections",
        description="Score a file of detections against a folder of annotations, by ILSVRC's rules.",
        epilog="The forms of the detections are described in googlenet/data/detection_files.py.",
    )
    parser.add_argument(
        "detections", type=Path, help="ILSVRC's submission (text), or .csv or .json with names"
    )
    parser.add_argument("--annotations", type=Path, required=True, help="folder of XML, one for each image")
    parser.add_argument(
        "--list",
        type=Path,
        required=True,
        help="one image to a line; a second column is its number (else: its place)",
    )
    parser.add_argument(
        "--classes",
        type=Path,
        help="`wnid number name` or `name` lines, such as map_det.txt; a submission needs it",
    )
    parser.add_argument("--blacklist", type=Path, help="<image> <class> lines that count neither way")
    parser.add_argument(
        "--threshold",
        choices=("small", "fixed"),
        default="small",
        help="small: ILSVRC's, lower for small objects; fixed: 0.5",
    )
    parser.add_argument(
        "--difficult",
        choices=("neutral", "count"),
        default="neutral",
        help="what objects marked difficult are (VOC)",
    )
    parser.add_argument("--json", type=Path, help="write the result here as JSON too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
