"""The page of structures: what was derived, compared with GoogLeNet and with random structures of the same cost."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from googlenet.metrics.classification_studies import AblationError, AblationErrors, HeldOut
from googlenet.metrics.data import Manifest
from googlenet.metrics.interval import Difference
from googlenet.metrics.structure import Structure, StructureMetrics
from googlenet.metrics.structure_comparison import StructureComparison, StructureResult
from googlenet.models.table_1 import POOL_BEFORE
from googlenet.report import claims, glance
from googlenet.report.ablations import measure_of
from googlenet.report.claims import Claim
from googlenet.report.module_units import BRANCH_COLOURS
from googlenet.report.parts import OURS, Figure, Part, Report, Row, Section, Table, numbers, our_numbers, texts
from googlenet.report.style import BLACK, GREY, canvas
from googlenet.report.words import (
    NONE,
    confidence,
    count,
    decimal,
    interval,
    main_metric,
    mega,
    of_difference,
    plural,
    signed,
    turned,
)

TITLE = "Structures derived from correlations"
OTHER_DATA = "These results are on {}; on ILSVRC another structure may be derived, and may do better or worse."
BRANCHES = (("n1x1", "1x1"), ("n3x3", "3x3"), ("n5x5", "5x5"), ("pool_proj", "pool"))
LEVELS = (("3a", "3b"), ("4a", "4b", "4c", "4d", "4e"), ("5a", "5b"))  # modules with maps of one size
TO = "\N{RIGHTWARDS ARROW}"
BETTER, SECTION = "A structure derived from the correlations of units is better than {} of the same cost", "3"
WIDENS = "the ratio of 3x3 and 5x5 convolutions should increase with the layer, as features of higher layers are less concentrated in space (section 4)"


def build(
    experiment: str,
    compared: StructureComparison,
    made: StructureMetrics,
    manifest: Manifest,
    figures: Sequence[Figure],
    purpose: str = "",
) -> Report:
    """Build the page. manifest: of the classification set; figures: those of `figures`."""
    sections = (
        Section("Is the derived structure better?", summary(compared), (table(compared), verdicts(compared))),
        Section("What was derived", described(made), (*figures, modules(made), widths(made))),
        Section("How it was done, and what the intervals mean", method(compared, made)),
    )
    warning = "" if glance.is_ilsvrc(manifest) else OTHER_DATA.format(manifest.dataset)
    return Report(TITLE, experiment, glance.about([manifest], purpose), warning, (Part("", sections),))


def main_error(compared: StructureComparison, errors: HeldOut[AblationErrors]) -> AblationError:
    """The test error that is informative for the number of classes."""
    return errors.test.of(measure_of(compared))


def gain(error: AblationError) -> Difference:
    """A difference in error as a gain: positive where the first has the lower error."""
    return Difference(difference=-error.difference_points, interval=turned(error.interval))


def claim(compared: StructureComparison, other: str, errors: HeldOut[AblationErrors], stalled: int) -> Claim:
    """The claim that derived structures are better than others. It is untested if a training stalled."""
    words = BETTER.format(other)
    if stalled:
        return Claim(words, SECTION, NONE, None, f"{plural(stalled, 'training')} stalled")
    name = main_metric(compared.classes)[1]
    seeds, images = plural(len(compared.seeds), "seed"), plural(compared.images.test, "test image")
    return Claim(words, SECTION, NONE, gain(main_error(compared, errors)), f"{name} on one crop, {seeds}, {images}")


def claims_of(compared: StructureComparison) -> tuple[Claim, Claim]:
    """The two claims that the comparison tests."""
    derived, others = compared.derived, (compared.googlenet, compared.random)
    stalled = [derived.stalled + other.stalled for other in others]
    return (
        claim(compared, "GoogLeNet", derived, stalled[0]),
        claim(compared, "random structures", compared.derived_less_random, stalled[1]),
    )


def summary(compared: StructureComparison) -> tuple[str, ...]:
    """What the intervals show about the derived structures, a sentence per comparison; and what they cost."""
    name, macs = main_metric(compared.classes)[1], mega(compared.budget_macs)
    sentences = [
        f"All structures have GoogLeNet's stem, poolings and heads, and cost {macs} multiply-adds for one image: what differs is how each "
        "module divides its share among the kernels and their reductions."
    ]
    for claim, other in zip(claims_of(compared), ("GoogLeNet", "the mean of random structures"), strict=True):
        if claim.ours is None:
            sentences.append(f"Against {other}: not tested, as {claim.why}.")
        else:
            sentences.append(f"Against {other}, in {name}: the derived structure is {of_difference(claim.ours)}.")
    return tuple(sentences)


def verdicts(compared: StructureComparison) -> Table:
    """The claims with their verdicts, by the rule of the table of claims."""
    caption = (
        "The idea of section 3, implemented: what it predicts, and whether that holds for these data and this size."
    )
    return replace(claims.table(*claims_of(compared)), title="The idea's promise", caption=caption)


def table(compared: StructureComparison) -> Table:
    """A table with a row for every kind of structure: cost, errors, and the difference from GoogLeNet."""
    name = main_metric(compared.classes)[1]
    level = confidence(main_error(compared, compared.derived).interval)
    columns = (
        *texts("Structure"),
        *numbers("Multiply-adds", "Parameters"),
        *our_numbers("Validation error, %", "Test error, %", "Of each seed, %", "Less GoogLeNet's, points", level),
        *numbers("Stalled"),
    )
    named = [("GoogLeNet", compared.googlenet, ""), ("Derived", compared.derived, OURS)]
    named += [(f"Random, mean of {compared.random_structures} a seed", compared.random, "")]
    named += [(f"Random {number}", row, "") for number, row in enumerate(compared.each_random, 1)]
    rows = [Row(cells(compared, title, row), mark) for title, row, mark in named]
    note = (
        "Multiply-adds and parameters: means over the seeds, the parameters with auxiliary heads. A difference is the row's error less "
        "GoogLeNet's, paired by seed and image. Stalled: the loss of the last epoch was no better than chance."
    )
    caption = (
        f"{name[:1].upper()}{name[1:]} of single networks on one centre crop, mean over {plural(len(compared.seeds), 'seed')}; "
        f"{plural(compared.images.test, 'test image')}."
    )
    return Table("Structures of one cost", caption, columns, tuple(rows), note)


def cells(compared: StructureComparison, title: str, row: StructureResult) -> tuple[str, ...]:
    """A row of the table."""
    test, held = main_error(compared, row), row.validation.of(measure_of(compared))
    by_seed = ", ".join(decimal(value, 1) for value in test.error_percent_by_seed)
    difference = ("", "") if row.row == "googlenet" else (signed(test.difference_points), interval(test.interval))
    errors = (decimal(held.error_percent), decimal(test.error_percent), by_seed)
    return title, mega(row.macs), count(row.parameters), *errors, *difference, count(row.stalled)


def of_row(made: StructureMetrics, row: str) -> list[Structure]:
    """The structures of a row, by seed."""
    return [each for each in made.structures if each.variant.row == row]


def described(made: StructureMetrics) -> tuple[str, ...]:
    """What the derivation found, in words: clusters and kernels; and what the paper expects."""
    derived = [module for each in of_row(made, "derived") for module in each.derived.values()]
    alone = sum(module.clusters for module in derived) / sum(module.units - module.left_out for module in derived)
    of_1x1, of_3x3, of_5x5 = kernel_shares(made, [name for level in LEVELS for name in level])
    by_level = []
    for level in LEVELS:
        _, level_3x3, level_5x5 = kernel_shares(made, level)
        by_level.append(f"{level_3x3} and {level_5x5} in {level[0]} to {level[-1]}")
    return (
        f"Over all modules and seeds there are {decimal(alone, 2)} clusters for each unit that varies (1: every unit is alone). "
        f"{of_1x1} of the clusters are covered by 1x1 convolutions, {of_3x3} by 3x3 and {of_5x5} by 5x5.",
        f"The paper expects: {WIDENS}. Shares of the clusters that ask for 3x3 and for 5x5 here: {', '.join(by_level)}. Correlation cannot "
        "reach further than a map of few positions.",
    )


def kernel_shares(made: StructureMetrics, modules: Sequence[str]) -> list[str]:
    """The share of some modules' clusters covered by each kernel, over the seeds."""
    counts = [each.derived[name].clusters_by_kernel for each in of_row(made, "derived") for name in modules]
    by_kernel = np.sum(counts, axis=0)
    return [f"{decimal(100 * share, 0)} %" for share in by_kernel / by_kernel.sum()]


