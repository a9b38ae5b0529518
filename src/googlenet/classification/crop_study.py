"""Study of the 144 crops: how to aggregate them, how many are worth their cost (section 7: the benefit of more becomes
marginal), which help which classes. Crops are selected on validation images and measured on test images."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple, get_args

import numpy as np

from googlenet.classification.aggregations import AGGREGATIONS, LEAST
from googlenet.classification.crop_groups import candidates, changes_nothing, groups, place
from googlenet.classification.crop_scales import Zooms, masks, scale_study
from googlenet.classification.crops import POLICIES
from googlenet.classification.effects import effects_of_leaving_out
from googlenet.classification.error_rates import TOPS, ErrorMask, ranks, spread
from googlenet.classification.kept_crops import KeptCrops, in_parts
from googlenet.classification.measured_errors import differences, with_intervals
from googlenet.config.schema.classification import CropChoices
from googlenet.config.schema.shared import System
from googlenet.metrics import classification_studies as studies
from googlenet.metrics.bootstrap import Bounds, generator
from googlenet.metrics.error_rates import TopValues
from googlenet.tracking.progress import Progress

DESCRIBED = 12  # crops of a selection that are described, not only listed by number
SYSTEMS: tuple[System, ...] = get_args(System)
# Identifies a mean to measure: ("policy", 144), ("random", 5, 0), ("without", "corners"), ...
Key = tuple[str | int, ...]
Measured = dict[str, dict[Key, ErrorMask]]  # system -> mean -> which images are wrong


class KeptSplit(NamedTuple):
    """The kept crops of one split: every member's, of the same images, and the labels of these."""

    members: Mapping[str, KeptCrops]  # empty if the data set lacks the split
    labels: np.ndarray


class Shapes(NamedTuple):
    """The crops that are kept, and which of them coincide because of the images' shapes."""

    crops: np.ndarray  # indices among the 144
    distinct: np.ndarray  # [test images, crops], equal where crops coincide
    candidates: np.ndarray  # positions of one crop per set that coincides in every image
    policies: dict[int, np.ndarray]  # positions of the paper's 1, 10 and 144 crops, where all are kept
    scales: Sequence[int]

    @classmethod
    def of(cls, test: KeptSplit, validation: KeptSplit, scales: Sequence[int]) -> "Shapes":
        """From the kept crops of both splits; validation may be empty."""
        first = next(iter(test.members.values()))
        every = np.concatenate([one.distinct for one in (first, *list(validation.members.values())[:1])])
        kept = {policy: numbers for policy, numbers in POLICIES.items() if np.isin(numbers, first.crops).all()}
        policies = {policy: np.flatnonzero(np.isin(first.crops, numbers)) for policy, numbers in kept.items()}
        return cls(first.crops, first.distinct, candidates(first.crops, every), policies, scales)


class Chosen(NamedTuple):
    """Crops in order of selection: their positions among the kept ones, and the loss with the first 1, 2, ..."""

    order: list[int]
    nll_nats: list[float]

    def best_of(self, budgets: Sequence[int]) -> int:
        """Return the budget with the lowest validation loss; the smallest at a tie."""
        return min(budgets, key=lambda budget: (self.nll_nats[budget - 1], budget))


def select(of_label: np.ndarray, places: np.ndarray) -> Chosen:
    """Greedy forward selection among places: each step adds the first crop that gives the mean the lowest negative
    log-likelihood. of_label: probability of the label [images, crops]."""
    total, left = np.zeros(len(of_label)), places.tolist()
    order, losses = list[int](), list[float]()
    while left:
        means = (total[:, None] + of_label[:, left]) / (len(order) + 1)
        with_each = -np.log(np.maximum(means, LEAST)).mean(0)
        best = int(with_each.argmin())
        losses.append(float(with_each[best]))
        order.append(left.pop(best))
        total += of_label[:, order[-1]]
    return Chosen(order, losses)


