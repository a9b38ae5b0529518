"""Read the header of plain JPEG files in a fraction of the time of opening them.

Only what all decoders interpret alike is recognised: anything else gives `None`, and Pillow handles it.
"""

from typing import NamedTuple

SOI = b"\xff\xd8"
BASELINE, FRAMES = 0xC0, (0xC0, 0xC1, 0xC2)  # start of frame: baseline, extended, progressive
DHT, SOS, DQT, DRI, COM = 0xC4, 0xDA, 0xDB, 0xDD, 0xFE
LEAST_OF_APP = {0xE0: 14, 0xE2: 14, 0xEE: 12}  # JFIF, colour profile, Adobe: bytes below which Pillow refuses the file
PROFILE = b"ICC_PROFILE\0"
MOST_PIXELS = 89_000_000  # just below Pillow's decompression bomb warning
BLOCK = 8  # pixels: side of what is transformed at once


class Header(NamedTuple):
    """The information needed to decode a JPEG whose pixels are stored upright."""

    frame: int  # offset of the start-of-frame segment's content
    coded: int  # offset of the first scan's coded data
    width: int
    height: int
    unit: tuple[int, int]  # width and height of a minimum coded unit, px
    sequential: bool  # one scan, whose units run from left to right and from top to bottom
    restarts: int  # units from one restart marker to the next; 0: there are none


def header_of(image: bytes) -> Header | None:
    """Return the header of a grey or YCbCr/RGB JPEG that cannot contain an orientation; None for others.

    An orientation would be in EXIF or XMP, which are APP1 segments; a file with one is not recognised, nor is one with
    an unknown segment, a 12-bit or CMYK frame, several pictures, or a malformed table.
    """
    place, frame, kind, restarts = len(SOI), 0, 0, 0
    while len(image) >= place + 4 and image[place] == 0xFF:
        marker, size = image[place + 1], image[place + 2] << 8 | image[place + 3]
        start, place = place + 4, place + 2 + size
        if size < 2 or place > len(image) or not _is_known(marker, image, start, place):
            return None
        if marker in FRAMES:
            if frame:
                return None
            frame, kind = start, marker
        if marker == DRI:
            restarts = int.from_bytes(image[start:place])
        if marker == SOS:
            # The number of components in the scan and in the image.
            all_in_one = image[start : start + 1] == image[frame + 5 : frame + 6]
            return _header(image, frame, place, kind == BASELINE and all_in_one, restarts) if frame else None
    return None


def _is_known(marker: int, image: bytes, start: int, end: int) -> bool:
    """Return whether a segment is recognised and well-formed."""
    size = end - start
    if marker == DQT:
        return _are_tables(image, start, end)
    if marker == DRI:
        return size == 2
    if marker in LEAST_OF_APP:
        return size >= LEAST_OF_APP[marker] and (marker != 0xE2 or image.startswith(PROFILE, start))
    return marker in (DHT, SOS, COM) or marker in FRAMES


def _are_tables(image: bytes, start: int, end: int) -> bool:
    """Return whether a segment holds whole quantisation tables of 8 or 16 bits."""
    while start < end:
        start += 65 if image[start] < 16 else 129
    return start == end


def _header(image: bytes, frame: int, coded: int, sequential: bool, restarts: int) -> Header | None:
    """Return the header from its start-of-frame segment, if that has 8 bits and one or three components."""
    size = int.from_bytes(image[frame - 2 : frame]) - 2
    if size < 6 or image[frame] != 8 or image[frame + 5] not in (1, 3) or size != 6 + 3 * image[frame + 5]:
        return None
    height, width = int.from_bytes(image[frame + 1 : frame + 3]), int.from_bytes(image[frame + 3 : frame + 5])
    if not 0 < height * width <= MOST_PIXELS:
        return None
    # A unit has a block of every component at least; the only component's is one block, whatever its factors.
    factors = [image[place] for place in range(frame + 7, frame + size, 3)] if size > 9 else [0x11]
    unit = BLOCK * max(factor >> 4 for factor in factors), BLOCK * max(factor & 15 for factor in factors)
    return Header(frame, coded, width, height, unit, sequential, restarts) if min(unit) else None
