"""Bootstrap over pictures: how far a figure would move with other test pictures of the same kind."""

from collections.abc import Iterator

import numpy as np

RESAMPLES_AT_ONCE = 200
DRAWS_PER_BINOMIAL = 8  # one draw from a binomial takes as long as so many of a picture's number


def generator(seed: int) -> np.random.Generator:
    """The generator that resampling draws from: the same seed gives the same pictures for every figure."""
    return np.random.Generator(np.random.Philox(seed))


def resampled_means(values: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Means of `values` over pictures drawn anew with replacement, `resamples` times.

    Where many pictures have few values, as errors do, only how many pictures of each value is drawn: a multinomial, which
    is the same distribution and fast at any number of pictures.
    """
    values = np.asarray(values, np.float64)
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) * DRAWS_PER_BINOMIAL > len(values):
        sums = [drawn @ values for drawn in drawn_counts(len(values), resamples, rng)]
    else:
        shares = counts / len(values)
        sums = [rng.multinomial(len(values), shares, size) @ distinct for size in pieces(resamples)]
    return np.concatenate(sums) / len(values)


def drawn_counts(pictures: int, resamples: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """How often each picture is drawn, float64 [some resamples, pictures]: for figures that share their resamples."""
    for size in pieces(resamples):
        draws = rng.integers(pictures, size=(size, pictures))
        draws += np.arange(size)[:, None] * pictures
        counts = np.bincount(draws.ravel(), minlength=size * pictures)
        yield counts.reshape(size, pictures).astype(np.float64)


def pieces(total: int) -> Iterator[int]:
    """Cut a number of resamples into parts that fit in memory."""
    for start in range(0, total, RESAMPLES_AT_ONCE):
        yield min(RESAMPLES_AT_ONCE, total - start)


def tails(confidence_percent: float) -> list[float]:
    """The two percentiles that an interval of this confidence lies between."""
    tail = (100 - confidence_percent) / 2
    return [tail, 100 - tail]


def interval(
    values: np.ndarray, resamples: int, confidence_percent: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Bootstrap percentile interval of the mean of per-picture values, in percent.

    For a paired difference, pass the per-picture differences: each picture then stands for both systems.
    """
    low, high = np.percentile(resampled_means(values, resamples, rng), tails(confidence_percent))
    return float(100 * low), float(100 * high)


class Bounds:
    """Intervals at one number of resamples, confidence and seed: each is drawn with the same seed, in percent."""

    def __init__(self, settings: dict):
        """settings: {resamples, confidence_percent, seed}."""
        self.resamples, self.seed = settings["resamples"], settings["seed"]
        self.confidence_percent = settings["confidence_percent"]

    def of(self, values: np.ndarray) -> list[float]:
        """Interval of the mean of per-picture values."""
        return list(interval(values, self.resamples, self.confidence_percent, generator(self.seed)))

    def difference(self, before: np.ndarray, after: np.ndarray) -> dict[str, float]:
        """Fall in error from `before` to `after` on the same pictures, in points, with its paired interval."""
        fall = np.asarray(before, np.float64) - after
        low, high = self.of(fall)
        return {"difference": float(100 * fall.mean()), "low": low, "high": high}
