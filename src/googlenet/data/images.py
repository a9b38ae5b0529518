"""Decode the bytes of an image file, in any supported format and mode, to upright RGB pixels."""

import io
from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from googlenet.data.image_files import SUFFIXES_OF
from googlenet.data.jpeg_header import header_of
from googlenet.data.jpeg_part import Box, Cut, Part, cut, restart_interval
from googlenet.errors import UserError

# The only formats opened (JPEG includes MPO). Pillow knows fifty, and runs Ghostscript for EPS.
FORMATS = tuple(SUFFIXES_OF)
JPEG_START, JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
ORIENTATION = 0x0112  # EXIF's tag
MOST_BYTES = 1_000_000_000  # limit on decoding one image
PER_PIXEL, PER_WEBP_PIXEL = 9, 16  # peak bytes: for rotating RGB, and in WebP's library
STRIP = 1 << 20  # pixels converted at a time
TAIL = 4096  # last bytes, which contain a complete JPEG's end marker; some cameras append a little after it
REDUCED = {
    1: 0,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}


class ImageInfo(NamedTuple):
    """The findings of a strict check of an image file; width and height are those of the upright image, in px."""

    width: int
    height: int
    form: str  # container and colour mode: "JPEG RGB", "PNG P"
    bytes: int  # of the file
    orientation: int  # EXIF's, 1 to 8; 1: stored upright, above 4: stored lying on its side
    looks: int  # 64-bit hash that a resized or re-encoded copy usually shares; 0: too plain to tell


def decode(image: bytes, name: str = "image") -> np.ndarray:
    """Decode an image file to uint8 [h, w, 3] RGB, upright by its EXIF orientation. Raises UserError naming `name`.

    Grey becomes three equal channels, alpha is blended onto white, 16 bits are scaled to 8, animations yield their
    first frame. OpenCV, which is faster, decodes plain complete JPEGs, to within 2 of 255 of Pillow, which is strict
    and decodes everything else. Pillow determines the orientation, unless the file cannot contain one.
    """
    return decode_part(image, None, lambda: name).pixels


def decode_part(image: bytes, box: Box | None, name: Callable[[], str], reduction: int = 1) -> Part:
    """Decode a part of an image, as `decode` decodes all of it: at least a box, with the same pixels; None: all.

    reduction: 2, 4 or 8 may give a JPEG at that fraction of its size (ceil(w / reduction) wide), averaged by the
    decoder's own transform. The part then begins at the image's first pixel.
    """
    if image.startswith(JPEG_START) and image.rfind(JPEG_END, max(len(image) - TAIL, 0)) >= 0:  # it is whole
        header = header_of(image)
        orientation = 1 if header else _of_plain_jpeg(image)
        flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION | REDUCED[reduction]
        smaller = cut(image, header, box, reduction) if header and box else None
        files = [part for part in (smaller, Cut(np.frombuffer(image, np.uint8))) if part] if orientation else []
        for part in files:
            if (pixels := cv2.imdecode(part.file, flags)) is not None:
                return Part(_upright(pixels, orientation), part.left, part.top)
    return Part(_decode_strictly(image, name)[0])


