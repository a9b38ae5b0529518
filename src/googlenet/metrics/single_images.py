"""Metrics on single test images, part of evaluate_ensemble's: what averaging corrects, mistakes, confused classes."""

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
    """The number of images of one class predicted as another."""

    class_name: str
    taken_for: str
    images: int
    of: int  # images of the class


class Confusion(Metrics):
    """Confusions between classes. The matrix is limited to the classes with the most confused images."""

    classes: tuple[str, ...]
    images: tuple[tuple[int, ...], ...]  # [class][predicted class], both of `classes`
    pairs: tuple[ConfusedPair, ...]  # the most confused, of all classes


class SingleImages(Metrics):
    """Counts and examples of each kind: corrected for the most members, mistaken with the most confidence."""

    members: int
    fewest_crops: int
    most_crops: int
    rescued_images: int
    mistaken_images: int
    rescued: tuple[Rescued, ...]
    mistakes: tuple[Mistake, ...]
    confusion: Confusion
