"""SVMs on regions: they separate, they use hard negatives, their probabilities are calibrated, and which regions are negatives."""

import numpy as np
import pytest

from detection.samples import sample_of
from googlenet.config.schema.detection import Svm
from googlenet.detection.svm import (
    BIAS,
    NEVER,
    WEIGHTS,
    calibrating,
    fit,
    mine_negatives,
    platt,
    probabilities_of,
    separate,
)
from googlenet.metrics.detection import ClassSvm
from settings import changed

SETTINGS = Svm(c=1.0, negative_iou=0.3, first_negatives=10, hard_score=-1.0, most_added=5, passes=3)


def clouds(seed=0, count=60):
    """Three clouds in the plane: background at the left, classes 0 and 1 at the right, above and below."""
    rng = np.random.default_rng(seed)
    label = np.repeat([0, 1, 2], count)
    centre = np.array([[-4, 0], [4, 4], [4, -4]])[label]
    return (centre + rng.normal(size=(3 * count, 2))).astype(np.float32), label


def test_separable_data_are_separated():
    positive, negative = np.array([[2.0, 0], [2, 1]]), np.array([[-2.0, 0], [-2, 1]])
    direction, shift = separate(positive, negative, 100.0)
    assert (positive @ direction + shift > 0.9).all() and (negative @ direction + shift < -0.9).all()
    assert abs(direction[1]) < 1e-3 * direction[0]


def test_mining_adds_the_hard_ones_and_ends():
    """500 easy negatives far off at the left, three just beside the positives: the random draw has easy ones only, mining finds the three."""
    positive = np.array([[3.0, 0], [3, 1]])
    easy = np.stack([np.full(500, -20.0), np.linspace(0, 1, 500)], axis=1)
    hard = np.array([[2.0, 0], [2, 0.5], [2, 1]])
    negative = np.concatenate([easy, hard])

    def drawn():
        return np.random.default_rng(1)

    settings = changed(SETTINGS, c=100.0, hard_score=-0.9)
    assert (drawn().permutation(503)[:10] < 500).all()
    once = mine_negatives(positive, negative, changed(settings, passes=0), drawn())
    assert once[2] == [10] and (hard @ once[0] + once[1] > 0).all()
    direction, shift, counts = mine_negatives(positive, negative, settings, drawn())
    assert counts == [10, 13]  # the three, and then none is left
    assert (hard @ direction + shift < 0).all() and (positive @ direction + shift > 0).all()
    _, _, few = mine_negatives(positive, negative, changed(settings, most_added=1, passes=2), drawn())
    assert few[:2] == [10, 11]


def test_the_probabilities_separate_the_classes():
    vectors, label = clouds()
    held = np.tile([False, False, True], 60)
    sample = sample_of(np.arange(180), label)._replace(of_object=label > 0, held_out=held)
    arrays, done = fit(vectors, sample, 3, SETTINGS, seed=1)
    result = probabilities_of(vectors, arrays)
    assert result.shape == (180, 4) and result.dtype == np.float32
    assert (result.argmax(axis=1) == label).mean() > 0.97
    assert result[:, 0] == pytest.approx(1 - result[:, 1:].max(axis=1))
    assert (result[:, 3] < 1e-9).all() and arrays[BIAS][2] == NEVER and not arrays[WEIGHTS][2].any()
    assert done.per_class[0].positives == 40
    assert done.per_class[2] == ClassSvm(positives=0, negatives=())
    again, _ = fit(vectors, sample, 3, SETTINGS, seed=1)
    assert all(np.array_equal(arrays[name], again[name]) for name in arrays)


def negatives_used(sample, vectors, **settings):
    settings = {"first_negatives": 1000, "passes": 0} | settings
    _, done = fit(vectors, sample, 1, changed(SETTINGS, **settings), seed=1)
    return list(done.per_class[0].negatives)


def test_which_regions_are_negatives():
    """Of eight background regions one is held out, one of a partly labelled image, one overlaps an object by 0.3."""
    vectors = np.array([[2.0, 0], [2, 1]] + [[-2, i] for i in range(8)], np.float32)
    sample = sample_of(np.arange(10), np.array([1, 1] + [0] * 8), classes=1)
    sample = sample._replace(of_object=sample.label > 0)
    assert negatives_used(sample, vectors) == [8]
    assert negatives_used(sample._replace(held_out=np.arange(10) == 5), vectors) == [7]
    assert negatives_used(sample._replace(partial=np.arange(10) == 6), vectors) == [7]
    near = sample.class_overlap.copy()
    near[7] = 0.3
    assert negatives_used(sample._replace(class_overlap=near), vectors) == [7]
    assert negatives_used(sample._replace(class_overlap=near), vectors, negative_iou=0.31) == [8]
    assert negatives_used(sample._replace(partial=np.ones(10, bool)), vectors) == []


def test_the_sigmoid_is_fitted_on_held_out_regions_and_partly_labelled_images_give_it_no_negatives():
    label, held = np.array([1, 0, 1, 0, 0, 2]), np.array([0, 0, 1, 1, 1, 1], bool)
    sample = sample_of(np.arange(6), label)._replace(held_out=held, partial=np.arange(6) == 4)
    scores = np.arange(6.0)
    result, truth = calibrating(scores, sample, 0)
    assert result.tolist() == [2, 3, 5] and truth.tolist() == [True, False, False]
    result, truth = calibrating(scores, sample._replace(held_out=np.arange(6) == 3), 0)
    assert result.tolist() == [0, 1, 2, 3, 5] and truth.sum() == 2  # no region of the class is held out


def test_platt_by_hand():
    """Two scores, +1 and -1, three times each, all right: targets 4/5 and 1/5, so that the logits are +-log 4."""
    slope, offset = platt(np.repeat([1.0, -1.0], 3), np.repeat([True, False], 3))
    assert slope == pytest.approx(np.log(4), abs=1e-4) and offset == pytest.approx(0, abs=1e-4)
    shifted = platt(np.repeat([110.0, 90.0], 3), np.repeat([True, False], 3))
    assert shifted == pytest.approx((np.log(4) / 10, -10 * np.log(4)), abs=1e-3)
