"""What is wrong with detections and what missed objects lack, on boxes whose overlaps are obvious."""

import numpy as np
import pytest

from detection.samples import truth_of
from detection.scenes import random_case
from googlenet.detection.ensemble import detect, stack_objects
from googlenet.detection.error_types import KINDS, REASONS, error_types, kinds, reasons
from googlenet.detection.mean_ap import NEUTRAL, Detections, evaluate
from googlenet.metrics.detection import ClassErrorCounts, ErrorCounts
from settings import changed, settings_of

SETTINGS = settings_of("evaluate_detection", nms_iou=0.3, min_score=0.1, max_per_image=100, small_object_threshold=True)
NAMES = ["cat", "dog"]
CAT, DOG = [0, 0, 39, 39], [100, 0, 139, 39]
FAR = [0, 100, 39, 139]


def image(*objects, difficult=False, partial=()):
    """The objects of one image; objects: (box, label)."""
    boxes, labels = zip(*objects, strict=True)
    return truth_of(boxes, labels, difficult, partial)


def cats(*boxes):
    """Detections of cats in the first image, in falling order of score."""
    score = np.linspace(0.9, 0.2, len(boxes))
    return Detections(
        np.zeros(len(boxes), int), np.zeros(len(boxes), int), score, np.array(boxes, np.int32).reshape(-1, 4)
    )


def kinds_of(detections, objects):
    result = evaluate(detections, objects, 2)
    return [KINDS[kind] for kind in kinds(result, np.arange(len(result.flags)))]


def test_each_kind_by_hand():
    objects = stack_objects([image((CAT, 0), (DOG, 1)), image((FAR, 0))])
    boxes = (
        CAT,
        [2, 0, 41, 39],  # 38 of 42 columns: the cat again
        [20, 0, 59, 39],  # 20 of 60 columns
        [0, 0, 9, 15],  # 160 of the cat's 1600 pixels: just near
        [0, 0, 9, 14],  # 150: not near
        DOG,
        FAR,  # an object of another image
    )
    assert kinds_of(cats(*boxes), objects) == [
        *("correct", "duplicate", "localisation", "localisation"),
        *("background", "confusion", "background"),
    ]


def test_an_object_of_its_class_nearby_goes_before_another_one():
    objects = stack_objects([image((CAT, 0), ([20, 0, 59, 39], 1))])
    assert kinds_of(cats(CAT, [20, 0, 59, 39]), objects) == ["correct", "localisation"]


def test_small_objects_have_their_own_needed_overlap():
    """10 by 10: 100 / 400 is enough; a quarter of it is on it, and again a duplicate."""
    objects = stack_objects([image(([0, 0, 9, 9], 0))])
    quarter = [0, 0, 4, 4]
    assert kinds_of(cats(quarter, quarter), objects) == ["correct", "duplicate"]
    result = evaluate(cats(quarter), objects, 2, small=False)
    assert kinds(result, np.arange(1)).tolist() == [KINDS.index("localisation")]


def reasons_of(boxes, scores, truth, **change):
    """The reason for every object; boxes and scores (cat, dog) of each image's proposals."""
    settings = changed(SETTINGS, **change)
    boxes = [np.array(of_image, np.int32).reshape(-1, 4) for of_image in boxes]
    scores = np.array([[0, *row] for of_image in scores for row in of_image], float).reshape(-1, 3)
    objects, detections = stack_objects(truth), detect(boxes, scores, settings)
    result = evaluate(detections, objects, 2)
    code = reasons(result, boxes, scores, settings.min_score)
    return [REASONS[each] if each >= 0 else None for each in code]


NEIGHBOUR = [20, 0, 59, 39]  # a third of it is the cat's: enough to suppress, not to find it


@pytest.mark.parametrize(
    ("boxes", "scores", "reason"),
    [
        ([CAT], [[0.9, 0]], None),
        ([], [], "not_proposed"),
        ([NEIGHBOUR, FAR], [[0.9, 0], [0.9, 0]], "not_proposed"),
        ([CAT, NEIGHBOUR], [[0.5, 0], [0.9, 0]], "outdone"),
        ([CAT, NEIGHBOUR], [[0.5, 0.9], [0.9, 0]], "outdone"),  # before: as another class
        ([CAT, NEIGHBOUR], [[0.1, 0], [0.9, 0]], "outdone"),  # exactly min_score
        ([CAT], [[0.09, 0.9]], "other_class"),
        ([CAT], [[0.09, 0.09]], "scored_low"),
        ([CAT, NEIGHBOUR], [[0, 0], [0, 0.9]], "scored_low"),  # the dog lies beside it
    ],
)
def test_each_reason_by_hand(boxes, scores, reason):
    other = image((FAR, 1))
    result = reasons_of([[FAR], boxes, [FAR]], [[[0, 0.9]], scores, [[0, 0.9]]], [other, image((CAT, 0)), other])
    assert result == [None, reason, None]


