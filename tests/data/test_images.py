"""Every kind of image file arrives as upright RGB, or is refused in one line."""

import cv2
import numpy as np
import pytest
from PIL import Image

from data.datasets import jpeg, noise, saved
from googlenet.data.images import check_image, decode, shrink
from googlenet.errors import UserError

RED_OVER_BLUE = np.array([[[255, 0, 0]] * 16] * 8 + [[[0, 0, 255]] * 16] * 8, np.uint8)  # 16x16


def test_jpeg_is_rgb_not_bgr():
    pixels = decode(saved(Image.fromarray(RED_OVER_BLUE), "JPEG", quality=95))
    assert pixels.dtype == np.uint8 and pixels.shape == (16, 16, 3)
    assert pixels[1, 1, 0] > 240 and pixels[1, 1, 2] < 15 and pixels[14, 1, 2] > 240


@pytest.mark.parametrize(("orientation", "top", "bottom"), [(1, "red", "blue"), (3, "blue", "red"), (4, "blue", "red")])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_orientation_of_the_camera_is_undone(kind, orientation, top, bottom):
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = decode(saved(Image.fromarray(RED_OVER_BLUE), kind, exif=exif))
    channel = {"red": 0, "blue": 2}
    assert pixels[1, 8].argmax() == channel[top] and pixels[14, 8].argmax() == channel[bottom]


def test_quarter_turn_swaps_the_sides_and_the_check_says_so():
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side: shown turned clockwise
    image = saved(Image.fromarray(noise(24, 32)), "JPEG", exif=exif)
    assert decode(image).shape == (32, 24, 3)
    seen = check_image(image)
    assert (seen.width, seen.height, seen.form, seen.orientation) == (24, 32, "JPEG RGB", 6)
    assert seen.bytes == len(image)


def test_what_an_image_looks_like_outlives_another_size_and_format_but_not_another_image():
    def of(pixels, kind="PNG", **options):
        return check_image(saved(Image.fromarray(pixels), kind, **options)).looks

    waves = np.sin(np.arange(320) / 23)[None, :] * np.cos(np.arange(240) / 31)[:, None]
    image = np.repeat((127 + 120 * waves).astype(np.uint8)[..., None], 3, axis=2)
    assert of(image) == of(image, "JPEG", quality=80) == of(cv2.resize(image, (160, 120)))
    assert of(image) not in (0, of(image[:, ::-1]), of(image[::-1]))
    brightening = np.repeat(np.arange(64, dtype=np.uint8)[None, :, None], 48, axis=0).repeat(3, axis=2)
    assert of(np.full((48, 64, 3), 90, np.uint8)) == of(brightening) == of(brightening[:, ::-1]) == 0


def test_grey_becomes_three_equal_channels():
    for kind in ("JPEG", "PNG"):
        pixels = decode(saved(Image.new("L", (9, 8), 77), kind))
        assert pixels.shape == (8, 9, 3) and (pixels == 77).all()


def test_sixteen_bits_are_scaled_not_clipped():
    values = np.array([[0, 257, 32896, 65535]], np.uint16)
    pixels = decode(cv2.imencode(".png", values)[1].tobytes())
    assert pixels[0, :, 0].tolist() == [0, 1, 128, 255]


def test_sixteen_bits_of_colour_are_scaled_too():
    values = np.array([[[0, 257, 32896], [65535, 65535, 0]]], np.uint16)
    pixels = decode(cv2.imencode(".png", values[..., ::-1])[1].tobytes())
    assert pixels[0].tolist() == [[0, 1, 128], [255, 255, 0]]


def test_sixteen_bits_of_grey_in_a_tiff_are_scaled_too():
    values = np.array([[0, 257, 32896, 65535]], np.uint16)
    assert decode(saved(Image.fromarray(values), "TIFF"))[0, :, 1].tolist() == [0, 1, 128, 255]


def test_what_has_no_agreed_pixels_is_refused_by_its_name():
    with pytest.raises(UserError, match=r"^a\.tif: damaged image \(floating-point pixels have no agreed scale"):
        decode(saved(Image.fromarray(np.zeros((4, 4), np.float32)), "TIFF"), "a.tif")


def test_alpha_lies_on_white():
    image = Image.new("RGBA", (3, 1), (255, 0, 0, 255))
    image.putpixel((1, 0), (255, 0, 0, 0))
    image.putpixel((2, 0), (0, 0, 0, 51))  # a fifth black on white: 204
    assert decode(saved(image, "PNG"))[0].tolist() == [[255, 0, 0], [255, 255, 255], [204, 204, 204]]


def test_transparent_palette_lies_on_white():
    image = Image.new("P", (2, 1), 0)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 0), 1)
    assert decode(saved(image, "PNG", transparency=0))[0].tolist() == [[255, 255, 255], [200, 100, 50]]


def test_cmyk_is_not_inverted():
    image = saved(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95)  # red
    red = decode(image)[8, 8]
    assert red[0] > 230 and red[1] < 25 and red[2] < 25


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_first_frame_of_an_animation(kind):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    image = saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert decode(image)[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_truncated_is_refused_never_filled_with_grey(kind, share):
    image = saved(Image.fromarray(noise(64, 64)), kind)
    part = image[: int(share * len(image))]
    for function in (decode, check_image):
        with pytest.raises(UserError, match=r"^cat/1\.x: "):
            function(part, "cat/1.x")


def test_jpeg_without_its_last_byte_is_refused():
    with pytest.raises(UserError, match=r"^a\.jpg: damaged image \(image file is truncated"):
        check_image(jpeg(64, 64)[:-40], "a.jpg")


@pytest.mark.parametrize(("image", "reason"), [(b"", "empty file"), (b"<html>404</html>", "not an image")])
def test_what_is_no_image(image, reason):
    with pytest.raises(UserError, match=rf"^a\.jpg: {reason}$"):
        decode(image, "a.jpg")


@pytest.mark.parametrize("kind", ["AVIF", "DDS", "EPS", "ICO", "JPEG2000", "PCX", "SGI", "TGA"])
def test_other_formats_are_no_images_and_start_no_process(kind, monkeypatch):
    started = []
    monkeypatch.setattr("subprocess.Popen", lambda *words, **_: started.append(words))
    for function in (decode, check_image):
        with pytest.raises(UserError, match=r"^innocent\.jpg: not an image$"):
            function(saved(Image.fromarray(noise(32, 32)), kind), "innocent.jpg")
    assert not started


def test_shrink_sets_the_shorter_side_and_never_enlarges():
    image, width, height = shrink(jpeg(40, 80), 20)
    assert (width, height) == (40, 20) and decode(image).shape == (20, 40, 3)
    small = jpeg(24, 32)
    assert shrink(small, 24) == (small, 32, 24)
