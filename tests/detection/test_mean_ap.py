"""The ILSVRC rules one by one, the area by hand, and all against a slow, obvious evaluator."""

import numpy as np
import pytest

from detection.scenes import random_case
from googlenet.detection import mean_ap
from googlenet.detection.boxes import iou
from googlenet.detection.mean_ap import Detections, Objects, average_precision, evaluate
from googlenet.errors import UserError

BOX = (0, 0, 99, 99)
FAR = (500, 500, 599, 599)


def detections(*rows):
    """Rows of (image, label, score, box)."""
    image, label, score, box = zip(*rows, strict=True)
    return Detections(np.array(image), np.array(label), np.array(score, float), np.array(box))


def objects(*rows):
    """Rows of (image, label, box) or (image, label, box, difficult)."""
    columns = list(zip(*[(*row, False)[:4] for row in rows], strict=True))
    return Objects(*(np.array(column) for column in columns))


def flags(detected, truth, **options):
    return evaluate(detected, truth, classes=3, **options).flags.tolist()


def test_a_second_detection_of_an_object_is_a_false_positive():
    detected = detections((0, 0, 0.5, BOX), (0, 0, 0.9, (0, 0, 99, 89)))
    assert flags(detected, objects((0, 0, BOX))) == [0, 1]  # the better score, though it fits worse


def test_class_and_image_must_be_right():
    detected = detections((0, 1, 0.9, BOX), (1, 0, 0.9, BOX), (0, 0, 0.1, BOX))
    assert flags(detected, objects((0, 0, BOX))) == [0, 0, 1]


def test_the_threshold_is_reached_at_equality():
    half, less = (0, 0, 49, 99), (0, 0, 48, 99)
    assert flags(detections((0, 0, 0.9, half)), objects((0, 0, BOX))) == [1]
    assert flags(detections((0, 0, 0.9, less)), objects((0, 0, BOX))) == [0]


def test_small_objects_have_their_own_threshold():
    tiny, quarter, less = (0, 0, 9, 9), (0, 0, 4, 4), (0, 0, 4, 3)
    assert flags(detections((0, 0, 0.9, quarter)), objects((0, 0, tiny))) == [1]  # 10 x 10 / 20 x 20 = 0.25
    assert flags(detections((0, 0, 0.9, less)), objects((0, 0, tiny))) == [0]
    assert flags(detections((0, 0, 0.9, quarter)), objects((0, 0, tiny)), small=False) == [0]


def test_the_best_still_unmatched_object_is_taken():
    left, right = (0, 0, 99, 99), (20, 0, 119, 99)
    detected = detections((0, 0, 0.9, left), (0, 0, 0.8, left), (0, 0, 0.7, left))
    # The second takes the right object (80 / 120), since the left is gone; VOC would call it a duplicate.
    assert flags(detected, objects((0, 0, right), (0, 0, left))) == [1, 1, 0]


def test_of_equal_overlaps_the_first_object_is_taken():
    middle, left, right = (10, 0, 109, 99), (0, 0, 99, 99), (20, 0, 119, 99)
    # (45, …) overlaps `right` by 75 / 125 and `left` by 55 / 145: it is a hit only while `right` is free.
    detected = detections((0, 0, 0.9, middle), (0, 0, 0.8, (45, 0, 144, 99)))
    assert flags(detected, objects((0, 0, left), (0, 0, right))) == [1, 1]
    assert flags(detected, objects((0, 0, right), (0, 0, left))) == [1, 0]


def test_equal_scores_keep_their_order():
    detected = detections((0, 0, 0.5, BOX), (0, 0, 0.5, BOX))
    assert flags(detected, objects((0, 0, BOX))) == [1, 0]
    detected = detections((0, 0, 0.5, FAR), (0, 0, 0.5, BOX))
    assert evaluate(detected, objects((0, 0, BOX)), 1).mean_ap_percent == 50.0
    detected = detections((0, 0, 0.5, BOX), (0, 0, 0.5, FAR))
    assert evaluate(detected, objects((0, 0, BOX)), 1).mean_ap_percent == 100.0


def test_equal_scores_of_two_images_count_in_the_order_of_the_images():
    """Matching is within an image, so only the order of hits and misses is at stake, not which is which."""
    hit, miss = (0, 0, 0.5, BOX), (1, 0, 0.5, FAR)
    for rows in ((hit, miss), (miss, hit)):
        assert evaluate(detections(*rows), objects((0, 0, BOX)), 1).mean_ap_percent == 100.0
    late = objects((1, 0, FAR))
    for rows in ((hit, miss), (miss, hit)):  # now the first image has the miss
        assert evaluate(detections(*rows), late, 1).mean_ap_percent == 50.0


