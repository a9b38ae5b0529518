"""The sample of training regions: what it holds, who is held out, and that partly labelled pictures give no background."""

import numpy as np
import pytest

from googlenet.detection.region_sample import beside_objects, draw, held_out_pictures
from googlenet.errors import UserError

SETTINGS = {
    "objects": 100,
    "positives": 100,
    "negatives": 100,
    "held_out": 0.3,
    "seed": 1,
    "positive_iou": 0.5,
}
NONE = np.zeros(0, np.int32)
OBJECT = np.array([[0, 0, 9, 9]], np.float32)
# On the object by 0.8; beside it by 20 / 180; far off.
PROPOSALS = np.array([[0, 0, 7, 9], [8, 0, 17, 9], [30, 30, 39, 39]], np.int32)


def truth(label=0, partial=NONE, difficult=False):
    return OBJECT, np.array([label]), np.array([difficult]), partial


def drawn(truths, **change):
    return draw([PROPOSALS] * len(truths), truths, 2, SETTINGS | change)


def test_a_row_says_all_that_a_region_is():
    sample = drawn([truth(0), truth(1)])
    assert sample.image.tolist() == [0] * 4 + [1] * 4
    assert sample.label.tolist() == [1, 0, 0, 1, 2, 0, 0, 2]
    assert sample.of_object.tolist() == [False, False, False, True] * 2
    assert sample.box[:4].tolist() == [*PROPOSALS.tolist(), OBJECT[0].tolist()]
    assert sample.overlap[:4] == pytest.approx([0.8, 20 / 180, 0, 1])
    assert sample.target.tolist() == [OBJECT[0].tolist()] * 8
    assert (
        sample.class_overlap[:4, 0] == pytest.approx(sample.overlap[:4])
        and not sample.class_overlap[:4, 1].any()
    )
    assert not sample.partial.any()
    assert sorted(np.bincount(sample.image[sample.held_out], minlength=2)) == [0, 4]  # one picture of two


def test_partly_labelled_pictures_give_no_background():
    sample = drawn([truth(), truth(partial=np.array([1], np.int32))])
    assert sample.label[sample.image == 0].tolist() == [1, 0, 0, 1]
    assert sample.label[sample.image == 1].tolist() == [1, 1]  # the proposal on the object, and the object
    assert sample.partial.tolist() == [False] * 4 + [True] * 2


def test_difficult_objects_are_no_targets_but_no_sure_background_either():
    hard = (np.concatenate([OBJECT, OBJECT + 30]), np.array([0, 1]), np.array([False, True]), NONE)
    sample = drawn([hard, truth()])
    first = sample.image == 0
    assert sample.label[first].tolist() == [1, 0, 1]  # what lies on the difficult one is left out
    box = np.array([[30, 30, 39, 39]], np.float32)
    overlap, target, class_overlap = beside_objects(box, np.zeros(1, int), [hard], 2)
    assert overlap.tolist() == [0] and target.tolist() == [OBJECT[0].tolist()]
    assert class_overlap.tolist() == [[0, 1]]
    alone = (OBJECT, np.array([0]), np.array([True]), NONE)
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


def test_some_pictures_are_held_out_but_not_all():
    def count(pictures, share):
        return held_out_pictures(np.random.default_rng(0), pictures, share).sum()

    assert [count(10, 0.3), count(10, 0.01), count(3, 0.99), count(1, 0.5)] == [3, 1, 2, 0]


def test_no_object_is_told():
    with pytest.raises(UserError, match="fit_region_heads: no object in any training picture"):
        drawn([(np.zeros((0, 4)), np.zeros(0, int), np.zeros(0, bool), NONE)] * 2)
