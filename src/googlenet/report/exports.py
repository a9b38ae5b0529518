"""The page of exports: each format's size, latency of one image and error, compared with the network."""

from googlenet.metrics.data import Manifest
from googlenet.metrics.export import ExportMetrics, FormatRow, Latency
from googlenet.metrics.interval import Difference
from googlenet.metrics.rounding import at_most
from googlenet.report import glance
from googlenet.report.parts import OURS, Part, Report, Row, Section, Table, our_numbers, texts
from googlenet.report.words import (
    NONE,
    TOPS,
    UNDECIDED,
    confidence,
    count,
    decimal,
    exact,
    interval,
    main_metric,
    plural,
    signed,
    turned,
)

VERDICTS = {
    1: "better than the network's",
    -1: "worse than the network's",
    0: UNDECIDED,
}  # by the sign of a gain's interval
TITLE = "Exports: what a member costs elsewhere"
OTHER_DATA = "These results are on {}; on ILSVRC a format may cost more or less."
GOAL = (
    "The paper designs its network with mobile and embedded computing in mind, and for most experiments within 1.5 billion multiply-adds at "
    "inference time (section 1)"
)


def build(experiment: str, measured: ExportMetrics, manifest: Manifest, purpose: str = "") -> Report:
    """Build the page. manifest: of the classification set."""
    sections = (
        Section("Size, time and error", summary(measured), (sizes(measured), answers(measured))),
        Section("How it was measured", method(measured)),
    )
    warning = "" if glance.is_ilsvrc(manifest) else OTHER_DATA.format(manifest.dataset)
    return Report(TITLE, experiment, glance.about([manifest], purpose), warning, (Part("", sections),))


def sizes(measured: ExportMetrics) -> Table:
    """The table of size, latency and the main error."""
    error, name = main_metric(measured.classes)
    columns = (
        *texts("Format", "Weights"),
        *our_numbers("Size, MB", "Median, ms", "Middle half, ms", f"{name[:1].upper()}{name[1:]}, %"),
        *our_numbers("Difference, points", confidence(measured.network.errors.intervals.of(error))),
    )
    own = measured.network
    first = ("The network itself", "fp32", NONE, *times(own.latency), decimal(own.errors.of(error)))
    rows = [Row((*first, "", ""), OURS)]
    for row in measured.formats:
        megabytes = decimal(row.file_bytes / 1e6)
        cells = (row.title, row.precision, megabytes, *times(row.latency))
        rows.append(Row((*cells, decimal(row.errors.of(error)), *worse_by(row.gain.of(error), measured.images))))
    caption = (
        f"{GOAL}. Member {measured.member}, {count(measured.parameters)} parameters and {decimal(measured.macs / 1e6, 1)} million "
        f"multiply-adds for one crop of {measured.input_px} px: the bytes of its file in each format, the time of one image, and the error of "
        f"one centre crop on {plural(measured.images, 'test image')}."
    )
    note = (
        "A difference is the format's error minus the network's on the same images. If no image changes, its interval is from "
        "the share of images that may change (Clopper and Pearson). Times are not reproducible exactly."
    )
    return Table("Size, time and error of each format", caption, columns, tuple(rows), note)


def answers(measured: ExportMetrics) -> Table:
    """The table of differences from the network's predictions, with the other error where it is informative."""
    main, _ = main_metric(measured.classes)
    others = [error for error in TOPS if error != main] if measured.classes > 5 else []
    columns = texts("Format", "Weights")
    for error in others:
        level = confidence(measured.network.errors.intervals.of(error))
        columns += our_numbers(f"{TOPS[error].capitalize()} error, %", "Difference, points", level)
    columns += our_numbers("Same first answer, %", "Largest difference of a probability", "Mean difference")
    own = [cell for error in others for cell in (decimal(measured.network.errors.of(error)), "", "")]
    rows = [Row(("The network itself", "fp32", *own, "", "", ""), OURS)]
    for row in measured.formats:
        errors = [
            cell
            for error in others
            for cell in (decimal(row.errors.of(error)), *worse_by(row.gain.of(error), measured.images))
        ]
        apart = (decimal(row.same_first_answer_percent), small(row.largest_difference), small(row.mean_difference))
        rows.append(Row((row.title, row.precision, *errors, *apart)))
    caption = (
        f"The formats' answers beside the network's, for one centre crop of {plural(measured.images, 'test image')}."
    )
    return Table("How far the answers differ", caption, columns, tuple(rows))