def test_objects_are_outdone_by_a_neighbour_and_by_the_limit():
    twin = [4, 0, 43, 39]
    assert reasons_of([[CAT]], [[[0.9, 0]]], [image((CAT, 0), (twin, 0))]) == [None, "outdone"]
    both = [[CAT, FAR]], [[[0.8, 0], [0.9, 0]]], [image((CAT, 0), (FAR, 0))]
    assert reasons_of(*both) == [None, None]
    assert reasons_of(*both, max_per_image=1) == ["outdone", None]


def test_what_is_right_for_another_object_is_no_confusion():
    beside = [4, 0, 43, 39]
    result = reasons_of([[beside]], [[[0, 0.9]]], [image((CAT, 0), (beside, 1))])
    assert result == ["scored_low", None]


def test_objects_that_are_not_required_are_not_missed():
    other = image((FAR, 1))
    assert reasons_of([[], []], [[], []], [image((CAT, 0), difficult=True), other]) == [None, "not_proposed"]
    assert reasons_of([[], []], [[], []], [image((CAT, 0), partial=(0,)), other]) == [None, "not_proposed"]


def test_the_table_looks_at_as_many_detections_as_objects():
    truth = [image((CAT, 0), (DOG, 1)), image((CAT, 0))]
    boxes = [np.array([CAT, DOG, FAR]), np.array([FAR, CAT])]
    scores = np.array([[0, 0.9, 0], [0, 0.2, 0], [0, 0.8, 0], [0, 0.1, 0], [0, 0.05, 0.7]])
    objects, detections = stack_objects(truth), detect(boxes, scores, SETTINGS)
    result = evaluate(detections, objects, 2)
    table = error_types(result, boxes, scores, NAMES, SETTINGS)

    def row(names, objects, **counts):
        return {"objects": objects, "counts": dict.fromkeys(names, 0) | counts}

    # Cats: 0.9 right and 0.8 background are the first two of four; dogs: 0.7, on the second image's cat.
    surest, missed = table.false_positives, table.missed
    assert surest.per_class == (
        ClassErrorCounts(class_name="cat", **row(KINDS, 2, correct=1, background=1)),
        ClassErrorCounts(class_name="dog", **row(KINDS, 1, confusion=1)),
    )
    assert surest.all == ErrorCounts(**row(KINDS, 3, correct=1, background=1, confusion=1))
    assert missed.per_class == (
        ClassErrorCounts(class_name="cat", **row(REASONS, 2, other_class=1)),
        ClassErrorCounts(class_name="dog", **row(REASONS, 1, other_class=1)),  # the cat of 0.2 lies on it
    )
    assert missed.all.objects == 3 and table.near_iou == 0.1


@pytest.mark.parametrize("seed", range(20))
def test_kinds_and_reasons_are_exhaustive_and_exclusive(seed):
    detections, objects = random_case(seed)
    rng = np.random.default_rng(seed)
    images = range(objects.image.max() + 1)
    proposals = [detections.box[(detections.image == i) & (rng.random(150) < 0.5)] for i in images]
    scores = rng.random((sum(map(len, proposals)), 4))
    result = evaluate(detections, objects, 3)
    names = ["a", "b", "c"]
    table = error_types(result, proposals, scores, names, SETTINGS)
    counts_of_class = result.object_counts
    matched = np.bincount(objects.label[result.matched[result.flags == 1]], minlength=3)
    for label in range(3):
        counts = table.false_positives.per_class[label].counts
        there = ((detections.label == label) & (result.flags != NEUTRAL)).sum()
        assert sum(counts[kind] for kind in KINDS) == min(there, counts_of_class[label])
        missed = table.missed.per_class[label]
        assert sum(missed.counts.values()) + matched[label] == counts_of_class[label] == missed.objects
    for part, keys in ((table.false_positives, KINDS), (table.missed, REASONS)):
        assert all(part.all.counts[key] == sum(row.counts[key] for row in part.per_class) for key in keys)
        assert part.all.objects == sum(row.objects for row in part.per_class)
