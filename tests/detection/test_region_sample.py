"""The sample of training regions: what it holds, who is held out, and that partly labelled images give no background."""

import numpy as np
import pytest

from detection.samples import sample_of, truth_of
from googlenet.detection.region_sample import accuracy, beside_objects, draw, held_out_images
from googlenet.errors import UserError
from googlenet.metrics.detection import Accuracy
from settings import changed, settings_of

SETTINGS = settings_of(
    "fit_region_heads", objects=100, positives=100, negatives=100, held_out=0.3, seed=1, positive_iou=0.5
)
OBJECT = np.array([[0, 0, 9, 9]], np.float32)
# On the object by 0.8; beside it by 20 / 180; far off.
PROPOSALS = np.array([[0, 0, 7, 9], [8, 0, 17, 9], [30, 30, 39, 39]], np.int32)


def truth(label=0, **more):
    return truth_of(OBJECT, label, **more)


def drawn(truths, **change):
    return draw([PROPOSALS] * len(truths), truths, 2, changed(SETTINGS, **change))


def test_a_row_has_all_properties_of_a_region():
    sample = drawn([truth(0), truth(1)])
    assert sample.image.tolist() == [0] * 4 + [1] * 4
    assert sample.label.tolist() == [1, 0, 0, 1, 2, 0, 0, 2]
    assert sample.of_object.tolist() == [False, False, False, True] * 2
    assert sample.box[:4].tolist() == [*PROPOSALS.tolist(), OBJECT[0].tolist()]
    assert sample.overlap[:4] == pytest.approx([0.8, 20 / 180, 0, 1])
    assert sample.target.tolist() == [OBJECT[0].tolist()] * 8
    assert sample.class_overlap[:4, 0] == pytest.approx(sample.overlap[:4]) and not sample.class_overlap[:4, 1].any()
    assert not sample.partial.any()
    assert sorted(np.bincount(sample.image[sample.held_out], minlength=2)) == [0, 4]  # one image of two


def test_partly_labelled_images_give_no_background():
    sample = drawn([truth(), truth(partial=[1])])
    assert sample.label[sample.image == 0].tolist() == [1, 0, 0, 1]
    assert sample.label[sample.image == 1].tolist() == [1, 1]  # the proposal on the object, and the object
    assert sample.partial.tolist() == [False] * 4 + [True] * 2


def test_difficult_objects_are_neither_targets_nor_certain_background():
    hard = truth_of(np.concatenate([OBJECT, OBJECT + 30]), [0, 1], [False, True])
    sample = drawn([hard, truth()])
    first = sample.image == 0
    assert sample.label[first].tolist() == [1, 0, 1]  # what lies on the difficult one is left out
    box = np.array([[30, 30, 39, 39]], np.float32)
    overlap, target, class_overlap = beside_objects(box, np.zeros(1, int), [hard], 2)
    assert overlap.tolist() == [0] and target.tolist() == [OBJECT[0].tolist()]
    assert class_overlap.tolist() == [[0, 1]]
    alone = truth(difficult=True)
    overlap, target, _ = beside_objects(box, np.zeros(1, int), [alone], 2)
    assert overlap.tolist() == [0] and np.array_equal(target, box)


def test_each_kind_has_its_limit_and_its_seed():
    truths = [truth()] * 30
    sample = drawn(truths, objects=5, positives=7, negatives=11)
    positive = sample.label > 0
    assert (positive & sample.of_object).sum() == 5 and (positive & ~sample.of_object).sum() == 7
    assert (~positive).sum() == 11 and (np.diff(sample.image) >= 0).all()
    again = drawn(truths, objects=5, positives=7, negatives=11)
    other = drawn(truths, objects=5, positives=7, negatives=11, seed=2)
    assert all(np.array_equal(a, b) for a, b in zip(sample, again, strict=True))
    assert not np.array_equal(sample.image, other.image)


def test_some_images_are_held_out_but_not_all():
    def count(images, share):
        return held_out_images(np.random.default_rng(0), images, share).sum()

    assert [count(10, 0.3), count(10, 0.01), count(3, 0.99), count(1, 0.5)] == [3, 1, 2, 0]


def test_no_object_is_an_error():
    with pytest.raises(UserError, match="fit_region_heads: no object in any training image"):
        drawn([truth_of()] * 2)


def test_accuracy_by_hand():
    """Four fitted regions, one of them wrong; one held out, wrong."""
    sample = sample_of(np.arange(5), np.array([0, 1, 2, 2, 0]))._replace(held_out=np.arange(5) == 4)
    logits = np.eye(3)[[0, 1, 1, 2, 1]]
    assert accuracy(logits, sample) == Accuracy(fitted=75, held_out=0)
    none_held_out = sample._replace(held_out=np.zeros(5, bool))
    assert accuracy(logits, none_held_out) == Accuracy(fitted=60, held_out=None)
