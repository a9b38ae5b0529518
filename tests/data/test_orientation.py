"""An image has one size, one orientation and one set of pixels, whichever library reads it and wherever it says so."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from data.datasets import detection, noise, put, saved, voc_tree, write_manifest, xml
from data.turned import AS_STORED, HEADER, PLACES, app1, exif
from googlenet.data.images import check_image, decode
from googlenet.data.prepare import prepare
from googlenet.data.store import open_split

TOLERANCE = 2  # of 255, between two decoders of the same JPEG
# Upright, four patches tell every turn and mirroring: red, green; blue, white. 48 wide, 32 high.
UPRIGHT = np.repeat(np.repeat(np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]]), 16, 0), 24, 1)
UPRIGHT = UPRIGHT.astype(np.uint8)


def as_stored(orientation, pixels=UPRIGHT):
    return Image.fromarray(np.ascontiguousarray(AS_STORED[orientation](pixels)))


def strictly(image):
    """The pixels as Pillow alone decodes them, as stored."""
    return np.asarray(Image.open(io.BytesIO(image)).convert("RGB")).astype(int)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("place", PLACES)
def test_what_is_checked_is_what_is_decoded(place, orientation):
    image = PLACES[place](as_stored(orientation), orientation)
    seen, pixels = check_image(image), decode(image)
    assert (seen.width, seen.height) == (pixels.shape[1], pixels.shape[0]) == (48, 32)
    assert seen.orientation == orientation and seen.form.split()[0] == place.split()[0]
    upright = Image.fromarray(UPRIGHT).convert("L" if "grey" in place else "RGB").convert("RGB")
    middles = np.ix_((8, 24), (12, 36))
    assert np.abs(pixels[middles].astype(int) - np.asarray(upright)[middles]).max() <= 20


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    "options", [{}, {"subsampling": "4:2:2"}, {"subsampling": 0}, {"progressive": True}, {"restart_marker_rows": 1}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_both_decoders_give_the_same_pixels_of_a_jpeg(mode, options, orientation):
    detail = cv2.GaussianBlur(noise(37, 51), (0, 0), 1)
    plain = saved(Image.fromarray(detail).convert(mode), "JPEG", **options)
    turned = saved(Image.fromarray(detail).convert(mode), "JPEG", exif=HEADER + exif(orientation), **options)
    assert np.abs(AS_STORED[orientation](decode(turned)) - strictly(plain)).max() <= TOLERANCE


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("content", [b"", b"junk junk", b"http://n", exif(7)[:9], exif(0), exif(9)], ids=repr)
def test_damaged_exif_turns_nothing_and_refuses_nothing(content):
    for image in (app1(HEADER + content)(as_stored(1)), saved(as_stored(1), "PNG", exif=content or b"\0")):
        seen = check_image(image)
        assert (seen.width, seen.height, seen.orientation) == (48, 32, 1)
        assert np.abs(decode(image) - strictly(image)).max() <= TOLERANCE


@pytest.mark.parametrize("place", ["JPEG EXIF, header twice", "JPEG XMP", "PNG iTXt, last", "WEBP XMP", "TIFF tag"])
def test_boxes_lie_on_their_objects(tmp_path, place):
    root = voc_tree(tmp_path / "raw")
    (root / "JPEGImages/train_0.jpg").unlink()
    suffix = place.split()[0].lower()
    put(root / f"JPEGImages/train_0.{suffix}", PLACES[place](as_stored(6), 6))
    put(root / "Annotations/train_0.xml", xml(("dog", 25, 1, 48, 16), ("cat", 1, 17, 24, 32), size=(48, 32)))
    manifest = prepare(detection("voc", root), tmp_path / "out")
    write_manifest(tmp_path / "out", manifest)
    split = open_split(tmp_path / "out", "train")
    index = split.names.index(f"train_0.{suffix}")
    record, pixels = split[index], split.image(index).astype(int)
    assert pixels.shape == (record.height, record.width, 3)
    for (left, top, right, bottom), colour in zip(record.boxes.astype(int), ((0, 255, 0), (0, 0, 255)), strict=True):
        inner = pixels[top + 4 : bottom - 3, left + 4 : right - 3]
        assert np.abs(inner - colour).max() < 40


STORED = "the image as stored, 32x48 px; viewers turn it to 48x32 px: label it upright"
CHECK = "and check all images that EXIF turns"
STATES = f"train_0.xml: states the size of {STORED} or, if its boxes are, correct the size, {CHECK}"
FITS = f"train_0.xml: fits only {STORED}, {CHECK}"
OUTSIDE = "train_0.xml: box (1, 1, 30, 40) lies outside its image of 48x32 px"


@pytest.mark.parametrize(
    ("orientation", "size", "box", "reason"),
    [
        (6, (32, 48), (1, 1, 30, 40), STATES),
        (6, (32, 48), (1, 1, 48, 30), STATES),  # with upright boxes, as some tools export
        (6, None, (1, 1, 30, 40), FITS),
        (6, None, (1, 1, 30, 30), None),  # either way; nothing tells
        (6, (48, 32), (1, 1, 48, 32), None),
        (6, (48, 32), (1, 1, 30, 40), OUTSIDE),
        (6, (640, 480), (1, 1, 30, 30), "train_0.xml: made for 640x480 px; the image has 48x32 px"),
        (3, None, (1, 1, 30, 40), OUTSIDE),
    ],
)
def test_annotations_of_the_image_as_stored_are_reported(tmp_path, orientation, size, box, reason):
    root = voc_tree(tmp_path / "raw", 3)
    put(root / "JPEGImages/train_0.jpg", PLACES["JPEG EXIF"](as_stored(orientation), orientation))
    put(root / "Annotations/train_0.xml", xml(("cat", *box), size=size))
    manifest = prepare(detection("voc", root, max_bad_fraction=0.5), tmp_path / "out")
    assert [item.reason for item in manifest.refused] == ([reason] if reason else [])
