"""The short way to a JPEG's orientation and to its top rows: the same answers and pixels as the long one, or none."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from data.datasets import noise, saved
from data.turned import HEADER, PLACES, adobe, exif, xmp
from googlenet.data import images
from googlenet.data.images import decode
from googlenet.data.jpeg_header import header_of, top_rows

PICTURE = Image.fromarray(cv2.GaussianBlur(noise(75, 101), (0, 0), 1))
PLAIN = {"4:2:0": {}, "4:2:2": {"subsampling": "4:2:2"}, "4:4:4": {"subsampling": 0}, "coarse": {"quality": 20}}
OTHERS = {"progressive": {"progressive": True}, "restarts": {"restart_marker_rows": 1}}


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2) + content


def with_segment(marker: int, content: bytes, image: bytes = b"") -> bytes:
    image = image or saved(PICTURE, "JPEG")
    return image[:2] + segment(marker, content) + image[2:]


def by_pillow(image: bytes) -> int:
    return images._of_plain_jpeg(image)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("place", [place for place in PLACES if place.startswith(("JPEG", "MPO"))])
def test_a_file_that_states_an_orientation_is_left_to_pillow(place, orientation):
    image = PLACES[place](PICTURE, orientation)
    assert header_of(image) is None
    if "CMYK" not in place:
        assert by_pillow(image) == orientation


@pytest.mark.parametrize(
    "options", [*PLAIN.values(), *OTHERS.values(), {"optimize": True}, {"icc_profile": b"x" * 99000}]
)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_plain_file_is_upright_for_pillow_too(mode, options):
    image = saved(PICTURE.convert(mode), "JPEG", **options)
    header = header_of(image)
    assert (header.width, header.height) == PICTURE.size and by_pillow(image) == 1
    assert header.sequential == (options not in OTHERS.values())


@pytest.mark.parametrize(
    ("marker", "content"),
    [
        (0xE1, b""),
        (0xE1, HEADER + exif(6)),
        (0xE1, adobe(xmp(3))),
        (0xE2, b"MPF\0" + bytes(40)),
        (0xE2, b"ICC_PROFILE\0"),  # without its numbers: Pillow refuses the file
        (0xE0, b"JFIF\0"),
        (0xED, b"Photoshop 3.0\0" + b"8BIM\x04\x04\xff"),
        (0xEE, b"Adobe"),
        (0xDB, bytes(64)),
        (0xC0, bytes(5)),
        (0xC3, bytes(15)),
    ],
)
def test_an_unusual_segment_is_left_to_pillow(marker, content):
    assert header_of(with_segment(marker, content)) is None


@pytest.mark.parametrize("content", [b"Adobe" + bytes(7), b"a comment", b"Photo"])
def test_harmless_segments_are_known(content):
    marker = 0xEE if content.startswith(b"Adobe") else 0xFE
    image = with_segment(marker, content)
    assert header_of(image) is not None and by_pillow(image) == 1


def test_whatever_is_changed_in_a_header_pillow_agrees_where_an_answer_is_given():
    """Random bytes in the headers of two files: no answer, or the one that Pillow gives."""
    rng, answers = np.random.default_rng(0), 0
    for image in (saved(PICTURE, "JPEG"), saved(PICTURE.convert("L"), "JPEG", progressive=True)):
        for _ in range(1500):
            changed = bytearray(image)
            for place in rng.integers(2, 650, rng.integers(1, 4)):
                changed[place] = rng.choice([0, 0xFF, 0xE1, 0xC0, 8, rng.integers(256)])
            if header_of(bytes(changed)) is not None:
                answers += 1
                assert by_pillow(bytes(changed)) == 1
    assert answers > 500


@pytest.mark.parametrize("length", range(0, 700, 7))
def test_a_cut_header_gives_no_answer_or_the_same(length):
    part = saved(PICTURE, "JPEG")[:length]
    assert header_of(part) in (None, header_of(saved(PICTURE, "JPEG")))


@pytest.mark.parametrize("options", PLAIN.values(), ids=list(PLAIN))
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("reduction", [1, 2, 4])
def test_top_rows_are_the_same_pixels(mode, options, reduction, capfd):
    image = saved(PICTURE.convert(mode), "JPEG", **options)
    whole, fewer = decode(image, reduction=reduction), 0
    assert whole.shape[:2] == (-(-75 // reduction), -(-101 // reduction))
    for rows in range(1, 76):
        part = decode(image, rows=rows, reduction=reduction)
        wanted = -(-rows // reduction)
        assert len(part) >= wanted and np.array_equal(part[:wanted], whole[:wanted])
        fewer += len(part) < len(whole)
    assert fewer > 30
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("options", OTHERS.values(), ids=list(OTHERS))
def test_rows_of_other_files_are_all_decoded(options):
    image = saved(PICTURE, "JPEG", **options)
    assert top_rows(image, header_of(image), 10) is None
    assert np.array_equal(decode(image, rows=10), decode(image))


@pytest.mark.parametrize("place", ["JPEG EXIF", "PNG eXIf", "WEBP XMP", "TIFF tag"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_rows_of_a_turned_image_are_those_of_the_upright_one(place, orientation):
    image = PLACES[place](PICTURE, orientation)
    assert np.array_equal(decode(image, rows=20)[:20], decode(image)[:20])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("reduction", [2, 4, 8])
def test_a_reduced_image_is_upright_and_nearly_the_average(orientation, reduction):
    smooth = cv2.resize(np.random.default_rng(1).integers(0, 256, (3, 4, 3), np.uint8), (160, 120), interpolation=1)
    image = PLACES["JPEG EXIF"](Image.fromarray(smooth), orientation)
    whole, reduced = decode(image), decode(image, reduction=reduction)
    height, width = whole.shape[:2]
    assert reduced.shape == (height // reduction, width // reduction, 3)
    average = cv2.resize(whole, (width // reduction, height // reduction), interpolation=cv2.INTER_AREA)
    assert np.abs(reduced.astype(int) - average).mean() < 1


def test_a_damaged_end_is_still_refused():
    image = saved(PICTURE, "JPEG")
    with pytest.raises(images.UserError, match="truncated"):
        decode(image[:-40], rows=16)
    with Image.open(io.BytesIO(image)) as opened:
        assert opened.size == PICTURE.size
