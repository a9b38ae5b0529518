"""Sections and charts on single crops, on what helps which class, and on calibration; worded as intervals allow."""

from collections.abc import Mapping, Sequence
from typing import Any

from googlenet.metrics.classification import CalibrationMetrics, Effects, EnsembleMetrics
from googlenet.metrics.classification_studies import BudgetErrors, CropStudyMetrics
from googlenet.metrics.error_rates import TopError
from googlenet.report import crop_tables
from googlenet.report.captions import captioned
from googlenet.report.parts import Content, Section, Table
from googlenet.report.style import BLUE, GREY, ORANGE, PALETTE, canvas
from googlenet.report.words import count, decimal, main_metric, of_difference, plural, with_confidence


def choices_of_crops(study: CropStudyMetrics | None, figures: Mapping[str, bytes]) -> Section | None:
    """The section on how many crops are worth their cost, and how best to combine them."""
    if study is None:
        return None
    content: list[Content] = [*captioned(figures, "error_over_crops")]
    content += [crop_tables.budgets(study), crop_tables.policies(study)]
    content += [crop_tables.first_chosen(study)] if study.chosen else []
    content.append(crop_tables.aggregations(study))
    error, _ = main_metric(study.classes)
    rows = (row for row in study.aggregations if row.aggregation == "max_over_crops")
    against_mean = {row.system: row.against_mean for row in rows if row.against_mean is not None}
    maximum = of_difference(against_mean[crop_tables.systems_of(study)[0]].of(error))
    text = (
        "The paper notes that 144 crops may be more than real applications need, and that it tried alternatives to "
        f"the mean. Both are examined here on {plural(study.images, 'test image')} whose predictions were kept for "
        "every crop (predict_crops.per_crop_images).",
        _chosen(study),
        f"The paper found the maximum over crops worse than the mean. Here, the maximum against the mean: {maximum}.",
    )
    return Section("Fewer crops, and other ways to combine them", text, tuple(content))


def _chosen(study: CropStudyMetrics) -> str:
    """Describe the crops chosen on validation, and what they cost compared with all crops."""
    if not study.chosen:
        return "Without a validation split no crops were chosen: only random crops and the paper's are shown."
    error, name = main_metric(study.classes)
    system = crop_tables.systems_of(study)[0]
    chosen = next(iter(study.chosen)) if study.models == 1 else "ensemble"
    budget = study.chosen[chosen].preferred_budget
    models = crop_tables.models_of(system, study.models)
    if budget == study.candidates:
        return f"For {models}, using all crops has the lowest validation loss: no smaller budget does better there."
    rows = [row for row in study.budgets if (row.system, row.crops) == (system, budget)]
    best = next(row.best for row in rows if row.best is not None)
    return (
        f"For {models}, the budget with the lowest loss on {plural(study.validation_images, 'validation image')} is "
        f"{plural(budget, 'crop')}. On test their {name} is {decimal(best.of(error))} %; against all "
        f"{count(study.crops)}: {of_difference(best.against_all.of(error))}."
    )


def what_helps(ensemble: EnsembleMetrics | None, study: CropStudyMetrics | None) -> Section | None:
    """The section on what leaving out members and groups of crops changes, overall and by class."""
    content: list[Table] = []
    text = [
        "Each part is left out in turn and the rest averaged. A change above zero means that the part helps. p is "
        "from an exact sign test on the images that change; the conclusions hold after Holm's correction for all "
        "parts (and classes) examined."
    ]
    examined: list[tuple[str, Effects, Table]] = []
    if ensemble and ensemble.left_out.overall:
        examined.append(("member", ensemble.left_out, crop_tables.members_left_out(ensemble.left_out)))
    if study and study.groups.overall:
        examined.append(("group of crops", study.groups, crop_tables.crop_groups(study)))
    for part, effects, table in examined:
        cells, level = effects.by_class, effects.confidence_percent
        content += [table, *([crop_tables.by_class(effects, part)] if cells.largest else [])]
        text.append(
            f"Every {part} with every class makes {plural(cells.comparisons, 'comparison')}. Tested alone, "
            f"{count(cells.alone_significant)} would be significant at {level:g} %, where up to "
            f"{decimal(cells.comparisons * (1 - level / 100), 1)} are expected by chance; after the correction, "
            f"{count(cells.standing) if cells.standing else 'none'} of them remain."
        )
    title = "Which members and crops help which classes"
    return Section(title, tuple(text), tuple(content)) if content else None


def calibration(ensemble: EnsembleMetrics | None, figures: Mapping[str, bytes]) -> Section | None:
    """The section on how well confidence matches accuracy, before and after averaging."""
    if ensemble is None:
        return None
    systems = {
        f"{plural(row.models, 'model')} at {plural(row.crops, 'crop')}": row
        for row in (ensemble.calibration.systems[0], ensemble.calibration.systems[-1])
    }
    expected = {name: row.ece_percent for name, row in systems.items()}
    errors = [f"{name}: {decimal(ece.value)} %, {with_confidence(ece.interval)}" for name, ece in expected.items()]
    text = [f"Expected calibration error of {'; of '.join(errors)}."]
    if len(systems) > 1:
        (first, _), (last, row) = systems.items()
        falls = [
            f"{heading.split(',')[0].lower()} {of_difference(fall, unit=unit, digits=digits)}"
            for measure, (heading, unit, digits) in crop_tables.MEASURES.items()
            if (fall := row.of(measure).fall)
        ]
        text.append(f"{last} against {first}: {'; '.join(falls)}.")
    table = crop_tables.calibration(ensemble.calibration, ensemble.classes)
    return Section("Calibration", tuple(text), (table, *captioned(figures, "reliability")))