def modules(made: StructureMetrics) -> Table:
    """What every module was derived from, as means over the seeds."""
    columns = (
        *texts("Module"),
        *our_numbers("Units below", "Clusters", "Largest", "Mean correlation"),
        *our_numbers("1x1, %", "3x3, %", "5x5, %", "Mass at the position, %", "beside it, %", "two away, %"),
    )
    rows = []
    for name in of_row(made, "derived")[0].derived:
        each = [structure.derived[name] for structure in of_row(made, "derived")]
        related = [one.mean_correlation for one in each if one.mean_correlation is not None]
        kernels = np.mean([np.array(one.clusters_by_kernel) / one.clusters for one in each], axis=0)
        means = [np.mean([getattr(one, key) for one in each]) for key in ("units", "clusters", "largest_cluster")]
        counts = [decimal(float(mean), 0) for mean in means]
        mass = np.mean([one.mass_percent for one in each], axis=0)
        shares = [decimal(float(share), 0) for share in (*(100 * kernels), *mass)]
        rows.append(Row((name, *counts, decimal(float(np.mean(related)) if related else None), *shares)))
    caption = (
        "The clusters of the units that each module takes, mean over the seeds: their number, the units of the largest, the mean "
        "correlation of two units of one cluster at one position, the share covered by each kernel, and where the squared correlation lies."
    )
    return Table("What each module was derived from", caption, columns, tuple(rows))


