"""Images that averaging corrects, mistakes and confused classes, on predictions made by hand."""

import numpy as np
import pytest

from googlenet.classification import single_images
from googlenet.classification.single_images import confusion

CLASSES = ["cat", "dog", "owl"]
LABELS = np.array([0, 1, 2, 0])


def scores(*classes, sure=0.8):
    """Probabilities of three classes: `sure` for the given class of each image, the rest even."""
    rows = np.full((len(classes), 3), (1 - sure) / 2, np.float32)
    rows[np.arange(len(classes)), classes] = sure
    return rows


# Image 0: m1 and m2 see a dog on one crop, two members are right on all. Image 1: m3 alone is wrong, on one crop.
# Image 2: everybody is right. Image 3: taken for an owl by two members, with all crops.
PREDICTIONS = {
    "m1": {1: scores(1, 1, 2, 2), 144: scores(0, 1, 2, 2)},
    "m2": {1: scores(1, 1, 2, 2), 144: scores(0, 1, 2, 2)},
    "m3": {1: scores(0, 2, 2, 0), 144: scores(1, 1, 2, 0, sure=0.5)},
}


def test_by_hand():
    found = single_images.single_images(PREDICTIONS, LABELS, CLASSES, shown=5)
    assert (found.members, found.fewest_crops, found.most_crops) == (3, 1, 144)
    assert (found.rescued_images, found.mistaken_images) == (2, 1)
    first, second = found.rescued  # the one that more members get wrong comes first
    assert (first.index, first.class_name, first.wrong_class) == (0, "cat", "dog")
    assert (first.members_wrong, first.members_wrong_most_crops, first.together_right) == (2, 1, False)
    assert first.probability_percent == pytest.approx(100 * (0.8 + 0.8 + 0.25) / 3)
    assert (second.index, second.members_wrong, second.members_wrong_most_crops) == (1, 1, 0)
    assert second.together_right and second.wrong_class == "owl"
    (mistake,) = found.mistakes
    assert (mistake.index, mistake.class_name, mistake.wrong_class) == (3, "cat", "owl")
    assert mistake.probability_percent == pytest.approx(100 * (0.8 + 0.8 + 0.25) / 3)
    assert mistake.right_percent == pytest.approx(100 * (0.1 + 0.1 + 0.5) / 3)
    assert found.confusion.images == ((1, 0, 1), (0, 1, 0), (0, 0, 1))
    (pair,) = found.confusion.pairs
    assert (pair.class_name, pair.taken_for, pair.images, pair.of) == ("cat", "owl", 1, 2)


def test_examples_are_limited_and_counts_are_not():
    found = single_images.single_images(PREDICTIONS, LABELS, CLASSES, shown=1)
    assert [row.index for row in found.rescued] == [0] and found.rescued_images == 2


def test_a_few_images_at_a_time_give_the_same(monkeypatch):
    whole = single_images.single_images(PREDICTIONS, LABELS, CLASSES, shown=5)
    monkeypatch.setattr(single_images, "WORKING_MB", 1e-6)
    assert single_images.single_images(PREDICTIONS, LABELS, CLASSES, shown=5) == whole


def test_with_many_classes_the_matrix_has_those_with_the_most_mistakes():
    names = [f"c{number}" for number in range(100)]
    labels = np.repeat(np.arange(100), 3)
    predicted = labels.copy()
    predicted[[270, 271, 272, 150]] = [5, 5, 5, 51]  # class 90 is always taken for 5, class 50 once for 51
    found = confusion(labels, predicted, names)
    assert len(found.classes) == 20 and {"c90", "c5", "c50", "c51"} <= set(found.classes)
    assert list(found.classes) == sorted(found.classes, key=names.index)
    assert [(pair.class_name, pair.taken_for, pair.images) for pair in found.pairs] == [
        ("c90", "c5", 3),
        ("c50", "c51", 1),
    ]
    at = found.classes.index
    assert found.images[at("c90")][at("c5")] == 3 and found.images[at("c90")][at("c90")] == 0


def test_one_member_is_rescued_by_its_crops():
    found = single_images.single_images({"m1": PREDICTIONS["m1"]}, LABELS, CLASSES, shown=5)
    assert [row.index for row in found.rescued] == [0] and not found.rescued[0].together_right
