"""Hard negatives: chosen by hand, drawn by the epoch, and a share of each batch."""

import numpy as np
import pytest
import torch
from torch import nn

from classification.tiny import COMPUTE, description
from googlenet.detection.hard_negatives import drawn, find, hardest
from googlenet.detection.regions import pool_regions, training_regions
from googlenet.detection.train import RegionBatches
from googlenet.errors import UserError

ROWS = np.array([[0, 0], [0, 3], [2, 1], [5, 0]])
SETTINGS = {
    "hard_negatives": {"share": 0.5, "scored": 100, "hardest": 2},
    "positives": 1,
    "negatives": 4,
    "context_px": 0,
    "mirror": False,
    "detector": {"order_seed": 3},
}


class Brightness(nn.Module):
    """A detector to which the bright is an object: the logit of its one class is the mean of the input."""

    def map_after(self, x):
        return x, []

    def vector_of(self, x):
        return x.mean((1, 2, 3))[:, None]

    def dropout(self, x):
        return x

    def linear(self, x):
        assert not self.training
        return torch.cat([torch.zeros_like(x), x], 1)


def bright(*values):
    """Pictures of 20 x 10 pixels, each half of one brightness."""
    found = []
    for left, right in values:
        picture = np.zeros((10, 20, 3), np.uint8)
        picture[:, :10], picture[:, 10:] = left, right
        found.append(picture)
    return found


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
    pictures = bright((10, 200), (90, 255), (250, 30))
    background = np.array([[0, 0], [0, 1], [2, 0], [2, 1]])  # the second picture gives none
    model = Brightness().train()
    found = find(background, model, description(2), pictures, [HALVES] * 3, 0, SETTINGS, COMPUTE)
    assert found.tolist() == [[2, 0], [0, 1]]
    assert model.training  # as it was


def test_another_epoch_scores_others():
    pictures = bright((10, 200), (90, 255), (250, 30))
    background = np.array([[i, j] for i in range(3) for j in range(2)])
    settings = SETTINGS | {"hard_negatives": {"scored": 2, "hardest": 1}}

    def at(epoch):
        return find(
            background, Brightness(), description(2), pictures, [HALVES] * 3, epoch, settings, COMPUTE
        ).tolist()

    assert at(3) == at(3) and len({str(at(epoch)) for epoch in range(12)}) > 1
    with pytest.raises(UserError, match=r"set train_detector\.hard_negatives\.share to 0"):
        find(background[:0], Brightness(), description(2), pictures, [HALVES] * 3, 0, settings, COMPUTE)


def test_partly_labelled_pictures_give_no_hard_negatives():
    """Two alike pictures; in the second objects may lack boxes, so that its bright half is no background."""
    object_ = HALVES[:1], np.array([0]), np.array([False])
    objects = [(*object_, np.zeros(0, np.int32)), (*object_, np.array([0], np.int32))]
    boxes, labels = training_regions([HALVES[1:]] * 2, objects, 0.5)
    background = pool_regions(labels).background
    pictures = bright((0, 100), (0, 255))
    found = find(background, Brightness(), description(2), pictures, boxes, 0, SETTINGS, COMPUTE)
    assert found.tolist() == [[0, 0]]


def test_a_share_of_a_batch_is_hard():
    """Background: four regions, one brightness each; half of a batch's four comes from the one that is hardest."""
    pictures = bright((10, 200), (90, 255), (250, 30))
    labels = [np.array([1, 0]), np.array([0, 0]), np.array([0, 1])]
    batches = RegionBatches(pictures, [HALVES] * 3, labels, SETTINGS, description(2), 3)
    batches.hardest = np.array([[1, 1]])
    for step in range(8):
        crops, label = batches[step]
        assert label.tolist() == [1, 0, 0, 0, 0]
        middle = crops[:, 16, 16, 0].tolist()
        assert middle[3:] == [255, 255] and middle[1] != middle[2]
    plain = RegionBatches(
        pictures, [HALVES] * 3, labels, SETTINGS | {"hard_negatives": {"share": 0.0}}, description(2), 3
    )
    assert any(plain[step][0][3:, 16, 16, 0].tolist() != [255, 255] for step in range(8))
