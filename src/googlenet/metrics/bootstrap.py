"""Bootstrap over images: how far a figure would move with other test images of the same kind."""

from collections.abc import Iterator

import numpy as np

from googlenet.config.schema.shared import Bootstrap
from googlenet.metrics.base import Difference, Interval

RESAMPLES_AT_ONCE = 200
DRAWS_PER_BINOMIAL = 8  # one draw from a binomial takes as long as so many of an image's number


def generator(seed: int) -> np.random.Generator:
    """The generator that resampling draws from: the same seed gives the same images for every figure."""
    return np.random.Generator(np.random.Philox(seed))


def resampled_means(values: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Means of `values` over images drawn anew with replacement, `resamples` times."""
    values = np.asarray(values, np.float64)
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) * DRAWS_PER_BINOMIAL > len(values):
        sums = [drawn @ values for drawn in drawn_counts(len(values), resamples, rng)]
    else:  # few values, as errors have: only how often each is drawn, a multinomial, which is the same distribution
        shares = counts / len(values)
        sums = [rng.multinomial(len(values), shares, size) @ distinct for size in pieces(resamples)]
    return np.concatenate(sums) / len(values)


def drawn_counts(images: int, resamples: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """How often each image is drawn, float64 [some resamples, images]: for figures that share their resamples."""
    for size in pieces(resamples):
        draws = rng.integers(images, size=(size, images))
        draws += np.arange(size)[:, None] * images
        counts = np.bincount(draws.ravel(), minlength=size * images)
        yield counts.reshape(size, images).astype(np.float64)


def draws(images: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """How often each image is drawn, float64 [resamples, images], all in memory: for figures of few images that are paired."""
    return rng.multinomial(images, np.full(images, 1 / images), size=resamples).astype(np.float64)


def pieces(total: int) -> Iterator[int]:
    """Cut a number of resamples into parts that fit in memory."""
    for start in range(0, total, RESAMPLES_AT_ONCE):
        yield min(RESAMPLES_AT_ONCE, total - start)


def percentile_interval(resampled: np.ndarray, confidence_percent: float, unit: float = 1.0) -> Interval:
    """The interval between whose ends, times `unit`, so many percent of the resampled figures lie; NaN is none."""
    tail = (100 - confidence_percent) / 2
    low, high = np.percentile(resampled[~np.isnan(resampled)], [tail, 100 - tail])
    return Interval(low=float(unit * low), high=float(unit * high), confidence_percent=confidence_percent)


class Bounds:
    """Intervals at one number of resamples, confidence and seed: each is drawn with the same seed."""

    def __init__(self, settings: Bootstrap):
        self.resamples, self.seed = settings.resamples, settings.seed
        self.confidence_percent = settings.confidence_percent

    def of(self, values: np.ndarray) -> Interval:
        """Bootstrap percentile interval of the mean of per-image values (of differences: paired by image), in percent."""
        means = resampled_means(values, self.resamples, generator(self.seed))
        return percentile_interval(means, self.confidence_percent, 100)

    def difference(self, before: np.ndarray, after: np.ndarray) -> Difference:
        """Fall in error from `before` to `after` on the same images, in points, with its paired interval."""
        fall = np.asarray(before, np.float64) - after
        return Difference(difference=float(100 * fall.mean()), interval=self.of(fall))
