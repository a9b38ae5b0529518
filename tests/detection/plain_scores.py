"""Regions of three images and scores that are plainly right, for the tests of the detectors' mean and of its rating."""

import numpy as np

from detection.samples import truth_of
from settings import settings_of

SETTINGS = settings_of(
    "evaluate_detection",
    nms_iou=0.3,
    min_score=0.01,
    max_per_image=100,
    small_object_threshold=True,
    resamples=50,
    confidence_percent=95,
    seed=1,
    examples=2,
    example_score=0.5,
    switches=(),
    compare=(),
)
# Three images: two objects with a stray region; one object, twice proposed; nothing to find.
BOXES = [
    np.array([[0, 0, 39, 39], [50, 0, 89, 39], [0, 60, 39, 99]], np.int32),
    np.array([[10, 10, 49, 49], [12, 10, 51, 49]], np.int32),
    np.array([[0, 0, 29, 29]], np.int32),
]
TRUTH = [truth_of(BOXES[0][:2], [0, 1]), truth_of(BOXES[1][:1], 1), truth_of()]
BACKGROUND = [0.97, 0.02, 0.01]
RIGHT = np.array([[0.1, 0.8, 0.1], [0.1, 0.1, 0.8], BACKGROUND, [0.1, 0.1, 0.8], [0.3, 0.1, 0.6], BACKGROUND])
NAMES, CLASSES = ["one", "two", "three"], ["cat", "dog"]
