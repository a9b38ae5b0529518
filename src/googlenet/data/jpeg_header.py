"""Read the header of plain JPEG files in a fraction of the time of opening them, and cut files to their top rows.

Only what all decoders interpret alike is recognised: anything else gives `None`, and Pillow handles it.
"""

from typing import NamedTuple

SOI, END = b"\xff\xd8", b"\xff\xd9"
BASELINE, FRAMES = 0xC0, (0xC0, 0xC1, 0xC2)  # start of frame: baseline, extended, progressive
DHT, SOS, DQT, DRI, COM = 0xC4, 0xDA, 0xDB, 0xDD, 0xFE
LEAST_OF_APP = {0xE0: 14, 0xE2: 14, 0xEE: 12}  # JFIF, colour profile, Adobe: bytes below which Pillow refuses the file
PROFILE = b"ICC_PROFILE\0"
MOST_PIXELS = 89_000_000  # just below Pillow's decompression bomb warning
PADDING = 1024  # bytes: a decoder may look this far ahead of the last row
NEIGHBOURS = 4  # rows below on which the colours of a row may depend


class Header(NamedTuple):
    """The information needed to decode a JPEG whose pixels are stored upright."""

    frame: int  # offset of the start-of-frame segment's content
    width: int
    height: int
    rows_of_unit: int  # pixels: height of the smallest coded unit of all components
    sequential: bool  # one scan from top to bottom, without restart markers


def header_of(image: bytes) -> Header | None:
    """Return the header of a grey or YCbCr/RGB JPEG that cannot contain an orientation; None for others.

    An orientation would be in EXIF or XMP, which are APP1 segments; a file with one is not recognised, nor is one with
    an unknown segment, a 12-bit or CMYK frame, several pictures, or a malformed table.
    """
    place, frame, kind, restarts = len(SOI), 0, 0, False
    while len(image) >= place + 4 and image[place] == 0xFF:
        marker, size = image[place + 1], image[place + 2] << 8 | image[place + 3]
        start, place = place + 4, place + 2 + size
        if size < 2 or place > len(image) or not _is_known(marker, image, start, place):
            return None
        if marker in FRAMES:
            if frame:
                return None
            frame, kind = start, marker
        restarts |= marker == DRI
        if marker == SOS:
            # The number of components in the scan and in the image.
            all_in_one = image[start : start + 1] == image[frame + 5 : frame + 6]
            return _header(image, frame, kind == BASELINE and all_in_one and not restarts) if frame else None
    return None


def top_rows(image: bytes, header: Header, rows: int) -> bytearray | None:
    """Return a JPEG of the top rows of a baseline one, at least `rows`, with the same pixels; None if impossible.

    The coded units of a baseline JPEG run from top to bottom, so a smaller height in the header makes a decoder stop
    early. Some further rows are kept for chroma upsampling at the edge. Without the end marker a decoder does not
    complain about the data that follow.
    """
    unit = header.rows_of_unit
    height = -(-(rows + NEIGHBOURS) // unit) * unit
    if height >= header.height or not header.sequential:
        return None
    end = image.rfind(END)
    cut = bytearray(end + PADDING)
    cut[:end] = memoryview(image)[:end]
    cut[header.frame + 1 : header.frame + 3] = height.to_bytes(2)
    return cut


def _is_known(marker: int, image: bytes, start: int, end: int) -> bool:
    """Return whether a segment is recognised and well-formed."""
    size = end - start
    if marker == DQT:
        return _are_tables(image, start, end)
    if marker in LEAST_OF_APP:
        return size >= LEAST_OF_APP[marker] and (marker != 0xE2 or image.startswith(PROFILE, start))
    return marker in (DHT, SOS, DRI, COM) or marker in FRAMES


def _are_tables(image: bytes, start: int, end: int) -> bool:
    """Return whether a segment holds whole quantisation tables of 8 or 16 bits."""
    while start < end:
        start += 65 if image[start] < 16 else 129
    return start == end


def _header(image: bytes, frame: int, sequential: bool) -> Header | None:
    """Return the header from its start-of-frame segment, if that has 8 bits and one or three components."""
    size = int.from_bytes(image[frame - 2 : frame]) - 2
    if size < 6 or image[frame] != 8 or image[frame + 5] not in (1, 3) or size != 6 + 3 * image[frame + 5]:
        return None
    height, width = int.from_bytes(image[frame + 1 : frame + 3]), int.from_bytes(image[frame + 3 : frame + 5])
    if not 0 < height * width <= MOST_PIXELS:
        return None
    tallest = max(image[place] & 15 for place in range(frame + 7, frame + size, 3))
    return Header(frame, width, height, 8 * tallest, sequential)
