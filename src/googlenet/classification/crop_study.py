"""Choices among the 144 crops: how to aggregate them, how many are worth their time, which help which classes.

Section 7 says that 144 crops may be more than applications need, as the benefit of more becomes marginal. Choices are made
on the kept crops of validation images and measured on those of test images.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, get_args

import numpy as np

from googlenet.classification.aggregations import AGGREGATIONS
from googlenet.classification.crop_groups import candidates, changes_nothing, groups, mean_distinct, place
from googlenet.classification.crop_selection import Chosen, selections
from googlenet.classification.crops import POLICIES
from googlenet.classification.effects import effects_of_leaving_out
from googlenet.classification.error_rates import Wrong, ranks, spread
from googlenet.classification.kept_crops import KeptCrops, in_parts
from googlenet.config.schema.classification import StudyCrops
from googlenet.metrics.bootstrap import Bounds, generator
from googlenet.metrics.classification import (
    Effects,
    MeasuredErrors,
    System,
    TopDifferences,
    TopIntervals,
)
from googlenet.metrics.classification_studies import (
    AggregationErrors,
    BestCrops,
    BudgetErrors,
    ChosenCrops,
    CropStudyMetrics,
    GroupEffect,
    GroupEffects,
    PolicyErrors,
    SubsetSpread,
)
from googlenet.metrics.error_rates import TopValues

DESCRIBED = 12  # crops of a selection that are described, not only numbered
SYSTEMS: tuple[System, ...] = get_args(System)
Kept = Mapping[str, KeptCrops]  # member -> its kept crops of one split
# Of a mean that is measured: ("policy", 144), ("random", 5, 0), ("without", "corners"), ...
Key = tuple[str | int, ...]
Measured = dict[str, dict[Key, Wrong]]  # system -> mean -> which images are wrong


class Shapes(NamedTuple):
    """What the images' shapes make of the crops: which ones are kept, and which of them coincide."""

    crops: np.ndarray  # numbers among the 144
    distinct: np.ndarray  # [test images, crops], equal where crops coincide
    candidates: np.ndarray  # places of one crop for each set that coincides in every image
    policies: dict[int, np.ndarray]  # places of the paper's 1, 10 and 144, as far as they are kept


def shapes_of(test: Kept, validation: Kept) -> Shapes:
    """From the kept crops of both splits; validation may be empty."""
    first = next(iter(test.values()))
    every = np.concatenate([one.distinct for one in (first, *list(validation.values())[:1])])
    policies = {
        policy: np.flatnonzero(np.isin(first.crops, numbers))
        for policy, numbers in POLICIES.items()
        if np.isin(numbers, first.crops).all()
    }
    return Shapes(first.crops, first.distinct, candidates(first.crops, every), policies)


def study(
    test: Kept,
    labels: np.ndarray,
    validation: Kept,
    validation_labels: np.ndarray,
    classes: Sequence[str],
    settings: StudyCrops,
) -> CropStudyMetrics:
    """Everything that study_crops reports of the members' kept crops; labels are those of the kept images.

    validation: empty where the data set has no such split; then nothing is chosen. Differences are falls in error, in points.
    """
    shapes, bounds = shapes_of(test, validation), Bounds(settings)
    chosen = selections(validation, validation_labels, shapes.candidates) if validation else {}
    many = len(shapes.candidates)
    passes = {policy: mean_distinct(shapes.distinct, places) for policy, places in shapes.policies.items()}
    # Each policy's cost is a budget too, so that it meets the best crops of the same cost.
    costs = [round(passed) for passed in passes.values()]
    budgets = sorted({budget for budget in (*settings.budgets, *costs, many) if budget <= many})
    every = groups(shapes.crops)
    idle = [name for name, group in every.items() if changes_nothing(group, shapes.distinct)]
    parts = {name: group for name, group in every.items() if name not in idle}
    measured = measure(test, labels, asked(shapes, budgets, chosen, parts, settings))
    most = max(shapes.policies)
    without = {name: measured["ensemble"]["without", name].top1 for name in parts}
    whole = measured["ensemble"]["policy", most].top1
    effects = effects_of_leaving_out(without, whole, labels, classes, bounds, settings.effects_shown)
    return CropStudyMetrics(
        images=len(labels),
        validation_images=len(validation_labels) if validation else 0,
        classes=len(classes),
        models=len(test),
        confidence_percent=settings.confidence_percent,
        resamples=settings.resamples,
        random_subsets=settings.random_subsets,
        crops=most,
        candidates=many,
        aggregations=aggregation_rows(measured, bounds),
        policies=policy_rows(measured, passes, budgets, bounds),
        budgets=budget_rows(measured, budgets, most, settings.random_subsets, bounds),
        chosen={name: described(one, budgets, shapes) for name, one in chosen.items()},
        groups=group_effects(effects, measured, parts, idle),
    )


