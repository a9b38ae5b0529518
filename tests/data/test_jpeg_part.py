"""JPEG files cut to the part that shows a box: the same pixels as the whole file's, or nothing is cut."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from data.datasets import noise, saved
from data.turned import PLACES
from googlenet.data import images
from googlenet.data.images import decode, decode_part, encode_jpeg
from googlenet.data.jpeg_header import header_of
from googlenet.data.jpeg_part import cut, restart_interval

WIDTH, HEIGHT = 101, 75  # 7 x 5 coded units of 16 px
PICTURE = Image.fromarray(cv2.GaussianBlur(noise(HEIGHT, WIDTH), (0, 0), 1))
WHOLE = (0, 0, WIDTH, HEIGHT)
PLAIN = {"4:2:0": {}, "4:2:2": {"subsampling": "4:2:2"}, "4:4:4": {"subsampling": 0}, "coarse": {"quality": 20}}
INTERVALS = {"a unit": {"restart_marker_blocks": 1}, "a row": {"restart_marker_rows": 1}}
UNEVEN = {"restart_marker_blocks": 3}  # in rows of 7 units, or 13 where the colours have all pixels


def part_of(image, box, reduction=1):
    return decode_part(image, box, lambda: "image", reduction)


def boxes(count, width=WIDTH):
    """Random boxes, and those that touch the image's edges."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        left, right = sorted(rng.choice(width + 1, 2, replace=False).tolist())
        top, bottom = sorted(rng.choice(HEIGHT + 1, 2, replace=False).tolist())
        yield left, top, right - left, bottom - top
    yield from ((0, 0, 1, 1), (width - 1, HEIGHT - 1, 1, 1), (0, HEIGHT - 1, width, 1), (width - 1, 0, 1, HEIGHT))
    yield 0, 0, width, HEIGHT


def place_of(image, marker):
    """The place of the first restart marker with this number."""
    return image.index(bytes((0xFF, 0xD0 + marker)), header_of(image).coded)


def smaller_parts(image, count, width=WIDTH):
    """How many parts are smaller than the whole; all show their boxes as the whole does."""
    whole, fewer = decode(image), 0
    for box in boxes(count, width):
        left, top, w, h = box
        part = part_of(image, box)
        assert np.array_equal(part.of(box), whole[top : top + h, left : left + w])
        fewer += part.pixels.size < whole.size
    return fewer


