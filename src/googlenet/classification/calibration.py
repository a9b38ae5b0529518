"""Calibration: whether a network is right as often as its probabilities claim, on one crop and after averaging.

Expected calibration error: images are binned by the probability of their most likely class; the error is the mean over
images of the gap between the share of correct images in a bin and the mean probability there. Negative log-likelihood
(nats) and the Brier score (sum over classes of squared differences, 0 to 2) are means over images.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from googlenet.classification.aggregations import LEAST
from googlenet.classification.error_rates import ranges
from googlenet.config.schema.classification import EvaluateEnsemble
from googlenet.metrics import classification as metrics
from googlenet.metrics.bootstrap import drawn_counts, generator, percentile_interval
from googlenet.metrics.interval import Difference, Interval
from googlenet.storage.rows import Ranges

MEASURES: tuple[metrics.CalibrationMeasure, ...] = ("ece_percent", "nll_nats", "brier")
IMAGES_AT_ONCE = 4096
Predictions = Mapping[str, Mapping[int, Ranges]]  # member -> policy -> probabilities [images, classes]


class Terms(NamedTuple):
    """Per-image inputs to the calibration measures, each [images]."""

    confidence: np.ndarray  # probability of the most likely class
    correct: np.ndarray  # 1.0 where the most likely class is the label
    nll: np.ndarray
    brier: np.ndarray


def terms(scores: np.ndarray, labels: np.ndarray) -> Terms:
    """Compute the per-image terms from probabilities [images, classes]."""
    p = np.asarray(scores, np.float64)
    of_label = p[np.arange(len(p)), labels]
    brier = np.square(p).sum(1) - 2 * of_label + 1
    nll = -np.log(np.maximum(of_label, LEAST))
    return Terms(p.max(1), (p.argmax(1) == labels).astype(np.float64), nll, brier)


def bins_of(confidence: np.ndarray, bins: int, binning: str) -> np.ndarray:
    """Return each image's bin, of equal width or about equal numbers of images; a bin includes its upper edge only."""
    edges = np.linspace(0, 1, bins + 1)
    edges = np.quantile(confidence, edges) if binning == "equal_mass" else edges
    return np.searchsorted(edges[1:-1], confidence, side="left")


def reliability(systems: list[Terms], bins: int, binning: str) -> tuple[metrics.ReliabilityBin, ...]:
    """Return, for each non-empty bin, its image count, mean probability and share correct. Systems are pooled."""
    places = np.concatenate([bins_of(one.confidence, bins, binning) for one in systems])
    pooled = Terms(*map(np.concatenate, zip(*systems, strict=True)))
    of_bin = {place: places == place for place in range(bins)}
    return tuple(
        metrics.ReliabilityBin(
            bin=place,
            predictions=int(here.sum()),
            confidence_percent=float(100 * pooled.confidence[here].mean()),
            correct_percent=float(100 * pooled.correct[here].mean()),
        )
        for place, here in of_bin.items()
        if here.any()
    )


def measures(systems: list[list[Terms]], bins: int, binning: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from image counts [draws, images] to MEASURES [draws, systems, 3], means over system parts."""
    columns = []
    for system in systems:
        # Probability of the most likely class, minus 1 where it is correct, in the column of its bin: the calibration
        # error is the sum over bins of the columns' absolute means.
        inside = [bins_of(one.confidence, bins, binning)[:, None] == np.arange(bins) for one in system]
        off = [(one.confidence - one.correct)[:, None] for one in system]
        columns.append(np.hstack([gap * where for gap, where in zip(off, inside, strict=True)]))
        for means in ([one.nll for one in system], [one.brier for one in system]):
            columns.append(np.mean(means, axis=0)[:, None])
    ends = np.cumsum([column.shape[1] for column in columns])[:-1]
    together = np.hstack(columns)

    def measured(counts: np.ndarray) -> np.ndarray:
        means = np.split(counts @ together / counts.shape[1], ends, axis=1)
        figures = [
            100 * np.abs(part).sum(1) * bins / part.shape[1] if at % len(MEASURES) == 0 else part[:, 0]
            for at, part in enumerate(means)
        ]
        return np.stack(figures, 1).reshape(len(counts), len(systems), len(MEASURES))

    return measured


def limits(measure: str, figure: float, resampled: np.ndarray, confidence_percent: float) -> Interval:
    """Bootstrap percentile interval of a measure: how far the figure would move with other images. Noise in the bins
    raises a calibration error, and resampling again: the interval is shifted by the figure minus the resampled mean."""
    interval = percentile_interval(resampled, confidence_percent)
    moved = float(figure - resampled.mean()) if measure == "ece_percent" else 0.0
    return interval.model_copy(update={"low": interval.low + moved, "high": interval.high + moved})


def calibration(predictions: Predictions, labels: np.ndarray, settings: EvaluateEnsemble) -> metrics.CalibrationMetrics:
    """Calibration of one model (mean over members) and of all, on the fewest and the most crops, with intervals."""
    names, policies = tuple(predictions), sorted(next(iter(predictions.values())))
    systems: dict[tuple[int, int], list[Terms]] = {}
    for policy in dict.fromkeys((policies[0], policies[-1])):
        systems[1, policy] = [together(predictions, (name,), policy, labels) for name in names]
        systems[len(names), policy] = [together(predictions, names, policy, labels)]
    binned = settings.calibration.bins, settings.calibration.binning
    measured = measures(list(systems.values()), *binned)
    figures = measured(np.ones((1, len(labels))))[0]
    draws = drawn_counts(len(labels), settings.resamples, generator(settings.seed))
    resampled = np.concatenate([measured(counts) for counts in draws])
    rows = []
    for at, ((models, policy), system) in enumerate(systems.items()):
        compared = {}
        for i, measure in enumerate(MEASURES):
            figure, fall = figures[at, i], figures[0, i] - figures[at, i]
            drawn, falls = resampled[:, at, i], resampled[:, 0, i] - resampled[:, at, i]
            interval = limits(measure, figure, drawn, settings.confidence_percent)
            bounds = {"low": max(0.0, interval.low), "high": max(0.0, interval.high)}
            from_first = limits(measure, fall, falls, settings.confidence_percent)
            compared[measure] = metrics.CalibrationFigure(
                value=float(figure),
                interval=interval.model_copy(update=bounds),
                fall=Difference(difference=float(fall), interval=from_first),
            )
        pooled = reliability(system, *binned)
        rows.append(metrics.SystemCalibration(models=models, crops=policy, reliability=pooled, **compared))
    return metrics.CalibrationMetrics(bins=binned[0], binning=binned[1], systems=tuple(rows))


def together(predictions: Predictions, members: tuple[str, ...], policy: int, labels: np.ndarray) -> Terms:
    """Return `terms` of some members' mean, computed a few images at a time."""
    parts = []
    for some in ranges(len(labels), IMAGES_AT_ONCE):
        each = np.stack([predictions[name][policy][some] for name in members])
        parts.append(terms(each.mean(0, dtype=np.float64), labels[some]))
    return Terms(*map(np.concatenate, zip(*parts, strict=True)))
