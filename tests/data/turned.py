"""Image files whose metadata say which way up they are, in every place where readers look for it."""

import io
import struct
from collections.abc import Callable

import numpy as np
from PIL import Image, PngImagePlugin, TiffImagePlugin

from data.datasets import saved

# How an upright image is stored under each of EXIF's orientations: the opposite turn.
AS_STORED = {
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels),
    7: lambda pixels: np.rot90(pixels, 2).swapaxes(0, 1),
    8: lambda pixels: np.rot90(pixels, -1),
}


def exif(orientation: int, order: str = "<", more: tuple = ()) -> bytes:
    """An EXIF block without its header. `more`: rows (tag, type, count, value) after the orientation."""
    rows = [(0x0112, 3, 1, orientation << 16 if order == ">" else orientation), *more]
    words = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, len(rows))
    for row in rows:
        words += struct.pack(f"{order}HHII", *row)
    return words + struct.pack(f"{order}I", 0) + bytes(24)


def xmp(orientation: int, form: str = 'tiff:Orientation="{}"/>') -> bytes:
    return b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" ' + form.format(orientation).encode()


ELEMENT = "><tiff:Orientation>{}</tiff:Orientation></rdf:Description>"
HEADER = b"Exif\0\0"


def app1(*contents: bytes) -> Callable[[Image.Image], bytes]:
    """A JPEG with these APP1 segments, and without JFIF's APP0, as cameras write it."""
    segments = b"".join(b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content for content in contents)

    def written(image: Image.Image) -> bytes:
        plain = saved(image, "JPEG", quality=95)
        return plain[:2] + segments + plain[4 + struct.unpack(">H", plain[4:6])[0] :]

    return written


def adobe(content: bytes) -> bytes:
    return b"http://ns.adobe.com/xap/1.0/\0" + content


def png(chunk: bytes, content: bytes, last: bool) -> Callable[[Image.Image], bytes]:
    """A PNG with one more chunk: before its pixels, or behind them."""

    def written(image: Image.Image) -> bytes:
        plain, file = saved(image, "PNG"), io.BytesIO()
        PngImagePlugin.putchunk(file, chunk, content)
        at = len(plain) - 12 if last else 33  # before IEND, or behind IHDR
        return plain[:at] + file.getvalue() + plain[at:]

    return written


def profile(orientation: int) -> bytes:
    """ImageMagick's text chunk of an EXIF block."""
    block = HEADER + exif(orientation)
    return b"Raw profile type exif\0" + f"\nexif\n{len(block):8}\n{block.hex()}\n".encode()


def itxt(orientation: int) -> bytes:
    return b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(orientation)


def webp(image: Image.Image, **metadata: bytes) -> bytes:
    return saved(image, "WEBP", lossless=True, **metadata)


def tiff(image: Image.Image, **options) -> bytes:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in options.pop("tags").items():
        tags[tag] = value
    return saved(image, "TIFF", tiffinfo=tags, **options)


def mpo(image: Image.Image, orientation: int) -> bytes:
    return saved(image, "MPO", save_all=True, append_images=[image], exif=HEADER + exif(orientation), quality=95)


# By format and place: a file of the stored image with this orientation.
PLACES: dict[str, Callable[[Image.Image, int], bytes]] = {
    "JPEG EXIF": lambda image, o: app1(HEADER + exif(o))(image),
    "JPEG EXIF, big-endian": lambda image, o: app1(HEADER + exif(o, ">"))(image),
    "JPEG EXIF, header twice": lambda image, o: app1(HEADER * 2 + exif(o))(image),
    "JPEG EXIF, resolution of 0/0": lambda image, o: app1(HEADER + exif(o, more=((0x011A, 5, 1, 38),)))(image),
    "JPEG EXIF, GPS of 0/0": lambda image, o: app1(HEADER + exif(o, more=((0x8825, 4, 1, 38),)))(image),
    "JPEG XMP": lambda image, o: app1(adobe(xmp(o)))(image),
    "JPEG XMP element": lambda image, o: app1(adobe(xmp(o, ELEMENT)))(image),
    "JPEG XMP, EXIF of nothing": lambda image, o: app1(HEADER, adobe(xmp(o)))(image),
    "JPEG EXIF before XMP": lambda image, o: app1(adobe(xmp(9 - o)), HEADER + exif(o))(image),
    "JPEG grey": lambda image, o: app1(HEADER + exif(o))(image.convert("L")),
    "JPEG CMYK": lambda image, o: saved(image.convert("CMYK"), "JPEG", exif=HEADER + exif(o), quality=95),
    "MPO EXIF": mpo,
    "PNG eXIf": lambda image, o: png(b"eXIf", exif(o), last=False)(image),
    "PNG eXIf, last": lambda image, o: png(b"eXIf", exif(o), last=True)(image),
    "PNG tEXt": lambda image, o: png(b"tEXt", profile(o), last=False)(image),
    "PNG tEXt, last": lambda image, o: png(b"tEXt", profile(o), last=True)(image),
    "PNG iTXt": lambda image, o: png(b"iTXt", itxt(o), last=False)(image),
    "PNG iTXt, last": lambda image, o: png(b"iTXt", itxt(o), last=True)(image),
    "WEBP EXIF": lambda image, o: webp(image, exif=exif(o)),
    "WEBP XMP": lambda image, o: webp(image, xmp=xmp(o)),
    "TIFF tag": lambda image, o: tiff(image, tags={274: o}),
    "TIFF tag, LZW": lambda image, o: tiff(image, tags={274: o}, compression="tiff_lzw"),
    "TIFF XMP": lambda image, o: tiff(image, tags={700: xmp(o)}),
}
