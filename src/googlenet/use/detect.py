"""The command `googlenet detect`: objects in the user's images."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from googlenet.report.style import BLACK, DPI, PALETTE, canvas, clipped, outline
from googlenet.report.words import plural
from googlenet.storage.files import write_bytes
from googlenet.use.detectors import Detected, DetectorEnsemble
from googlenet.use.images import Images, named
from googlenet.use.results import Asked, Results, fallbacks, in_use
from googlenet.use.show import JsonList, Terminal, check_outputs, opened, rate, unique

LEAST_PX = 640  # shorter side of a drawing, so that its text is readable


@dataclass(frozen=True)
class Detection:
    """What to detect, and where to write it. files: arguments of the command line; json: a file, - or ""."""

    files: tuple[str, ...]
    asked: Asked = field(default_factory=Asked)
    detector: str = ""
    min_score: float = 0.5
    json: str = ""
    draw: Path | None = None


def perform(request: Detection, root: Path) -> int:
    """Detect in every file, and show each result as soon as it is done. Returns 1 if any file is unreadable, else 0."""
    terminal = Terminal(check_outputs(request.json))
    paths = named(request.files)
    ensemble = DetectorEnsemble(Results.of(root, request.asked.experiment), request.asked, request.detector)
    images, numbers = Images(paths, ensemble.opener), image_ids(paths)
    start, drawn = time.monotonic(), set[str]()
    with ExitStack() as files:
        rows = files.enter_context(JsonList(files.enter_context(opened(request.json))))
        for number, found in enumerate(ensemble.detections(images)):
            if found is None:
                terminal.say(f"error: {images.faults[number]}")
                continue
            for row in coco(found, ensemble.classes):
                rows.add({"image_id": numbers[number], "file_name": paths[number], **row})
            shown = [row for row in coco(found, ensemble.classes) if row["score"] >= request.min_score]
            note = f"{found.proposals} regions proposed; boxes of a score below {request.min_score:g} are not shown"
            terminal.bars(paths[number], [(place(row), row["score"]) for row in shown], note)
            if request.draw:
                path = unique(request.draw, paths[number], drawn)
                write_bytes(path, drawing(images[number], shown))
    done = len(paths) - len(images.faults)
    for line in fallbacks(ensemble.uses):
        terminal.say(line)
    how = f"{plural(len(ensemble.detectors), 'detector')}, {in_use(ensemble.uses)}"
    terminal.say(f"{rate('image', done, time.monotonic() - start)}; {how}")
    return int(bool(images.faults))


def image_ids(paths: Sequence[str]) -> list[int]:
    """COCO's image ids: the file names if all are distinct numbers, as in COCO, else 1, 2, ..."""
    stems = [Path(path).stem for path in paths]
    if all(stem.isdecimal() for stem in stems) and len(set(map(int, stems))) == len(stems):
        return list(map(int, stems))
    return list(range(1, len(paths) + 1))


def coco(found: Detected, classes: Sequence[str]) -> list[dict[str, Any]]:
    """Detections as COCO's results: bbox (x, y, width, height), category_id from 1 in the order of the classes."""
    rows = []
    for (left, top, right, bottom), label, score in zip(found.boxes.tolist(), found.labels, found.scores, strict=True):
        bbox = [left, top, right - left + 1, bottom - top + 1]
        rows.append({"category_id": int(label) + 1, "category": classes[label], "bbox": bbox, "score": float(score)})
    return rows


def place(row: dict[str, Any]) -> str:
    """A detection's class and box, as text."""
    x, y, width, height = (round(value) for value in row["bbox"])
    return f"{row['category']} at ({x}, {y}), {width} x {height} px"


def drawing(image: np.ndarray, rows: Sequence[dict[str, Any]]) -> bytes:
    """A PNG of the image with its boxes, coloured by class, the best on top."""
    height, width = image.shape[:2]
    scale = max(1.0, LEAST_PX / min(height, width)) / DPI
    with canvas(width * scale, height * scale) as (figure, png):
        figure.set_layout_engine("none")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.imshow(image, interpolation="antialiased", extent=(0, width, height, 0))
        for row in reversed(rows):
            x, y, w, h = row["bbox"]
            colour = PALETTE[(row["category_id"] - 1) % len(PALETTE)]
            outline(axes, (x, y, x + w, y + h), "white", linewidth=4)
            outline(axes, (x, y, x + w, y + h), colour, linewidth=2.2)
            above = y > 0.06 * height  # otherwise the label would leave the image
            offset = {
                "xytext": (0, 2 if above else -2),
                "textcoords": "offset points",
                "va": "bottom" if above else "top",
            }
            frame = {"facecolor": "white", "edgecolor": colour, "pad": 1.5, "linewidth": 1, "alpha": 0.9}
            text = f"{clipped(row['category'], 20)} {row['score']:.2f}"
            axes.annotate(text, (x, y), **offset, fontsize=8, color=BLACK, bbox=frame)
    return png.getvalue()
