"""The whole picture as context of a region: softmax over [the region's vector, the picture's], background included.

The paper names contextual information as what others had and it had not (section 8).
"""

from collections.abc import Mapping

import numpy as np

from googlenet.detection.region_sample import Sample
from googlenet.errors import UserError

WEIGHTS, BIAS = "context_feature.weights", "context_feature.bias"
NEVER = -30.0  # the logit of a class that the sample has no region of


def fit(
    vectors: np.ndarray, wholes: np.ndarray, sample: Sample, classes: int, settings: dict
) -> tuple[dict[str, np.ndarray], dict]:
    """Fit to the sample's regions that are not held out; returns (arrays, accuracies in percent).

    vectors, wholes float32 [n, channels]: of each region, and of its whole picture; settings: {c, max_iterations}. The same
    regression without the context is fitted for comparison alone.
    """
    fitted = ~sample.held_out
    found = {}
    for name, x in (("with_context", joined(vectors, wholes)), ("without_context", vectors)):
        weights, bias = softmax_regression(x[fitted], sample.label[fitted], 1 + classes, settings)
        right = (x @ weights.T + bias).argmax(axis=1) == sample.label
        found[name] = weights, bias, _percents(right, sample.held_out)
    weights, bias, _ = found["with_context"]
    arrays = {WEIGHTS: weights.astype(np.float32), BIAS: bias.astype(np.float32)}
    return arrays, {name: percents for name, (_, _, percents) in found.items()}


def softmax_regression(
    x: np.ndarray, labels: np.ndarray, classes: int, settings: dict
) -> tuple[np.ndarray, np.ndarray]:
    """Weights [classes, f] and bias [classes], float64, for inputs as they are; they are standardised inside.

    Raises UserError when all labels are one.
    """
    from sklearn.linear_model import LogisticRegression  # takes a second to import

    there = np.unique(labels)
    if len(there) < 2:
        raise UserError(
            "context_feature: all sampled regions are of one class; raise fit_region_heads.negatives, or switch it off"
        )
    x = x.astype(np.float64)
    mean, spread = x.mean(axis=0), x.std(axis=0)
    spread[spread == 0] = 1.0
    machine = LogisticRegression(C=settings["c"], max_iter=settings["max_iterations"])
    machine.fit((x - mean) / spread, labels)
    own, shift = machine.coef_, machine.intercept_
    if len(there) == 2:  # scikit-learn gives the second of two alone, against a logit of 0
        own, shift = np.concatenate([0 * own, own]), np.concatenate([0 * shift, shift])
    weights, bias = np.zeros((classes, x.shape[1])), np.full(classes, NEVER)
    weights[there] = own / spread
    bias[there] = shift - (own / spread) @ mean
    return weights, bias


def joined(vectors: np.ndarray, wholes: np.ndarray) -> np.ndarray:
    """What the regression sees, float32 [n, 2 * channels]; wholes [n, channels], or one for all [channels]."""
    return np.concatenate([vectors, np.broadcast_to(wholes, vectors.shape)], axis=1)


def logits_of(vectors: np.ndarray, whole: np.ndarray, heads: Mapping[str, np.ndarray]) -> np.ndarray:
    """Logits of the background and the classes, float32 [n, 1 + classes], of regions of one picture."""
    return joined(vectors, whole) @ heads[WEIGHTS].T + heads[BIAS]


def _percents(right: np.ndarray, held_out: np.ndarray) -> dict:
    """Share of regions that are told right; None where there is none."""
    parts = {"fitted": right[~held_out], "held_out": right[held_out]}
    return {name: float(100 * part.mean()) if len(part) else None for name, part in parts.items()}
