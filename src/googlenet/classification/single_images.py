"""Single test images: those that averaging over crops and members corrects, remaining mistakes, confused classes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from googlenet.classification.calibration import Predictions
from googlenet.classification.error_rates import ranges
from googlenet.metrics import single_images as metrics

WORKING_MB = 32
PAIRS = 12  # confused pairs listed
MATRIX = 20  # most classes in the matrix


@dataclass(frozen=True)
class Chosen:
    """Predicted classes of each image: int64, by each member [members, images], and by all together [images].

    right, chosen: float64 [images], the probabilities of the image's class and of the predicted one, averaged over all
    members on the most crops.
    """

    members_fewest: np.ndarray
    members_most: np.ndarray
    all_fewest: np.ndarray
    all_most: np.ndarray
    right: np.ndarray
    chosen: np.ndarray


def chosen(predictions: Predictions, labels: np.ndarray) -> Chosen:
    """Return the predictions with the fewest and with the most crops; a few images at a time, to bound memory."""
    policies = sorted(next(iter(predictions.values())))
    fewest, most = policies[0], policies[-1]
    classes = next(iter(predictions.values()))[most][0:1].shape[1]
    parts = []
    for images in ranges(len(labels), max(1, int(WORKING_MB * 1e6 / (24 * classes * len(predictions))))):
        few, many = (_stacked(predictions, policy, images) for policy in (fewest, most))
        mean, at = many.mean(0), np.arange(many.shape[1])
        best = mean.argmax(-1)
        right, top = mean[at, labels[images]], mean[at, best]
        parts.append((few.argmax(-1), many.argmax(-1), few.mean(0).argmax(-1), best, right, top))
    return Chosen(*(np.concatenate(each, axis=-1) for each in zip(*parts, strict=True)))


def _stacked(predictions: Predictions, policy: int, images: slice) -> np.ndarray:
    return np.stack([np.asarray(one[policy][images], np.float64) for one in predictions.values()])


def single_images(
    predictions: Predictions, labels: np.ndarray, classes: Sequence[str], shown: int
) -> metrics.SingleImages:
    """Return what evaluate_ensemble reports on single images. shown: examples of each kind."""
    policies = sorted(next(iter(predictions.values())))
    found = chosen(predictions, labels)
    wrong_fewest = (found.members_fewest != labels).sum(0)
    mistaken = np.flatnonzero(found.all_most != labels)
    rescued = np.flatnonzero((wrong_fewest > 0) & (found.all_most == labels))
    # Ties: the most confident prediction first, then the first image.
    by_members = rescued[np.lexsort((rescued, -found.right[rescued], -wrong_fewest[rescued]))]
    by_confidence = mistaken[np.lexsort((mistaken, -found.chosen[mistaken]))]
    return metrics.SingleImages(
        members=len(predictions),
        fewest_crops=policies[0],
        most_crops=policies[-1],
        rescued_images=len(rescued),
        mistaken_images=len(mistaken),
        rescued=tuple(_rescued(int(index), found, labels, classes) for index in by_members[:shown]),
        mistakes=tuple(_mistake(int(index), found, labels, classes) for index in by_confidence[:shown]),
        confusion=confusion(labels, found.all_most, classes),
    )


def _rescued(index: int, found: Chosen, labels: np.ndarray, classes: Sequence[str]) -> metrics.Rescued:
    wrong = Counter(int(one) for one in found.members_fewest[:, index] if one != labels[index])
    most = max(wrong, key=lambda one: (wrong[one], -one))  # ties: the lower class
    return metrics.Rescued(
        index=index,
        class_name=classes[labels[index]],
        wrong_class=classes[most],
        members_wrong=wrong.total(),
        members_wrong_most_crops=int((found.members_most[:, index] != labels[index]).sum()),
        together_right=bool(found.all_fewest[index] == labels[index]),
        probability_percent=float(100 * found.right[index]),
    )


def _mistake(index: int, found: Chosen, labels: np.ndarray, classes: Sequence[str]) -> metrics.Mistake:
    return metrics.Mistake(
        index=index,
        class_name=classes[labels[index]],
        wrong_class=classes[found.all_most[index]],
        probability_percent=float(100 * found.chosen[index]),
        right_percent=float(100 * found.right[index]),
    )


def confusion(labels: np.ndarray, predicted: np.ndarray, classes: Sequence[str]) -> metrics.Confusion:
    """Return the most confused pairs, and the matrix of the classes with the most confused images. labels, predicted:
    int64 [images]. With many classes only the pairs that occur take memory."""
    counts = Counter(zip(labels.tolist(), predicted.tolist(), strict=True))
    images = Counter(labels.tolist())
    confused = {pair: number for pair, number in counts.items() if pair[0] != pair[1]}
    pairs = sorted(confused, key=lambda pair: (-confused[pair], pair))[:PAIRS]
    shown = _most_confused(confused, len(classes), images)
    return metrics.Confusion(
        classes=tuple(classes[one] for one in shown),
        images=tuple(tuple(counts[row, column] for column in shown) for row in shown),
        pairs=tuple(
            metrics.ConfusedPair(
                class_name=classes[label], taken_for=classes[other], images=confused[label, other], of=images[label]
            )
            for label, other in pairs
        ),
    )


def _most_confused(confused: Mapping[tuple[int, int], int], classes: int, images: Mapping[int, int]) -> list[int]:
    """Return the matrix's classes, in class order: the most confused of those with images or confusions."""
    involved = Counter[int]()
    for pair, number in confused.items():
        involved.update(dict.fromkeys(pair, number))
    known = [one for one in range(classes) if one in images or one in involved]
    return sorted(sorted(known, key=lambda one: (-involved[one], one))[:MATRIX])
