"""A very small fine-tuning of a detector: its settings, images and regions."""

import numpy as np

from classification.tiny import images
from googlenet.detection.regions import TrainingRegions
from settings import settings_of

SETTINGS = settings_of(
    "train_detector",
    epochs=2,
    batches_per_epoch=2,
    positives=3,
    negatives=5,
    context_px=16,
    learning_rate=0.01,
    warmup_steps=0,
    schedule="cosine",
    momentum=0.9,
    weight_decay=0.0005,
    aux_weight=0.3,
    averaging={"form": "exponential", "decay": 0.9, "start_epoch": 0},
    hard_negatives={"enabled": False, "share": 0.4, "scored": 6, "hardest": 2},
    mirror=True,
    detector={"order_seed": 4},
)
IMAGES = images([(60, 50), (50, 60), (48, 48)])
BOXES = [
    np.array([[0, 0, 19, 19], [20, 10, 39, 39], [5, 5, 50, 30]], np.float32),
    np.array([[0, 0, 29, 9], [10, 20, 39, 55], [3, 3, 8, 8], [1, 1, 40, 40]], np.float32),
    np.zeros((0, 4), np.float32),
]
LABELS = [np.array([1, 0, 0]), np.array([2, 0, -1, 1]), np.zeros(0, np.int64)]
REGIONS = TrainingRegions(BOXES, LABELS)
