"""The study of proposals on hand-placed boxes."""

import numpy as np
import pytest

from detection.samples import truth_of
from googlenet.detection.merge import Merged
from googlenet.detection.priors import rescale
from googlenet.detection.proposal_study import Counts, by_class, example, fixed_boxes, points, ranked, study
from googlenet.errors import UserError
from googlenet.metrics.interval import Difference, Interval
from googlenet.metrics.proposals import LEAST_IMAGES, ConfidentBox, DrawnBoxes, LabelledBox
from settings import changed, settings_of

A, B, C = [0, 0, 9, 9], [20, 0, 29, 9], [40, 40, 49, 49]
NONE = np.zeros((0, 4), np.int32)
SETTINGS = settings_of("study_proposals", iou=0.5, resamples=500, confidence_percent=95, seed=1)
TRUTH = [truth_of([A, B], [0, 1]), truth_of([C], 1), truth_of()]
SOURCES = {
    "selective_search_full": [np.array([A, B, [60, 60, 61, 61]]), np.array([C]), np.array([A, B])],
    "selective_search": [np.array([A]), np.array([A]), np.array([A])],
    "multibox": [np.array([B]), np.array([C]), NONE],
    "priors": [np.array([A]), np.array([A]), np.array([A])],
    "merged": [np.array([B, A]), np.array([C, A]), np.array([A])],
}


def studied():
    ranks = {"multibox": [1, 1, 0], "merged": [1, 1, 0], "priors": [1, 1, 1]}
    return study(SOURCES, ranks, TRUTH, ["a", "b", "c"], SETTINGS)


def test_coverage_and_boxes_of_every_source():
    result = studied()
    assert (result.objects, result.iou, result.confidence_percent) == (3, 0.5, 95)
    rows = result.sources
    assert {name: row.boxes_per_image for name, row in rows.items()} == pytest.approx(
        {"selective_search_full": 2, "selective_search": 1, "multibox": 2 / 3, "priors": 1, "merged": 5 / 3}
    )
    percent = {name: row.coverage_percent for name, row in rows.items()}
    third = 100 / 3
    assert percent == pytest.approx(
        {"selective_search_full": 100, "selective_search": third, "multibox": 2 * third, "priors": third, "merged": 100}
    )
    assert [row.coverage_percent for row in rows["multibox"].per_class] == [0, 100, None]
    assert rows["merged"].interval == Interval(low=100, high=100, confidence_percent=95)
    assert result.share_of_boxes_percent == pytest.approx(100 * 5 / 6)


def test_curves_begin_with_what_has_a_rank():
    curves = studied().curves
    assert [row.boxes for row in curves["selective_search_full"]] == [1, 2, 3]
    assert [row.boxes for row in curves["merged"]] == [1, 2]
    assert [row.coverage_percent for row in curves["merged"]] == pytest.approx([200 / 3, 100])


def test_differences_are_paired_by_image():
    result = studied().differences
    none = Interval(low=0, high=0, confidence_percent=95)
    assert result.merged_minus_full == Difference(difference=0, interval=none)
    row = result.multibox_minus_priors
    assert row.difference == pytest.approx(100 / 3)
    # The first image has no difference, the second one whole object.
    assert (row.interval.low, row.interval.high) == (0, 100)
    assert [one.class_name for one in row.per_class] == ["a", "b", "c"]
    assert [one.gain for one in row.per_class] == [None, None, None]


def test_a_class_in_a_few_images_has_no_gain():
    """However many objects they have: resampled, a single image says nothing about others."""
    labels = [np.array([0, 1, 1])] * (LEAST_IMAGES - 1) + [np.array([1])] + [np.array([2] * 50)]
    counts = Counts(labels, 4, SETTINGS)
    values = counts.per_image(np.ones(len(counts.cell)))
    gains = [row.gain for row in by_class(values, counts, ["few", "enough", "one", "none"]).per_class]
    assert [gain is None for gain in gains] == [True, False, True, True]
    assert gains[1].difference == 100


def test_without_boxes_of_multibox_it_is_not_compared_with_fixed_boxes():
    sources = SOURCES | {"multibox": [NONE] * 3, "merged": SOURCES["selective_search"]}
    result = study(sources, {"priors": [1, 1, 1]}, TRUTH, ["a", "b", "c"], SETTINGS).differences
    assert result.multibox_minus_priors is None and result.merged_minus_full.difference == pytest.approx(-200 / 3)


