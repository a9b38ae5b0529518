"""A very small training of a classifier: its settings and its images."""

import numpy as np

from classification.tiny import AREA, images
from googlenet.classification.train import Splits
from googlenet.pipeline.resume import Resume
from settings import changed, settings_of

SETTINGS = settings_of(
    "train_classifier",
    epochs=2,
    batch_size=8,
    learning_rate=0.01,
    warmup_steps=2,
    weight_decay=0.0002,
    averaging={"form": "exponential", "decay": 0.9, "start_epoch": 0},
    stall={"enabled": False, "epochs": 2, "margin": 0.01},
    member={"name": "m5", "order_seed": 5, "sampling_seed": 6},
    sampling=changed(AREA, interpolation="random", photometric=0.5).model_dump(),
    mirror=True,
)
IMAGES, LABELS = images([(40, 36)] * 20), np.arange(20) % 3
SPLITS = Splits((IMAGES, LABELS), validation=(IMAGES[:4], LABELS[:4]), test=(IMAGES[4:], LABELS[4:]))


class Looking(Resume):
    """Sees, after every step, how many steps' values the state holds."""

    def __init__(self):
        super().__init__()
        self.held = []

    def step(self, state):
        tensors, _ = state()
        self.held.append([len(values) for name, values in tensors.items() if name.startswith("seen ")])