def group_effects(
    effects: Effects, measured: Measured, parts: dict[str, np.ndarray], idle: Sequence[str]
) -> GroupEffects:
    """The effects of groups of crops, with how many crops each has and its errors alone."""
    overall = tuple(
        GroupEffect(
            **dict(row),
            crops=int(parts[row.left_out].sum()),
            alone=measured["ensemble"]["alone", row.left_out].errors(),
        )
        for row in effects.overall
    )
    return GroupEffects(
        confidence_percent=effects.confidence_percent,
        overall=overall,
        by_class=effects.by_class,
        without_effect=tuple(idle),
    )


def asked(
    shapes: Shapes,
    budgets: Sequence[int],
    chosen: dict[str, Chosen],
    parts: dict[str, np.ndarray],
    settings: StudyCrops,
) -> dict[str, dict[Key, np.ndarray]]:
    """The weights of the crops [crops] in every mean that is measured, for the members ("") and by a system's name."""
    rng = generator(settings.seed)

    def weights(places: np.ndarray | Sequence[int]) -> np.ndarray:
        row = np.zeros(len(shapes.crops))
        row[places] = 1
        shares: np.ndarray = row / row.sum()
        return shares

    rows: dict[str, dict[Key, np.ndarray]] = {
        "": {("policy", policy): weights(places) for policy, places in shapes.policies.items()}
    }
    for budget in budgets:
        for i in range(settings.random_subsets):
            rows[""]["random", budget, i] = weights(rng.permutation(shapes.candidates)[:budget])
    for name, one in chosen.items():
        rows[name] = {("best", budget): weights(one.order[:budget]) for budget in budgets}
    of_groups: dict[Key, np.ndarray] = {("alone", name): weights(group) for name, group in parts.items()}
    of_groups |= {("without", name): weights(~group) for name, group in parts.items()}
    rows["ensemble"] = rows.get("ensemble", {}) | of_groups
    return rows


def measure(test: Kept, labels: np.ndarray, rows: dict[str, dict[Key, np.ndarray]]) -> Measured:
    """What each member and the "ensemble" have wrong with every row of weights and every aggregation.

    "single" is then the mean over the members, each with its own rows.
    """
    asked_of = {name: rows[""] | rows.get(name, {}) for name in (*test, "ensemble")}
    matrices = {name: np.array(list(means.values())) for name, means in asked_of.items()}
    before: dict[str, list[np.ndarray]] = {name: [] for name in asked_of}
    for some, p in in_parts(test, max(map(len, matrices.values()))):
        here = labels[some]
        for at, (name, matrix) in enumerate(matrices.items()):
            these = p if name == "ensemble" else p[at : at + 1]
            scores = np.matmul(matrix, these.mean(0, dtype=np.float64))  # [images, rows, classes]
            ranked = [ranks(scores.transpose(1, 0, 2), here)]
            ranked += [ranks(way(these), here)[None] for way in AGGREGATIONS.values()]
            before[name].append(np.concatenate(ranked))
    measured: Measured = {}
    for name, parts in before.items():
        keys: list[Key] = [*asked_of[name], *(("aggregation", way) for way in AGGREGATIONS)]
        together = np.concatenate(parts, axis=1)
        measured[name] = {key: Wrong.of(row) for key, row in zip(keys, together, strict=True)}
    members = [measured[name] for name in test]
    measured["single"] = {key: Wrong.mean_of([one[key] for one in members]) for key in members[0]}
    return measured


