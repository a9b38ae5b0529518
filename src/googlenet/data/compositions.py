"""Draw handwritten digits onto photographs: composites of one digit, and scenes of several with their boxes.

Ink is always brighter than its background: with ink of both polarities the paper's network never left its plateau.
"""

import cv2
import numpy as np
from numpy.random import Generator

Box = tuple[int, int, int, int]  # 0-based, inclusive: xmin, ymin, xmax, ymax
SOFT_EDGE = (0.3, 0.62)  # of full ink: where an enlarged stroke begins and where it is opaque
INK = {"composite": (175, 256), "scene": (165, 256)}  # brightness of the ink, 0-255
CEILING = {"composite": 90, "scene": 140}  # the brightest background, 0-255; every ink is well above
OPACITY = (0.75, 1.0)  # of a scene's ink: the background shows through and breaks it into segments
OVERLAP_AT_MOST = 0.15  # intersection over the smaller box, between two digits of a scene
TILT_DEGREES = 12


def composite(
    ink: np.ndarray, photographs: list[np.ndarray], side: int, scale: tuple[float, float], rng: Generator
) -> np.ndarray:
    """Draw one digit (float [8, 8], 0-1) at `scale` of the side on a crop: uint8 [side, side, 3] RGB."""
    canvas = background(photographs, side, CEILING["composite"], rng)
    size = round(side * rng.uniform(*scale))
    x, y = rng.integers(0, side - size + 1, size=2)
    draw(canvas, stroke(ink, size, 0.0), x, y, pen(INK["composite"], rng))
    return canvas.astype(np.uint8)


def scene(
    digits: list[np.ndarray], photographs: list[np.ndarray], side: int, digit_px: tuple[int, int], rng: Generator
) -> tuple[np.ndarray, list[tuple[int, Box]]]:
    """Draw several digits (each float [8, 8], 0-1) with little overlap onto a livelier crop, always the first one.

    Returns uint8 [side, side, 3] RGB, and for each digit placed its index in `digits` and the tight box of its ink.
    """
    canvas = background(photographs, side, CEILING["scene"], rng)
    scratches(canvas, int(rng.integers(2, 7)), 4, rng)
    colour = pen(INK["scene"], rng)  # one pen: digits that touch become one segment
    placed: list[tuple[int, Box]] = []
    for number, ink in enumerate(digits):
        for _ in range(40):  # attempts
            size = int(rng.integers(digit_px[0], digit_px[1] + 1))
            mask = stroke(ink, size, rng.uniform(-TILT_DEGREES, TILT_DEGREES))
            x, y = rng.integers(0, side - mask.shape[0] + 1, size=2)
            box = ink_box(mask, x, y)
            if all(overlap(box, other) <= OVERLAP_AT_MOST for _, other in placed):
                draw(canvas, mask * rng.uniform(*OPACITY), x, y, colour)
                placed.append((number, box))
                break
    scratches(canvas, int(rng.integers(0, 4)), 1, rng)  # over the digits: thin, so that these stay legible
    return canvas.astype(np.uint8), placed


def background(photographs: list[np.ndarray], side: int, ceiling: int, rng: Generator) -> np.ndarray:
    """A random crop, blurred and darkened until nothing exceeds `ceiling`: float32 [side, side, 3], 0-255."""
    photograph = photographs[rng.integers(len(photographs))]
    largest = min(photograph.shape[:2])
    crop = int(rng.integers(largest // 2, largest + 1))
    y, x = (int(rng.integers(0, extent - crop + 1)) for extent in photograph.shape[:2])
    part: np.ndarray = photograph[y : y + crop, x : x + crop].astype(np.float32)
    part = cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA if crop > side else cv2.INTER_LINEAR)
    part = cv2.GaussianBlur(part, (0, 0), rng.uniform(0.5, 1.5))
    part = part[:, ::-1] if rng.random() < 0.5 else part
    return np.ascontiguousarray(part) * (rng.uniform(0.55, 1.0) * ceiling / 255)


def stroke(ink: np.ndarray, size: int, tilt: float) -> np.ndarray:
    """Enlarge a digit smoothly to float32 [size, size] opacity from 0 to 1, turned by `tilt` degrees."""
    turn = cv2.getRotationMatrix2D((3.5, 3.5), tilt, 0.95 if tilt else 1.0)
    grow = np.array([[size / 8, 0, size / 16 - 0.5], [0, size / 8, size / 16 - 0.5], [0, 0, 1]])
    matrix = (grow @ np.vstack([turn, [0, 0, 1]]))[:2]
    large = cv2.warpAffine(ink, matrix, (size, size), flags=cv2.INTER_CUBIC)
    low, high = SOFT_EDGE
    ramp: np.ndarray = np.clip((large - low) / (high - low), 0, 1)
    opacity: np.ndarray = ramp * ramp * (3 - 2 * ramp)
    return opacity


def pen(brightness: tuple[int, int], rng: Generator) -> np.ndarray:
    """A random light colour of ink: float32 [3], 0-255."""
    colour = rng.uniform(*brightness) + rng.uniform(-25, 25, size=3)
    return np.clip(colour, brightness[0] - 10, 255).astype(np.float32)


def draw(canvas: np.ndarray, mask: np.ndarray, x: int, y: int, colour: np.ndarray) -> None:
    """Blend ink into the canvas in place, weighted by the mask's opacity."""
    area = canvas[y : y + mask.shape[0], x : x + mask.shape[1]]
    area += mask[..., None] * (colour - area)


def scratches(canvas: np.ndarray, count: int, thickest: int, rng: Generator) -> None:
    """Draw lines and discs dimmer than any ink, so that proposals must tell digits from other objects."""
    side = canvas.shape[0]
    for _ in range(count):
        colour = (rng.uniform(60, 125) + rng.uniform(-15, 15, size=3)).tolist()
        start, end = (rng.integers(0, side, size=2).tolist() for _ in range(2))
        if thickest < 3 or rng.random() < 0.6:
            cv2.line(canvas, start, end, colour, int(rng.integers(1, thickest + 1)), cv2.LINE_AA)
        else:
            cv2.circle(canvas, start, int(rng.integers(4, 16)), colour, -1, cv2.LINE_AA)


def ink_box(mask: np.ndarray, x: int, y: int) -> Box:
    """Return the tight inclusive box of a mask's ink, half opaque or more, with the mask's corner at (x, y)."""
    rows, columns = (np.flatnonzero((mask >= 0.5).any(axis=axis)) for axis in (1, 0))
    return int(x + columns[0]), int(y + rows[0]), int(x + columns[-1]), int(y + rows[-1])


def overlap(a: Box, b: Box) -> float:
    """Intersection of two inclusive boxes over the area of the smaller."""
    width = max(min(a[2], b[2]) - max(a[0], b[0]) + 1, 0)
    height = max(min(a[3], b[3]) - max(a[1], b[1]) + 1, 0)
    smaller = min((box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b))
    return width * height / smaller
