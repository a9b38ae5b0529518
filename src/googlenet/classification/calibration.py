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
from googlenet.metrics.bootstrap import centred_interval, drawn_counts, generator, percentile_interval
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
    return tuple(
        metrics.ReliabilityBin(
            bin=place,
            predictions=int(here.sum()),
            confidence_percent=float(100 * pooled.confidence[here].mean()),
            correct_percent=float(100 * pooled.correct[here].mean()),
        )
        for place in range(bins)
        if (here := places == place).any()
    )


def measures(systems: list[list[Terms]], bins: int, binning: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from image counts [draws, images] to MEASURES [draws, systems, 3], means over system parts."""
    columns = []
    for system in systems:
        # Probability of the most likely class, minus 1 where it is correct, in the column of its bin: the calibration
        # error is the sum over bins of the columns' absolute means.
        inside = [bins_of(one.confidence, bins, binning)[:, None] == np.arange(bins) for one in system]
        gaps = [(one.confidence - one.correct)[:, None] * where for one, where in zip(system, inside, strict=True)]
        nll, brier = (np.mean(each, axis=0) for each in ([one.nll for one in system], [one.brier for one in system]))
        columns += [np.hstack(gaps), nll[:, None], brier[:, None]]
    ends = np.cumsum([column.shape[1] for column in columns])[:-1]
    every = np.hstack(columns)

    def measured(counts: np.ndarray) -> np.ndarray:
        means = np.split(counts @ every / counts.shape[1], ends, axis=1)
        figures = []
        for gaps, nll, brier in zip(means[0::3], means[1::3], means[2::3], strict=True):
            figures += [100 * np.abs(gaps).sum(1) * bins / gaps.shape[1], nll[:, 0], brier[:, 0]]
        return np.stack(figures, 1).reshape(len(counts), len(systems), len(MEASURES))

    return measured


def interval_of(measure: str, figure: float, resampled: np.ndarray, confidence_percent: float) -> Interval:
    """Bootstrap interval of a measure over samples of images. Noise in the bins biases a calibration error upwards, and
    resampling adds to it."""
    if measure == "ece_percent":
        return centred_interval(figure, resampled, confidence_percent)
    return percentile_interval(resampled, confidence_percent)


def fall_of(measure: str, fall: float, resampled: np.ndarray, confidence_percent: float) -> Difference | None:
    """Reduction of a measure, with its bootstrap interval. None for the calibration error: chance raises that of the less
    certain system by more, so that even two perfectly calibrated systems would often seem to differ."""
    if measure == "ece_percent":
        return None
    return Difference(difference=fall, interval=percentile_interval(resampled, confidence_percent))


def calibration(predictions: Predictions, labels: np.ndarray, settings: EvaluateEnsemble) -> metrics.CalibrationMetrics:
    """Calibration of one model (mean over members) and of all, on the fewest and the most crops, with intervals."""
    names, policies = tuple(predictions), sorted(next(iter(predictions.values())))
    systems: dict[tuple[int, int], list[Terms]] = {}
    for policy in dict.fromkeys((policies[0], policies[-1])):
        systems[1, policy] = [mean_terms(predictions, (name,), policy, labels) for name in names]
        systems[len(names), policy] = [mean_terms(predictions, names, policy, labels)]
    bins, binning, confidence = settings.calibration.bins, settings.calibration.binning, settings.confidence_percent
    measured = measures(list(systems.values()), bins, binning)
    figures = measured(np.ones((1, len(labels))))[0]
    draws = drawn_counts(len(labels), settings.resamples, generator(settings.seed))
    resampled = np.concatenate([measured(counts) for counts in draws])
    rows = []
    for at, ((models, policy), system) in enumerate(systems.items()):
        by_measure = {}
        for i, measure in enumerate(MEASURES):
            figure, of_first = float(figures[at, i]), float(figures[0, i])
            drawn, drawn_first = resampled[:, at, i], resampled[:, 0, i]
            interval = interval_of(measure, figure, drawn, confidence)
            bounds = {"low": max(0.0, interval.low), "high": max(0.0, interval.high)}
            by_measure[measure] = metrics.CalibrationFigure(
                value=figure,
                interval=interval.model_copy(update=bounds),
                fall=fall_of(measure, of_first - figure, drawn_first - drawn, confidence),
            )
        pooled = reliability(system, bins, binning)
        rows.append(metrics.SystemCalibration(models=models, crops=policy, reliability=pooled, **by_measure))
    return metrics.CalibrationMetrics(bins=bins, binning=binning, systems=tuple(rows))


def mean_terms(predictions: Predictions, members: tuple[str, ...], policy: int, labels: np.ndarray) -> Terms:
    """Return `terms` of some members' mean, computed a few images at a time."""
    parts = []
    for images in ranges(len(labels), IMAGES_AT_ONCE):
        scores = np.stack([predictions[name][policy][images] for name in members])
        parts.append(terms(scores.mean(0, dtype=np.float64), labels[images]))
    return Terms(*map(np.concatenate, zip(*parts, strict=True)))
