"""Sections and charts on single crops, on what helps which class, and on calibration; intervals decide the wording."""

from collections.abc import Mapping, Sequence
from typing import Any

from googlenet.metrics.classification import CalibrationMetrics, Effects, EnsembleMetrics
from googlenet.metrics.classification_studies import BudgetErrors, CropStudyMetrics
from googlenet.metrics.error_rates import TopError
from googlenet.report import crop_tables
from googlenet.report.captions import captioned
from googlenet.report.parts import Picture, Section, Table
from googlenet.report.style import BLUE, GREY, ORANGE, PALETTE, drawn
from googlenet.report.words import count, decimal, main_metric, of_difference, plural, with_confidence


def choices_of_crops(study: CropStudyMetrics | None, figures: Mapping[str, bytes]) -> Section | None:
    """The section on how many crops are worth their time, and how best to combine them."""
    if study is None:
        return None
    content: tuple[Table | Picture, ...] = (
        *captioned(figures, "error_over_crops"),
        crop_tables.budgets(study),
        crop_tables.policies(study),
        *([crop_tables.first_chosen(study)] if study.chosen else []),
        crop_tables.aggregations(study),
    )
    error, _ = main_metric(study.classes)
    rows = (row for row in study.aggregations if row.aggregation == "max_over_crops")
    against_mean = {row.system: row.against_mean for row in rows if row.against_mean is not None}
    maximum = of_difference(against_mean[crop_tables.systems_of(study)[0]].of(error))
    text = (
        "The paper calls 144 crops more than real applications may need, and says that it tried other ways than the "
        f"mean. Both are looked at here on {plural(study.images, 'test image')} whose predictions were kept crop by "
        "crop (predict_crops.per_crop_images).",
        _chosen(study),
        f"The maximum over crops, which the paper found worse than the mean, is here, against the mean: {maximum}.",
    )
    return Section("Fewer crops, and other ways to combine them", text, content)


def _chosen(study: CropStudyMetrics) -> str:
    """Describe the crops chosen on validation, and what they cost compared with all crops."""
    if not study.chosen:
        return "This data set has no validation split, so no crops were chosen: only random crops and the paper's are shown."
    error, name = main_metric(study.classes)
    system = crop_tables.systems_of(study)[0]
    chosen = next(iter(study.chosen)) if study.models == 1 else "ensemble"
    budget = study.chosen[chosen].preferred_budget
    models = crop_tables.models_of(system, study.models)
    if budget == study.candidates:
        return f"For {models}, validation prefers all crops to the best few: no smaller budget has a lower loss there."
    rows = [row.best for row in study.budgets if (row.system, row.crops) == (system, budget)]
    best = next(best for best in rows if best is not None)
    return (
        f"For {models}, the budget with the least loss on {plural(study.validation_images, 'validation image')} is "
        f"{plural(budget, 'crop')}. On test their {name} is {decimal(best.of(error))} %; against all {count(study.crops)}: "
        f"{of_difference(best.against_all.of(error))}."
    )


def what_helps(ensemble: EnsembleMetrics | None, study: CropStudyMetrics | None) -> Section | None:
    """The section on what leaving out members and groups of crops changes, overall and by class."""
    content: list[Table] = []
    text = [
        "A part is left out and the rest averaged. A change above zero means that the part helps. p is that of an exact sign "
        "test on the images that change; what is said of a part holds after Holm's correction for all parts (and classes) "
        "that were looked at."
    ]
    looked_at: list[tuple[str, Effects, Table]] = []
    if ensemble and ensemble.left_out.overall:
        looked_at.append(("member", ensemble.left_out, crop_tables.members_left_out(ensemble.left_out)))
    if study and study.groups.overall:
        looked_at.append(("group of crops", study.groups, crop_tables.crop_groups(study)))
    for part, effects, table in looked_at:
        cells, level = effects.by_class, effects.confidence_percent
        content += [table, *([crop_tables.by_class(effects, part)] if cells.largest else [])]
        stand = f"{count(cells.standing)} of them stand" if cells.standing else "none stands"
        text.append(
            f"One {part} and one class make {plural(cells.comparisons, 'comparison')}: alone, "
            f"{count(cells.alone_significant)} would pass a test at {level:g} %, where chance alone would let through "
            f"up to {decimal(cells.comparisons * (1 - level / 100), 1)} on average; after the correction {stand}."
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
            f"{heading.split(',')[0].lower()} {of_difference(row.of(measure).fall, unit=unit, digits=digits)}"
            for measure, (heading, unit, digits) in crop_tables.MEASURES.items()
        ]
        text.append(f"{last} against {first}: {'; '.join(falls)}.")
    table = crop_tables.calibration(ensemble.calibration, ensemble.classes)
    return Section("Calibration", tuple(text), (table, *captioned(figures, "reliability")))


