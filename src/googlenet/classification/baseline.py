"""A logistic regression on pixels (scikit-learn): the baseline that any network should beat."""

from collections.abc import Sequence

import cv2
import numpy as np

from googlenet.classification.crops import resize, resized
from googlenet.classification.error_rates import top_errors
from googlenet.config.schema.classification import TrainBaseline
from googlenet.data.decoded import Labelled
from googlenet.metrics.classification import BaselineMetrics
from googlenet.tracking.progress import counted, note


def pixels(images: Sequence[np.ndarray], side_px: int, grey: bool) -> np.ndarray:
    """Return every image's centre square at side_px as a row of values from 0 to 1: float32 [n, features]."""
    rows = np.empty((len(images), side_px**2 * (1 if grey else 3)), np.float32)
    for row, image in zip(rows, counted(images, "images"), strict=True):
        w, h = resized(image.shape[1], image.shape[0], side_px)
        left, top = (w - side_px) // 2, (h - side_px) // 2
        small = resize(image, w, h)[top : top + side_px, left : left + side_px]
        small = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY) if grey else small
        np.divide(small.reshape(-1), np.float32(255), out=row, dtype=np.float32)
    return rows


def fit_and_score(training: Labelled, test: Labelled, settings: TrainBaseline) -> BaselineMetrics:
    """Fit on the training images' standardised pixels, score on the test images: L2-regularised, multinomial, lbfgs."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    regression = LogisticRegression(C=settings.inverse_regularisation, max_iter=settings.max_iterations)
    model = make_pipeline(StandardScaler(copy=False), regression)
    side, grey = settings.side_px, settings.grey
    x = pixels(training[0], side, grey)
    note(f"fitting to {len(x):,} images of {x.shape[1]:,} values, in at most {settings.max_iterations:,} iterations")
    model.fit(x, training[1])
    errors = top_errors(model.predict_proba(pixels(test[0], side, grey)), test[1])
    seen = f"{side}x{side} {'grey' if grey else 'RGB'}"
    return BaselineMetrics(method="logistic regression on pixels", pixels=seen, **dict(errors))
