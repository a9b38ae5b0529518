"""Decode the bytes of an image file, of any format and mode, to upright RGB pixels."""

import io
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from googlenet.errors import UserError

JPEG_START, JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
ORIENTATION = 0x0112  # EXIF's tag; 1: as stored
TAIL = 4096  # last bytes, in which a whole JPEG has its end marker; some cameras append a little after it


class ImageInfo(NamedTuple):
    """What a strict check learns about an image file; width and height are those of the upright image, in px."""

    width: int
    height: int
    form: str  # container and colour mode: "JPEG RGB", "PNG P"
    bytes: int  # of the file
    turned: bool  # whether EXIF asks for rotation or mirroring
    looks: int  # 64-bit hash that a resized or re-encoded copy usually shares; 0: too plain to tell


def decode(image: bytes, name: str = "image") -> np.ndarray:
    """Decode an image file to uint8 [h, w, 3] RGB, upright by its EXIF orientation. Raises UserError naming `name`.

    Grey becomes three equal channels, alpha is blended onto white, 16 bits are scaled to 8, animations yield their
    first frame. OpenCV, which is faster, decodes plain whole JPEGs; Pillow, which is strict, decodes everything else.
    """
    if _is_plain_jpeg(image):
        pixels = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR_RGB)
        if pixels is not None:
            return pixels
    return _decode_strictly(image, name)[0]


def check_image(image: bytes, name: str = "image") -> ImageInfo:
    """Decode every pixel once, refusing truncated files, and describe the image. Raises UserError naming `name`."""
    pixels, form, turned = _decode_strictly(image, name)
    height, width = pixels.shape[:2]
    # The difference hash: whether each of 8 x 8 patches is brighter than its left neighbour.
    small = cv2.cvtColor(cv2.resize(pixels, (9, 8), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    looks = int.from_bytes(np.packbits(small[:, 1:] > small[:, :-1]).tobytes())
    return ImageInfo(width, height, form, len(image), turned, 0 if looks == 2**64 - 1 else looks)


def shrink(image: bytes, shorter_side_px: int, name: str = "image") -> tuple[bytes, int, int]:
    """Return (JPEG, width, height) with a shorter side of `shorter_side_px`; a smaller image stays unchanged."""
    pixels = decode(image, name)
    height, width = pixels.shape[:2]
    if min(height, width) <= shorter_side_px:
        return image, width, height
    scale = shorter_side_px / min(height, width)
    size = (max(round(width * scale), shorter_side_px), max(round(height * scale), shorter_side_px))
    return encode_jpeg(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)), *size


def encode_jpeg(pixels: np.ndarray) -> bytes:
    """Encode uint8 [h, w, 3] RGB as a JPEG file."""
    _, encoded = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    return encoded.tobytes()


def _is_plain_jpeg(image: bytes) -> bool:
    """Whether these bytes are a whole grey or RGB JPEG (OpenCV does not undo Adobe's inverted CMYK)."""
    if not image.startswith(JPEG_START) or image.rfind(JPEG_END, max(len(image) - TAIL, 0)) < 0:
        return False
    try:
        return Image.open(io.BytesIO(image), formats=["JPEG"]).mode in ("L", "RGB")
    except Exception:  # Pillow's parsers raise many exceptions; the strict path gives the user the reason
        return False


def _decode_strictly(image: bytes, name: str) -> tuple[np.ndarray, str, bool]:
    """Decode with Pillow, which rejects truncated files; return pixels, form, and whether EXIF turned it."""
    try:
        with Image.open(io.BytesIO(image)) as opened:
            form = f"{opened.format} {opened.mode}"
            upright = ImageOps.exif_transpose(opened)  # loads the first frame
            turned = opened.getexif().get(ORIENTATION, 1) in range(2, 9)
            return np.ascontiguousarray(_rgb(upright)), form, turned
    except UnidentifiedImageError:
        raise UserError(f"{name}: {'not an image' if image else 'empty file'}") from None
    except MemoryError:
        raise
    except Exception as error:  # on damaged bytes Pillow raises anything from struct.error to SyntaxError
        raise UserError(f"{name}: damaged image ({error})") from error


def _rgb(image: Image.Image) -> np.ndarray:
    """Return the pixels of an opened image of any mode as uint8 [h, w, 3]."""
    if image.mode == "F":
        raise ValueError("floating-point pixels have no agreed scale; save it with 8 or 16 bits")
    if image.mode == "I" or image.mode.startswith("I;"):
        grey = np.asarray(image.convert("I")).clip(0, 65535)
        return np.repeat(((grey + 128) // 257).astype(np.uint8)[..., None], 3, axis=2)
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return np.asarray(image.convert("RGB"))
