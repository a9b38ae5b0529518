"""Which prior matches which object, the targets, and the loss: by hand."""

import numpy as np
import pytest
import torch

from detection.samples import truth_of
from googlenet.detection.multibox_loss import NOTHING, Targets, assign, losses, stacked, targets

# Ten pixels square, side by side; the third is far off.
PRIORS = np.array([[0.0, 0, 9, 9], [5, 0, 14, 9], [100, 100, 109, 109]])


def test_one_prior_for_each_object_and_the_sum_of_overlaps_is_largest():
    # Both objects overlap the second prior best (0.82 and 1); the first then takes the first prior.
    objects = np.array([[4, 0, 13, 9], [5, 0, 14, 9]])
    assert assign(PRIORS, objects, 1.0).tolist() == [0, 1, NOTHING]


def test_an_object_that_overlaps_nothing_takes_the_next_prior():
    assert assign(PRIORS, np.array([[80, 80, 84, 84]]), 1.0).tolist() == [NOTHING, NOTHING, 0]
    assert assign(PRIORS, np.array([[30, 0, 34, 9]]), 1.0).tolist() == [NOTHING, 0, NOTHING]
    assert assign(PRIORS, np.zeros((0, 4)), 0.5).tolist() == [NOTHING] * 3


def test_below_one_every_prior_over_it_takes_its_best_object():
    objects = np.array([[0, 0, 9, 9]])  # the second prior overlaps it by a third
    assert assign(PRIORS, objects, 0.34).tolist() == [0, NOTHING, NOTHING]
    assert assign(PRIORS, objects, 1 / 3).tolist() == [0, 0, NOTHING]
    # But an object's one prior is its own, whichever overlaps that prior more.
    assert assign(PRIORS[:2], np.array([[0, 0, 9, 9], [2, 0, 11, 9]]), 0.5).tolist() == [0, 1]


def test_more_objects_than_priors_share_what_there_is():
    objects = np.array([[0, 0, 9, 9], [1, 0, 10, 9], [5, 0, 14, 9]])
    assert assign(PRIORS[:2], objects, 1.0).tolist() == [0, 2]


def test_targets_of_the_priors():
    result = targets(PRIORS, truth_of([[0, 0, 19, 9], [100, 100, 109, 109]]), 1.0)
    # The second prior lies within the first object, as the first does: 5 px to the left, twice as wide.
    row = int(result.matched[:2].argmax())
    assert result.matched.tolist() == [row == 0, row == 1, 1] and result.counts.tolist() == [1, 1, 1]
    assert result.offsets[row] == pytest.approx([0.5 - 0.5 * row, 0, np.log(2), 0], abs=1e-6)
    assert not result.offsets[1 - row].any() and not result.offsets[2].any()


def test_difficult_objects_and_partly_labelled_images_are_left_out_of_the_loss():
    truth = truth_of([[0, 0, 9, 9], [100, 100, 109, 109]], difficult=[False, True])
    result = targets(PRIORS, truth, 1.0)
    assert result.matched.tolist() == [1, 0, 0] and result.counts.tolist() == [1, 1, 0]
    result = targets(PRIORS, truth._replace(partial=np.array([0])), 1.0)
    assert result.matched.tolist() == [1, 0, 0] and result.counts.tolist() == [1, 0, 0]


def test_losses_by_hand():
    expected = stacked(
        [
            Targets(np.array([[1, 0, 0, 2], [0] * 4], np.float32), np.float32([1, 0]), np.float32([1, 1])),
            Targets(np.array([[0, 0, 0, 0], [3] * 4], np.float32), np.float32([0, 1]), np.float32([0, 1])),
        ]
    )
    offsets = torch.tensor([[[0.0, 0, 0, 0], [9, 9, 9, 9]], [[9, 9, 9, 9], [3, 3, 3, 1]]])
    logits = torch.tensor([[0.0, np.log(3)], [7.0, np.log(3)]])
    location, confidence = losses(offsets, logits, expected)
    assert location.item() == pytest.approx((0.5 * (1 + 4) + 0.5 * 4) / 2)
    # log 2, log 4 (no object, but a confidence of 3/4), left out, log 4/3
    assert confidence.item() == pytest.approx((np.log(2) + np.log(4) + np.log(4 / 3)) / 2)


def test_a_batch_without_objects_has_a_finite_loss():
    nothing = stacked([targets(PRIORS, truth_of(), 1.0)])
    location, confidence = losses(torch.ones(1, 3, 4), torch.zeros(1, 3), nothing)
    assert location.item() == 0 and confidence.item() == pytest.approx(3 * np.log(2))
