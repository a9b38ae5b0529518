"""Choices among the 144 crops: how to aggregate them, how many are worth their time, which help which classes.

Section 7 says that 144 crops may be more than applications need, as the benefit of more becomes marginal. Choices are made
on the kept crops of validation pictures and measured on those of test pictures.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from googlenet.classification.aggregations import AGGREGATIONS
from googlenet.classification.bootstrap import Bounds, generator
from googlenet.classification.crop_groups import candidates, changes_nothing, groups, mean_distinct, place
from googlenet.classification.crop_selection import Chosen, selections
from googlenet.classification.crops import POLICIES
from googlenet.classification.effects import effects_of_leaving_out
from googlenet.classification.error_rates import TOPS, Wrong, ranks, spread
from googlenet.classification.kept_crops import KeptCrops, in_parts

SAID = 12  # crops of a selection that are described, not only numbered
Kept = Mapping[str, KeptCrops]  # member -> its kept crops of one split
Measured = dict[str, dict[Any, Wrong]]  # system -> what it is asked -> which pictures are wrong


class Shapes(NamedTuple):
    """What the pictures' shapes make of the crops: which ones are kept, and which of them coincide."""

    crops: np.ndarray  # numbers among the 144
    distinct: np.ndarray  # [test pictures, crops], equal where crops coincide
    candidates: np.ndarray  # places of one crop for each set that coincides in every picture
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
    classes: list[str],
    settings: dict,
) -> dict:
    """Everything that study_crops reports of the members' kept crops; labels are those of the kept pictures.

    validation: empty where the data set has no such split; then nothing is chosen. settings: {budgets, random_subsets,
    resamples, confidence_percent, seed, effects_shown}. Differences are falls in error, in points.
    """
    shapes, bounds = shapes_of(test, validation), Bounds(settings)
    chosen = selections(validation, validation_labels, shapes.candidates) if validation else {}
    many = len(shapes.candidates)
    passes = {policy: mean_distinct(shapes.distinct, places) for policy, places in shapes.policies.items()}
    # Each policy's own cost is a budget too, so that it meets the best crops of the same cost.
    own = [round(passed) for passed in passes.values()]
    budgets = sorted({budget for budget in (*settings["budgets"], *own, many) if budget <= many})
    every = groups(shapes.crops)
    idle = [name for name, mine in every.items() if changes_nothing(mine, shapes.distinct)]
    parts = {name: mine for name, mine in every.items() if name not in idle}
    found = measure(test, labels, asked(shapes, budgets, chosen, parts, settings))
    most = max(shapes.policies)
    without = {name: found["ensemble"]["without", name].top1 for name in parts}
    whole = found["ensemble"]["policy", most].top1
    effects = effects_of_leaving_out(without, whole, labels, classes, settings)
    for row in effects["overall"]:
        alone = found["ensemble"]["alone", row["left_out"]]
        row |= {"crops": int(parts[row["left_out"]].sum()), "alone": alone.errors()}
    return {
        "images": len(labels),
        "validation_images": len(validation_labels) if validation else 0,
        "classes": len(classes),
        "models": len(test),
        "confidence_percent": settings["confidence_percent"],
        "resamples": settings["resamples"],
        "random_subsets": settings["random_subsets"],
        "crops": most,
        "candidates": many,
        "aggregations": aggregation_rows(found, bounds),
        "policies": policy_rows(found, passes, budgets, bounds),
        "budgets": budget_rows(found, budgets, most, settings["random_subsets"], bounds),
        "chosen": {name: said(one, budgets, shapes) for name, one in chosen.items()},
        "groups": effects | {"without_effect": idle},
    }


def asked(
    shapes: Shapes,
    budgets: list[int],
    chosen: dict[str, Chosen],
    parts: dict[str, np.ndarray],
    settings: dict,
) -> dict[str, dict[Any, np.ndarray]]:
    """The weights of the crops [crops] in every mean that is measured, for the members ("") and by a system's name."""
    rng = generator(settings["seed"])

    def weights(places: Any) -> np.ndarray:
        row = np.zeros(len(shapes.crops))
        row[places] = 1
        return row / row.sum()

    rows: dict[str, dict[Any, np.ndarray]] = {
        "": {("policy", policy): weights(places) for policy, places in shapes.policies.items()}
    }
    for budget in budgets:
        for i in range(settings["random_subsets"]):
            rows[""]["random", budget, i] = weights(rng.permutation(shapes.candidates)[:budget])
    for name, one in chosen.items():
        rows[name] = {("best", budget): weights(one.order[:budget]) for budget in budgets}
    groups_asked = {("alone", name): weights(mine) for name, mine in parts.items()}
    groups_asked |= {("without", name): weights(~mine) for name, mine in parts.items()}
    rows["ensemble"] = rows.get("ensemble", {}) | groups_asked
    return rows