def check_image(image: bytes, name: str = "image") -> ImageInfo:
    """Decode every pixel once, refusing truncated files, and describe the image. Raises UserError naming `name`."""
    pixels, form, orientation = _decode_strictly(image, lambda: name)
    height, width = pixels.shape[:2]
    # The difference hash: whether each of 8 x 8 patches is brighter than its left neighbour.
    small = cv2.cvtColor(cv2.resize(pixels, (9, 8), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    looks = int.from_bytes(np.packbits(small[:, 1:] > small[:, :-1]).tobytes())
    return ImageInfo(width, height, form, len(image), orientation, 0 if looks == 2**64 - 1 else looks)


def shrink(image: bytes, shorter_side_px: int, name: str = "image") -> tuple[bytes, int, int]:
    """Return (JPEG, width, height) with a shorter side of `shorter_side_px`; a smaller image is returned unchanged."""
    pixels = decode(image, name)
    height, width = pixels.shape[:2]
    if min(height, width) <= shorter_side_px:
        return image, width, height
    scale = shorter_side_px / min(height, width)
    size = (max(round(width * scale), shorter_side_px), max(round(height * scale), shorter_side_px))
    return encode_jpeg(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), in_parts=True), *size


def encode_jpeg(pixels: np.ndarray, in_parts: bool = False, quality: int = 95) -> bytes:
    """Encode uint8 [h, w, 3] RGB as a JPEG file; in_parts: for being decoded in parts, with the same pixels."""
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    if in_parts:
        interval = restart_interval(pixels.shape[1])
        options += [cv2.IMWRITE_JPEG_RST_INTERVAL, interval, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    _, encoded = cv2.imencode(".jpg", pixels[..., ::-1], options)
    return encoded.tobytes()


def _of_plain_jpeg(image: bytes) -> int:
    """Return the orientation of a grey or RGB JPEG, else 0 (OpenCV does not undo Adobe's inverted CMYK)."""
    try:
        with Image.open(io.BytesIO(image), formats=["JPEG"]) as opened:
            return _orientation(opened) if opened.mode in ("L", "RGB") else 0
    except Exception:  # Pillow's parsers raise many exceptions; the strict path gives the user the reason
        return 0


def _decode_strictly(image: bytes, name: Callable[[], str]) -> tuple[np.ndarray, str, int]:
    """Decode with Pillow, which rejects truncated files; return upright pixels, form, and EXIF's orientation."""
    try:
        with Image.open(io.BytesIO(image), formats=FORMATS) as opened:
            most = MOST_BYTES // (PER_WEBP_PIXEL if opened.format == "WEBP" else PER_PIXEL)
            if opened.width * opened.height > most:
                raise ValueError(f"{opened.width}x{opened.height} px; at most {most:,} pixels are decoded; shrink it")
            form, is_tiff = f"{opened.format} {opened.mode}", opened.format == "TIFF"
            orientation = _orientation(opened) if is_tiff else 0  # loading rotates a TIFF and removes its tag
            opened.load()  # the first frame, and a PNG's chunks behind it
            orientation = orientation or _orientation(opened)
            pixels = _rgb(opened)
            opened.close()  # frees its memory
            return _upright(pixels, 1 if is_tiff else orientation), form, orientation
    except UnidentifiedImageError:
        raise UserError(f"{name()}: {'not an image' if image else 'empty file'}") from None
    except MemoryError:
        raise
    except Exception as error:  # on damaged bytes Pillow raises anything from struct.error to SyntaxError
        raise UserError(f"{name()}: damaged image ({error})") from error


def _orientation(opened: Image.Image) -> int:
    """Return the orientation, 1 to 8, from EXIF or else XMP; 1 if there is none or it is damaged, as viewers do."""
    try:
        value = opened.getexif().get(ORIENTATION, 1)
    except Exception:  # damaged EXIF, as some cameras and editors write; the pixels are intact
        return 1
    return int(value) if value in range(1, 9) else 1


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Rotate and mirror pixels [h, w, 3] from EXIF's orientation, 1 to 8, to upright."""
    standing = cv2.transpose(pixels) if orientation > 4 else pixels  # OpenCV takes a quarter of numpy's time
    flip = (None, 1, -1, 0)[(orientation - 1) % 4]
    return standing if flip is None else cv2.flip(standing, flip)


def _rgb(image: Image.Image) -> np.ndarray:
    """Return the pixels of an opened image of any mode as uint8 [h, w, 3]."""
    if image.mode == "F":
        raise ValueError("floating-point pixels have no agreed scale; save it with 8 or 16 bits")
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    rows = max(STRIP // image.width, 1)
    for top in range(0, image.height, rows):  # a whole image would be in memory up to four times at once
        bottom = min(top + rows, image.height)
        pixels[top:bottom] = _rgb_strip(image.crop((0, top, image.width, bottom)))
    return pixels


def _rgb_strip(image: Image.Image) -> np.ndarray:
    """Return the pixels of some rows of an image as uint8 [h, w, 3]."""
    if image.mode == "I" or image.mode.startswith("I;"):
        grey = np.asarray(image.convert("I")).clip(0, 65535)
        return np.repeat(((grey + 128) // 257).astype(np.uint8)[..., None], 3, axis=2)
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return np.asarray(image.convert("RGB"))
