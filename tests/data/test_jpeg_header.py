"""The short way to a JPEG's orientation: the same answers as the long one, or none."""

import cv2
import numpy as np
import pytest
from PIL import Image

from data.datasets import noise, saved
from data.turned import HEADER, PLACES, adobe, exif, xmp
from googlenet.data import images
from googlenet.data.jpeg_header import header_of

PICTURE = Image.fromarray(cv2.GaussianBlur(noise(75, 101), (0, 0), 1))
PLAIN = {"4:2:0": {}, "4:2:2": {"subsampling": "4:2:2"}, "4:4:4": {"subsampling": 0}, "coarse": {"quality": 20}}
OTHERS = {"progressive": {"progressive": True}, "restarts": {"restart_marker_blocks": 3}}


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
    assert header.sequential == ("progressive" not in options)
    assert header.restarts == options.get("restart_marker_blocks", 0)


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
        (0xDD, bytes(3)),
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
