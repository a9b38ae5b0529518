"""Top-1 and top-5 error, the measures of the classification task."""

import numpy as np


def top_errors(scores: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Top-1 and top-5 error in percent. scores [n, classes], labels [n]; ties go to the lower class index."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :5]
    hit = order == np.asarray(labels)[:, None]
    return {
        "top1_error_percent": float(100 * (1 - hit[:, 0].mean())),
        "top5_error_percent": float(100 * (1 - hit.any(1).mean())),
    }