def times(latency: Latency) -> tuple[str, str]:
    """The median and the quartiles of the times of one image."""
    low, high = latency.quartiles_ms
    return decimal(latency.median_ms), f"{decimal(low)} to {decimal(high)}"


def worse_by(gain: Difference, images: int) -> tuple[str, str]:
    """An increase in error, in points, and its interval; if none of the images changed, from Clopper and Pearson's of the
    share that changes, all for the worse or all for the better."""
    bounds = turned(gain.interval)
    if unchanged(gain):
        most = exact(gain.interval, 0, images).high
        bounds = gain.interval.model_copy(update={"low": -most, "high": most})
    return signed(-gain.difference), interval(bounds)


def unchanged(gain: Difference) -> bool:
    """Whether the format is right and wrong on the same images as the network."""
    return gain.interval.low == gain.interval.high == 0


def small(value: float) -> str:
    """Format a small number with one digit: 0.003, 2e-07."""
    return f"{value:.1g}"


def summary(measured: ExportMetrics) -> tuple[str, ...]:
    """A sentence for each format with weights other than fp32, on what it saves and costs; and one for all in fp32."""
    error, name = main_metric(measured.classes)
    in_fp32 = [row for row in measured.formats if row.precision == "fp32"]
    lines = []
    if in_fp32:
        worst = at_most(max(row.largest_difference for row in in_fp32))
        lines.append(f"In fp32 no probability differs by more than {worst} from the network's: {titles(in_fp32)}.")
    for row in (row for row in measured.formats if row.precision != "fp32"):
        beside = next((one for one in in_fp32 if one.title == row.title), None)
        size = f", {decimal(100 * row.file_bytes / beside.file_bytes, 0)} % of its bytes in fp32" if beside else ""
        gain = row.gain.of(error)
        points, bounds = worse_by(gain, measured.images)
        level = confidence(gain.interval)
        verdict = "right and wrong on the same images" if unchanged(gain) else VERDICTS[gain.interval.side]
        lines.append(f"{row.title} in {row.precision}{size}: {name} {points} points, {level} {bounds}; {verdict}.")
    return tuple(lines)


def titles(rows: list[FormatRow]) -> str:
    """The formats' names, in a list."""
    return ", ".join(row.title for row in rows)


def method(measured: ExportMetrics) -> tuple[str, ...]:
    """Explain what was timed and how, and what int8 is."""
    timed = (
        f"On the CPU in {plural(measured.threads, 'thread')}, one image at a time, from pixels to probabilities: the median and the quartiles of "
        f"{count(measured.repeats)} passes after {measured.warm_up} that do not count. The formats take turns, so that other work on the machine affects all alike, and each pass "
        "follows one that is not timed, so that the weights are in the caches. Reading the image and cropping it are not included."
    )
    libraries = dict.fromkeys(row.computed_by for row in (measured.network, *measured.formats))
    lines = [f"{timed} Computed by {', '.join(libraries)}."]
    if measured.calibrated_on:
        lines.append(
            f"int8: weights have a scale for each output channel, maps one each, from their range over {plural(measured.calibrated_on, 'validation image')}. "
            "Response normalisation and softmax are computed in float."
        )
    if any(row.precision == "bf16" for row in measured.formats):
        lines.append(
            "bf16: weights are stored in bf16, and computed with in fp32, so that the figures are those of any processor."
        )
    return tuple(lines)