def selections(kept: KeptSplit, places: np.ndarray) -> dict[str, Chosen]:
    """Return the selection for each member alone, and for the "ensemble" of all."""
    labels = kept.labels[:, None, None]
    parts = [np.take_along_axis(p, labels[None, some], 3)[..., 0] for some, p in in_parts(kept.members)]
    of_label = np.concatenate(parts, axis=1).astype(np.float64)  # [members, images, crops]
    chosen = {name: select(of_member, places) for name, of_member in zip(kept.members, of_label, strict=True)}
    return chosen | {"ensemble": select(of_label.mean(0), places)}


def study(
    test: KeptSplit, validation: KeptSplit, classes: Sequence[str], settings: CropChoices, zooms: Zooms
) -> studies.CropStudyMetrics:
    """Return everything that study_crops reports on the members' kept crops. Without a validation split no crops are
    selected. zooms: of the training crops and of the kept test crops."""
    shapes, bounds = Shapes.of(test, validation, zooms.scales), Bounds(settings)
    chosen = selections(validation, shapes.candidates) if validation.members else {}
    passes = {  # number of distinct crops, mean over images
        policy: float(np.mean([len(np.unique(row)) for row in shapes.distinct[:, places]]))
        for policy, places in shapes.policies.items()
    }
    # Each policy's cost is also a budget, so that it is compared with the best crops of at most that cost.
    costs, available = [round(passed) for passed in passes.values()], len(shapes.candidates)
    budgets = sorted({budget for budget in (*settings.budgets, *costs, available) if budget <= available})
    every = groups(shapes.crops, shapes.scales)
    idle = [name for name, group in every.items() if changes_nothing(group, shapes.distinct)]
    parts = {name: group for name, group in every.items() if name not in idle}
    weights = crop_weights(shapes, budgets, chosen, parts, settings)
    weights[""] |= {key: even(members, len(members)) for key, members in masks(shapes.crops, zooms).items()}
    measured = measure(test, weights)
    most, ensemble = max(shapes.policies), measured["ensemble"]
    without = {name: ensemble["without", name].top1 for name in parts}
    whole = ensemble["policy", most].top1
    effects = effects_of_leaving_out(without, whole, test.labels, classes, bounds, settings.effects_shown)
    overall = tuple(
        studies.GroupEffect(**dict(row), crops=int(parts[name].sum()), alone=ensemble["alone", name].errors())
        for name, row in zip(parts, effects.overall, strict=True)
    )
    return studies.CropStudyMetrics(
        images=len(test.labels),
        validation_images=len(validation.labels),
        classes=len(classes),
        models=len(test.members),
        confidence_percent=settings.confidence_percent,
        resamples=settings.resamples,
        random_subsets=settings.random_subsets,
        crops=most,
        candidates=available,
        aggregations=tuple(aggregation_rows(measured, bounds)),
        policies=tuple(policy_rows(measured, passes, bounds)),
        budgets=tuple(budget_rows(measured, budgets, most, settings.random_subsets, bounds)),
        chosen={name: describe(one, budgets, shapes) for name, one in chosen.items()},
        groups=studies.GroupEffects(**dict(effects) | {"overall": overall}, without_effect=tuple(idle)),
        scales=scale_study(measured["single"], measured["single"]["policy", most], shapes.crops, zooms, bounds),
    )


def crop_weights(
    shapes: Shapes, budgets: list[int], chosen: dict[str, Chosen], parts: dict[str, np.ndarray], settings: CropChoices
) -> dict[str, dict[Key, np.ndarray]]:
    """Return the crop weights [crops] of every mean to measure, under "" for all systems or under a system's name."""
    rng, crops = generator(settings.seed), len(shapes.crops)
    weights = defaultdict[str, dict[Key, np.ndarray]](dict)
    weights[""] = {("policy", policy): even(places, crops) for policy, places in shapes.policies.items()}
    for budget in budgets:
        for i in range(settings.random_subsets):
            weights[""]["random", budget, i] = even(rng.permutation(shapes.candidates)[:budget], crops)
        for name, one in chosen.items():
            weights[name]["best", budget] = even(one.order[:budget], crops)
    weights["ensemble"] |= {("alone", name): even(group, crops) for name, group in parts.items()}
    weights["ensemble"] |= {("without", name): even(~group, crops) for name, group in parts.items()}
    return weights


