"""Why more crops help, or do not: the zoom of crops in training and at test, and the errors of test crops by zoom."""

from collections.abc import Mapping
from typing import Any

from googlenet.metrics.classification import EnsembleMetrics
from googlenet.metrics.classification_studies import CropKind, CropStudyMetrics, ScaleErrors, TrainingZoom
from googlenet.report.captions import captioned
from googlenet.report.claims import of_errors
from googlenet.report.parts import Content, Row, Section, Table, numbers, our_numbers, texts
from googlenet.report.style import BLUE, GREY, ORANGE, RED, canvas
from googlenet.report.words import (
    NONE,
    TIMES,
    confidence,
    count,
    decimal,
    interval,
    main_metric,
    of_difference,
    plural,
)

MARKS: dict[CropKind, tuple[str, str]] = {
    "centre crops": (BLUE, "o"),
    "corners": (ORANGE, "s"),
    "whole squares": (RED, "D"),
}
RULE = (
    "Zoom: the shorter side of the image divided by the side of the crop in it; 1 is a crop as wide as the shorter side. One model: the "
    "mean over the members. The nearest: the row whose zoom is nearest to training's median. Each interval is for its row alone."
)


def section(
    study: CropStudyMetrics | None, ensemble: EnsembleMetrics | None, figures: Mapping[str, bytes]
) -> Section | None:
    """The section on crops by scale and kind: a paragraph that explains the effect of more crops from the figures."""
    if study is None:
        return None
    text = " ".join((*_gain(ensemble), *_seen(study), *_farthest(study), *_matched(study), *_conclusion(study)))
    content: list[Content] = [*captioned(figures, "error_over_zoom"), by_scale(study)]
    return Section("Why more crops help, or do not", (text,), tuple(content))


def name_of(row: ScaleErrors) -> str:
    """Name the crops of a row: "corners at 288 px"."""
    return row.kind if row.scale_px is None else f"{row.kind} at {row.scale_px} px"


def _gain(ensemble: EnsembleMetrics | None) -> tuple[str, ...]:
    """State what the largest number of crops changes compared with the next smaller one."""
    crops = sorted({row.crops for row in ensemble.table_3}) if ensemble else []
    if ensemble is None or len(crops) < 2:
        return ()
    few, most = crops[-2:]
    pair, how = of_errors(ensemble, f"single_{few}_minus_single_{most}")
    return (f"One model on {count(most)} crops, against {count(few)} ({how}): {of_difference(pair)}.",) if pair else ()


def _seen(study: CropStudyMetrics) -> tuple[str, ...]:
    """State the zoom of training and test crops."""
    rows, training = study.scales.rows, study.scales.training
    low, high = (extreme(row.magnification for row in rows) for extreme in (min, max))
    wide = f"A pixel of a test image becomes {decimal(low)} to {decimal(high)} pixels of input"
    if training is None:
        return (f"{wide}. Nothing was trained here, so how large training crops show it is not known.",)
    first, third = training.quartiles
    both = (low, high, training.magnification)
    so = "; no crop is enlarged" if max(both) <= 1 else "; all are enlarged" if min(both) >= 1 else ""
    return (
        f"Of {count(training.crops)} training crops, drawn by the members' own sampling, half have a zoom (the image's shorter side divided by the crop's side) of "
        f"{decimal(first)} to {decimal(third)}, with a median of {decimal(training.zoom)}.",
        f"{wide}, one of a training image {decimal(training.magnification)}{so}.",
    )


def _farthest(study: CropStudyMetrics) -> tuple[str, ...]:
    """State the errors, alone, of the crops of the scale farthest from training's zoom, and of the whole squares."""
    error, _ = main_metric(study.classes)
    training, nearest = study.scales.training, nearest_of(study)
    if training is None or nearest is None:
        return ()
    median = training.zoom
    scaled = [row for row in study.scales.rows if row.scale_px is not None]
    far = max(scaled, key=lambda row: max(row.zoom / median, median / row.zoom), default=nearest)
    shown = [row for row in study.scales.rows if row.against_nearest and row.scale_px in (far.scale_px, None)]
    if not shown:
        return ()
    sizes = {row.scale_px: row for row in reversed(shown)}  # the first row of each size
    first, *others = (
        (name_of(row), f"{_times(row, training)} times", f"larger than {decimal(row.training_below_percent, 0)} %")
        for row in reversed(sizes.values())
    )
    large = [
        f"The {first[0]} show objects {first[1]} as large as the median training crop, {first[2]} of training crops do"
    ]
    large += [f"the {name} {times}, {share}" for name, times, share in others]
    alone = "; ".join(
        f"{name_of(row)} {of_difference(row.against_nearest.of(error))}" for row in shown if row.against_nearest
    )
    return (
        f"{'; '.join(large)}.",
        f"The error alone, against that of the {name_of(nearest)}, which are nearest to training: {alone}.",
    )


def _matched(study: CropStudyMetrics) -> tuple[str, ...]:
    """State the error, alone, of the crops within the quartiles of training's zoom."""
    matched, error = study.scales.matched, main_metric(study.classes)[0]
    if study.scales.training is None:
        return ()
    if matched is None:
        return ("No test crop has a zoom within the middle half of training's.",)
    if matched.crops == study.crops:
        return ("All test crops have a zoom within the middle half of training's.",)
    at = f" ({' and '.join(map(str, matched.scales_px))} px)" if matched.scales_px else ""
    return (
        f"{count(matched.crops)} of the {count(study.crops)} test crops{at} have a zoom within the middle half of training's; "
        f"alone, against all: {of_difference(matched.against_all.of(error))}.",
    )