def test_a_search_without_any_box_names_the_key():
    sources = SOURCES | {"selective_search_full": [NONE] * 3, "selective_search": [NONE] * 3}
    with pytest.raises(UserError, match=r"propose_regions\.min_box_side_px: .* no box in any test image; lower it"):
        study(sources, {"priors": [1, 1, 1]}, TRUTH, ["a", "b", "c"], SETTINGS)


def test_an_interval_is_that_of_images_drawn_one_by_one():
    rng = np.random.default_rng(5)
    labels = [rng.integers(0, 2, rng.integers(0, 5)) for _ in range(30)]
    hits = [rng.integers(0, 2, len(of_image)) for of_image in labels]
    flat = np.concatenate(hits)
    settings = changed(SETTINGS, resamples=4000)
    counts = Counts(labels, 2, settings)
    result = counts.interval(counts.per_image(flat))
    drawn = rng.integers(0, 30, (4000, 30))
    total, sure = np.array([len(of_image) for of_image in labels]), np.array([one.sum() for one in hits])
    expected = np.percentile(100 * sure[drawn].sum(1) / total[drawn].sum(1), [2.5, 97.5])
    assert (result.low, result.high) == pytest.approx(tuple(expected), abs=2)
    assert result == Counts(labels, 2, settings).interval(counts.per_image(flat))


def test_points_of_a_curve_end_at_the_most():
    assert points(0) == [] and points(1) == [1] and points(3) == [1, 2, 3]
    assert points(100) == [1, 2, 5, 10, 20, 50, 100]


def test_only_what_has_no_rank_is_shuffled():
    boxes = np.arange(80).reshape(20, 4)
    mixed = ranked(boxes, 5, np.random.default_rng(0))
    assert np.array_equal(mixed[:5], boxes[:5]) and not np.array_equal(mixed, boxes)
    assert sorted(mixed.tolist()) == boxes.tolist()


def test_fixed_boxes_are_parts_of_the_images_sides():
    objects = [truth_of([[0, 0, 9, 9]]), truth_of([[0, 0, 19, 19], [10, 10, 19, 19]]), truth_of()]
    result = fixed_boxes(objects, [(20, 20), (40, 40), (9, 9)], 1, 0)
    assert rescale(result, 12, 12) == pytest.approx(np.array([[1, 1, 5, 5]]))
    assert fixed_boxes(objects, [(20, 20), (40, 40), (9, 9)], 0, 0).shape == (0, 4)


def test_fixed_boxes_do_not_come_from_difficult_objects():
    objects = [truth_of([[0, 0, 9, 9], [5, 5, 6, 6]], difficult=[False, True])]
    assert rescale(fixed_boxes(objects, [(20, 20)], 1, 0), 20, 20) == pytest.approx(np.array([[0, 0, 9, 9]]))


def test_difficult_objects_and_those_of_partial_classes_are_not_to_be_covered():
    far = [80, 80, 89, 89]
    truth = [truth_of([A, B, far], [0, 1, 1], [False, False, True]), truth_of([C, far], [1, 2], partial=[2]), TRUTH[2]]
    result = study(SOURCES, {}, truth, ["a", "b", "c"], SETTINGS)
    assert result.objects == 3 and result.sources["merged"].coverage_percent == pytest.approx(100)


def test_an_example_draws_some_boxes_evenly():
    boxes = np.arange(4 * 100).reshape(100, 4)
    shown = example(boxes, Merged(boxes, np.linspace(1, 0, 100), 50), TRUTH[0], ["a", "b"])
    evenly = boxes[[i * 100 // 40 for i in range(40)]].tolist()
    assert shown.selective_search == tuple(tuple(box) for box in evenly)
    assert len(shown.multibox) == 20
    assert shown.multibox[0] == ConfidentBox(box=(0, 1, 2, 3), confidence=1.0)
    assert shown.ground_truth == (LabelledBox(box=A, class_name="a"), LabelledBox(box=B, class_name="b"))


def test_an_example_draws_no_box_of_selective_search_as_multiboxs():
    shown = example(NONE, Merged(np.array([C, A, B]), np.array([0.75, 0, 0]), 1), truth_of(), [])
    best = ConfidentBox(box=C, confidence=0.75)
    assert shown == DrawnBoxes(ground_truth=(), selective_search=(), multibox=(best,))
