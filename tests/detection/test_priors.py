"""The priors: k-means by hand, shapes on a grid, the frame of the input."""

import numpy as np
import pytest

from googlenet.detection.boxes import iou
from googlenet.detection.priors import k_means, on_grid, rescale, shapes

POINTS = np.array([[0.0, 0], [0, 2], [10, 0], [10, 2], [10, 4]])


@pytest.mark.parametrize("seed", range(10))
def test_two_clusters_are_found_from_any_seed(seed):
    assert k_means(POINTS, 2, seed).tolist() == [[10, 2], [0, 1]]  # three points, then two


def test_few_distinct_points_are_their_own_centres():
    assert k_means(np.array([[3.0], [1], [3]]), 5, 0).tolist() == [[3], [1]]
    assert k_means(POINTS, 0, 0).shape == (0, 2)


def test_centres_are_the_means_of_what_is_nearest_and_repeat():
    points = np.random.default_rng(0).normal(size=(400, 4))
    centres = k_means(points, 7, 3)
    nearest = ((points[:, None] - centres) ** 2).sum(2).argmin(1)
    counts = np.bincount(nearest, minlength=7).tolist()
    assert counts == sorted(counts, reverse=True)
    assert centres == pytest.approx(np.stack([points[nearest == i].mean(0) for i in range(7)]))
    assert np.array_equal(centres, k_means(points, 7, 3))
    assert not np.array_equal(centres, k_means(points, 7, 4))


def test_shapes_are_means_of_logarithms():
    boxes = np.array([[5, 5, 5, 14], [0, 0, 3, 9], [0, 0, 99, 9]])  # 1 x 10, 4 x 10, 100 x 10
    assert shapes(boxes, 2, 0) == pytest.approx(np.array([[2, 10], [100, 10]]))


def test_every_shape_is_at_every_cell():
    result = on_grid(np.array([[2, 2], [4, 6]]), cells=2, px=8)
    expected = [[1, 1, 2, 2], [0, -1, 3, 4], [5, 1, 6, 2], [4, -1, 7, 4]]
    expected += [[1, 5, 2, 6], [0, 3, 3, 8], [5, 5, 6, 6], [4, 3, 7, 8]]
    assert result.tolist() == expected


def test_edges_are_scaled_and_overlaps_stay():
    boxes = np.array([[0, 0, 9, 19], [5, 5, 14, 14]])
    assert rescale(boxes, 2, 0.5).tolist() == [[0, 0, 19, 9], [10, 2.5, 29, 6.5]]
    assert rescale(rescale(boxes, 2, 0.5), 0.5, 2) == pytest.approx(boxes)
    assert iou(rescale(boxes, 2, 0.5), rescale(boxes, 2, 0.5)) == pytest.approx(iou(boxes, boxes))
