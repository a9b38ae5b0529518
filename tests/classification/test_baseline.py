"""The logistic regression on pixels: what it sees, and that it learns."""

import numpy as np

from classification.tiny import pictures
from googlenet.classification.baseline import fit_and_score, pixels

SETTINGS = {"side_px": 4, "grey": True, "inverse_regularisation": 1.0, "max_iterations": 100}


def halves(count, seed):
    """Noise with a bright left half (class 0) or right half (class 1)."""
    labels = np.arange(count) % 2
    found = [picture // 3 for picture in pictures([(16, 12)] * count, seed)]
    for picture, label in zip(found, labels, strict=True):
        picture[:, 8 * label : 8 * label + 8] += 120
    return found, labels


def test_pixels_are_the_centre_square():
    picture = np.zeros((4, 8, 3), np.uint8)
    picture[:, 2:6] = (255, 0, 0)
    colour = pixels([picture, picture], 4, grey=False)
    assert colour.shape == (2, 48) and colour.dtype == np.float32
    assert np.array_equal(colour[0].reshape(4, 4, 3), np.broadcast_to(np.float32([1, 0, 0]), (4, 4, 3)))
    grey = pixels([picture], 4, grey=True)
    assert grey.shape == (1, 16) and np.abs(grey - 0.299).max() < 0.002


def test_it_learns_and_says_what_it_is():
    found = fit_and_score(halves(30, 0), halves(20, 1), SETTINGS)
    assert found == {
        "method": "logistic regression on pixels",
        "pixels": "4x4 grey",
        "top1_error_percent": 0,
        "top5_error_percent": 0,
    }


def test_errors_are_those_of_the_test_pictures():
    tested, labels = halves(20, 1)
    found = fit_and_score(halves(30, 0), (tested, 1 - labels), SETTINGS | {"grey": False})
    assert (found["top1_error_percent"], found["pixels"]) == (100, "4x4 RGB")
