"""Figures drawn onto images: the crops of one image, detections, proposals. Metrics and images in, PNG bytes out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from math import ceil
from typing import Any

import numpy as np

from googlenet.metrics.detection import DetectionExample, DetectionMetrics
from googlenet.metrics.proposals import Box, LabelledBox, ProposalExample, ProposalStudyMetrics
from googlenet.metrics.results import Results
from googlenet.report.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY, bare, canvas, clipped, outline
from googlenet.report.words import count, decimal

Crop = tuple[int, int, int, Sequence[float]]
CROP_COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE)
PLACES = ("top left", "top right", "bottom left", "bottom right", "centre")
PANEL = 3.4  # the width of one panel in inches
TALLEST = 1.6  # a panel's height over its width, at most
VERDICTS = {True: GREEN, False: RED, None: GREY}  # right, wrong, counts neither way
DASH = (0, (3, 2))  # line style of the ground truth
Line = tuple[str, Any]  # colour and dash


def crops_144(image: np.ndarray, crops: Sequence[Crop]) -> bytes:
    """Draw the distinct crops of one image (section 7): a column for each scale, a row for each square.

    image: uint8 [h, w, 3]. crops, without the mirrored ones: (scale_px after resizing, square index, crop index, box),
    the box (xmin, ymin, xmax, ymax) in inclusive pixels of the given image. The crops are drawn at one size, the image
    larger at each larger scale.
    """
    from matplotlib.lines import Line2D

    scales, squares = sorted({crop[0] for crop in crops}), sorted({crop[1] for crop in crops})
    height, width = image.shape[:2]
    largest = scales[-1] / min(height, width)
    names = ("left", "centre", "right") if width >= height else ("top", "centre", "bottom")
    with canvas(0.3 + 2.6 * len(scales), 0.8 + 2.6 * height / width * len(squares)) as (figure, png):
        panels = figure.subplots(len(squares), len(scales), squeeze=False)
        for row, square in enumerate(squares):
            for column, scale in enumerate(scales):
                axes = panels[row][column]
                _draw_crops(axes, image, scale, [crop[3] for crop in crops if crop[:2] == (scale, square)])
                axes.set_xlim(-0.01 * largest * width, 1.01 * largest * width)
                axes.set_ylim(1.01 * largest * height, -0.01 * largest * height)
                if row == 0:
                    axes.set_title(f"shorter side {scale} px", fontweight="normal")
                if column == 0:
                    name = f"{names[square]} square" if len(squares) > 1 else "the one square"
                    axes.set_ylabel(name, fontsize=10)
        handles = [Line2D([], [], color=BLACK, linewidth=2.4)]
        handles += [Line2D([], [], color=colour) for colour in CROP_COLOURS]
        figure.legend(handles, ["whole square, resized", *PLACES], loc="outside lower center", ncols=3)
    return png.getvalue()


def _draw_crops(axes: Any, image: np.ndarray, scale: int, boxes: list[Sequence[float]]) -> None:
    """Draw one square of one scale: the image faded outside it, and its crops outlined."""
    from matplotlib.patches import Rectangle

    factor = scale / min(image.shape[:2])
    height, width = factor * image.shape[0], factor * image.shape[1]
    axes.imshow(image, extent=(0, width, height, 0), interpolation="antialiased")
    bare(axes)
    if not boxes:
        return
    edges = np.array(boxes, float)
    edges[:, 2:] += 1  # inclusive pixels to edges
    edges *= factor
    square = (*edges[:, :2].min(axis=0), *edges[:, 2:].max(axis=0))
    bands = (
        *((0, 0, width, square[1]), (0, square[3], width, height)),
        *((0, square[1], square[0], square[3]), (square[2], square[1], width, square[3])),
    )
    for left, top, right, bottom in bands:
        style: dict[str, Any] = {"color": "white", "alpha": 0.68, "linewidth": 0}
        axes.add_patch(Rectangle((left, top), right - left, bottom - top, **style))
    sizes = (edges[:, 2:] - edges[:, :2]).prod(axis=1)
    whole = int(sizes.argmax()) if sizes.max() > 1.001 * sizes.min() else -1
    if whole >= 0:
        outline(axes, edges[whole], BLACK, linewidth=2.4)
    for index, box in enumerate(edges):
        if index != whole:
            place = place_in_square(box, square)
            inset = (place + 1) * 0.006 * scale  # keeps outlines that share an edge apart
            outline(axes, box + np.array([inset, inset, -inset, -inset]), CROP_COLOURS[place], linewidth=1.6)


def place_in_square(box: np.ndarray, square: Sequence[float]) -> int:
    """Return the position of a crop in its square, as an index of PLACES."""
    right, below = ((box[i] - square[i]) - (square[i + 2] - box[i + 2]) for i in (0, 1))
    if max(abs(right), abs(below)) < 0.02 * (square[2] - square[0]):
        return 4
    return int(right > 0) + 2 * int(below > 0)


def detections(images: Sequence[np.ndarray], examples: Sequence[DetectionExample], score: float) -> bytes:
    """Draw ground truth (dashed) and detections from `score` up (right or wrong) onto each image, uint8 [h, w, 3]."""
    lines: dict[str, Line] = {"ground truth": (BLUE, DASH)}
    lines |= {f"detection of score {score:g} or more: right": (GREEN, "-"), "wrong": (RED, "-")}
    if any(detection.correct is None for example in examples for detection in example.detections):
        lines["counts neither way"] = (GREY, "-")
    with _image_grid(images, lines, columns=3, width=PANEL) as (grid, png):
        for axes, image, example in zip(grid, images, examples, strict=True):
            title = f"{clipped(example.name, 26)}: F1 {decimal(example.f1_percent, 0)} %"
            axes.set_title(title, fontweight="normal", fontsize=9)
            _ground_truth(axes, example.ground_truth)
            for detection in sorted(example.detections, key=lambda row: row.score):
                colour = VERDICTS[detection.correct]
                text = f"{clipped(detection.class_name, 18)} {detection.score:.2f}"
                outline(axes, _edges(detection.box), colour, linewidth=2)
                _label(axes, detection.box, text, colour, image.shape[0])
    return png.getvalue()


def proposals(images: Sequence[np.ndarray], examples: Sequence[ProposalExample]) -> bytes:
    """Draw two panels per image, uint8 [h, w, 3]: some selective search boxes, and MultiBox's best; objects in both."""
    lines: dict[str, Line] = {"ground truth": (BLUE, DASH), "selective search": (SKY, "-"), "MultiBox": (ORANGE, "-")}
    twice = [image for image in images for _ in range(2)]
    with _image_grid(twice, lines, columns=2, width=4.6) as (grid, png):
        for left, right, example in zip(grid[::2], grid[1::2], examples, strict=True):
            name, searched, best = clipped(example.name, 22), example.selective_search, example.multibox
            left_title = f"{name}: {count(len(searched))} boxes of selective search"
            right_title = f"{name}: MultiBox's best {count(len(best))}"
            _draw_proposals(left, left_title, searched, SKY, example.ground_truth)
            _draw_proposals(right, right_title, [row.box for row in best], ORANGE, example.ground_truth)
    return png.getvalue()


