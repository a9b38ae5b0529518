"""Study of the 144 crops: how to aggregate them, how many are worth their time (section 7: the benefit of more becomes
marginal), which help which classes. Selected on kept crops of validation images, measured on those of test images."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple, get_args

import numpy as np

from googlenet.classification.aggregations import AGGREGATIONS, LEAST
from googlenet.classification.crop_groups import candidates, changes_nothing, groups, place
from googlenet.classification.crops import POLICIES
from googlenet.classification.effects import effects_of_leaving_out, intervals_of
from googlenet.classification.error_rates import TOPS, ErrorMask, ranks, spread
from googlenet.classification.kept_crops import KeptCrops, in_parts
from googlenet.config.schema.classification import StudyCrops
from googlenet.metrics import classification_studies as studies
from googlenet.metrics.bootstrap import Bounds, generator
from googlenet.metrics.classification import System, TopDifferences
from googlenet.metrics.error_rates import TopValues

DESCRIBED = 12  # crops of a selection that are described, not only listed by number
SYSTEMS: tuple[System, ...] = get_args(System)
Kept = Mapping[str, KeptCrops]  # member -> its kept crops of one split
# Identifies a mean to measure: ("policy", 144), ("random", 5, 0), ("without", "corners"), ...
Key = tuple[str | int, ...]
Measured = dict[str, dict[Key, ErrorMask]]  # system -> mean -> which images are wrong


class Shapes(NamedTuple):
    """The crops that are kept, and which of them coincide because of the images' shapes."""

    crops: np.ndarray  # indices among the 144
    distinct: np.ndarray  # [test images, crops], equal where crops coincide
    candidates: np.ndarray  # positions of one crop per set that coincides in every image
    policies: dict[int, np.ndarray]  # positions of the paper's 1, 10 and 144 crops, where all are kept

    @classmethod
    def of(cls, test: Kept, validation: Kept) -> "Shapes":
        """Build from the kept crops of both splits; validation may be empty."""
        first = next(iter(test.values()))
        every = np.concatenate([one.distinct for one in (first, *list(validation.values())[:1])])
        kept = {policy: numbers for policy, numbers in POLICIES.items() if np.isin(numbers, first.crops).all()}
        policies = {policy: np.flatnonzero(np.isin(first.crops, numbers)) for policy, numbers in kept.items()}
        return cls(first.crops, first.distinct, candidates(first.crops, every), policies)


class Chosen(NamedTuple):
    """Crops in order of selection: their positions among the kept ones, and the loss with the first 1, 2, ..."""

    order: list[int]
    nll_nats: list[float]

    def best_of(self, budgets: Sequence[int]) -> int:
        """Return the budget with the lowest validation loss; the smallest at a tie."""
        return min(budgets, key=lambda budget: (self.nll_nats[budget - 1], budget))


def select(own: np.ndarray, places: np.ndarray) -> Chosen:
    """Greedy forward selection among places: each step adds the first crop that gives the mean the lowest negative
    log-likelihood. own: probability of the label [images, crops]."""
    total, left = np.zeros(len(own)), [int(place) for place in places]
    order, losses = list[int](), list[float]()
    while left:
        means = (total[:, None] + own[:, left]) / (len(order) + 1)
        with_each = -np.log(np.maximum(means, LEAST)).mean(0)
        best = int(with_each.argmin())
        losses.append(float(with_each[best]))
        order.append(left.pop(best))
        total += own[:, order[-1]]
    return Chosen(order, losses)


def selections(kept: Mapping[str, KeptCrops], labels: np.ndarray, places: np.ndarray) -> dict[str, Chosen]:
    """Return the selection for each member alone, and for the "ensemble" of all. labels: those of the kept images."""
    of_labels = [np.take_along_axis(p, labels[some][None, :, None, None], 3)[..., 0] for some, p in in_parts(kept)]
    own = np.concatenate(of_labels, axis=1).astype(np.float64)
    chosen = {name: select(of_member, places) for name, of_member in zip(kept, own, strict=True)}
    return chosen | {"ensemble": select(own.mean(0), places)}