def error_over_crops(study: CropStudyMetrics) -> bytes:
    """Plot error (%) over the number of crops: random, best, and the paper's policies; one model and all."""
    error, name = main_metric(study.classes)
    systems = crop_tables.systems_of(study)[::-1]
    with canvas(10 if len(systems) > 1 else 6.5, 4.6) as (figure, png):
        panels = figure.subplots(1, len(systems), sharey=True, squeeze=False)[0]
        for axes, system in zip(panels, systems, strict=True):
            budgets = [row for row in study.budgets if row.system == system]
            policies = [row for row in study.policies if row.system == system]
            _random(axes, budgets, error)
            _best(axes, budgets, error)
            points = [(row.forward_passes, row.of(error)) for row in policies]
            style = {"color": ORANGE, "edgecolors": "black", "marker": "D", "s": 48, "zorder": 3}
            axes.scatter(*zip(*points, strict=True), label="the paper's 1, 10 and 144 crops", **style)
            for row, point in zip(policies, points, strict=True):
                axes.annotate(str(row.crops), point, (6, 5), textcoords="offset points", size=9)
            title = "One model" if system == "single" else plural(study.models, "model")
            axes.set(title=title, xscale="log", ylim=(0, None))
            ticks = _apart([row.crops for row in budgets])
            axes.set_xticks(ticks, map(str, ticks))
            axes.minorticks_off()
            axes.set_xlabel("crops of an image (forward passes of each model)")
        panels[0].set_ylabel(f"{name} on test, %")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return png.getvalue()


def _apart(crops: list[int], least: float = 1.3) -> list[int]:
    """Select from ascending numbers those whose labels do not touch on a logarithmic axis."""
    kept: list[int] = []
    for number in crops:
        if not kept or number >= least * kept[-1]:
            kept.append(number)
    return kept


def _random(axes: Any, rows: Sequence[BudgetErrors], error: TopError) -> None:
    crops, spreads = [row.crops for row in rows], [row.random.of(error) for row in rows]
    low, high = zip(*(spread.quartiles for spread in spreads), strict=True)
    axes.fill_between(crops, low, high, color=GREY, alpha=0.25, linewidth=0)
    style = {"color": GREY, "linestyle": (0, (5, 1.5)), "marker": "."}
    means = [spread.mean for spread in spreads]
    axes.plot(crops, means, label="random crops: mean and middle half of subsets", **style)


def _best(axes: Any, rows: Sequence[BudgetErrors], error: TopError) -> None:
    chosen = [(row.crops, row.best) for row in rows if row.best is not None]
    if not chosen:
        return
    crops, errors = [crops for crops, _ in chosen], [best.of(error) for _, best in chosen]
    bounds = [best.intervals.of(error) for _, best in chosen]
    low, high = [each.low for each in bounds], [each.high for each in bounds]
    axes.fill_between(crops, low, high, color=BLUE, alpha=0.12, linewidth=0)
    axes.plot(crops, errors, color=BLUE, marker="o", markersize=5, label="best crops, with interval")


def reliability(calibration: CalibrationMetrics) -> bytes:
    """Reliability diagram: accuracy of the top class over its probability (%), above a histogram of the predictions."""
    models = list(dict.fromkeys(row.models for row in calibration.systems))
    width, even = 100 / calibration.bins, calibration.binning == "equal_width"
    with canvas(10 if len(models) > 1 else 6.5, 5.4) as (figure, png):
        grid = figure.subplots(2, len(models), height_ratios=[3, 1], sharex=True, sharey="row", squeeze=False)
        for (upper, lower), number in zip(grid.T, models, strict=True):
            upper.plot([0, 100], [0, 100], color=GREY, linewidth=1, label="perfect calibration")
            title = "One model" if number == 1 else plural(number, "model")
            upper.set(title=title, xlim=(0, 100), ylim=(0, 102))
            lower.set_xlabel("probability of the first class, %")
            rows = [row for row in calibration.systems if row.models == number]
            for index, row in enumerate(rows):
                colour, bins = PALETTE[index], row.reliability
                total = sum(each.predictions for each in bins)
                many = [each for each in bins if each.predictions >= 5]
                x, y = [each.confidence_percent for each in many], [each.correct_percent for each in many]
                sizes = [12 + 160 * each.predictions / total for each in many]
                upper.plot(x, y, color=colour, linewidth=1.2, label=plural(row.crops, "crop"))
                marks = {"color": colour, "alpha": 0.75, "marker": "os"[index % 2], "clip_on": False}
                upper.scatter(x, y, s=sizes, zorder=3, **marks)
                shift = (index - (len(rows) - 1) / 2) * width * 0.4
                centres = [(each.bin + 0.5) * width if even else each.confidence_percent for each in bins]
                heights = [100 * each.predictions / total for each in bins]
                lower.bar([centre + shift for centre in centres], heights, width * 0.38, color=colour)
        grid[0, 0].set_ylabel("first class is right, %")
        grid[1, 0].set_ylabel("predictions, %")
        figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return png.getvalue()
