"""The ablation page: each row's difference from the reference, as a table and as a figure."""

from collections.abc import Iterator, Mapping

from googlenet.metrics.classification_studies import AblationMetrics, AblationResult, TopMeasure
from googlenet.metrics.data import Manifest
from googlenet.metrics.interval import Interval
from googlenet.metrics.structure_comparison import StructureComparison
from googlenet.report import asynchronous, claims, glance
from googlenet.report.captions import captioned
from googlenet.report.parts import OURS, Part, Report, Row, Section, Table, numbers, our_numbers, texts
from googlenet.report.style import BLACK, BLUE, GREY, SKY, canvas, clipped, name_rows
from googlenet.report.words import UNDECIDED, confidence, count, decimal, interval, main_metric, plural, signed

TITLE = "Ablations: what each part contributes"
OTHER_DATA = "These results are on {}; on ILSVRC a change may have another effect."
VERDICTS = {
    "worse": "Worse than the reference",
    "better": "Better than the reference",
    UNDECIDED: "Not statistically distinguishable from the reference",
}


def measure_of(compared: AblationMetrics | StructureComparison) -> TopMeasure:
    """Return the paper's measure, top-5 error, where it is informative, or top-1 if there are few classes."""
    return "top5" if main_metric(compared.classes)[0] == "top5_error_percent" else "top1"


def ablation_differences(compared: AblationMetrics) -> bytes:
    """Plot each row's test error minus the reference's, in points: its interval, its mean, and a dot for each seed."""
    measure = measure_of(compared)
    with canvas(9, 1.3 + 0.36 * max(3, len(compared.rows))) as (figure, png):
        axes = figure.subplots()
        axes.axvline(0, color=GREY, linewidth=1.2)
        for position, row in enumerate(compared.rows):
            test = row.test.of(measure)
            bounds, dots = (test.interval.low, test.interval.high), test.difference_points_by_seed
            labels = ("one seed", f"mean, {confidence(test.interval)}") if position == 0 else (None, None)
            axes.plot(bounds, [position, position], color=BLUE, linewidth=2.2, zorder=2)
            axes.scatter(dots, [position] * len(dots), color=SKY, s=18, zorder=3, label=labels[0])
            axes.scatter(test.difference_points, position, color=BLACK, marker="D", s=34, zorder=4, label=labels[1])
        name_rows(axes, [clipped(row.about, 44) for row in compared.rows])
        error = measure.replace("top", "top-")
        axes.set_xlabel(f"{error} error on test less the reference's, points (right: worse)")
        figure.legend(loc="outside upper right", ncols=2)
    return png.getvalue()


def drawings(compared: AblationMetrics) -> dict[str, bytes]:
    """The page's figures as PNG, by name."""
    stale = {"staleness": asynchronous.staleness(compared)} if asynchronous.rows_of(compared) else {}
    return {"ablation_differences": ablation_differences(compared)} | stale


def build(
    experiment: str,
    compared: AblationMetrics,
    manifest: Manifest,
    figures: Mapping[str, bytes],
    rates: Mapping[str, float],
    purpose: str = "",
) -> Report:
    """Build the page. manifest: of the classification set; rates: training images per second, by source."""
    figure = captioned(figures, "ablation_differences")
    sections = (
        Section("Differences from the reference", summary(compared), (table(compared), *figure)),
        *asynchronous.section(compared, measure_of(compared), figures, rates),
        Section(claims.TITLE, (), (claims.of_ablations(compared),)),
        Section("What the intervals mean", method(compared)),
    )
    name = manifest.dataset
    place = f"{name}, with {glance.extent(manifest)}" if glance.of_ilsvrc(manifest) else f"{name}, not on ILSVRC"
    warning = "" if glance.is_ilsvrc(manifest) else OTHER_DATA.format(place)
    return Report(TITLE, experiment, glance.about([manifest], purpose), warning, (Part("", sections),))


def table(compared: AblationMetrics) -> Table:
    """A row for the reference and one for each ablation: errors, the difference, and the verdict of its interval."""
    measure, reference = measure_of(compared), compared.reference
    errors = ("Validation error, %", "Test error, %", "Difference, points")
    columns = (
        *texts("Ablation", "Changed"),
        *numbers("Parameters"),
        *our_numbers(*errors, confidence(reference.test.of(measure).interval)),
        *texts("Against the reference", "Trainings"),
    )
    rows = []
    for row in (reference, *compared.rows):
        test = row.test.of(measure)
        cells = [row.about, changed(row), count(row.parameters)]
        cells += [decimal(row.validation.of(measure).error_percent), decimal(test.error_percent)]
        if row is reference:
            rows.append(Row(("The reference", "", *cells[2:], "", "", "", trainings(row)), OURS))
            continue
        conclusion = "the same settings" if is_reference(row, reference) else verdict(test.interval)
        cells += [signed(test.difference_points), interval(test.interval), conclusion, trainings(row, reference)]
        rows.append(Row(tuple(cells)))
    note = (
        "A difference is the row's error minus the reference's, paired by seed and image. Where the settings equal a "
        "member's, its training is used. Stalled: the loss of the last epoch was no better than chance."
    )
    caption = (
        f"{measure.replace('top', 'Top-')} error of single networks on one centre crop, mean over "
        f"{plural(len(compared.seeds), 'seed')}; {plural(compared.images.test, 'test image')}."
    )
    return Table("The table of ablations", caption, columns, tuple(rows), note)


