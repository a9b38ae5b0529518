"""The best and the worst images: F1 by hand, ties by order, none twice."""

import numpy as np

from detection.samples import truth_of
from googlenet.detection.ensemble import stack_objects
from googlenet.detection.examples import best_and_worst, examples, f1_percent
from googlenet.detection.mean_ap import Detections, evaluate
from googlenet.metrics.detection import DetectedBox, DetectionExample
from googlenet.metrics.proposals import LabelledBox
from settings import changed, settings_of

CAT, FAR = [0, 0, 39, 39], [0, 100, 39, 139]
CLASSES = ["cat", "dog"]

# Found whole; one of two, and a stray one; a stray one alone; nothing at all; missed; difficult.
TRUTH = [truth_of([CAT]), truth_of([CAT, FAR]), truth_of(), truth_of(), truth_of([CAT])]
TRUTH.append(truth_of([CAT], difficult=True))
FOUND = Detections(
    np.array([0, 0, 1, 1, 2, 4, 5]),
    np.array([0, 0, 0, 1, 0, 0, 0]),
    np.array([0.9, 0.4, 0.8, 0.6, 0.7, 0.4, 0.9]),
    np.array([CAT, FAR, CAT, FAR, FAR, CAT, CAT]),
)


def test_f1_by_hand():
    evaluation = evaluate(FOUND, stack_objects(TRUTH), 2)
    measure = f1_percent(evaluation, len(TRUTH), 0.5)
    # 2 of 1 + 1; 2 of 2 + 2; 0 of 1 + 0; nothing; 0 of 0 + 1; only what counts neither way.
    assert np.array_equal(measure, [100, 50, 0, np.nan, 0, np.nan], equal_nan=True)
    lower = f1_percent(evaluation, len(TRUTH), 0.4)
    assert lower[[0, 4]].tolist() == [100 * 2 / 3, 100]  # the stray cat, and the one that had 0.4


def test_ties_go_by_order_and_no_image_is_in_both():
    measure = np.array([50, 100, np.nan, 0, 100, 0, 50.0])
    best, worst = best_and_worst(measure, 2)
    assert (best.tolist(), worst.tolist()) == ([1, 4], [3, 5])
    best, worst = best_and_worst(measure, 6)
    assert (best.tolist(), worst.tolist()) == ([1, 4, 0], [3, 5, 6])
    best, worst = best_and_worst(np.array([np.nan, 30.0]), 6)
    assert (best.tolist(), worst.tolist()) == ([1], [])
    best, worst = best_and_worst(np.full(5, np.nan), 6)
    assert (len(best), len(worst)) == (0, 0)


def test_a_row_has_what_is_drawn():
    evaluation = evaluate(FOUND, stack_objects(TRUTH), 2)
    settings = settings_of("evaluate_detection", examples=1, example_score=0.5)
    names = [f"{number}.jpg" for number in range(len(TRUTH))]
    shown = examples(evaluation, names, CLASSES, settings)
    cat = {"box": CAT, "class_name": "cat"}
    right = DetectionExample(
        name="0.jpg",
        index=0,
        f1_percent=100.0,
        ground_truth=(LabelledBox(**cat),),
        detections=(DetectedBox(**cat, score=0.9, correct=True),),
    )
    stray = DetectedBox(box=FAR, class_name="cat", score=0.7, correct=False)
    wrong = DetectionExample(name="2.jpg", index=2, f1_percent=0.0, ground_truth=(), detections=(stray,))
    assert (shown.score, shown.best, shown.worst) == (0.5, (right,), (wrong,))
    lower = changed(settings, example_score=0.0)
    all_examples = examples(evaluation, names, CLASSES, lower)
    hard = [row for row in all_examples.best + all_examples.worst if row.index == 5]
    assert hard == []  # nothing to measure: its only detection counts neither way
