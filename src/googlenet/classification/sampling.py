"""Training crops: the paper's patch sampling, earlier methods, photometric distortions (section 6).
All random numbers come from the generator passed in."""

import cv2
import numpy as np
import torch

from googlenet.config.schema.shared import Sampling
from googlenet.data.decoded import PartSource
from googlenet.data.jpeg_part import Box

INTERPOLATION = {  # what `random` draws from
    "bilinear": cv2.INTER_LINEAR,
    "area": cv2.INTER_AREA,
    "nearest": cv2.INTER_NEAREST,
    "cubic": cv2.INTER_CUBIC,
}
REDUCTIONS = (8, 4, 2)  # what a JPEG decoder can divide the sides by
# Multiple of the output side that a decoder keeps for antialiasing: the mean error stays within one grey level.
LEFT = 2
# Eigenvectors and eigenvalues of ImageNet's RGB covariance (Krizhevsky 2012), for the lighting noise.
LIGHTING = np.array(
    [[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]], np.float32
) * np.array([0.2175, 0.0188, 0.0045], np.float32)
LIGHTING_STD = 0.1  # Krizhevsky's
FACTORS = (0.5, 1.5)  # Howard's, for brightness, contrast and colour; 1 leaves the crop unchanged
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # grey as defined by PIL, which Howard used
TRIES = 10  # attempts at a crop that fits, before taking the largest square; the usual number in later implementations


def sample_into(
    out: np.ndarray, images: PartSource, index: int, sampling: Sampling, mirror: bool, rng: np.random.Generator
) -> None:
    """Draw one training crop of image `index` into `out`, uint8 [px, px, 3]; with `mirror`, half are mirrored. Only the
    crop's part of the image is decoded."""
    width, height = images.size(index)
    box = METHODS[sampling.method](width, height, sampling, rng)
    names = list(INTERPOLATION) if sampling.interpolation == "random" else [sampling.interpolation]
    interpolation = names[rng.integers(len(names))] if len(names) > 1 else names[0]
    reduction = reduction_of(box, LEFT * len(out)) if interpolation == "antialias" else 1
    read = with_surroundings(box, len(out), width, height) if reduction > 1 else box
    part = images.part(index, read, reduction)
    if reduction > 1 and part.pixels.shape[1] < width:
        left, top, w, h = (side / reduction for side in box)
        resize_reduced_into(out, part.pixels, (left, top, left + w, top + h))
    else:
        resize_into(out, part.of(box), interpolation)
    if mirror and rng.random() < 0.5:
        cv2.flip(out, 1, out)
    if sampling.photometric and rng.random() < sampling.photometric:
        out[:] = distort(out, rng)


def reduction_of(box: Box, px: int) -> int:
    """Return by how much a decoder may divide the sides so that the box still has `px` pixels on each: 1, 2, 4 or 8."""
    return next((reduction for reduction in REDUCTIONS if min(box[2:]) >= reduction * px), 1)


def with_surroundings(box: Box, px: int, width: int, height: int) -> Box:
    """Return a box with the pixels around it that Pillow's filter reads when it resizes the box, in a reduced image, to
    `px` pixels: on each side half the scale, and up to half a reduced pixel more. Together that is less than the scale,
    because the box keeps at least LEFT pixels for each of the output."""
    left, top, w, h = box
    more = -(-max(w, h) // px)
    x, y = max(left - more, 0), max(top - more, 0)
    return x, y, min(left + w + more, width) - x, min(top + h + more, height) - y


def resize_into(out: np.ndarray, crop: np.ndarray, interpolation: str) -> None:
    """Resize a crop [h, w, 3] into `out`. antialias: bilinear as in Pillow, with a filter as wide as the scale."""
    if interpolation == "antialias":
        pixels, resized = (torch.from_numpy(each).permute(2, 0, 1)[None] for each in (np.ascontiguousarray(crop), out))
        # Called by torch.nn.functional.interpolate, which itself would return three planes and take twice as long.
        torch.ops.aten._upsample_bilinear2d_aa.out(pixels, out.shape[:2], False, out=resized)
    else:
        cv2.resize(crop, (out.shape[1], out.shape[0]), out, interpolation=INTERPOLATION[interpolation])


def resize_reduced_into(out: np.ndarray, image: np.ndarray, sides: tuple[float, float, float, float]) -> None:
    """Resize a part of an image that was decoded at a fraction of its size; left, top, right, bottom: in its pixels."""
    from PIL import Image  # not imported for other crops

    left, top, right, bottom = sides
    within = left, top, min(right, image.shape[1]), min(bottom, image.shape[0])
    size = out.shape[1], out.shape[0]
    out[:] = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR, within))