def is_reference(row: AblationResult, reference: AblationResult) -> bool:
    """Whether a row's changes have no effect in this experiment."""
    return (row.sources, row.weights) == (reference.sources, reference.weights)


def changed(row: AblationResult) -> str:
    """Format a row's changes as text, "model.lrn false", with its weights unless they are the averaged ones."""
    return ", ".join([*sorted(_changes(row.changes)), *["the last weights"] * (row.weights == "last")])


def _changes(changes: Mapping[str, object], prefix: str = "") -> Iterator[str]:
    """Yield each changed key with its path, and its value."""
    for key, value in changes.items():
        if isinstance(value, Mapping):
            yield from _changes(value, f"{prefix}{key}.")
        elif isinstance(value, list | tuple):
            yield f"{prefix}{key} {' and '.join(map(str, value)) or 'none'}"
        else:
            yield f"{prefix}{key} {str(value).lower() if isinstance(value, bool) else value}"


def verdict(bounds: Interval) -> str:
    """Return the conclusion that the interval of a difference in error allows, one of VERDICTS."""
    return {1: "worse", -1: "better", 0: UNDECIDED}[bounds.side]


def trainings(row: AblationResult, reference: AblationResult | None = None) -> str:
    """Describe a row's trainings ("m1, m2 and 1 of its own" or "the reference's") and how many stalled."""
    if reference is not None and row.sources == reference.sources:
        text = "the reference's"
    else:
        jobs = [source.split("/") for source in row.sources]
        members = [name for stage, name in jobs if stage == "train_classifier"]
        others = len(jobs) - len(members)
        text = " and ".join([", ".join(members)] * bool(members) + [f"{others} of its own"] * bool(others))
    return f"{text}; {row.stalled} stalled" if row.stalled else text


def summary(compared: AblationMetrics) -> tuple[str, ...]:
    """State which rows differ from the reference and which do not, a sentence for each verdict."""
    measure = measure_of(compared)
    rows = [row for row in compared.rows if not is_reference(row, compared.reference)]
    sentences = []
    for word, start in VERDICTS.items():
        names = [_named(row) for row in rows if verdict(row.test.of(measure).interval) == word]
        if names:
            sentences.append(f"{start}: {'; '.join(names)}.")
    return tuple(sentences)


def _named(row: AblationResult) -> str:
    stalled = f" ({count(row.stalled)} of {plural(len(row.sources), 'training')} stalled)" if row.stalled else ""
    return f"{row.about[:1].lower()}{row.about[1:]}{stalled}"


def method(compared: AblationMetrics) -> tuple[str, ...]:
    """Explain what the intervals treat as random, and what few seeds and many rows allow one to conclude."""
    bounds = compared.reference.test.of(measure_of(compared)).interval
    rows = sum(not is_reference(row, compared.reference) for row in compared.rows)
    level, seeds = bounds.confidence_percent / 100, len(compared.seeds)
    many = (
        f"Each interval is for its row alone. If no row had any effect, {plural(rows, 'row')} would still show at "
        f"least one difference in about {decimal(100 * (1 - level**rows), 0)} % of such tables, if the rows were "
        "independent: take a single interval that barely excludes zero as a hint."
    )
    return (
        f"Every row is trained with the same {plural(seeds, 'seed')} as the reference and tested on the same images; "
        "differences are paired by both. Seeds and images count as crossed random effects, so the interval is for the "
        "mean difference with other seeds and other images of the same kind: Student's t on the variance components "
        "of the table of seeds by images. Nothing is resampled. All trainings begin with the same initial weights, so "
        "the effect of another start is not covered.",
        f"With {plural(seeds, 'seed')}, the variance between seeds has {plural(seeds - 1, 'degree')} of freedom: "
        "with few seeds the interval is wide even where they do not matter (with three seeds that had no effect, "
        "simulated: 2.2 times as wide as the images alone require). An interval that contains zero does not show that "
        "there is no effect.",
        *((many,) if rows > 1 else ()),
    )