def compared(before: Wrong, after: Wrong, bounds: Bounds) -> TopDifferences:
    """Falls in both errors from one system to another, in points, with paired intervals."""
    top1, top5 = (bounds.difference(*pair) for pair in zip(before, after, strict=True))
    return TopDifferences(top1_error_percent=top1, top5_error_percent=top5)


def with_intervals(wrong: Wrong, bounds: Bounds) -> MeasuredErrors:
    """Both errors in percent and their intervals."""
    top1, top5 = (bounds.of(each) for each in wrong)
    intervals = TopIntervals(top1_error_percent=top1, top5_error_percent=top5)
    return MeasuredErrors(**dict(wrong.errors()), intervals=intervals)


def aggregation_rows(measured: Measured, bounds: Bounds) -> tuple[AggregationErrors, ...]:
    """Every aggregation, of one model's crops and of all models', against the mean of the softmax."""
    rows = []
    for system in SYSTEMS:
        base = measured[system]["aggregation", "mean"]
        for way in AGGREGATIONS:
            wrong = measured[system]["aggregation", way]
            against = None if way == "mean" else compared(base, wrong, bounds)
            errors = dict(with_intervals(wrong, bounds))
            rows.append(AggregationErrors(system=system, aggregation=way, against_mean=against, **errors))
    return tuple(rows)


def policy_rows(
    measured: Measured, passes: dict[int, float], budgets: Sequence[int], bounds: Bounds
) -> tuple[PolicyErrors, ...]:
    """The paper's policies, and what the best crops of the same cost do against them (None where none are chosen)."""
    rows = []
    for system in SYSTEMS:
        for policy, passed in passes.items():
            wrong, cost = measured[system]["policy", policy], round(passed)
            best = measured[system].get(("best", cost)) if cost in budgets else None
            to_best = None if best is None else compared(wrong, best, bounds)
            errors = dict(with_intervals(wrong, bounds))
            rows.append(
                PolicyErrors(system=system, crops=policy, forward_passes=passed, to_best=to_best, **errors)
            )
    return tuple(rows)


def budget_rows(
    measured: Measured, budgets: Sequence[int], most: int, subsets: int, bounds: Bounds
) -> tuple[BudgetErrors, ...]:
    """For every number of crops: random subsets of that many, and the best ones, against random ones and against all."""
    rows = []
    for system in SYSTEMS:
        means, whole = measured[system], measured[system]["policy", most]
        for budget in budgets:
            drawn = [means["random", budget, i] for i in range(subsets)]
            random = with_quartiles(drawn)
            best = means.get(("best", budget))
            chosen = None
            if best is not None:
                chosen = BestCrops(
                    **dict(with_intervals(best, bounds)),
                    against_random=compared(Wrong.mean_of(drawn), best, bounds),
                    against_all=compared(whole, best, bounds),
                )
            rows.append(BudgetErrors(system=system, crops=budget, random=random, best=chosen))
    return tuple(rows)


def with_quartiles(drawn: Sequence[Wrong]) -> TopValues[SubsetSpread]:
    """How the errors of several systems spread, and between which two the middle half of them lies."""
    errors = [one.errors() for one in drawn]
    top1, top5 = (
        SubsetSpread(**dict(spread(values)), quartiles=tuple(np.percentile(values, [25, 75])))
        for values in ([one.top1_error_percent for one in errors], [one.top5_error_percent for one in errors])
    )
    return TopValues[SubsetSpread](top1_error_percent=top1, top5_error_percent=top5)


def described(chosen: Chosen, budgets: Sequence[int], shapes: Shapes) -> ChosenCrops:
    """A selection as the report needs it: the crops in order, the losses, and the budget of the least loss."""
    return ChosenCrops(
        order=tuple(int(shapes.crops[at]) for at in chosen.order),
        first=tuple(place(int(shapes.crops[at])) for at in chosen.order[:DESCRIBED]),
        validation_nll_nats={str(budget): chosen.nll_nats[budget - 1] for budget in budgets},
        preferred_budget=chosen.best_of(budgets),
    )
