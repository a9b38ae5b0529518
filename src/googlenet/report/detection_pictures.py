"""Detections and proposals drawn onto images. Plain values in, PNG bytes out."""

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

import numpy as np

from googlenet.report.pictures import outline
from googlenet.report.style import BLACK, BLUE, GREEN, GREY, ORANGE, RED, SKY, bare, clipped, drawn
from googlenet.report.words import count, decimal

COLUMNS, PANEL = 3, 3.4  # panels in a row, and the width of one in inches
TALLEST = 1.6  # a panel's height over its width, at most
PICTURES_WITH_PROPOSALS = 3
VERDICTS = {True: GREEN, False: RED, None: GREY}  # right, wrong, counts neither way


def detections(images: list[np.ndarray], examples: list[dict[str, Any]], score: float) -> bytes:
    """Ground truth (dashed) and detections from `score` on (solid, right or wrong, with class and score) by image.

    images: uint8 [h, w, 3] each; examples: rows of evaluate_detection's "examples" in the same order:
    {"name", "f1_percent", "ground_truth": [{"box", "class"}], "detections": [{"box", "class", "score", "correct"}]},
    boxes inclusive.
    """

    def panel(axes: Any, image: np.ndarray, example: dict[str, Any]) -> None:
        title = f"{clipped(example['name'], 26)}: F1 {decimal(example['f1_percent'], 0)} %"
        axes.set_title(title, fontweight="normal", fontsize=9)
        _ground_truth(axes, example)
        for found in sorted(example["detections"], key=lambda row: row["score"]):
            colour, text = VERDICTS[found["correct"]], f"{clipped(found['class'], 18)} {found['score']:.2f}"
            outline(axes, _edges(found["box"]), colour, linewidth=2)
            _label(axes, found["box"], text, colour, image.shape[0])

    names = {"ground truth": (BLUE, (0, (3, 2)))}
    names |= {f"detection of score {score:g} or more: right": (GREEN, "-"), "wrong": (RED, "-")}
    if any(found["correct"] is None for example in examples for found in example["detections"]):
        names["counts neither way"] = (GREY, "-")
    return _panels(images, examples, panel, names)


def proposals(images: list[np.ndarray], examples: list[dict[str, Any]]) -> bytes:
    """For each image two panels: some boxes of selective search, and MultiBox's best; ground truth in both.

    examples: rows of study_proposals' "examples": {"name", "ground_truth": [{"box", "class"}], "selective_search": [box],
    "multibox": [{"box", "confidence"}]}, boxes inclusive; MultiBox's best first.
    """
    shown = [
        {"said": said, "boxes": boxes, "colour": colour, **example}
        for example in examples
        for said, boxes, colour in (
            ("{} boxes of selective search", example["selective_search"], SKY),
            ("MultiBox's best {}", [found["box"] for found in example["multibox"]], ORANGE),
        )
    ]

    def panel(axes: Any, image: np.ndarray, example: dict[str, Any]) -> None:
        said = example["said"].format(count(len(example["boxes"])))
        axes.set_title(f"{clipped(example['name'], 22)}: {said}", fontweight="normal", fontsize=9)
        for box in example["boxes"]:
            outline(axes, _edges(box), BLACK, linewidth=1.8, alpha=0.35)
            outline(axes, _edges(box), example["colour"], linewidth=1)
        _ground_truth(axes, example)

    names = {"ground truth": (BLUE, (0, (3, 2))), "selective search": (SKY, "-"), "MultiBox": (ORANGE, "-")}
    return _panels([image for image in images for _ in range(2)], shown, panel, names, columns=2, width=4.6)


def _panels(
    images: list[np.ndarray],
    examples: list[dict[str, Any]],
    panel: Callable[[Any, np.ndarray, dict[str, Any]], None],
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


def _edges(box: Sequence[float]) -> tuple[float, float, float, float]:
    """Inclusive pixels to the edges that imshow draws: the centre of pixel 0 is at 0."""
    return box[0] - 0.5, box[1] - 0.5, box[2] + 0.5, box[3] + 0.5


def _ground_truth(axes: Any, example: dict[str, Any]) -> None:
    for truth in example["ground_truth"]:
        outline(axes, _edges(truth["box"]), "white", linewidth=3.2)
        outline(axes, _edges(truth["box"]), BLUE, linewidth=1.8, linestyle=(0, (3, 2)))


def _label(axes: Any, box: Sequence[float], text: str, colour: str, height: int) -> None:
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


def from_metrics(metrics: dict[str, Any], picture: Callable[[int], np.ndarray]) -> dict[str, bytes]:
    """The drawings that the metrics allow, by their names; picture: a test picture by its index, uint8 [h, w, 3]."""
    made = {}
    examples = metrics.get("evaluate_detection", {}).get("examples", {})
    for which in ("best", "worst"):
        rows = examples.get(which)
        if rows:
            images = [picture(row["index"]) for row in rows]
            made[f"detections_{which}"] = detections(images, rows, examples["score"])
    rows = metrics.get("study_proposals", {}).get("examples", [])[:PICTURES_WITH_PROPOSALS]
    if rows:
        made["proposals"] = proposals([picture(row["index"]) for row in rows], rows)
    return made