def blacklisted(*pairs, rows):
    return objects(*rows)._replace(blacklist=np.array(pairs))


def test_a_blacklisted_class_of_an_image_counts_neither_way():
    detected = detections((0, 0, 0.9, BOX), (0, 0, 0.8, FAR), (0, 1, 0.7, BOX), (1, 0, 0.6, BOX), (1, 0, 0.5, FAR))
    truth = blacklisted((0, 0), rows=[(0, 0, BOX), (0, 1, BOX), (1, 0, BOX)])
    # The hit and the miss of class 0 in image 0 are ignored; its class 1, and class 0 of image 1, are not.
    assert flags(detected, truth) == [-1, -1, 1, 1, 0]
    result = evaluate(detected, truth, 3)
    assert result.object_counts.tolist() == [1, 1, 0]
    assert result.ap_percent == (100.0, 100.0, None)
    assert [column.tolist() for column in result.curve(0)] == [[1.0, 1.0], [1.0, 0.5]]
    # Without the blacklist: hit, miss, hit, miss over two objects, so 1 at recall 0.5, then 2/3.
    assert evaluate(detected, truth._replace(blacklist=np.zeros((0, 2), int)), 3).ap_percent[0] == pytest.approx(
        100 * (0.5 + 1 / 3)
    )


def test_a_class_whose_objects_are_all_blacklisted_is_left_out_of_the_mean():
    detected = detections((0, 0, 0.9, FAR), (0, 1, 0.7, BOX))
    truth = blacklisted((0, 0), (1, 2), rows=[(0, 0, BOX), (0, 1, BOX), (1, 2, BOX)])
    assert evaluate(detected, truth, 3).ap_percent == (None, 100.0, None)
    with pytest.raises(UserError, match="no object to find"):
        evaluate(detected, blacklisted((0, 0), rows=[(0, 0, BOX)]), 3)


def test_difficult_objects_are_neutral():
    truth = objects((0, 0, BOX, True), (0, 0, FAR, False))
    detected = detections((0, 0, 0.9, BOX), (0, 0, 0.8, BOX), (0, 0, 0.7, FAR), (0, 0, 0.6, FAR))
    assert flags(detected, truth) == [-1, -1, 1, 0]
    assert evaluate(detected, truth, 1).ap_percent == (100.0,)
    easy = truth._replace(difficult=np.zeros(2, bool))
    assert flags(detected, easy) == [1, 0, 1, 0]
    # 1/1 at recall 0.5, then 2/3 at recall 1.
    assert evaluate(detected, easy, 1).ap_percent == pytest.approx([100 * (0.5 + 1 / 3)])


def test_a_plain_object_comes_before_a_difficult_one():
    truth = objects((0, 0, BOX, True), (0, 0, (0, 0, 99, 79), False))
    assert flags(detections((0, 0, 0.9, BOX), (0, 0, 0.8, BOX)), truth) == [1, -1]


def test_area_under_the_envelope_by_hand():
    # Hit, miss, miss, hit, hit of 4 objects: precision 1, 1/2, 1/3, 2/4, 3/5; the envelope lifts 2/4 to 3/5.
    recall = np.array([1, 1, 1, 2, 3]) / 4
    precision = np.array([1, 1 / 2, 1 / 3, 2 / 4, 3 / 5])
    assert average_precision(recall, precision) == pytest.approx((1 + 3 / 5 + 3 / 5) / 4)
    assert average_precision(np.zeros(0), np.zeros(0)) == 0.0


def test_classes_without_objects_are_left_out_and_unfound_ones_are_not():
    detected = detections((0, 0, 0.9, BOX), (0, 1, 0.9, BOX))
    result = evaluate(detected, objects((0, 0, BOX), (1, 2, BOX)), classes=3)
    assert result.ap_percent == (100.0, None, 0.0)
    assert result.mean_ap_percent == 50.0
    assert [len(result.curve(label)[0]) for label in range(3)] == [1, 1, 0]


def test_curves_by_hand():
    detected = detections((0, 0, 0.9, BOX), (0, 0, 0.8, FAR), (1, 0, 0.7, BOX))
    result = evaluate(detected, objects((0, 0, BOX), (1, 0, BOX)), classes=1)
    recall, precision = result.curve(0)
    assert recall.tolist() == [0.5, 0.5, 1.0] and precision.tolist() == [1.0, 0.5, 2 / 3]
    assert result.flags.tolist() == [1, 0, 1]


def test_no_detection_at_all_is_zero():
    none = Detections(np.zeros(0, int), np.zeros(0, int), np.zeros(0), np.zeros((0, 4)))
    assert evaluate(none, objects((0, 1, BOX)), classes=2).ap_percent == (None, 0.0)


