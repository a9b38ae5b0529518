"""The context feature: its logits by hand, what depends on context alone, classes that are missing."""

import numpy as np
import pytest

from detection.samples import sample_of
from googlenet.config.schema.detection import ContextFeature
from googlenet.detection.context_feature import BIAS, NEVER, WEIGHTS, fit, logits_of, softmax_regression
from googlenet.errors import UserError
from googlenet.metrics.detection import Accuracy

SETTINGS = ContextFeature(c=10.0, max_iterations=200)


def test_logits_by_hand():
    """Vectors (1, 2) and (0, 1), image (3, 4): class 1's logit is x0 + 10 y1 + 5, the background's y0 - 1."""
    heads = {WEIGHTS: np.array([[0, 0, 1, 0], [1, 0, 0, 10]], np.float32), BIAS: np.array([-1, 5], np.float32)}
    result = logits_of(np.array([[1, 2], [0, 1]], np.float32), np.array([3, 4], np.float32), heads)
    assert result.tolist() == [[2, 46], [2, 45]]


def test_what_depends_on_the_whole_image_is_learnt_only_with_context():
    """Regions look alike; in images of one kind they are of class 0, in the others background."""
    rng = np.random.default_rng(0)
    kind = np.tile([0, 1], 40)
    vectors = rng.normal(size=(80, 3)).astype(np.float32)
    wholes = np.stack([np.where(kind, 2.0, -2.0), np.zeros(80)], axis=1).astype(np.float32)
    wholes = np.concatenate([wholes, np.zeros((80, 1), np.float32)], axis=1)
    sample = sample_of(np.arange(80), kind)._replace(held_out=np.arange(80) >= 60)
    arrays, accuracy = fit(vectors, wholes, sample, 1, SETTINGS)
    assert arrays[WEIGHTS].shape == (2, 6) and arrays[WEIGHTS].dtype == np.float32
    assert accuracy.with_context == Accuracy(fitted=100, held_out=100)
    assert accuracy.without_context.held_out < 90
    for row in (0, 1):
        assert logits_of(vectors[row : row + 1], wholes[row], arrays).argmax() == kind[row]
    everything = sample._replace(held_out=np.zeros(80, bool))
    assert fit(vectors, wholes, everything, 1, SETTINGS)[1].with_context.held_out is None


def test_classes_without_regions_are_never_predicted():
    x = np.array([[0.0, 5], [1, 5], [2, 5], [3, 5]])
    weights, bias = softmax_regression(x, np.array([0, 0, 3, 3]), 4, SETTINGS)
    assert (x @ weights.T + bias).argmax(axis=1).tolist() == [0, 0, 3, 3]
    assert bias[1] == bias[2] == NEVER and not weights[1].any()
    assert not weights[:, 1].any()  # a constant column has no weight
    with pytest.raises(UserError, match="context_feature: all sampled regions are of one class"):
        softmax_regression(x, np.array([2, 2, 2, 2]), 4, SETTINGS)