def area_box(width: int, height: int, sampling: Sampling, rng: np.random.Generator) -> Box:
    """Draw by the paper's method: area in the range `area` of the image's, aspect ratio in `aspect` (8-100 %, 3/4-4/3);
    after TRIES attempts without a crop that fits, return the largest centred square."""
    low, high = np.log(sampling.aspect[0]), np.log(sampling.aspect[1])
    for _ in range(TRIES):
        area = width * height * rng.uniform(*sampling.area)
        aspect = np.exp(rng.uniform(low, high))
        w, h = round((area * aspect) ** 0.5), round((area / aspect) ** 0.5)
        if 0 < w <= width and 0 < h <= height:
            return int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1)), w, h
    side = min(width, height)
    return (width - side) // 2, (height - side) // 2, side, side


def scale_box(width: int, height: int, sampling: Sampling, rng: np.random.Generator) -> Box:
    """Draw the shorter side from `scales` (in pixels per 224 of input), then a square of the input's size anywhere. A
    single scale, 256, is Krizhevsky's method; a range is scale jitter."""
    side = max(1, round(min(width, height) * 224 / rng.uniform(*sampling.scales)))
    side = min(side, width, height)
    return int(rng.integers(width - side + 1)), int(rng.integers(height - side + 1)), side, side


METHODS = {"area": area_box, "scale": scale_box}


def distort(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Apply Howard's photometric distortions (2013) to a uint8 RGB crop: brightness, contrast and colour in random
    order, each with its own factor from FACTORS; then Krizhevsky's lighting noise."""
    x = crop.astype(np.float32)
    for which in rng.permutation(len(DISTORTIONS)):
        factor = np.float32(rng.uniform(*FACTORS))
        x = DISTORTIONS[which](x, factor)
        np.clip(x, 0, 255, out=x)
    rows = x.reshape(len(x), -1)  # whole rows: three values at a time would be slow
    rows += np.tile(lighting(rng.normal(0, LIGHTING_STD, 3).astype(np.float32)), x.shape[1])
    x += 0.5
    return np.clip(x, 0, 255, out=x).astype(np.uint8)


def brightness(x: np.ndarray, factor: np.float32) -> np.ndarray:
    """Move away from black (factor above 1) or towards it. x, here and below: float32 [h, w, 3], 0 to 255."""
    return np.asarray(x * factor)


def contrast(x: np.ndarray, factor: np.float32) -> np.ndarray:
    """Move away from the crop's mean luminance or towards it."""
    return _away_from((x @ LUMA).mean(), x, factor)


def colour(x: np.ndarray, factor: np.float32) -> np.ndarray:
    """Move away from each pixel's own grey or towards it."""
    return _away_from(cv2.merge([x @ LUMA] * 3), x, factor)


def _away_from(grey: np.ndarray, x: np.ndarray, factor: np.float32) -> np.ndarray:
    moved: np.ndarray = np.subtract(x, grey)
    moved *= factor
    moved += grey
    return moved


def lighting(strengths: np.ndarray) -> np.ndarray:
    """One RGB shift for all pixels, along the principal components of ImageNet's colours: float32 [3], 0 to 255."""
    return np.asarray(LIGHTING @ strengths * 255)


DISTORTIONS = (brightness, contrast, colour)
