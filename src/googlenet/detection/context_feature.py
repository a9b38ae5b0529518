"""The whole image as context for a region, used by other teams (section 8): softmax regression on both vectors."""

import numpy as np

from googlenet.config.schema.detection import ContextFeature
from googlenet.detection import Arrays
from googlenet.detection.region_sample import Sample, accuracy
from googlenet.errors import UserError
from googlenet.metrics.detection import ContextFit
from googlenet.tracking.progress import note

WEIGHTS, BIAS = "context_feature.weights", "context_feature.bias"
NEVER = -30.0  # the logit of a class without a region in the sample


def fit(
    vectors: np.ndarray, wholes: np.ndarray, sample: Sample, classes: int, settings: ContextFeature
) -> tuple[Arrays, ContextFit]:
    """Fit to the regions that are not held out. vectors, wholes: of regions and their images, float32 [n, channels]."""
    fitted, measured = ~sample.held_out, []
    for x in (vectors, joined(vectors, wholes)):
        weights, bias = softmax_regression(x[fitted], sample.label[fitted], 1 + classes, settings)
        measured.append(accuracy(x @ weights.T + bias, sample))
    arrays = {WEIGHTS: weights.astype(np.float32), BIAS: bias.astype(np.float32)}
    return arrays, ContextFit(without_context=measured[0], with_context=measured[1])


def softmax_regression(
    x: np.ndarray, labels: np.ndarray, classes: int, settings: ContextFeature
) -> tuple[np.ndarray, np.ndarray]:
    """Weights [classes, f] and bias [classes], float64, for unscaled x. Raises UserError when all labels are equal."""
    from sklearn.linear_model import LogisticRegression  # takes a second to import

    present = np.unique(labels)
    if len(present) < 2:
        raise UserError(
            "context_feature: all sampled regions are of one class; raise fit_region_heads.negatives, or switch it off"
        )
    x = x.astype(np.float64)
    mean, spread = x.mean(axis=0), x.std(axis=0)
    spread[spread == 0] = 1.0
    machine = LogisticRegression(C=settings.c, max_iter=settings.max_iterations)
    note(f"fitting to {len(x):,} regions of {x.shape[1]:,} values, in at most {settings.max_iterations:,} iterations")
    machine.fit((x - mean) / spread, labels)
    direction, shift = machine.coef_, machine.intercept_
    if len(present) == 2:  # for two classes scikit-learn returns only the second's logit, relative to 0 for the first
        direction, shift = (np.concatenate([0 * values, values]) for values in (direction, shift))
    weights, bias = np.zeros((classes, x.shape[1])), np.full(classes, NEVER)
    weights[present] = direction / spread
    bias[present] = shift - (direction / spread) @ mean
    return weights, bias


def joined(vectors: np.ndarray, wholes: np.ndarray) -> np.ndarray:
    """Concatenate the regression's input, float32 [n, 2 * channels]; wholes [n, channels], or [channels] for all."""
    return np.concatenate([vectors, np.broadcast_to(wholes, vectors.shape)], axis=1)


def logits_of(vectors: np.ndarray, whole: np.ndarray, heads: Arrays) -> np.ndarray:
    """Return the logits of the background and the classes, float32 [n, 1 + classes], for regions of one image."""
    return np.asarray(joined(vectors, whole) @ heads[WEIGHTS].T + heads[BIAS])
