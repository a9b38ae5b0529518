"""Ways to combine many crops and models into one prediction: from probabilities [models, images, crops, classes] to
scores [images, classes], of which only the ranking within an image matters.

Section 7 averages over crops and models, and found max pooling over crops, averaged over models, to be worse.
"""

import numpy as np

LEAST = float(np.finfo(np.float32).tiny)  # replaces a probability that was rounded to 0


def mean(p: np.ndarray) -> np.ndarray:
    """Mean over crops and models: the paper's choice."""
    return np.asarray(p.mean((0, 2), dtype=np.float64))


def max_over_crops(p: np.ndarray) -> np.ndarray:
    """Each class's maximum over crops, then the mean over models: the alternative that the paper tried."""
    return np.asarray(p.max(2).mean(0, dtype=np.float64))


def max_over_all(p: np.ndarray) -> np.ndarray:
    """Each class's maximum over all crops and models."""
    return np.asarray(p.max((0, 2)))


def geometric_mean(p: np.ndarray) -> np.ndarray:
    """Mean of the logarithms, which ranks the classes as the mean of the logits does."""
    return np.asarray(np.log(np.maximum(p, LEAST)).mean((0, 2), dtype=np.float64))


def majority_vote(p: np.ndarray) -> np.ndarray:
    """One vote per crop and model, for its most likely class; the mean breaks ties."""
    models, images, crops, classes = p.shape
    first = p.argmax(3).transpose(1, 0, 2).reshape(images, models * crops)
    cells = first + np.arange(images)[:, None] * classes
    votes = np.bincount(cells.ravel(), minlength=images * classes).reshape(images, classes)
    return votes + mean(p) / 2  # always less than one vote


AGGREGATIONS = {way.__name__: way for way in (mean, max_over_crops, max_over_all, geometric_mean, majority_vote)}