def _conclusion(study: CropStudyMetrics) -> tuple[str, ...]:
    """Conclude by one rule: which rows are worse than the nearest (if none, which are better), and whether the matched
    crops beat all crops."""
    error, images = main_metric(study.classes)[0], plural(study.images, "image")
    pairs = [(row, row.against_nearest.of(error)) for row in study.scales.rows if row.against_nearest]
    worse, better = ([name_of(row) for row, pair in pairs if pair.interval.side == side] for side in (-1, 1))
    matched = study.scales.matched
    some = matched is not None and matched.crops < study.crops  # otherwise nothing was compared with all crops
    side = matched.against_all.of(error).interval.side if matched and some else None
    if not pairs:
        return ()
    if not worse:
        end = f": these {images} cannot show an effect of the crops' size" if side == 0 else ""
        end = f"; better, each by its own interval, are the {', '.join(better)}" if better else end
        return (f"No scale or kind of crop is shown to be worse alone than the nearest{end}.",)
    ends = {
        None: "",
        1: ", and all crops together are worse for them: here the test scales (predict_crops.scales) do not fit the training crops",
        0: f"; whether the mean over all crops makes up for them cannot be decided on these {images}",
        -1: "; the mean over all crops helps nonetheless",
    }
    return (f"Worse alone than the nearest, each by its own interval, are the {', '.join(worse)}{ends[side]}.",)


def nearest_of(study: CropStudyMetrics) -> ScaleErrors | None:
    """The row that the others are compared with; None if nothing was trained."""
    rows = (row for row in study.scales.rows if row.against_nearest is None)
    return next(rows) if study.scales.training else None


def _times(row: ScaleErrors, training: TrainingZoom | None) -> str:
    return decimal(row.zoom / training.zoom) if training else NONE


def by_scale(study: CropStudyMetrics) -> Table:
    """The test crops by scale and kind: their zoom, and one model's error on them alone and without them."""
    error, name = main_metric(study.classes)
    rows, training, nearest = [], study.scales.training, nearest_of(study)
    for row in study.scales.rows:
        size = (decimal(row.zoom), _times(row, training), decimal(row.training_below_percent, 0))
        alone = (decimal(row.of(error)), interval(row.intervals.of(error)))
        against = of_difference(row.against_nearest.of(error)) if row.against_nearest else NONE
        without = of_difference(row.left_out.of(error)) if row.left_out else NONE
        words = ("the nearest" if row is nearest else against, without)
        named = name_of(row)
        rows.append(
            Row((named[0].upper() + named[1:], count(row.crops), *size, decimal(row.magnification), *alone, *words))
        )
    columns = (
        *texts("Crops"),
        *numbers(
            "Number", "Zoom", f"{TIMES} training's", "Training crops of a smaller zoom, %", "Input px per image px"
        ),
        *our_numbers(f"{name.capitalize()} alone, %", confidence(study.scales.rows[0].intervals.of(error))),
        *texts("Against the nearest", "All crops without them"),
    )
    caption = f"One model on {plural(study.images, 'test image')}; sizes are for crops of 224 px."
    return Table("Crops by scale and kind", caption, columns, tuple(rows), RULE)


def error_over_zoom(study: CropStudyMetrics) -> bytes:
    """Plot one model's error (%) on the crops of each scale and kind alone over zoom relative to training's median."""
    error, name = main_metric(study.classes)
    training = study.scales.training
    assert training, "drawn only where something was trained"
    with canvas(6.5, 4.2) as (figure, png):
        axes: Any = figure.subplots()
        low, high = (bound / training.zoom for bound in training.quartiles)
        axes.axvspan(low, high, color=GREY, alpha=0.2, linewidth=0, label="middle half of training crops")
        axes.axvline(1, color=GREY, linewidth=1, linestyle=(0, (5, 1.5)))
        for kind, (colour, marker) in MARKS.items():
            rows = [row for row in study.scales.rows if row.kind == kind]
            if not rows:
                continue
            shift = 0.004 if kind == "corners" else 0  # next to the centre crops of the same zoom
            x, y = [row.zoom / training.zoom + shift for row in rows], [row.of(error) for row in rows]
            bounds = [row.intervals.of(error) for row in rows]
            reach = [
                [at - one.low for at, one in zip(y, bounds, strict=True)],
                [one.high - at for at, one in zip(y, bounds, strict=True)],
            ]
            style = {"color": colour, "marker": marker, "markersize": 5, "capsize": 3, "linestyle": "none"}
            axes.errorbar(x, y, reach, label=kind, **style)
            for row, *point in zip(rows, x, y, strict=True):
                if row.kind == "centre crops":
                    axes.annotate(f"{row.scale_px} px", point, (-6, 0), textcoords="offset points", size=9, ha="right")
        axes.set(ylim=(0, None), xlabel="zoom, in multiples of the median training crop's", ylabel=f"{name} alone, %")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return png.getvalue()
