"""Figures of single test images, confused classes and first-layer filters: metrics and pixels in, PNG bytes out."""

from collections.abc import Callable, Sequence
from math import ceil

import numpy as np

from googlenet.metrics.classification import EnsembleMetrics
from googlenet.metrics.results import Results
from googlenet.metrics.single_images import Confusion, Mistake, Rescued, SingleImages
from googlenet.report.style import BLACK, GREY_TEXT, bare, canvas, clipped
from googlenet.report.words import decimal, plural

COLUMNS, SIDE = 4, 2.45  # of an image grid: columns, and inches per image with margins
Lines = tuple[str, str, str]  # one above an image, its class, and two below


def images_rescued(images: Sequence[np.ndarray], found: SingleImages) -> bytes:
    """Draw images, uint8 [h, w, 3], that some members get wrong and the average right, with the members' mistakes."""
    return _grid(images, [_rescued_lines(row, found) for row in found.rescued])


def _rescued_lines(row: Rescued, found: SingleImages) -> Lines:
    few, many = plural(found.fewest_crops, "crop"), plural(found.most_crops, "crop")
    name, right = clipped(row.wrong_class, 14), f"{decimal(row.probability_percent, 0)} %"
    if found.members == 1:
        return clipped(row.class_name), f"{few}: {name}", f"{many}: right, {right}"
    wrong = f"{row.members_wrong_most_crops} of {found.members} wrong"
    return (
        clipped(row.class_name),
        f"{few}: {row.members_wrong} of {found.members} wrong ({name})",
        f"{many}: {wrong}; all: {right}",
    )


def images_mistaken(images: Sequence[np.ndarray], found: SingleImages) -> bytes:
    """Draw the images, uint8 [h, w, 3], that the ensemble gets wrong, the most confident mistake first."""
    return _grid(images, [_mistake_lines(row) for row in found.mistakes])


def _mistake_lines(row: Mistake) -> Lines:
    taken = f"taken for {clipped(row.wrong_class, 18)}, {decimal(row.probability_percent, 0)} %"
    return clipped(row.class_name), taken, f"{clipped(row.class_name, 18)}: {decimal(row.right_percent, 0)} %"


def _grid(images: Sequence[np.ndarray], lines: Sequence[Lines]) -> bytes:
    rows = ceil(len(images) / COLUMNS)
    with canvas(COLUMNS * SIDE, rows * (SIDE + 0.6)) as (figure, png):
        grid = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
        for axes in grid:
            bare(axes)
        for axes, image, (title, first, second) in zip(grid, images, lines, strict=False):
            axes.imshow(image, interpolation="antialiased")
            axes.set_title(title, fontsize=10, loc="center")
            axes.set_xlabel(f"{first}\n{second}", fontsize=8.5)
    return png.getvalue()


def confusion_matrix(confusion: Confusion) -> bytes:
    """Draw the confusion matrix, true class by row, predicted class by column: mistakes in colour, correct in grey."""
    counts, names = np.array(confusion.images), [clipped(name, 18) for name in confusion.classes]
    off = np.where(np.eye(len(counts), dtype=bool), 0, counts)
    side = 2.2 + 0.36 * max(5, len(names))
    with canvas(side + 0.6, side) as (figure, png):
        axes = figure.subplots()
        most = max(1, int(off.max()))
        axes.imshow(np.ma.masked_equal(off, 0), cmap="Oranges", vmin=-0.6 * most, vmax=2 * most)
        for (row, column), number in np.ndenumerate(counts):
            if number:
                colour = GREY_TEXT if row == column else BLACK
                axes.text(column, row, str(number), ha="center", va="center", size=9, color=colour)
        axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(names)), names)
        axes.set(xlabel="predicted class", ylabel="class")
        axes.grid(visible=False)
        for edge in range(len(names) + 1):
            axes.axhline(edge - 0.5, color="#E4E4E4", linewidth=0.8)
            axes.axvline(edge - 0.5, color="#E4E4E4", linewidth=0.8)
    return png.getvalue()


def conv1_filters(weights: np.ndarray) -> bytes:
    """Draw the filters of conv1, float32 [n, 3 (RGB), h, w], largest first, each scaled by its own largest weight."""
    order = np.argsort(-np.square(weights).sum((1, 2, 3)), kind="stable")
    columns = 8 if len(weights) <= 32 else 16
    rows, side = ceil(len(weights) / columns), COLUMNS * SIDE / columns
    with canvas(columns * side, rows * side) as (figure, png):
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes in grid:
            bare(axes)
        for axes, number in zip(grid, order, strict=False):
            scaled = weights[number] / max(float(np.abs(weights[number]).max()), 1e-12)
            axes.imshow(0.5 + 0.5 * scaled.transpose(1, 2, 0), interpolation="nearest")
    return png.getvalue()


def from_metrics(results: Results, image: Callable[[int], np.ndarray]) -> dict[str, bytes]:
    """Draw what the results allow, by name; image: returns a test image by index, uint8 [h, w, 3]."""
    made: dict[str, bytes] = {}
    if ensemble := results.one(EnsembleMetrics):
        found = ensemble.single_images
        if found.rescued:
            made["images_rescued"] = images_rescued([image(row.index) for row in found.rescued], found)
        if found.mistakes:
            made["images_mistaken"] = images_mistaken([image(row.index) for row in found.mistakes], found)
            made["confusion_matrix"] = confusion_matrix(found.confusion)
    return made
