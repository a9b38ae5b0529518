"""Boxes as offsets from other boxes: by hand, and that decoding inverts encoding."""

import numpy as np
import pytest

from googlenet.detection.box_offsets import LARGEST, decode, encode


def test_offsets_by_hand():
    # 10 x 20 pixels around (5, 10); the target is 20 x 10 around (20, 5).
    box, target = np.array([[0, 0, 9, 19]]), np.array([[10, 0, 29, 9]])
    expected = [[1.5, -0.25, np.log(2), np.log(0.5)]]
    assert encode(box, target) == pytest.approx(np.array(expected))
    assert decode(box, expected) == pytest.approx(target)


def test_no_offset_is_the_box_itself():
    boxes = np.array([[3, 4, 3, 4], [0.5, 0.25, 7.5, 9.25]])
    assert not encode(boxes, boxes).any()
    assert np.array_equal(decode(boxes, np.zeros((2, 4))), boxes)
    assert encode(np.zeros((0, 4)), np.zeros((0, 4))).shape == decode([], []).shape == (0, 4)


@pytest.mark.parametrize("seed", range(20))
def test_decode_inverts_encode(seed):
    rng = np.random.default_rng(seed)
    low, side = rng.uniform(-50, 500, (2, 30, 2)), rng.uniform(1, 500, (2, 30, 2))
    boxes, targets = np.concatenate([low, low + side - 1], axis=2)
    assert decode(boxes, encode(boxes, targets)) == pytest.approx(targets, abs=1e-9)


def test_a_wild_offset_stays_finite():
    wild = decode([[0, 0, 9, 9]], [[0, 0, 1e6, 1e6]])
    assert wild == pytest.approx(decode([[0, 0, 9, 9]], [[0, 0, LARGEST, LARGEST]]))
    assert wild == pytest.approx(np.array([[-4995, -4995, 5004, 5004]]))