@pytest.mark.parametrize(
    ("detected", "truth", "message"),
    [
        (detections((0, 0, float("nan"), BOX)), objects((0, 0, BOX)), "NaN"),
        (detections((0, 3, 0.5, BOX)), objects((0, 0, BOX)), "detections: labels 3 to 3"),
        (detections((0, 0, 0.5, BOX)), objects((0, -1, BOX)), "objects: labels -1 to -1"),
        (detections((0, 0, 0.5, BOX)), objects((0, 0, (9, 9, 8, 9))), "objects: 1 boxes have no area"),
        (detections((0, 0, 0.5, (0, 0, float("nan"), 9))), objects((0, 0, BOX)), "detections: 1 boxes have no"),
        (detections((-1, 0, 0.5, BOX)), objects((0, 0, BOX)), "detections: image -1 is negative"),
        (detections((0, 0, 0.5, BOX)), objects((0, 0, BOX, True)), "no object to find"),
    ],
)
def test_invalid_input_is_an_error(detected, truth, message):
    with pytest.raises(UserError, match=message):
        evaluate(detected, truth, classes=3)


def slow_flags(detected, truth):
    """The rule of the task as plain loops."""
    taken, result = set(), np.zeros(len(detected.score), int)
    for d in sorted(range(len(detected.score)), key=lambda d: (-detected.score[d], d)):
        best, best_iou, neutral = None, -1.0, False
        for g in range(len(truth.label)):
            if truth.label[g] != detected.label[d] or truth.image[g] != detected.image[d] or g in taken:
                continue
            x0, y0, x1, y1 = truth.box[g]
            w, h = x1 - x0 + 1, y1 - y0 + 1
            overlap = iou(detected.box[[d]], truth.box[[g]])[0, 0]
            if overlap < min(0.5, w * h / ((w + 10) * (h + 10))):
                continue
            if truth.difficult[g]:
                neutral = True
            elif overlap > best_iou:
                best, best_iou = g, overlap
        if best is not None:
            taken.add(best)
        result[d] = 1 if best is not None else -1 if neutral else 0
    return result


def slow_ap(detected, result, label, total):
    """Sum over recall steps of the best precision at that recall or beyond, in plain Python."""
    rows = [d for d in range(len(result)) if detected.label[d] == label and result[d] >= 0]
    rows.sort(key=lambda d: (-detected.score[d], detected.image[d], d))
    hits = [int(result[d]) for d in rows]
    precision = [sum(hits[: i + 1]) / (i + 1) for i in range(len(hits))]
    return 100 * sum(max(precision[i:]) for i, hit in enumerate(hits) if hit) / total


@pytest.mark.parametrize("seed", range(6))
def test_agrees_with_the_slow_evaluator(seed, monkeypatch):
    detected, truth = random_case(seed)
    expected = slow_flags(detected, truth)
    result = evaluate(detected, truth, classes=3)
    assert {-1, 0, 1} == set(expected.tolist())
    assert result.flags.tolist() == expected.tolist()
    for label in range(3):
        total = int(((truth.label == label) & ~truth.difficult).sum())
        assert result.ap_percent[label] == pytest.approx(slow_ap(detected, expected, label, total))
    monkeypatch.setattr(mean_ap, "PAIRS_AT_ONCE", 7)  # in pieces, the same
    assert evaluate(detected, truth, classes=3).flags.tolist() == expected.tolist()


def test_thousands_of_objects_in_one_image():
    """A grid of 2,025 touching objects, each found, the first hundred twice: those are duplicates."""
    x, y = (axis.ravel() * 30 for axis in np.meshgrid(np.arange(45), np.arange(45)))
    box = np.stack([x, y, x + 29, y + 29], axis=1)
    truth = Objects(np.zeros(len(box), int), np.zeros(len(box), int), box, np.zeros(len(box), bool))
    twice = np.concatenate([box, box[:100] + 1])
    zeros = np.zeros(len(twice), int)
    result = evaluate(Detections(zeros, zeros, np.linspace(1, 0, len(twice)), twice), truth, classes=1)
    assert result.flags.tolist() == [1] * len(box) + [0] * 100
    assert result.mean_ap_percent == pytest.approx(100)


def test_the_order_of_rows_does_not_matter_without_ties():
    detected, truth = random_case(9)
    detected = detected._replace(score=np.random.default_rng(0).permutation(len(detected.score)) / 1000)
    result = evaluate(detected, truth, classes=3)
    order = np.random.default_rng(1).permutation(len(detected.score))
    shuffled = evaluate(Detections(*(column[order] for column in detected)), truth, classes=3)
    assert shuffled.ap_percent == result.ap_percent
    assert np.array_equal(shuffled.flags, result.flags[order])