def even(places: np.ndarray | Sequence[int], crops: int) -> np.ndarray:
    """Return the weights [crops] of a mean over some of the crops; places: their positions, or bool [crops]."""
    row = np.zeros(crops)
    row[places] = 1
    return np.asarray(row / row.sum())


def measure(test: KeptSplit, weights: dict[str, dict[Key, np.ndarray]]) -> Measured:
    """The errors of each member, the "ensemble" and "single" (the members' mean) with every mean and aggregation."""
    means = {name: weights[""] | weights.get(name, {}) for name in (*test.members, "ensemble")}
    matrices = {name: np.array(list(rows.values())) for name, rows in means.items()}
    before: dict[str, list[np.ndarray]] = {name: [] for name in means}
    progress = Progress("images", len(test.labels))
    for some, p in in_parts(test.members, max(map(len, matrices.values()))):
        labels = test.labels[some]
        for i, (name, matrix) in enumerate(matrices.items()):
            of_system = p if name == "ensemble" else p[i : i + 1]
            scores = np.matmul(matrix, of_system.mean(0, dtype=np.float64))  # [images, means, classes]
            aggregated = [ranks(way(of_system), labels) for way in AGGREGATIONS.values()]
            before[name].append(np.vstack([ranks(scores.transpose(1, 0, 2), labels), *aggregated]))
        progress.add(len(labels))
    measured: Measured = {}
    for name, parts in before.items():
        keys: list[Key] = [*means[name], *(("aggregation", way) for way in AGGREGATIONS)]
        rows = np.concatenate(parts, axis=1)
        measured[name] = {key: ErrorMask.of(row) for key, row in zip(keys, rows, strict=True)}
    members = [measured[name] for name in test.members]
    measured["single"] = {key: ErrorMask.mean_of([one[key] for one in members]) for key in members[0]}
    return measured


def aggregation_rows(measured: Measured, bounds: Bounds) -> Iterator[studies.AggregationErrors]:
    """Yield every aggregation, over the crops of one model and of all, compared with the mean softmax."""
    for system, way in product(SYSTEMS, AGGREGATIONS):
        base, wrong = (measured[system]["aggregation", name] for name in ("mean", way))
        against = None if way == "mean" else differences(base, wrong, bounds)
        errors = with_intervals(wrong, bounds)
        yield studies.AggregationErrors(system=system, aggregation=way, against_mean=against, **errors)


def policy_rows(measured: Measured, passes: dict[int, float], bounds: Bounds) -> Iterator[studies.PolicyErrors]:
    """Yield the paper's policies, each compared with the best crops of at most their cost (None where none are selected)."""
    for system, (policy, passed) in product(SYSTEMS, passes.items()):
        wrong, best = measured[system]["policy", policy], measured[system].get(("best", round(passed)))
        to_best = None if best is None else differences(wrong, best, bounds)
        errors = with_intervals(wrong, bounds)
        yield studies.PolicyErrors(system=system, crops=policy, forward_passes=passed, to_best=to_best, **errors)


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
                against_random=differences(ErrorMask.mean_of(drawn), best, bounds),
                against_all=differences(means["policy", most], best, bounds),
            )
        spreads = {}
        for error in TOPS:
            values = [one.errors().of(error) for one in drawn]
            quartiles = tuple(np.percentile(values, [25, 75]))
            spreads[error] = studies.SubsetSpread(**dict(spread(values)), quartiles=quartiles)
        random = TopValues[studies.SubsetSpread](**spreads)
        yield studies.BudgetErrors(system=system, crops=budget, random=random, best=chosen)


def describe(chosen: Chosen, budgets: Sequence[int], shapes: Shapes) -> studies.ChosenCrops:
    """Return a selection as the report needs it: the crops in order, the losses, and the budget of the lowest loss."""
    return studies.ChosenCrops(
        order=tuple(int(shapes.crops[at]) for at in chosen.order),
        first=tuple(place(int(shapes.crops[at]), shapes.scales) for at in chosen.order[:DESCRIBED]),
        validation_nll_nats={str(budget): chosen.nll_nats[budget - 1] for budget in budgets},
        preferred_budget=chosen.best_of(budgets),
    )
