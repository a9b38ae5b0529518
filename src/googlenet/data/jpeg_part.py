"""Cut a JPEG file to the part that shows a box of its image, without decoding it: the same pixels, fewer of them.

The coded units of a baseline JPEG run from left to right and from top to bottom, each relative to the one before it.
So a decoder can stop early, below the box, but not begin late, except at a restart marker, where everything before
is forgotten. `restart_interval` says how often an encoder should write one.
"""

from typing import NamedTuple

import numpy as np

from googlenet.data.jpeg_header import Header

Box = tuple[int, int, int, int]  # left, top, width, height, px
END, RESTART = b"\xff\xd9", b"\xff\xd0"  # restart markers are numbered 0 to 7 in turn, in their last bits
UNIT_PX = 16  # width of a coded unit with colours at half the resolution
MOST_UNITS = 4  # in an interval: wider ones show more of what is not wanted, narrower ones make a file larger
PADDING = 1024  # bytes: a decoder may look this far ahead of the last row
# Colours stored at half the resolution are interpolated from those of two pixels around a box, except in narrow images.
NEIGHBOURS, LEAST_PX = 2, 5


class Part(NamedTuple):
    """A decoded part of an image, uint8 [h, w, 3], and the place of its first pixel in the image."""

    pixels: np.ndarray
    left: int = 0
    top: int = 0

    def of(self, box: Box) -> np.ndarray:
        """Return the pixels of a box of the image, which must lie in this part."""
        left, top, width, height = box[0] - self.left, box[1] - self.top, *box[2:]
        return self.pixels[top : top + height, left : left + width]


class Cut(NamedTuple):
    """A JPEG file of a part of an image, and the place of the part's first pixel in the image."""

    file: np.ndarray  # uint8 [bytes]
    left: int = 0
    top: int = 0


def restart_interval(width: int) -> int:
    """Return the coded units from one restart marker to the next in an image of this width, px, that is to be read in
    parts: a divisor of those in a row, so that intervals lie below one another."""
    columns = -(-width // UNIT_PX)
    return next(units for units in range(MOST_UNITS, 0, -1) if columns % units == 0)


def cut(image: bytes, header: Header, box: Box, reduction: int = 1) -> Cut | None:
    """Return a JPEG of a part that contains the box, with the same pixels there; None if it would be no smaller, or
    cannot be cut out.

    reduction: by which the decoder will divide the sides; the part then begins at the image's first pixel.
    """
    end = image.rfind(END)
    if not header.sequential or end < header.coded:
        return None
    if not header.restarts:
        return _top_rows(image, header, end, box)
    return _units(image, header, end, box if reduction == 1 else (0, 0, header.width, box[1] + box[3]))


def _top_rows(image: bytes, header: Header, end: int, box: Box) -> Cut | None:
    """Make a decoder stop below the box, by a smaller height in the header. Without the end marker it does not complain
    about the data that follow."""
    unit = header.unit[1]
    height = -(-(box[1] + box[3] + NEIGHBOURS) // unit) * unit
    if height >= header.height:
        return None
    part = np.zeros(end + PADDING, np.uint8)
    part[:end] = np.frombuffer(image, np.uint8, end)
    _set_size(part, header, header.width, height)
    return Cut(part)


def _units(image: bytes, header: Header, end: int, box: Box) -> Cut | None:
    """Take the intervals between restart markers that show the box, and renumber their markers."""
    columns, rows = (-(-size // unit) for size, unit in zip((header.width, header.height), header.unit, strict=True))
    if columns % header.restarts:  # an interval would continue on the next row
        return None
    width, height = header.unit[0] * header.restarts, header.unit[1]  # of an interval
    left, right = _span(box[0], box[2], width, header.width)
    top, bottom = _span(box[1], box[3], height, header.height)
    starts, ends = _intervals(image, header, end)
    if len(starts) != columns // header.restarts * rows:
        return None  # damaged: the decoder may be able to repair it
    chosen = np.arange(len(starts)).reshape(rows, -1)[top:bottom, left:right]
    if chosen.size in (0, len(starts)):
        return None
    lengths = (ends - starts)[chosen.ravel()] + 2
    after = header.coded + np.cumsum(lengths)
    lines = zip(starts[chosen[:, 0]].tolist(), ends[chosen[:, -1]].tolist(), strict=True)
    coded = RESTART.join([image[start:end] for start, end in lines])
    part = np.frombuffer(bytearray().join((image[: header.coded], coded, END)), np.uint8)
    part[after[:-1] - 1] = RESTART[1] + np.arange(len(after) - 1) % 8
    size = min(right * width, header.width) - left * width, min(bottom * height, header.height) - top * height
    _set_size(part, header, *size)
    return Cut(part, left * width, top * height)


def _span(start: int, length: int, step: int, size: int) -> tuple[int, int]:
    """Return the first interval, and the one after the last, that show pixels and those next to them."""
    first = max(min(start - NEIGHBOURS, size - LEAST_PX), 0)
    return first // step, -(-min(start + length + NEIGHBOURS, size) // step)


def _intervals(image: bytes, header: Header, end: int) -> tuple[np.ndarray, np.ndarray]:
    """Return where the coded data of each restart interval start and end; nothing if markers are out of turn."""
    coded = np.frombuffer(image, np.uint8, end - header.coded, header.coded)
    after = np.flatnonzero(coded[:-1] == 0xFF) + 1
    after = after[(coded[after] != 0) & (coded[after] != 0xFF)]  # no coded 255, no filling: a marker
    markers, numbers = after + header.coded, coded[after] - np.uint8(RESTART[1])
    if (numbers != np.arange(len(numbers)) % 8).any():
        return np.empty(0, int), np.empty(0, int)
    return np.append(header.coded, markers + 1), np.append(markers - 1, end)


def _set_size(part: np.ndarray, header: Header, width: int, height: int) -> None:
    """Write another size into a copy's header."""
    size = height.to_bytes(2) + width.to_bytes(2)
    part[header.frame + 1 : header.frame + 5] = np.frombuffer(size, np.uint8)