def measure(test: Kept, labels: np.ndarray, rows: dict[str, dict[Any, np.ndarray]]) -> Measured:
    """What each member and the "ensemble" have wrong with every row of weights and every aggregation.

    "single" is then the mean over the members, each with its own rows.
    """
    asked_of = {name: rows[""] | rows.get(name, {}) for name in (*test, "ensemble")}
    matrices = {name: np.array(list(mine.values())) for name, mine in asked_of.items()}
    before: dict[str, list[np.ndarray]] = {name: [] for name in asked_of}
    for some, p in in_parts(test, max(map(len, matrices.values()))):
        mine = labels[some]
        for at, (name, matrix) in enumerate(matrices.items()):
            these = p if name == "ensemble" else p[at : at + 1]
            scores = np.matmul(matrix, these.mean(0, dtype=np.float64))  # [pictures, rows, classes]
            found = [ranks(scores.transpose(1, 0, 2), mine)]
            found += [ranks(way(these), mine)[None] for way in AGGREGATIONS.values()]
            before[name].append(np.concatenate(found))
    measured: Measured = {}
    for name, parts in before.items():
        keys = [*asked_of[name], *(("aggregation", way) for way in AGGREGATIONS)]
        together = np.concatenate(parts, axis=1)
        measured[name] = {key: Wrong.of(row) for key, row in zip(keys, together, strict=True)}
    members = [measured[name] for name in test]
    measured["single"] = {key: Wrong.mean_of([one[key] for one in members]) for key in members[0]}
    return measured


def compared(before: Wrong, after: Wrong, bounds: Bounds) -> dict[str, dict[str, float]]:
    """Falls in both errors from one system to another, in points, with paired intervals."""
    return {key: bounds.difference(*pair) for key, *pair in zip(TOPS, before, after, strict=True)}


def with_intervals(wrong: Wrong, bounds: Bounds) -> dict:
    """Both errors in percent and their intervals."""
    return wrong.errors() | {
        "intervals": {key: bounds.of(each) for key, each in zip(TOPS, wrong, strict=True)}
    }


def aggregation_rows(found: Measured, bounds: Bounds) -> list[dict]:
    """Every aggregation, of one model's crops and of all models', against the mean of the softmax."""
    rows = []
    for system in ("single", "ensemble"):
        base = found[system]["aggregation", "mean"]
        for way in AGGREGATIONS:
            wrong = found[system]["aggregation", way]
            row = {"system": system, "aggregation": way} | with_intervals(wrong, bounds)
            rows.append(row | {"against_mean": None if way == "mean" else compared(base, wrong, bounds)})
    return rows


def policy_rows(found: Measured, passes: dict[int, float], budgets: list[int], bounds: Bounds) -> list[dict]:
    """The paper's policies, and what the best crops of the same cost do against them (None where none are chosen)."""
    rows = []
    for system in ("single", "ensemble"):
        for policy, passed in passes.items():
            wrong, same = found[system]["policy", policy], round(passed)
            best = found[system].get(("best", same)) if same in budgets else None
            row = {"system": system, "crops": policy, "forward_passes": passed}
            row |= with_intervals(wrong, bounds)
            rows.append(row | {"to_best": None if best is None else compared(wrong, best, bounds)})
    return rows


def budget_rows(found: Measured, budgets: list[int], most: int, subsets: int, bounds: Bounds) -> list[dict]:
    """For every number of crops: random subsets of that many, and the best ones, against random ones and against all."""
    rows = []
    for system in ("single", "ensemble"):
        mine, whole = found[system], found[system]["policy", most]
        for budget in budgets:
            drawn = [mine["random", budget, i] for i in range(subsets)]
            errors = [one.errors() for one in drawn]
            row: dict = {"system": system, "crops": budget, "best": None}
            row["random"] = {key: with_quartiles([each[key] for each in errors]) for key in TOPS}
            best = mine.get(("best", budget))
            if best is not None:
                random = Wrong.mean_of(drawn)
                row["best"] = with_intervals(best, bounds)
                row["best"]["against_random"] = compared(random, best, bounds)
                row["best"]["against_all"] = compared(whole, best, bounds)
            rows.append(row)
    return rows


def with_quartiles(values: list[float]) -> dict:
    """Their spread, and between which two the middle half of them lies."""
    return spread(values) | {"quartiles": [float(x) for x in np.percentile(values, [25, 75])]}


def said(chosen: Chosen, budgets: list[int], shapes: Shapes) -> dict:
    """A selection as the report needs it: the crops in order, the losses, and the budget of the least loss."""
    return {
        "order": [int(shapes.crops[at]) for at in chosen.order],
        "first": [place(int(shapes.crops[at])) for at in chosen.order[:SAID]],
        "validation_nll_nats": {str(budget): chosen.nll_nats[budget - 1] for budget in budgets},
        "preferred_budget": chosen.best_of(budgets),
    }
