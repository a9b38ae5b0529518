"""Training crops: the paper's sampling of patches, earlier methods, photometric distortions (section 6).
All random numbers come from the generator that is passed in."""

import cv2
import numpy as np

from googlenet.config.schema.shared import Sampling

INTERPOLATION = {
    "bilinear": cv2.INTER_LINEAR,
    "area": cv2.INTER_AREA,
    "nearest": cv2.INTER_NEAREST,
    "cubic": cv2.INTER_CUBIC,
}
# Eigenvectors and eigenvalues of ImageNet's RGB covariance (Krizhevsky 2012), for the lighting noise.
LIGHTING = np.array(
    [[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]], np.float32
) * np.array([0.2175, 0.0188, 0.0045], np.float32)
LIGHTING_STD = 0.1  # Krizhevsky's
FACTORS = (0.5, 1.5)  # Howard's, for brightness, contrast and colour; 1 leaves the crop unchanged
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # grey as defined by PIL, which Howard used
Box = tuple[int, int, int, int]  # left, top, width, height
TRIES = 10  # attempts at a crop that fits, before taking the largest square: usual in later descriptions


def sample(image: np.ndarray, sampling: Sampling, mirror: bool, px: int, rng: np.random.Generator) -> np.ndarray:
    """Draw one training crop [px, px, 3] from a uint8 RGB image [h, w, 3]; with `mirror`, half are mirrored."""
    left, top, width, height = METHODS[sampling.method](image.shape[1], image.shape[0], sampling, rng)
    names = list(INTERPOLATION) if sampling.interpolation == "random" else [sampling.interpolation]
    interpolation = names[rng.integers(len(names))] if len(names) > 1 else names[0]
    crop = image[top : top + height, left : left + width]
    crop = cv2.resize(crop, (px, px), interpolation=INTERPOLATION[interpolation])
    if mirror and rng.random() < 0.5:
        crop = crop[:, ::-1]
    if sampling.photometric and rng.random() < sampling.photometric:
        crop = distort(crop, rng)
    return np.ascontiguousarray(crop)


def area_box(width: int, height: int, sampling: Sampling, rng: np.random.Generator) -> Box:
    """Draw by the paper's method: area within `area` of the image's, aspect ratio within `aspect` (8-100 %, 3/4-4/3);
    after TRIES attempts at a crop that fits, return the largest centred square."""
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
        x = np.clip(DISTORTIONS[which](x, factor), 0, 255)
    x = x + lighting(rng.normal(0, LIGHTING_STD, 3).astype(np.float32))
    return np.asarray(np.clip(x + 0.5, 0, 255), np.uint8)


def brightness(x: np.ndarray, factor: np.float32) -> np.ndarray:
    """Move away from black (factor above 1) or towards it. x, here and below: float32 [h, w, 3], 0 to 255."""
    return np.asarray(x * factor)


def contrast(x: np.ndarray, factor: np.float32) -> np.ndarray:
    """Move away from the crop's mean luminance or towards it."""
    mean = (x @ LUMA).mean()
    return np.asarray(mean + (x - mean) * factor)


def colour(x: np.ndarray, factor: np.float32) -> np.ndarray:
    """Move away from each pixel's own grey or towards it."""
    grey = (x @ LUMA)[..., None]
    return grey + (x - grey) * factor


def lighting(strengths: np.ndarray) -> np.ndarray:
    """One RGB shift for all pixels, along the principal components of ImageNet's colours: float32 [3], 0 to 255."""
    return np.asarray(LIGHTING @ strengths * 255)


DISTORTIONS = (brightness, contrast, colour)