def study(
    test: Kept,
    labels: np.ndarray,
    validation: Kept,
    validation_labels: np.ndarray,
    classes: Sequence[str],
    settings: StudyCrops,
) -> studies.CropStudyMetrics:
    """Return everything that study_crops reports on the members' kept crops; labels are those of the kept images.
    Without a validation split no crops are selected."""
    shapes, bounds = Shapes.of(test, validation), Bounds(settings)
    chosen = selections(validation, validation_labels, shapes.candidates) if validation else {}
    many = len(shapes.candidates)
    passes = {  # number of distinct crops, mean over images
        policy: float(np.mean([len(np.unique(row)) for row in shapes.distinct[:, places]]))
        for policy, places in shapes.policies.items()
    }
    # Each policy's cost is also a budget, so that it is compared with the best crops of the same cost.
    costs = [round(passed) for passed in passes.values()]
    budgets = sorted({budget for budget in (*settings.budgets, *costs, many) if budget <= many})
    every = groups(shapes.crops)
    idle = [name for name, group in every.items() if changes_nothing(group, shapes.distinct)]
    parts = {name: group for name, group in every.items() if name not in idle}
    measured = measure(test, labels, asked(shapes, budgets, chosen, parts, settings))
    most, together = max(shapes.policies), measured["ensemble"]
    without = {name: together["without", name].top1 for name in parts}
    whole, alone = together["policy", most].top1, {name: together["alone", name].errors() for name in parts}
    effects = effects_of_leaving_out(without, whole, labels, classes, bounds, settings.effects_shown)
    overall = tuple(
        studies.GroupEffect(**dict(row), crops=int(parts[row.left_out].sum()), alone=alone[row.left_out])
        for row in effects.overall
    )
    return studies.CropStudyMetrics(
        images=len(labels),
        validation_images=len(validation_labels) if validation else 0,
        classes=len(classes),
        models=len(test),
        confidence_percent=settings.confidence_percent,
        resamples=settings.resamples,
        random_subsets=settings.random_subsets,
        crops=most,
        candidates=many,
        aggregations=tuple(aggregation_rows(measured, bounds)),
        policies=tuple(policy_rows(measured, passes, bounds)),
        budgets=tuple(budget_rows(measured, budgets, most, settings.random_subsets, bounds)),
        chosen={name: described(one, budgets, shapes) for name, one in chosen.items()},
        groups=studies.GroupEffects(**dict(effects) | {"overall": overall}, without_effect=tuple(idle)),
    )


def asked(
    shapes: Shapes, budgets: list[int], chosen: dict[str, Chosen], parts: dict[str, np.ndarray], settings: StudyCrops
) -> dict[str, dict[Key, np.ndarray]]:
    """Return the crop weights [crops] of every mean to measure, under "" for all systems or under a system's name."""
    rng = generator(settings.seed)

    def weights(places: np.ndarray | Sequence[int]) -> np.ndarray:
        row = np.zeros(len(shapes.crops))
        row[places] = 1
        return np.asarray(row / row.sum())

    rows = defaultdict[str, dict[Key, np.ndarray]](dict)
    for policy, places in shapes.policies.items():
        rows[""]["policy", policy] = weights(places)
    for budget in budgets:
        for i in range(settings.random_subsets):
            rows[""]["random", budget, i] = weights(rng.permutation(shapes.candidates)[:budget])
        for name, one in chosen.items():
            rows[name]["best", budget] = weights(one.order[:budget])
    for name, group in parts.items():
        rows["ensemble"]["alone", name] = weights(group)
    for name, group in parts.items():
        rows["ensemble"]["without", name] = weights(~group)
    return rows


def measure(test: Kept, labels: np.ndarray, rows: dict[str, dict[Key, np.ndarray]]) -> Measured:
    """What each member, the "ensemble" and "single" (the members' mean) get wrong with every row and aggregation."""
    asked_of = {name: rows[""] | rows.get(name, {}) for name in (*test, "ensemble")}
    matrices = {name: np.array(list(means.values())) for name, means in asked_of.items()}
    before: dict[str, list[np.ndarray]] = {name: [] for name in asked_of}
    for some, p in in_parts(test, max(map(len, matrices.values()))):
        here = labels[some]
        for at, (name, matrix) in enumerate(matrices.items()):
            these = p if name == "ensemble" else p[at : at + 1]
            scores = np.matmul(matrix, these.mean(0, dtype=np.float64))  # [images, rows, classes]
            aggregated = [ranks(way(these), here) for way in AGGREGATIONS.values()]
            before[name].append(np.vstack([ranks(scores.transpose(1, 0, 2), here), *aggregated]))
    measured: Measured = {}
    for name, parts in before.items():
        keys: list[Key] = [*asked_of[name], *(("aggregation", way) for way in AGGREGATIONS)]
        together = np.concatenate(parts, axis=1)
        measured[name] = {key: ErrorMask.of(row) for key, row in zip(keys, together, strict=True)}
    members = [measured[name] for name in test]
    measured["single"] = {key: ErrorMask.mean_of([one[key] for one in members]) for key in members[0]}
    return measured