def widths(made: StructureMetrics) -> Table:
    """The widths of every module: GoogLeNet's, and those derived with each seed."""
    kinds = [("GoogLeNet", of_row(made, "googlenet")[0])]
    kinds += [(f"Derived, seed {each.variant.seed}", each) for each in of_row(made, "derived")]
    columns = (*texts("Module"), *numbers(*(title for title, _ in kinds)))
    rows = []
    for name in kinds[0][1].modules:
        each = [structure.modules[name] for _, structure in kinds]
        text = [f"{w.n1x1}, {w.n3x3_reduce}{TO}{w.n3x3}, {w.n5x5_reduce}{TO}{w.n5x5}, {w.pool_proj}" for w in each]
        rows.append(Row((name, *text)))
    caption = f"Units of each branch: 1x1, reduction{TO}3x3, reduction{TO}5x5, projection of the pooled input."
    return Table("Widths of the modules", caption, columns, tuple(rows))


def figures(compared: StructureComparison, made: StructureMetrics) -> tuple[Figure, ...]:
    """The page's figures."""
    seeds = plural(len(compared.seeds), "seed")
    return (
        Figure(
            "structure_widths",
            structure_widths(made),
            f"Output units of each module by branch. Of each group of bars the first is GoogLeNet's, the others were derived with {seeds}; "
            "all cost the same.",
            "Stacked bars, a group for each of the nine modules: units of the branches 1x1, 3x3, 5x5 and pool, GoogLeNet's and derived ones.",
        ),
        Figure(
            "correlation_mass",
            correlation_mass(made),
            f"Where the squared correlation of a cluster's units lies within the 5x5, mean over clusters and {seeds}.",
            "Stacked bars, one for each module: the shares at the same position, beside it, and two positions away.",
        ),
    )


