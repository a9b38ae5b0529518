"""Calibration: whether a network is right as often as it says, on one crop and after averaging.

Expected calibration error: pictures are put into bins by the probability of their first class; the error is the mean over
pictures of how far the share that is right in a bin lies from the mean probability there. Negative log-likelihood
(nats) and the Brier score (sum over classes of squared differences, 0 to 2) are means over pictures.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from googlenet.classification.aggregations import LEAST
from googlenet.classification.bootstrap import drawn_counts, generator, tails
from googlenet.classification.error_rates import ranges

MEASURES = ("ece_percent", "nll_nats", "brier")
PICTURES_AT_ONCE = 4096


class Terms(NamedTuple):
    """What calibration needs to know of each picture, all [pictures]."""

    confidence: np.ndarray  # probability of the first class
    correct: np.ndarray  # 1.0 where the first class is the label
    nll: np.ndarray
    brier: np.ndarray


def terms(scores: np.ndarray, labels: np.ndarray) -> Terms:
    """Per picture, from probabilities [pictures, classes]."""
    p = np.asarray(scores, np.float64)
    own = p[np.arange(len(p)), labels]
    first = p.argmax(1)
    brier = np.square(p).sum(1) - 2 * own + 1
    return Terms(p.max(1), (first == labels).astype(np.float64), -np.log(np.maximum(own, LEAST)), brier)


def bins_of(confidence: np.ndarray, bins: int, binning: str) -> np.ndarray:
    """The bin of each picture, 0 to bins - 1: of equal width, or of about equal numbers of pictures.

    A bin holds its upper edge and not its lower one.
    """
    edges = np.linspace(0, 1, bins + 1)
    if binning == "equal_mass":
        edges = np.quantile(confidence, edges)
    return np.searchsorted(edges[1:-1], confidence, side="left")


def gaps(found: Terms, bins: int, binning: str) -> np.ndarray:
    """Probability of the first class less whether it is right, in the column of its bin: [pictures, bins].

    The calibration error is the sum over bins of the columns' absolute means.
    """
    place = bins_of(found.confidence, bins, binning)
    return (found.confidence - found.correct)[:, None] * (place[:, None] == np.arange(bins))


def reliability(systems: list[Terms], bins: int, binning: str) -> list[dict]:
    """For each bin that holds pictures: how many, their mean probability and the share that is right, in percent.

    Several systems are pooled: each of their predictions counts by itself.
    """
    places = np.concatenate([bins_of(one.confidence, bins, binning) for one in systems])
    confidence, correct = (
        np.concatenate([getattr(one, key) for one in systems]) for key in Terms._fields[:2]
    )
    rows = []
    for place in range(bins):
        here = places == place
        if here.any():
            row = {"bin": place, "predictions": int(here.sum())}
            row |= {"confidence_percent": float(100 * confidence[here].mean())}
            rows.append(row | {"correct_percent": float(100 * correct[here].mean())})
    return rows


def measures(systems: list[list[Terms]], bins: int, binning: str) -> Callable[[np.ndarray], np.ndarray]:
    """A function from how often each picture counts [draws, pictures] to MEASURES [draws, systems, 3].

    Of a system of several, each by itself, the mean of their figures is taken.
    """
    columns = [
        np.hstack([gaps(one, bins, binning) for one in system])
        if i == 0
        else np.mean([one[1 + i] for one in system], axis=0)[:, None]
        for system in systems
        for i in range(len(MEASURES))
    ]
    ends = np.cumsum([column.shape[1] for column in columns])[:-1]
    together = np.hstack(columns)

    def measured(counts: np.ndarray) -> np.ndarray:
        means = np.split(counts @ together / counts.shape[1], ends, axis=1)
        found = [
            100 * np.abs(part).sum(1) * bins / part.shape[1] if at % len(MEASURES) == 0 else part[:, 0]
            for at, part in enumerate(means)
        ]
        return np.stack(found, 1).reshape(len(counts), len(systems), len(MEASURES))

    return measured


def limits(key: str, figure: float, resampled: np.ndarray, confidence_percent: float) -> list[float]:
    """Bootstrap interval of a measure.

    Means have the percentile interval. Noise in the bins lifts a calibration error, and resampling lifts it once more:
    its interval is moved so that the resampled mean meets the figure. It says how far the figure would move with other
    pictures, not how far chance has lifted it.
    """
    low, high = np.percentile(resampled, tails(confidence_percent))
    moved = figure - resampled.mean() if key == "ece_percent" else 0.0
    return [float(low + moved), float(high + moved)]


def calibration(predictions: Mapping, labels: np.ndarray, settings: dict) -> dict:
    """Calibration of one model and of all, on the fewest and on the most crops, with intervals.

    predictions: member -> policy -> probabilities [pictures, classes]. settings: {resamples, confidence_percent,
    seed, calibration: {bins, binning}}. "One model" is the mean over the members' own figures. `_fall` is how far a
    measure falls from the first system, one model on the fewest crops; above zero, this one is better.
    """
    names, policies = tuple(predictions), sorted(next(iter(predictions.values())))
    systems: dict[tuple[int, int], list[Terms]] = {}
    for policy in dict.fromkeys((policies[0], policies[-1])):
        systems[1, policy] = [together(predictions, (name,), policy, labels) for name in names]
        systems[len(names), policy] = [together(predictions, names, policy, labels)]
    binned = settings["calibration"]["bins"], settings["calibration"]["binning"]
    measured = measures(list(systems.values()), *binned)
    figures = measured(np.ones((1, len(labels))))[0]
    draws = drawn_counts(len(labels), settings["resamples"], generator(settings["seed"]))
    resampled = np.concatenate([measured(counts) for counts in draws])
    rows = []
    for at, ((models, policy), system) in enumerate(systems.items()):
        row: dict = {"models": models, "crops": policy, "reliability": reliability(system, *binned)}
        for i, key in enumerate(MEASURES):
            figure, drawn = figures[at, i], resampled[:, at, i]
            bounds = limits(key, figure, drawn, settings["confidence_percent"])
            row |= {key: float(figure), f"{key}_interval": [max(0.0, bound) for bound in bounds]}
            fall, drawn = figures[0, i] - figure, resampled[:, 0, i] - drawn
            low, high = limits(key, fall, drawn, settings["confidence_percent"])
            row[f"{key}_fall"] = {"difference": float(fall), "low": low, "high": high}
        rows.append(row)
    return settings["calibration"] | {"systems": rows}


def together(predictions: Mapping, members: tuple[str, ...], policy: int, labels: np.ndarray) -> Terms:
    """`terms` of some members' mean, some pictures at a time."""
    parts = []
    for some in ranges(len(labels), PICTURES_AT_ONCE):
        mean = np.mean([predictions[name][policy][some] for name in members], axis=0, dtype=np.float64)
        parts.append(terms(mean, labels[some]))
    return Terms(*(np.concatenate(each) for each in zip(*parts, strict=True)))