def compared(before: ErrorMask, after: ErrorMask, bounds: Bounds) -> TopDifferences:
    """Return the reduction in both errors from one system to another, in points, with paired intervals."""
    top1, top5 = (bounds.difference(*pair) for pair in zip(before, after, strict=True))
    return TopDifferences(top1_error_percent=top1, top5_error_percent=top5)


def with_intervals(wrong: ErrorMask, bounds: Bounds) -> dict[str, Any]:
    """Return both errors in percent and their intervals: the fields of MeasuredErrors."""
    return {**dict(wrong.errors()), "intervals": intervals_of(wrong, bounds)}


def aggregation_rows(measured: Measured, bounds: Bounds) -> Iterator[studies.AggregationErrors]:
    """Yield every aggregation, of one model's crops and of all models', compared with the mean softmax."""
    for system, way in product(SYSTEMS, AGGREGATIONS):
        base, wrong = (measured[system]["aggregation", name] for name in ("mean", way))
        against = None if way == "mean" else compared(base, wrong, bounds)
        fields = with_intervals(wrong, bounds) | {"against_mean": against}
        yield studies.AggregationErrors(system=system, aggregation=way, **fields)


def policy_rows(measured: Measured, passes: dict[int, float], bounds: Bounds) -> Iterator[studies.PolicyErrors]:
    """Yield the paper's policies, each compared with the best crops of the same cost (None where none are selected)."""
    for system, (policy, passed) in product(SYSTEMS, passes.items()):
        wrong, best = measured[system]["policy", policy], measured[system].get(("best", round(passed)))
        to_best = None if best is None else compared(wrong, best, bounds)
        fields = with_intervals(wrong, bounds) | {"forward_passes": passed, "to_best": to_best}
        yield studies.PolicyErrors(system=system, crops=policy, **fields)


def budget_rows(
    measured: Measured, budgets: Sequence[int], most: int, subsets: int, bounds: Bounds
) -> Iterator[studies.BudgetErrors]:
    """Yield for every number of crops its random subsets, and its best crops compared with random ones and with all."""
    for system, budget in product(SYSTEMS, budgets):
        means = measured[system]
        drawn = [means["random", budget, i] for i in range(subsets)]
        best, chosen = means.get(("best", budget)), None
        if best is not None:
            chosen = studies.BestCrops(
                **with_intervals(best, bounds),
                against_random=compared(ErrorMask.mean_of(drawn), best, bounds),
                against_all=compared(means["policy", most], best, bounds),
            )
        spreads = {}
        for error in TOPS:
            values = [one.errors().of(error) for one in drawn]
            quartiles = tuple(np.percentile(values, [25, 75]))
            spreads[error] = studies.SubsetSpread(**dict(spread(values)), quartiles=quartiles)
        random = TopValues[studies.SubsetSpread](**spreads)
        yield studies.BudgetErrors(system=system, crops=budget, random=random, best=chosen)


def described(chosen: Chosen, budgets: Sequence[int], shapes: Shapes) -> studies.ChosenCrops:
    """Return a selection as the report needs it: the crops in order, the losses, and the budget of the lowest loss."""
    return studies.ChosenCrops(
        order=tuple(int(shapes.crops[at]) for at in chosen.order),
        first=tuple(place(int(shapes.crops[at])) for at in chosen.order[:DESCRIBED]),
        validation_nll_nats={str(budget): chosen.nll_nats[budget - 1] for budget in budgets},
        preferred_budget=chosen.best_of(budgets),
    )