def _draw_proposals(axes: Any, title: str, boxes: Sequence[Box], colour: str, objects: Sequence[LabelledBox]) -> None:
    axes.set_title(title, fontweight="normal", fontsize=9)
    for box in boxes:
        outline(axes, _edges(box), BLACK, linewidth=1.8, alpha=0.35)
        outline(axes, _edges(box), colour, linewidth=1)
    _ground_truth(axes, objects)


@contextmanager
def _image_grid(
    images: Sequence[np.ndarray], lines: Mapping[str, Line], columns: int, width: float
) -> Iterator[tuple[Sequence[Any], BytesIO]]:
    """Yield axes that show one image each, and the buffer for the PNG; lines: those in the legend, by name."""
    from matplotlib.lines import Line2D

    columns = min(columns, max(1, len(images)))
    rows = ceil(len(images) / columns) or 1
    tallest = max((image.shape[0] / image.shape[1] for image in images), default=1.0)
    height = 0.6 + (width * min(tallest, TALLEST) + 0.25) * rows
    with canvas(max(width * columns, 2 * PANEL), height) as (figure, png):
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes in grid:
            bare(axes)
        for axes, image in zip(grid, images, strict=False):
            axes.imshow(image, interpolation="antialiased")
        yield grid[: len(images)], png
        handles = [Line2D([], [], color=colour, linestyle=dash, linewidth=2) for colour, dash in lines.values()]
        figure.legend(handles, list(lines), loc="outside lower center", ncols=len(lines))


def _edges(box: Box) -> Box:
    """Convert inclusive pixels to edges as imshow draws them: the centre of pixel 0 is at 0."""
    return box[0] - 0.5, box[1] - 0.5, box[2] + 0.5, box[3] + 0.5


def _ground_truth(axes: Any, objects: Sequence[LabelledBox]) -> None:
    for truth in objects:
        outline(axes, _edges(truth.box), "white", linewidth=3.2)
        outline(axes, _edges(truth.box), BLUE, linewidth=1.8, linestyle=DASH)


def _label(axes: Any, box: Box, text: str, colour: str, height: int) -> None:
    above = box[1] > 0.08 * height  # otherwise the label would be outside the image
    place = {"xytext": (1, 1 if above else -1), "textcoords": "offset points", "va": "bottom" if above else "top"}
    frame = {"facecolor": "white", "edgecolor": colour, "pad": 1, "linewidth": 0.8, "alpha": 0.9}
    style = {"fontsize": 7.5, "color": BLACK, "bbox": frame, "annotation_clip": False}
    axes.annotate(text, (box[0] - 0.5, box[1] - 0.5), **place, **style)


def from_metrics(results: Results, image: Callable[[int], np.ndarray]) -> dict[str, bytes]:
    """Make the drawings that the results allow, by name; image: returns a test image by index, uint8 [h, w, 3]."""
    made = {}
    if detection := results.one(DetectionMetrics):
        examples = detection.examples
        for name, rows in (("best", examples.best), ("worst", examples.worst)):
            if rows:
                images = [image(row.index) for row in rows]
                made[f"detections_{name}"] = detections(images, rows, examples.score)
    if (study := results.one(ProposalStudyMetrics)) and study.examples:
        shown = study.examples[:3]
        made["proposals"] = proposals([image(row.index) for row in shown], shown)
    return made
