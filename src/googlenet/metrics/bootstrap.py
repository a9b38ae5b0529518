"""Bootstrap over images: how much a figure would vary on other test images of the same kind."""

from collections.abc import Iterator

import numpy as np

from googlenet.config.schema.shared import Bootstrap
from googlenet.metrics.interval import Difference, Interval

RESAMPLES_AT_ONCE = 200
DRAWS_PER_BINOMIAL = 8  # one binomial draw takes as long as this many draws of an image index


def generator(seed: int) -> np.random.Generator:
    """Return the generator used for resampling, the same at every call: an interval depends on its own figure alone."""
    return np.random.Generator(np.random.Philox(seed))


def resampled_means(values: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Return means of `values` over images resampled with replacement, `resamples` times."""
    values = np.asarray(values, np.float64)
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) * DRAWS_PER_BINOMIAL > len(values):
        sums = [drawn @ values for drawn in drawn_counts(len(values), resamples, rng)]
    else:  # few distinct values, as with errors: draw only their counts, a multinomial of the same distribution
        shares = counts / len(values)
        sums = [rng.multinomial(len(values), shares, size) @ distinct for size in pieces(resamples)]
    return np.concatenate(sums) / len(values)


def drawn_counts(images: int, resamples: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield the number of draws of each image, float64 [some resamples, images], for figures that share resamples."""
    for size in pieces(resamples):
        draws = rng.integers(images, size=(size, images))
        draws += np.arange(size)[:, None] * images
        counts = np.bincount(draws.ravel(), minlength=size * images)
        yield counts.reshape(size, images).astype(np.float64)


def draws(images: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Count the draws of each image, float64 [resamples, images], all in memory: for paired figures of few images."""
    return rng.multinomial(images, np.full(images, 1 / images), size=resamples).astype(np.float64)


def pieces(total: int) -> Iterator[int]:
    """Split a number of resamples into parts that fit in memory."""
    for start in range(0, total, RESAMPLES_AT_ONCE):
        yield min(RESAMPLES_AT_ONCE, total - start)


def percentile_interval(resampled: np.ndarray, confidence_percent: float, unit: float = 1.0) -> Interval:
    """Return the central interval with this percentage of the resampled figures, times `unit`; NaN is ignored."""
    tail = (100 - confidence_percent) / 2
    low, high = np.percentile(resampled[~np.isnan(resampled)], [tail, 100 - tail])
    return Interval(low=float(unit * low), high=float(unit * high), confidence_percent=confidence_percent)


def centred_interval(figure: float, resampled: np.ndarray, confidence_percent: float) -> Interval:
    """Return the percentile interval of a figure that resampling itself raises or lowers, moved by as much: by the figure
    minus the mean of the resampled ones."""
    interval = percentile_interval(resampled, confidence_percent)
    moved = float(figure - resampled[~np.isnan(resampled)].mean())
    return interval.model_copy(update={"low": interval.low + moved, "high": interval.high + moved})


class Bounds:
    """Intervals with one number of resamples, confidence and seed: each starts from that same seed."""

    def __init__(self, settings: Bootstrap):
        self.resamples, self.seed = settings.resamples, settings.seed
        self.confidence_percent = settings.confidence_percent

    def of(self, values: np.ndarray) -> Interval:
        """Return the percentile interval of the mean of values (or differences) by image, in percent."""
        means = resampled_means(values, self.resamples, generator(self.seed))
        return percentile_interval(means, self.confidence_percent, 100)

    def difference(self, before: np.ndarray, after: np.ndarray) -> Difference:
        """Return the reduction in error from `before` to `after` on the same images, in points, with its interval."""
        fall = np.asarray(before, np.float64) - after
        return Difference(difference=float(100 * fall.mean()), interval=self.of(fall))
