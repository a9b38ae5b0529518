"""Metrics on single test images, a part of evaluate_ensemble's: what averaging corrects, mistakes, confused classes."""

from googlenet.metrics.base import Metrics


class ImageExample(Metrics):
    """A test image by its index in the split, and its class."""

    index: int
    class_name: str


class Rescued(ImageExample):
    """An image that some members get wrong on the fewest crops, and all members together right on the most."""

    wrong_class: str  # the one that most of those members choose
    members_wrong: int  # on the fewest crops
    members_wrong_most_crops: int
    together_right: bool  # all members together, on the fewest crops
    probability_percent: float  # of the right class: all members together, on the most crops


class Mistake(ImageExample):
    """An image that all members together get wrong on the most crops, with the probabilities of two classes."""

    wrong_class: str
    probability_percent: float  # of the wrong class
    right_percent: float  # of the right one


class ConfusedPair(Metrics):
    """How many images of one class are taken for another."""

    class_name: str
    taken_for: str
    images: int
    of: int  # images of the class


class Confusion(Metrics):
    """Which classes are taken for which. The matrix is of at most some classes, those with the most confused images."""

    classes: tuple[str, ...]
    images: tuple[tuple[int, ...], ...]  # [class][predicted class], both of `classes`
    pairs: tuple[ConfusedPair, ...]  # the most confused, of all classes


class SingleImages(Metrics):
    """Counts, and the first examples of each kind: corrected for the most members, mistaken with the most confidence."""

    members: int
    fewest_crops: int
    most_crops: int
    rescued_images: int
    mistaken_images: int
    rescued: tuple[Rescued, ...]
    mistakes: tuple[Mistake, ...]
    confusion: Confusion
