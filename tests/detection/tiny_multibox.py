"""A very small MultiBox: its settings, its scenes, and networks at their start."""

from dataclasses import replace

import numpy as np

from classification.tiny import network, spec
from detection.samples import truth_of
from googlenet.detection.multibox import Form, cells_of, start, trunk_of
from googlenet.detection.multibox_train import prior_figures, priors_of, squeezed_boxes
from settings import settings_of

SETTINGS = settings_of(
    "train_multibox",
    match_iou=0.5,
    location_weight=1.0,
    crop_area=(1.0, 1.0),
    crop_aspect=(1.0, 1.0),
    epochs=4,
    batches_per_epoch=20,
    batch_size=8,
    learning_rate=0.01,
    warmup_steps=10,
    schedule="cosine",
    momentum=0.9,
    weight_decay=0.0005,
    averaging={"form": "exponential", "decay": 0.9, "start_epoch": 0},
    order_seed=1,
    mirror=True,
)
PX = 64


def scenes(count, seed):
    """Noise of 80 x 60 px with one bright square each, and where it is."""
    rng, shown, objects = np.random.default_rng(seed), [], []
    for _ in range(count):
        image = rng.integers(0, 60, (60, 80, 3), np.uint8)
        side = int(rng.integers(8, 14))
        x, y = int(rng.integers(80 - side)), int(rng.integers(60 - side))
        image[y : y + side, x : x + side] += 180
        shown.append(image)
        objects.append(truth_of([[x, y, x + side - 1, y + side - 1]]))
    return shown, objects


def begun(head, last, objects, priors=4, channels=16, **shape):
    """A network that starts from a random classifier, whose spec differs in `shape`."""
    classifier = network(replace(spec(), **shape))
    trunk = trunk_of(classifier.spec, PX)
    boxes = squeezed_boxes(objects, [(80, 60)] * len(objects), PX)
    chosen = priors_of(boxes, head, priors, cells_of(trunk, last), PX, 1)
    share = prior_figures(chosen, boxes, SETTINGS.match_iou)[1]
    return start(Form(trunk, last, head, channels, len(chosen)), classifier, chosen, share, seed=1)
