"""Detections and proposals drawn onto images. Metrics and images in, PNG bytes out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, TypeVar

import numpy as np

from googlenet.metrics.detection import DetectionExample, DetectionMetrics
from googlenet.metrics.proposals import Box, LabelledBox, ProposalExample, ProposalStudyMetrics
from googlenet.metrics.results import Results
from googlenet.report.pictures import outline
from googlenet.report.style import BLACK, BLUE, GREEN, GREY, ORANGE, RED, SKY, bare, clipped, drawn
from googlenet.report.words import count, decimal

COLUMNS, PANEL = 3, 3.4  # panels in a row, and the width of one in inches
TALLEST = 1.6  # a panel's height over its width, at most
IMAGES_WITH_PROPOSALS = 3
VERDICTS = {True: GREEN, False: RED, None: GREY}  # right, wrong, counts neither way
ExampleT = TypeVar("ExampleT")


@dataclass(frozen=True)
class _Proposed:
    """The boxes of one source on an image, and its objects."""

    title: str
    boxes: Sequence[Box]
    colour: str
    ground_truth: Sequence[LabelledBox]


def detections(images: Sequence[np.ndarray], examples: Sequence[DetectionExample], score: float) -> bytes:
    """Ground truth (dashed) and detections from `score` on (solid, right or wrong, with class and score) by image.

    images: uint8 [h, w, 3] each, in the order of the examples.
    """

    def panel(axes: Any, image: np.ndarray, example: DetectionExample) -> None:
        title = f"{clipped(example.name, 26)}: F1 {decimal(example.f1_percent, 0)} %"
        axes.set_title(title, fontweight="normal", fontsize=9)
        _ground_truth(axes, example.ground_truth)
        for detection in sorted(example.detections, key=lambda row: row.score):
            colour = VERDICTS[detection.correct]
            text = f"{clipped(detection.class_name, 18)} {detection.score:.2f}"
            outline(axes, _edges(detection.box), colour, linewidth=2)
            _label(axes, detection.box, text, colour, image.shape[0])

    names: dict[str, tuple[str, Any]] = {"ground truth": (BLUE, (0, (3, 2)))}
    names |= {f"detection of score {score:g} or more: right": (GREEN, "-"), "wrong": (RED, "-")}
    if any(detection.correct is None for example in examples for detection in example.detections):
        names["counts neither way"] = (GREY, "-")
    return _panels(images, examples, panel, names)


def proposals(images: Sequence[np.ndarray], examples: Sequence[ProposalExample]) -> bytes:
    """For each image two panels: some boxes of selective search, and MultiBox's best; ground truth in both.

    images: uint8 [h, w, 3] each, in the order of the examples.
    """
    shown = []
    for example in examples:
        name, truth = clipped(example.name, 22), example.ground_truth
        searched, best = example.selective_search, [row.box for row in example.multibox]
        title = f"{name}: {count(len(searched))} boxes of selective search"
        shown.append(_Proposed(title, searched, SKY, truth))
        shown.append(_Proposed(f"{name}: MultiBox's best {count(len(best))}", best, ORANGE, truth))

    def panel(axes: Any, image: np.ndarray, proposed: _Proposed) -> None:
        axes.set_title(proposed.title, fontweight="normal", fontsize=9)
        for box in proposed.boxes:
            outline(axes, _edges(box), BLACK, linewidth=1.8, alpha=0.35)
            outline(axes, _edges(box), proposed.colour, linewidth=1)
        _ground_truth(axes, proposed.ground_truth)

    names = {"ground truth": (BLUE, (0, (3, 2))), "selective search": (SKY, "-"), "MultiBox": (ORANGE, "-")}
    return _panels([image for image in images for _ in range(2)], shown, panel, names, columns=2, width=4.6)


def _panels(
    images: Sequence[np.ndarray],
    examples: Sequence[ExampleT],
    panel: Callable[[Any, np.ndarray, ExampleT], None],
    names: dict[str, tuple[str, Any]],
    columns: int = COLUMNS,
    width: float = PANEL,
) -> bytes:
    """The images side by side, `panel` drawing onto each; names: colour and dash of every line of the legend."""
    from matplotlib.lines import Line2D

    columns = min(columns, max(1, len(images)))
    rows = ceil(len(images) / columns) or 1
    tallest = max((image.shape[0] / image.shape[1] for image in images), default=1.0)

    def draw(figure: Any) -> None:
        axes_of = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes in axes_of:
            bare(axes)
        for axes, image, example in zip(axes_of, images, examples, strict=False):
            axes.imshow(image, interpolation="antialiased")
            panel(axes, image, example)
        lines = [Line2D([], [], color=colour, linestyle=dash, linewidth=2) for colour, dash in names.values()]
        figure.legend(lines, list(names), loc="outside lower center", ncols=len(names))

    return drawn(draw, max(width * columns, 2 * PANEL), 0.6 + (width * min(tallest, TALLEST) + 0.25) * rows)


def _edges(box: Box) -> Box:
    """Inclusive pixels to the edges that imshow draws: the centre of pixel 0 is at 0."""
    return box[0] - 0.5, box[1] - 0.5, box[2] + 0.5, box[3] + 0.5


def _ground_truth(axes: Any, objects: Iterable[LabelledBox]) -> None:
    for truth in objects:
        outline(axes, _edges(truth.box), "white", linewidth=3.2)
        outline(axes, _edges(truth.box), BLUE, linewidth=1.8, linestyle=(0, (3, 2)))


def _label(axes: Any, box: Box, text: str, colour: str, height: int) -> None:
    above = box[1] > 0.08 * height  # else the label would leave the image
    axes.annotate(
        text,
        (box[0] - 0.5, box[1] - 0.5),
        xytext=(1, 1 if above else -1),
        textcoords="offset points",
        va="bottom" if above else "top",
        fontsize=7.5,
        color=BLACK,
        bbox={"facecolor": "white", "edgecolor": colour, "pad": 1, "linewidth": 0.8, "alpha": 0.9},
        annotation_clip=False,
    )


def from_metrics(results: Results, image: Callable[[int], np.ndarray]) -> dict[str, bytes]:
    """The drawings that the results allow, by their names; image: a test image by its index, uint8 [h, w, 3]."""
    made = {}
    detection, study = results.one(DetectionMetrics), results.one(ProposalStudyMetrics)
    if detection is not None:
        examples = detection.examples
        for name, rows in (("best", examples.best), ("worst", examples.worst)):
            if rows:
                images = [image(row.index) for row in rows]
                made[f"detections_{name}"] = detections(images, rows, examples.score)
    if study is not None and study.examples:
        shown = study.examples[:IMAGES_WITH_PROPOSALS]
        made["proposals"] = proposals([image(row.index) for row in shown], shown)
    return made
