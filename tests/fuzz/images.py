"""Images of every format that is read, and of some that are not."""

import io
import struct
from functools import cache, partial
from pathlib import Path

from hypothesis import strategies as st
from PIL import Image

from data.datasets import class_tree, classification, noise, saved
from fuzz.child import Files, Format
from fuzz.mutations import damaged, with_checksums
from fuzz.reading import MOST, prepared, tree

PLACE = "train/cat/0"
SIZE = (24, 16)
SIDES = (0, 1, 7, 8, 255, 4000, 9000, 13000, 32767, 65535)
OTHERS = ("EPS", "TGA", "ICO", "JPEG2000", "PCX", "SGI", "ICNS", "MSP", "XBM", "PDF", "DDS", "AVIF")


def rgb() -> Image.Image:
    """A small image with some detail that compresses well: files stay short, so that changes hit what matters."""
    return Image.fromarray(noise(6, 8)).resize(SIZE)


def exif(orientation: int) -> Image.Exif:
    """EXIF with an orientation."""
    made = Image.Exif()
    made[0x0112] = orientation
    return made


@cache
def variants() -> dict[str, tuple[str, list[bytes]]]:
    """By format: the suffix, and the bytes of its variants."""
    image, frames = rgb(), {"save_all": True, "append_images": [rgb().rotate(180)]}
    see_through = image.copy()
    see_through.putalpha(100)
    grey_16 = Image.fromarray(noise(16, 24)[..., 0].astype("uint16") * 257)
    return {
        "JPEG": (".jpg", [
            saved(image, "JPEG"),
            saved(image, "JPEG", exif=exif(6)),
            saved(image, "JPEG", progressive=True),
            saved(image.convert("L"), "JPEG"),
            saved(image.convert("CMYK"), "JPEG", exif=exif(3)),
        ]),
        "PNG": (".png", [
            saved(image, "PNG"),
            saved(image, "PNG", exif=exif(8)),
            saved(image.convert("P"), "PNG", transparency=3),
            saved(image.convert("1"), "PNG"),
            saved(see_through, "PNG"),
            saved(grey_16, "PNG"),
            saved(image, "PNG", **frames),
        ]),
        "GIF": (".gif", [saved(image, "GIF"), saved(image, "GIF", **frames)]),
        "BMP": (".bmp", [saved(image, "BMP"), saved(image.convert("P"), "BMP"), saved(image.convert("1"), "BMP")]),
        "TIFF": (".tif", [
            saved(image, "TIFF"),
            saved(image, "TIFF", compression="tiff_lzw", exif=exif(5)),
            saved(image, "TIFF", compression="tiff_adobe_deflate"),
            saved(image.convert("1"), "TIFF", compression="group4"),
            saved(grey_16, "TIFF"),
        ]),
        "WebP": (".webp", [
            saved(image, "WEBP"),
            saved(image, "WEBP", lossless=True, exif=exif(2)),
            saved(see_through, "WEBP"),
            saved(image, "WEBP", **frames),
        ]),
        "PPM": (".ppm", [saved(image, "PPM"), saved(image.convert("L"), "PPM"), b"P3 24 16 255\n" + b"1 2 3 " * 384]),
    }  # fmt: skip


@cache
def others() -> list[bytes]:
    """Files of formats that are not read."""
    made = []
    for kind in OTHERS:
        with io.BytesIO() as file:
            rgb().resize((64, 64)).convert("1" if kind in ("MSP", "XBM") else "RGB").save(file, kind)
            made.append(file.getvalue())
    return made


@cache
def folders() -> Files:
    """Class folders."""
    return tree(class_tree)


@st.composite
def resized(draw, content: bytes) -> bytes:
    """An image in which something that may be its width or height is another number."""
    packs = (*(partial(struct.pack, form) for form in ("<H", ">H", "<I", ">I")), lambda side: b"%d" % side)
    found = [(pack, at) for pack in packs for side in SIZE for at in places_of(pack(side), content)]
    pack, at = draw(st.sampled_from(found or [(packs[0], 0)]))
    side = pack(draw(st.sampled_from(SIDES)))
    return content[:at] + side + content[at + len(pack(SIZE[0])) :]


def places_of(part: bytes, content: bytes) -> list[int]:
    """Where a part of some bytes is."""
    return [at for at in range(len(content)) if content.startswith(part, at)]


def changed(kind: str, files: Files) -> st.SearchStrategy[Files]:
    """One image more, of a format."""
    suffix, contents = variants()[kind]
    changes = [change(content) for content in contents for change in (damaged, resized)]
    whole = st.one_of(changes)
    if kind == "PNG":
        whole |= whole.map(with_checksums)
    return whole.map(lambda made: {f"{PLACE}{suffix}": made})


def disguised(files: Files) -> st.SearchStrategy[Files]:
    """An image of another format, changed or not, under a name of any format."""
    suffixes = [suffix for suffix, _ in variants().values()]
    contents = st.one_of([st.just(content) | damaged(content) for content in others()])
    return st.builds(lambda suffix, content: {f"{PLACE}{suffix}": content}, st.sampled_from(suffixes), contents)


def read(root: Path) -> list[str]:
    return prepared(classification("class_folders", root, max_bad_fraction=MOST))


FORMATS = (
    *(Format(kind, folders, partial(changed, kind), read) for kind in variants()),
    Format("other images", folders, disguised, read),
)
