"""Random scenes with objects and detections, for the tests of mean AP."""

import numpy as np

from googlenet.detection.mean_ap import Detections, Objects


def random_case(seed, images=6, classes=3, detections=150, objects=40):
    """Crowded scenes with many near hits, ties of score and difficult objects."""
    rng = np.random.default_rng(seed)
    low = rng.integers(0, 60, (objects, 2))
    box = np.concatenate([low, low + rng.integers(4, 50, (objects, 2))], axis=1)
    truth = Objects(rng.integers(0, images, objects), rng.integers(0, classes, objects), box, rng.random(objects) < 0.2)
    like = rng.integers(0, objects, detections)
    near = box[like] + rng.integers(-6, 7, (detections, 4))
    near[:, 2:] = np.maximum(near[:, 2:], near[:, :2])
    score = rng.integers(0, 30, detections) / 30
    return Detections(truth.image[like], truth.label[like], score, near), truth
