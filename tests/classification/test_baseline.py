"""The logistic regression on pixels: what it sees, and that it learns."""

import numpy as np

from classification.tiny import images
from googlenet.classification.baseline import fit_and_score, pixels
from googlenet.metrics.classification import BaselineMetrics
from settings import changed, settings_of

SETTINGS = settings_of(
    "train_baseline", experiment="demo", side_px=4, grey=True, inverse_regularisation=1.0, max_iterations=100
)


def halves(count, seed):
    """Noise with a bright left half (class 0) or right half (class 1)."""
    labels = np.arange(count) % 2
    made = [image // 3 for image in images([(16, 12)] * count, seed)]
    for image, label in zip(made, labels, strict=True):
        image[:, 8 * label : 8 * label + 8] += 120
    return made, labels


def test_pixels_are_the_centre_square():
    image = np.zeros((4, 8, 3), np.uint8)
    image[:, 2:6] = (255, 0, 0)
    colour = pixels([image, image], 4, grey=False)
    assert colour.shape == (2, 48) and colour.dtype == np.float32
    assert np.array_equal(colour[0].reshape(4, 4, 3), np.broadcast_to(np.float32([1, 0, 0]), (4, 4, 3)))
    grey = pixels([image], 4, grey=True)
    assert grey.shape == (1, 16) and np.abs(grey - 0.299).max() < 0.002


def test_it_learns_and_says_what_it_is():
    assert fit_and_score(halves(30, 0), halves(20, 1), SETTINGS) == BaselineMetrics(
        method="logistic regression on pixels", pixels="4x4 grey", top1_error_percent=0, top5_error_percent=0
    )


def test_errors_are_those_of_the_test_images():
    tested, labels = halves(20, 1)
    measured = fit_and_score(halves(30, 0), (tested, 1 - labels), changed(SETTINGS, grey=False))
    assert (measured.top1_error_percent, measured.pixels) == (100, "4x4 RGB")
