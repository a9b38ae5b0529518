"""Figures drawn onto images: the crops of one image. Plain values in, PNG bytes out."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from googlenet.report.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, RED, bare, drawn, outline

Crop = tuple[int, int, int, Sequence[float]]
CROP_COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE)
PLACES = ("top left", "top right", "bottom left", "bottom right", "centre")


def crops_144(image: np.ndarray, crops: list[Crop]) -> bytes:
    """The distinct crops of one image (section 7): a column for each scale, a row for each square.

    image: uint8 [h, w, 3]. crops, without the mirrored ones: (scale_px, square index, crop index, box): scale_px is the
    shorter side after resizing, the box (xmin, ymin, xmax, ymax) in inclusive pixels of the given image. Scales are drawn
    true to each other: the crops keep their size while the image grows.
    """
    scales = sorted({crop[0] for crop in crops})
    squares = sorted({crop[1] for crop in crops})
    from matplotlib.lines import Line2D

    height, width = image.shape[:2]
    largest = scales[-1] / min(height, width)

    def draw(figure: Any) -> None:
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
                    axes.set_ylabel(_square_name(square, len(squares), width, height), fontsize=10)
        handles = [Line2D([], [], color=BLACK, linewidth=2.4)]
        handles += [Line2D([], [], color=colour) for colour in CROP_COLOURS]
        figure.legend(handles, ["whole square, resized", *PLACES], loc="outside lower center", ncols=3)

    panel = 2.6
    return drawn(draw, 0.3 + panel * len(scales), 0.8 + panel * height / width * len(squares))


def _draw_crops(axes: Any, image: np.ndarray, scale: int, boxes: list[Sequence[float]]) -> None:
    """One square of one scale: the image faded outside it, and its crops outlined."""
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
        band = Rectangle((left, top), right - left, bottom - top, color="white", alpha=0.68, linewidth=0)
        axes.add_patch(band)
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
    """Where a crop lies in its square, as an index of PLACES."""
    right, below = ((box[i] - square[i]) - (square[i + 2] - box[i + 2]) for i in (0, 1))
    if max(abs(right), abs(below)) < 0.02 * (square[2] - square[0]):
        return 4
    return int(right > 0) + 2 * int(below > 0)


def _square_name(square: int, squares: int, width: int, height: int) -> str:
    if squares == 1:
        return "the one square"
    names = ("left", "centre", "right") if width >= height else ("top", "centre", "bottom")
    return f"{names[square]} square" if square < 3 else f"square {square}"