@pytest.mark.parametrize("options", PLAIN.values(), ids=list(PLAIN))
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("reduction", [1, 2, 4])
def test_top_rows_are_the_same_pixels(mode, options, reduction, capfd):
    image = saved(PICTURE.convert(mode), "JPEG", **options)
    whole, fewer = part_of(image, None, reduction).pixels, 0
    assert whole.shape[:2] == (-(-HEIGHT // reduction), -(-WIDTH // reduction))
    for rows in range(1, HEIGHT + 1):
        pixels, left, top = part_of(image, (0, 0, WIDTH, rows), reduction)
        wanted = -(-rows // reduction)
        assert (left, top) == (0, 0)
        assert len(pixels) >= wanted and np.array_equal(pixels[:wanted], whole[:wanted])
        fewer += len(pixels) < len(whole)
    assert fewer > 30
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("intervals", INTERVALS.values(), ids=list(INTERVALS))
@pytest.mark.parametrize("options", PLAIN.values(), ids=list(PLAIN))
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("width", [97, 99, 100, WIDTH])  # the last unit has 1 to 5 px of colours to interpolate
def test_intervals_between_restart_markers_show_the_same_pixels(mode, options, intervals, width, capfd):
    picture = PICTURE.crop((0, 0, width, HEIGHT)).convert(mode)
    image = saved(picture, "JPEG", **options, **intervals)
    assert smaller_parts(image, 100, width) > 60
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("factor", [cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440])
@pytest.mark.parametrize("interval", [0, 1])
def test_so_do_files_with_other_resolutions_of_colours(factor, interval):
    options = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor, cv2.IMWRITE_JPEG_RST_INTERVAL, interval]
    image = cv2.imencode(".jpg", np.asarray(PICTURE), options)[1].tobytes()
    assert smaller_parts(image, 150) > 50


def test_pillow_too_reads_a_cut_file():
    """It is a JPEG as the standard has it, not only what OpenCV tolerates."""
    image = saved(PICTURE, "JPEG", restart_marker_blocks=1)
    part = cut(image, header_of(image), (40, 20, 30, 30))
    with Image.open(io.BytesIO(part.file.tobytes())) as opened:
        assert opened.size == (48, 48) and (part.left, part.top) == (32, 16)
        ours = cv2.imdecode(part.file, cv2.IMREAD_COLOR_RGB)
        assert np.abs(np.asarray(opened).astype(int) - ours).max() <= 2


@pytest.mark.parametrize(
    ("options", "box", "reduction"),
    [
        ({"progressive": True}, (0, 0, 20, 20), 1),
        (UNEVEN, (0, 0, 20, 20), 1),  # an interval continues on the next row
        (INTERVALS["a unit"], WHOLE, 1),
        (INTERVALS["a unit"], WHOLE, 2),
        ({}, (0, HEIGHT - 1, 1, 1), 1),
    ],
)
def test_other_files_are_decoded_whole(options, box, reduction):
    image = saved(PICTURE, "JPEG", **options)
    assert cut(image, header_of(image), box, reduction) is None
    expected = decode(image) if reduction == 1 else part_of(image, None, reduction).pixels
    assert np.array_equal(part_of(image, box, reduction).pixels, expected)


@pytest.mark.parametrize("instead", [b"\xff\xd6", b""], ids=["another number", "none"])
def test_damaged_markers_are_left_to_the_decoder(instead):
    image = saved(PICTURE, "JPEG", restart_marker_blocks=1)
    place = place_of(image, 4)
    damaged = image[:place] + instead + image[place + 2 :]
    assert cut(damaged, header_of(damaged), (0, 0, 20, 20)) is None
    assert np.array_equal(part_of(damaged, (0, 0, 20, 20)).pixels, decode(damaged))


@pytest.mark.parametrize("marker", [0xC4, 0xDA, 0xDD, 0xE0, 0xFE])
def test_another_marker_among_the_coded_data_is_left_to_the_decoder(marker):
    """It makes a decoder give up, so that a part after it would show what the whole does not."""
    image = saved(PICTURE, "JPEG", restart_marker_blocks=1)
    place = place_of(image, 4) - 4
    damaged = image[:place] + bytes((0xFF, marker)) + image[place + 2 :]
    assert cut(damaged, header_of(damaged), (60, 50, 30, 20)) is None


@pytest.mark.parametrize("options", PLAIN.values(), ids=list(PLAIN))
@pytest.mark.parametrize("reduction", [2, 4, 8])
def test_at_a_fraction_of_the_size_the_intervals_of_the_top_rows_are_taken(options, reduction, capfd):
    image = saved(PICTURE, "JPEG", **options, restart_marker_blocks=1)
    whole, fewer = part_of(image, None, reduction).pixels, 0
    for rows in range(1, HEIGHT + 1):
        pixels, left, top = part_of(image, (50, 0, 40, rows), reduction)
        wanted = rows // reduction
        assert (left, top) == (0, 0) and pixels.shape[1] == whole.shape[1]
        assert np.array_equal(pixels[:wanted], whole[:wanted])
        fewer += len(pixels) < len(whole)
    assert fewer > 40
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("width", [1, 16, 17, 48, 368, 500, 512, 640])
def test_what_is_encoded_for_it_is_read_in_parts(width):
    """The pixels are those without markers, and a part of the file shows a part of them."""
    smooth = cv2.resize(np.random.default_rng(1).integers(0, 256, (3, 4, 3), np.uint8), (width, 64), interpolation=1)
    plain, image = encode_jpeg(smooth), encode_jpeg(smooth, in_parts=True)
    units = -(-width // 16)
    assert header_of(image).restarts == restart_interval(width) and units % restart_interval(width) == 0
    assert np.array_equal(decode(image), decode(plain)) and header_of(plain).restarts == 0
    assert part_of(image, (0, 0, 1, 1)).pixels.shape == (16, min(16 * restart_interval(width), width), 3)


@pytest.mark.parametrize("place", ["JPEG EXIF", "PNG eXIf", "WEBP XMP", "TIFF tag"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_parts_of_a_turned_image_are_those_of_the_upright_one(place, orientation):
    image = PLACES[place](PICTURE, orientation)
    box = 3, 0, 20, 20
    assert np.array_equal(part_of(image, box).of(box), decode(image)[:20, 3:23])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("reduction", [2, 4, 8])
def test_a_reduced_image_is_upright_and_nearly_the_average(orientation, reduction):
    smooth = cv2.resize(np.random.default_rng(1).integers(0, 256, (3, 4, 3), np.uint8), (160, 120), interpolation=1)
    image = PLACES["JPEG EXIF"](Image.fromarray(smooth), orientation)
    whole, reduced = decode(image), part_of(image, None, reduction).pixels
    height, width = whole.shape[:2]
    assert reduced.shape == (height // reduction, width // reduction, 3)
    average = cv2.resize(whole, (width // reduction, height // reduction), interpolation=cv2.INTER_AREA)
    assert np.abs(reduced.astype(int) - average).mean() < 1


def test_a_damaged_file_is_decoded_or_refused_but_nothing_else_happens():
    """Random bytes in files with restart markers, also such as end them, or change their size and markers: a part shows
    what the whole shows."""
    rng, refused, cut_out = np.random.default_rng(0), 0, 0
    for image in (saved(PICTURE, "JPEG", restart_marker_blocks=1), encode_jpeg(np.asarray(PICTURE), in_parts=True)):
        places = np.r_[:700, rng.integers(0, len(image), 300)]
        for _ in range(600):
            changed = bytearray(image)
            for place in rng.choice(places, rng.integers(1, 4)):
                changed[place] = rng.choice([0, 0xFF, 0xD0, 0xD9, 0xDD, rng.integers(256)])
            header = header_of(bytes(changed))
            is_cut = header is not None and cut(bytes(changed), header, (40, 20, 30, 30)) is not None
            try:
                part = decode_part(bytes(changed), (40, 20, 30, 30), lambda: "here")
            except images.UserError as error:
                refused += 1
                assert str(error).startswith("here: ")
            else:
                cut_out += is_cut
                if is_cut:
                    assert np.array_equal(part.of((40, 20, 30, 30)), decode(bytes(changed))[20:50, 40:70])
    assert refused > 20 and cut_out > 300


def test_a_damaged_end_is_still_refused():
    image = saved(PICTURE, "JPEG")
    with pytest.raises(images.UserError, match=r"here: damaged image .*truncated"):
        decode_part(image[:-40], (0, 0, 16, 16), lambda: "here")
    with Image.open(io.BytesIO(image)) as opened:
        assert opened.size == PICTURE.size