def error_over_crops(study: CropStudyMetrics) -> bytes:
    """Plot error (%) over the number of crops: random, best, and the paper's policies; one model and all."""
    error, name = main_metric(study.classes)
    systems = crop_tables.systems_of(study)[::-1]

    def draw(figure: Any) -> None:
        panels = figure.subplots(1, len(systems), sharey=True, squeeze=False)[0]
        for axes, system in zip(panels, systems, strict=True):
            rows = [row for row in study.budgets if row.system == system]
            _random(axes, rows, error)
            _best(axes, rows, error)
            label: str | None = "the paper's 1, 10 and 144 crops"
            for row in (row for row in study.policies if row.system == system):
                x, y = row.forward_passes, row.of(error)
                axes.scatter(x, y, color=ORANGE, edgecolors="black", marker="D", s=48, zorder=3, label=label)
                axes.annotate(str(row.crops), (x, y), (6, 5), textcoords="offset points", size=9)
                label = None
            axes.set_title("One model" if system == "single" else plural(study.models, "model"))
            axes.set_xscale("log")
            ticks = _apart([row.crops for row in rows])
            axes.set_xticks(ticks, map(str, ticks))
            axes.minorticks_off()
            axes.set_ylim(bottom=0)
            axes.set_xlabel("crops of an image (forward passes of each model)")
        panels[0].set_ylabel(f"{name} on test, %")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)

    return drawn(draw, 10 if len(systems) > 1 else 6.5, 4.6)


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
    """Plot the share of correct top classes over their probability (%), above a histogram of the predictions."""
    systems = calibration.systems
    models = list(dict.fromkeys(row.models for row in systems))
    width, even = 100 / calibration.bins, calibration.binning == "equal_width"

    def draw(figure: Any) -> None:
        grid = figure.subplots(2, len(models), height_ratios=[3, 1], sharex=True, sharey="row", squeeze=False)
        for column, number in enumerate(models):
            upper, lower = grid[:, column]
            upper.plot([0, 100], [0, 100], color=GREY, linewidth=1, label="perfect calibration")
            title = "One model" if number == 1 else plural(number, "model")
            upper.set(title=title, xlim=(0, 100), ylim=(0, 102))
            rows = [row for row in systems if row.models == number]
            for index, row in enumerate(rows):
                colour, label = PALETTE[index], plural(row.crops, "crop")
                total = sum(each.predictions for each in row.reliability)
                many = [each for each in row.reliability if each.predictions >= 5]
                x, y = [each.confidence_percent for each in many], [each.correct_percent for each in many]
                sizes = [12 + 160 * each.predictions / total for each in many]
                upper.plot(x, y, color=colour, linewidth=1.2, label=label)
                marks = {"color": colour, "alpha": 0.75, "marker": "os"[index % 2], "clip_on": False}
                upper.scatter(x, y, s=sizes, zorder=3, **marks)
                shift = (index - (len(rows) - 1) / 2) * width * 0.4
                for each in row.reliability:
                    centre = (each.bin + 0.5) * width if even else each.confidence_percent
                    lower.bar(centre + shift, 100 * each.predictions / total, width * 0.38, color=colour)
            lower.set_xlabel("probability of the first class, %")
        grid[0, 0].set_ylabel("first class is right, %")
        grid[1, 0].set_ylabel("predictions, %")
        figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)

    return drawn(draw, 10 if len(models) > 1 else 6.5, 5.4)