def structure_widths(made: StructureMetrics) -> bytes:
    """Plot each module's units by branch: GoogLeNet's bar, next to one for each derived structure."""
    kinds = [of_row(made, "googlenet")[0], *of_row(made, "derived")]
    names, width = list(kinds[0].modules), 0.84 / len(kinds)
    with canvas(10, 4.2) as (figure, png):
        axes = figure.subplots()
        for number, structure in enumerate(kinds):
            places = np.arange(len(names)) + (number - (len(kinds) - 1) / 2) * width
            values = [[getattr(structure.modules[name], branch) for name in names] for branch, _ in BRANCHES]
            labels = [title if number == 0 else None for _, title in BRANCHES]
            stacked(axes, places, values, labels, BRANCH_COLOURS, width * 0.9, edge=BLACK if number == 0 else "white")
        axes.set_ylabel("output units")
        modules_below(axes, names)
        figure.legend(loc="outside upper right", ncols=4, title="outlined: GoogLeNet's")
    return png.getvalue()


def correlation_mass(made: StructureMetrics) -> bytes:
    """Plot the shares of the three rings of the 5x5 neighbourhood in every module's squared correlation."""
    derived = of_row(made, "derived")
    names = list(derived[0].derived)
    shares = np.mean([[each.derived[name].mass_percent for name in names] for each in derived], axis=0).T
    with canvas(10, 3) as (figure, png):
        axes = figure.subplots()
        labels = ("at the position", "beside it (3x3)", "two away (5x5)")
        stacked(axes, np.arange(len(names)), shares, labels, BRANCH_COLOURS, 0.6)
        axes.set(ylim=(0, 100), ylabel="squared correlation, %")
        modules_below(axes, names)
        figure.legend(loc="outside upper right", ncols=3)
    return png.getvalue()


def stacked(
    axes: Any,
    places: np.ndarray,
    values: Sequence[Sequence[float]] | np.ndarray,
    labels: Sequence[str | None],
    colours: Sequence[str],
    width: float,
    edge: str = "white",
) -> None:
    """Draw stacked vertical bars, [parts, bars]."""
    below = np.zeros(len(places))
    for part, label, colour in zip(values, labels, colours, strict=False):
        axes.bar(places, part, width, bottom=below, color=colour, label=label, edgecolor=edge, linewidth=0.6)
        below += part


def modules_below(axes: Any, names: Sequence[str]) -> None:
    """Label the modules on the x axis, with a line wherever there is pooling between two of them."""
    axes.set_xticks(range(len(names)), names)
    axes.grid(axis="x", visible=False)
    for name in POOL_BEFORE:
        if name in names[1:]:
            axes.axvline(names.index(name) - 0.5, color=GREY, linewidth=0.8, linestyle=":")


def method(compared: StructureComparison, made: StructureMetrics) -> tuple[str, ...]:
    """State how the structures were made and what the intervals cover."""
    seeds = plural(len(compared.seeds), "seed")
    return (
        "Arora et al. (2014) build a network layer by layer: units that are highly correlated form a cluster, and each cluster becomes a unit "
        f"of the next layer. Here, on {plural(made.images, 'training image')}: the stem is trained briefly under a linear classifier; then, module "
        "by module, the correlations of the units below are taken, at the same position and within the 5x5 around it; units are clustered by "
        "average linkage; a cluster is covered by the smallest kernel that holds a set share of its squared correlation; a reduction has as many "
        "units as principal components hold a set share of its input's variance; and the module is trained briefly, alone, on the fixed layers "
        "below. The pooling branch keeps Table 1's share. One factor on all widths of a module fits them to its share of the budget, which is "
        "that of GoogLeNet's module in this place. The clusters' own connections are not kept: a module is dense, as in the paper.",
        "A random structure divides every module's share of the budget at random: all shares of the three kernels are equally likely, and a reduction "
        "has a quarter to all of its branch's units.",
        f"Every structure is then trained from initial weights as a member is, with {seeds}. Each seed has a derived structure and random "
        "structures of its own, so an interval covers another derivation, other random structures, another order of training and other images "
        "of the same kind: seeds and images count as crossed random effects, as in the page of ablations. All trainings use one seed of initial "
        "weights. An interval that contains zero does not show that there is no difference.",
    )
