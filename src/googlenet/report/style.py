"""The style of every figure, and its reproducible rendering to PNG bytes."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

# Okabe and Ito's colours, distinguishable with every common form of colour blindness, plus black and grey.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, BLACK, GREY = "#56B4E9", "#CC79A7", "#222222", "#8A8A8A"
GREY_TEXT = "#6B6B6B"  # legible on white, as GREY is not in small print: a contrast of 5.3
PALETTE = (BLUE, ORANGE, GREEN, RED, SKY, PURPLE, BLACK)
DPI = 140
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.5)))

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: same glyphs on every machine
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.8,
    "xtick.color": BLACK,
    "ytick.color": BLACK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "text.parse_math": False,  # a class may be called $x$
    "figure.constrained_layout.use": True,
    "savefig.facecolor": "white",
}


@contextmanager
def canvas(width: float, height: float) -> Iterator[tuple[Any, io.BytesIO]]:
    """Yield a figure of width x height inches, and a buffer that receives its PNG at the end of the block.

    Nothing in the PNG depends on the date, the version or the user's settings.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        figure, png = Figure(figsize=(width, height), dpi=DPI), io.BytesIO()
        yield figure, png
        figure.savefig(png, format="png", dpi=DPI, metadata={"Software": None})


def line(index: int) -> dict[str, Any]:
    """Colour and dash of the index-th line, unique among the first 21."""
    return {"color": PALETTE[index % len(PALETTE)], "linestyle": DASHES[index // len(PALETTE) % len(DASHES)]}


def bare(axes: Any) -> None:
    """Remove ticks, grid and frame from axes that show an image."""
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def outline(axes: Any, box: Sequence[float], colour: str, **style: Any) -> None:
    """Draw the edges (left, top, right, bottom) of a box."""
    from matplotlib.patches import Rectangle

    left, top, right, bottom = box
    axes.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=colour, **style))


def name_rows(axes: Any, labels: Sequence[str]) -> None:
    """Label the rows of a chart from top to bottom, without grid lines between them."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)


def bars(axes: Any, names: Sequence[str], values: Sequence[float], colour: str) -> None:
    """Draw a horizontal bar for each name, from top to bottom."""
    axes.barh(range(len(values)), values, color=colour, height=0.66)
    name_rows(axes, [clipped(name) for name in names])


def clipped(name: str, length: int = 28) -> str:
    """Shorten a name to fit an axis."""
    name = " ".join(name.split())
    return name if len(name) <= length else name[: length - 1] + "…"
