"""Numbers as text: the only place that defines decimals and what an interval allows us to claim."""

from collections.abc import Iterable

from googlenet.metrics.error_rates import TopError
from googlenet.metrics.interval import Difference, Interval, clopper_pearson

NONE = "—"
TIMES = "\N{MULTIPLICATION SIGN}"
EACH_ROW = "Each interval is for its row alone, not for all at once."
THESE_NETWORKS = (
    "Intervals are over test images, for these networks: with another seed or machine a verdict may differ."
)
UNDECIDED = "not statistically distinguishable"
TOPS: dict[TopError, str] = {"top1_error_percent": "top-1", "top5_error_percent": "top-5"}
SPLITS = ("train", "validation", "test")


def decimal(value: float | None, digits: int = 2) -> str:
    """Format a number with fixed decimals and a true minus sign; a dash for None."""
    if value is None:
        return NONE
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "\N{MINUS SIGN}")


def spread(mean: float | None, std: float | None, digits: int = 2) -> str:
    """Format mean and standard deviation as "5.25 ± 0.41"; the mean alone if there is no deviation."""
    equal = not std or std < 1e-9  # equal values deviate by their rounding
    return decimal(mean, digits) if equal else f"{decimal(mean, digits)} ± {decimal(std, digits)}"


def signed(value: float | None, digits: int = 2) -> str:
    """Format a difference with its sign, "+0.30" or "-0.30" with a true minus; zero has no sign."""
    text = decimal(value, digits)
    return f"+{text}" if value is not None and float(f"{value:.{digits}f}") > 0 else text


def count(value: float | None) -> str:
    """Format a whole number with thousands separators: 1,281,167."""
    return NONE if value is None else f"{round(value):,}"


def between(low: float, high: float) -> str:
    """Format a range of whole numbers as "404 to 410", or "404" when both ends are the same."""
    return count(low) if low == high else f"{count(low)} to {count(high)}"


def interval(bounds: Interval | None, digits: int = 2) -> str:
    """Format an interval as "[4.10, 6.02]"; a dash for None."""
    return NONE if bounds is None else f"[{decimal(bounds.low, digits)}, {decimal(bounds.high, digits)}]"


def kilo(value: float) -> str:
    """Format a number of parameters as in the paper's Table 1 (K: 1024): "6,798K"."""
    return f"{count(value / 1024)}K"


def mega(value: float) -> str:
    """Format multiply-adds as in the paper's Table 1 (M: a million): "128.0M", "1.583G"."""
    return f"{value / 1e9:.3f}G" if value >= 1e9 else f"{value / 1e6:.1f}M"


def short(digest: str | None) -> str:
    """The first ten characters of a digest or commit; the mark for uncommitted edits is kept."""
    if not digest:
        return NONE
    head, plus, tail = digest.partition("+")
    return head[:10] + plus + tail


def plural(number: int, noun: str) -> str:
    """Format a number with its noun: "1 model", "7 models", "3,600 images"."""
    return f"{count(number)} {noun}" if number == 1 else f"{count(number)} {noun}s"


def confidence(level: Interval) -> str:
    """Return the name of an interval: "95 % interval"."""
    return f"{level.confidence_percent:g} % interval"


def with_confidence(bounds: Interval, digits: int = 2) -> str:
    """Format an interval with its name: "95 % interval [4.10, 6.02]"."""
    return f"{confidence(bounds)} {interval(bounds, digits)}"


def exact(bounds: Interval, percent: float, trials: int) -> Interval:
    """The interval of a share; if that is 0 or 100 %, Clopper-Pearson's, which then still has a width."""
    if percent not in (0, 100):
        return bounds
    return clopper_pearson(trials if percent else 0, trials, bounds.confidence_percent)


def turned(bounds: Interval) -> Interval:
    """The interval of the opposite difference: for a change in error, where less is better."""
    return bounds.model_copy(update={"low": -bounds.high, "high": -bounds.low})


def of_difference(pair: Difference, unit: str = " points", digits: int = 2) -> str:
    """State what a paired interval shows about a difference (positive: better): better, worse, or neither. No sign, which
    would be the opposite of the change's if less is better."""
    difference, bounds = pair.difference, pair.interval
    if bounds.side > 0:
        return f"better by {decimal(difference, digits)}{unit}, {with_confidence(bounds, _telling(bounds, digits))}"
    if bounds.side < 0:
        return f"worse by {decimal(-difference, digits)}{unit}, {with_confidence(turned(bounds), _telling(bounds, digits))}"
    if bounds.low == bounds.high == 0:
        return f"{UNDECIDED} (no difference in any resample)"
    low, high = _lean(bounds.low, digits), _lean(bounds.high, digits)
    return f"{UNDECIDED} ({_lean(difference, digits, unit)}, {confidence(bounds)} from {low} to {high})"


def _telling(bounds: Interval, digits: int) -> int:
    """The decimals, at least `digits`, with which no end of an interval that excludes zero looks like zero."""
    nearest = min(abs(bounds.low), abs(bounds.high))
    return next(number for number in range(digits, 400) if float(decimal(nearest, number)))


def _lean(difference: float, digits: int, unit: str = "") -> str:
    size = decimal(abs(difference), digits)
    side = "" if float(size) == 0 else " better" if difference > 0 else " worse"
    return f"{size}{unit}{side}"


def gain(pair: Difference) -> str:
    """`of_difference` for a percentage where more is better, with one decimal."""
    return of_difference(pair, digits=1)


def main_metric(classes: int) -> tuple[TopError, str]:
    """Return the error that is informative for this number of classes, and its name: the paper's top-5, or top-1."""
    error: TopError = "top5_error_percent" if classes >= 100 else "top1_error_percent"
    return error, f"{TOPS[error]} error"


def in_order(splits: Iterable[str]) -> list[str]:
    """Order the names of splits by use: train, validation, test, then any other."""
    names = set(splits)
    return [name for name in SPLITS if name in names] + sorted(names - set(SPLITS))
