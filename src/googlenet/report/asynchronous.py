"""Asynchronous updates on the ablation page: errors compared with synchronous updates, rates and staleness."""

from collections import Counter
from collections.abc import Mapping, Sequence

from googlenet.metrics.classification_studies import AblationMetrics, AblationResult, TopMeasure
from googlenet.report.captions import captioned
from googlenet.report.claims import AS_MUCH
from googlenet.report.parts import OURS, Content, Row, Section, Table, numbers, our_numbers, texts
from googlenet.report.style import BLUE, canvas
from googlenet.report.words import confidence, count, decimal, interval, plural, signed, with_confidence

PER_LINE = 4  # histograms
NOTE = (
    "Images per second: images seen divided by the duration of the whole job, start and evaluation included; for simulated replicas, the "
    "reference's rate times the gradients completed per mean gradient time of the simulated clock. Real replicas ran "
    "on the available cores, and their figures are not reproducible."
)


def rows_of(compared: AblationMetrics) -> list[AblationResult]:
    """The rows with asynchronous updates; none if the reference's are also asynchronous."""
    return [] if compared.reference.asynchronous else [row for row in compared.rows if row.asynchronous]


def staleness_of(row: AblationResult) -> Counter[int]:
    """The number of updates by staleness, over the row's seeds."""
    found = Counter[int]()
    for training in row.asynchronous:
        found.update(dict(enumerate(training.staleness)))
    return found


def mean_staleness(row: AblationResult) -> float:
    """The mean number of updates between fetching the weights of a gradient and its arrival."""
    found = staleness_of(row)
    return sum(stale * updates for stale, updates in found.items()) / max(1, found.total())


def replicas(row: AblationResult) -> str:
    """Its replicas in words: "4 simulated replicas"."""
    first = row.asynchronous[0]
    return plural(first.replicas, f"{'real' if first.real else 'simulated'} replica")


def staleness(compared: AblationMetrics) -> bytes:
    """Plot a histogram of staleness, as shares of the updates, for each row with asynchronous updates."""
    rows = rows_of(compared)
    across = min(PER_LINE, len(rows))
    down = -(-len(rows) // PER_LINE)
    with canvas(9, 0.5 + 2.1 * down) as (figure, png):
        places = list(figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).flat)
        for axes, row in zip(places, rows, strict=False):
            found = staleness_of(row)
            shares = [100 * found[stale] / found.total() for stale in range(max(found) + 1)]
            axes.bar(range(len(shares)), shares, color=BLUE)
            axes.set_title(replicas(row))
            axes.grid(axis="x", visible=False)
            axes.tick_params(labelbottom=True)
            axes.xaxis.get_major_locator().set_params(integer=True)
        for axes in places[len(rows) :]:
            axes.remove()
        figure.supxlabel("staleness: updates between fetch and arrival", fontsize="medium")
        figure.supylabel("updates, %", fontsize="medium")
    return png.getvalue()


def section(
    compared: AblationMetrics, measure: TopMeasure, figures: Mapping[str, bytes], rates: Mapping[str, float]
) -> tuple[Section, ...]:
    """The section, if a row has asynchronous updates. rates: images per second by source, where known."""
    rows = rows_of(compared)
    if not rows:
        return ()
    text = tuple(verdict(row, compared.reference, measure) for row in rows)
    content: tuple[Content, ...] = (table(compared.reference, rows, measure, rates), *captioned(figures, "staleness"))
    return (Section("Asynchronous updates", text, content),)


def verdict(row: AblationResult, reference: AblationResult, measure: TopMeasure) -> str:
    """State whether a row reaches the error of synchronous updates, according to the difference's interval."""
    test = row.test.of(measure)
    difference, bounds = f"{signed(test.difference_points)} points", with_confidence(test.interval)
    points = decimal(abs(test.difference_points))
    if test.interval.side < 0:
        found = f"is below the synchronous error by {points} points"
    elif test.interval.high < AS_MUCH:
        found = f"reaches the synchronous error to within {AS_MUCH:g} point: the difference is {difference}"
    elif test.interval.side > 0:
        found = f"does not reach the synchronous error: it is worse by {points} points"
    else:
        found = f"cannot be told from synchronous training: the difference is {difference}"
    return f"At equal epochs, training with {replicas(row)} {found} ({bounds}){stalled(row, reference)}."


def stalled(row: AblationResult, reference: AblationResult) -> str:
    """The trainings that never started to learn, as the end of a sentence; empty without any."""
    kinds = (("", row), ("synchronous ", reference))
    found = [f"{one.stalled} of {plural(len(one.sources), f'{kind}training')}" for kind, one in kinds if one.stalled]
    return f"; {' and '.join(found)} stalled" if found else ""


def table(
    reference: AblationResult, rows: Sequence[AblationResult], measure: TopMeasure, rates: Mapping[str, float]
) -> Table:
    """A row for synchronous updates, and one for each kind of asynchronous updates."""

    def rate(row: AblationResult) -> float | None:
        known = [rates[source] for source in row.sources if source in rates]
        speed_ups = [training.speed_up for training in row.asynchronous if training.speed_up]
        if speed_ups:
            synchronous = rate(reference)
            return synchronous and synchronous * sum(speed_ups) / len(speed_ups)
        return sum(known) / len(known) if known else None

    bounds = reference.test.of(measure).interval
    synchronous = (
        "synchronous",
        decimal(reference.test.of(measure).error_percent),
        "",
        "",
        "",
        "",
        count(rate(reference)),
    )
    cells = [Row(synchronous, OURS)]
    for row in rows:
        test, lost = row.test.of(measure), sum(training.lost_updates for training in row.asynchronous)
        errors = (decimal(test.error_percent), signed(test.difference_points), interval(test.interval))
        cells.append(Row((replicas(row), *errors, decimal(mean_staleness(row), 1), count(lost), count(rate(row)))))
    columns = (
        *texts("Updates"),
        *our_numbers("Test error, %", "Difference, points", confidence(bounds)),
        *numbers("Mean staleness", "Updates lost", "Images/s"),
    )
    caption = f"{measure.replace('top', 'Top-')} error at equal epochs, with the same batches in the same order. One simulated replica would be synchronous, to the bit."
    return Table("Asynchronous beside synchronous updates", caption, columns, tuple(cells), NOTE)
