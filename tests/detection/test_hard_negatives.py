"""Hard negatives: chosen by hand, drawn by the epoch, and a share of each batch."""

import numpy as np
import pytest
import torch
from torch import nn

from classification.tiny import RUNTIME, spec
from detection.samples import truth_of
from googlenet.detection.regions import TrainingRegions, training_regions
from googlenet.detection.train import RegionBatches, drawn, hardest, hardest_background
from googlenet.errors import UserError
from googlenet.models.network import Network
from settings import changed, settings_of

ROWS = np.array([[0, 0], [0, 3], [2, 1], [5, 0]])
SETTINGS = settings_of(
    "train_detector",
    hard_negatives={"enabled": True, "share": 0.5, "scored": 100, "hardest": 2},
    positives=1,
    negatives=4,
    context_px=0,
    mirror=False,
    detector={"order_seed": 3},
)


class Brightness(nn.Module):
    """A detector to which bright regions are objects: the logit of its one class is the mean of the input."""

    def map_after(self, x):
        return x, []

    def vector_of(self, x):
        return x.mean((1, 2, 3))[:, None]

    def logits_of(self, x):
        assert not self.training
        return torch.cat([torch.zeros_like(x), x], 1)


def detector():
    """Such a network in training mode."""
    return Network(Brightness().train(), spec(2))


def bright(*values):
    """Images of 20 x 10 pixels, each half of one brightness."""
    images = []
    for left, right in values:
        image = np.zeros((10, 20, 3), np.uint8)
        image[:, :10], image[:, 10:] = left, right
        images.append(image)
    return images


def hardest_rows(network, images, regions, epoch=0, settings=SETTINGS):
    return hardest_background(RegionBatches(images, regions, settings, spec(2)), network, epoch, RUNTIME)


HALVES = np.array([[0, 0, 9, 9], [10, 0, 19, 9]], np.float32)


def test_the_least_sure_of_background_are_the_hardest():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5], [0.2, 0.4]])
    assert hardest(ROWS, probabilities, 3).tolist() == [[0, 3], [5, 0], [2, 1]]  # at a tie the first
    assert hardest(ROWS, probabilities, 9).tolist() == [[0, 3], [5, 0], [2, 1], [0, 0]]


def test_what_is_scored_is_drawn_each_once_in_order():
    def some(seed, count):
        return drawn(np.random.default_rng(seed), ROWS, count).tolist()

    assert some(0, 9) == ROWS.tolist()
    assert all(row in ROWS.tolist() for row in some(1, 2)) and some(1, 2) == sorted(some(1, 2))
    assert len({str(some(seed, 2)) for seed in range(20)}) > 1


def test_the_brightest_background_is_found():
    images = bright((10, 200), (90, 255), (250, 30))
    labels = [np.zeros(2, int), np.full(2, -1), np.zeros(2, int)]  # the second image gives none
    network = detector()
    assert hardest_rows(network, images, TrainingRegions([HALVES] * 3, labels)).tolist() == [[2, 0], [0, 1]]
    assert network.model.training  # as it was


def test_another_epoch_scores_others():
    images = bright((10, 200), (90, 255), (250, 30))
    regions = TrainingRegions([HALVES] * 3, [np.zeros(2, int)] * 3)
    settings = changed(SETTINGS, hard_negatives={"scored": 2, "hardest": 1})

    def at(epoch):
        return hardest_rows(detector(), images, regions, epoch, settings).tolist()

    assert at(3) == at(3) and len({str(at(epoch)) for epoch in range(12)}) > 1
    with pytest.raises(UserError, match=r"set train_detector\.hard_negatives\.enabled to false"):
        hardest_rows(detector(), images, regions._replace(labels=[np.ones(2, int)] * 3), 0, settings)


def test_partly_labelled_images_give_no_hard_negatives():
    """Two alike images; in the second objects may lack boxes, so that its bright half is not background."""
    objects = [truth_of(HALVES[:1]), truth_of(HALVES[:1], partial=[0])]
    regions = training_regions([HALVES[1:]] * 2, objects, 0.5)
    assert hardest_rows(detector(), bright((0, 100), (0, 255)), regions).tolist() == [[0, 0]]


def test_a_share_of_a_batch_is_hard():
    """Background: four regions, one brightness each; half of a batch's four comes from the one that is hardest."""
    images = bright((10, 200), (90, 255), (250, 30))
    labels = [np.array([1, 0]), np.array([0, 0]), np.array([0, 1])]
    regions = TrainingRegions([HALVES] * 3, labels)
    batches = RegionBatches(images, regions, SETTINGS, spec(2))
    batches.hardest = np.array([[1, 1]])
    for step in range(8):
        crops, label = batches[step]
        assert label.tolist() == [1, 0, 0, 0, 0]
        middle = crops[:, 16, 16, 0].tolist()
        assert middle[3:] == [255, 255] and middle[1] != middle[2]
    without = changed(SETTINGS, hard_negatives={"enabled": False})
    plain = RegionBatches(images, regions, without, spec(2))
    assert any(plain[step][0][3:, 16, 16, 0].tolist() != [255, 255] for step in range(8))
