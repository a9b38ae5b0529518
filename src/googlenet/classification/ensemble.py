"""The ensemble of section 7: mean softmax over models, its errors, and their uncertainty."""

from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise

import numpy as np

from googlenet.classification.calibration import Predictions, calibration
from googlenet.classification.effects import effects_of_leaving_out, intervals_of
from googlenet.classification.error_rates import TOPS, ErrorMask, ranges, ranks, sample_std, spread
from googlenet.classification.measured_errors import differences
from googlenet.classification.single_images import single_images
from googlenet.config.schema.classification import EvaluateEnsemble
from googlenet.metrics import classification as metrics
from googlenet.metrics.bootstrap import Bounds
from googlenet.tracking.progress import counted

WORKING_MB = 32
SubsetMasks = Mapping[tuple[tuple[str, ...], int], ErrorMask]  # (members, policy) -> errors of their mean


def subset_masks(predictions: Predictions, labels: np.ndarray) -> SubsetMasks:
    """Errors of every averaged subset of the members at every policy; a few images at a time, to bound memory."""
    names = tuple(predictions)
    subsets = range(1, 2 ** len(names))  # bit i is set if member i takes part
    first = next(iter(predictions[names[0]].values()))
    sums_bytes = 8 * 2 ** len(names) * first[0:1].shape[1]  # per image
    at_once = max(1, int(WORKING_MB * 1e6 / sums_bytes))
    masks = {}
    for policy in predictions[names[0]]:
        before = np.empty((len(subsets), len(labels)), np.int32)
        for images in counted([*ranges(len(labels), at_once)], f"parts of the images on {policy} crops"):
            scores = [np.asarray(predictions[name][policy][images], np.float64) for name in names]
            sums = {0: np.zeros_like(scores[0])}
            for row, subset in enumerate(subsets):
                last = subset.bit_length() - 1  # a subset's sum is that of a smaller subset plus one member
                sums[subset] = sums[subset ^ (1 << last)] + scores[last]
                before[row, images] = ranks(sums[subset], labels[images])
        for row, subset in enumerate(subsets):
            members = tuple(name for i, name in enumerate(names) if subset >> i & 1)
            masks[members, policy] = ErrorMask.of(before[row])
    return masks


def subsets_by_size(masks: SubsetMasks) -> tuple[metrics.SubsetErrors, ...]:
    """Summarise the errors of all subsets of the members by size and policy: "k models" is not a single draw."""
    names = max((members for members, _ in masks), key=len)
    rows = []
    for policy in dict.fromkeys(policy for _, policy in masks):
        for size in range(1, len(names) + 1):
            errors = [masks[members, policy].errors() for members in combinations(names, size)]
            spreads = {error: spread([one.of(error) for one in errors]) for error in TOPS}
            rows.append(metrics.SubsetErrors(models=size, crops=policy, subsets=len(errors), **spreads))
    return tuple(rows)


def table_3(rows: Sequence[metrics.SubsetErrors], models: int) -> tuple[metrics.ErrorRow, ...]:
    """Return the rows of Table 3 in the paper's order: one model (mean over members), then all, at each policy. The
    deviation of one model is the estimate from the members, for any other."""
    return tuple(
        metrics.ErrorRow(
            models=size,
            crops=row.crops,
            cost=size * row.crops,
            top1_error_percent=row.top1_error_percent.mean,
            top5_error_percent=row.top5_error_percent.mean,
            top1_std=sample_std(row.top1_error_percent.std, row.subsets),
            top5_std=sample_std(row.top5_error_percent.std, row.subsets),
        )
        for size in dict.fromkeys((1, models))
        for row in rows
        if row.models == size
    )


def compared_systems(policies: Sequence[int], members: int) -> list[tuple[str, str]]:
    """Pairs of systems, before and after: more models at each policy, more crops for each number of models (one step
    and all steps), both."""
    pairs = [(f"single_{policy}", f"ensemble_{policy}") for policy in policies if members > 1]
    few, most = min(policies), max(policies)
    for kind in ("single", "ensemble") if members > 1 else ("single",):
        steps = [*pairwise(policies), *([(few, most)] if few != most else [])]
        pairs += [(f"{kind}_{fewer}", f"{kind}_{more}") for fewer, more in steps]
    if few != most or members > 1:
        pairs.append((f"single_{few}", f"ensemble_{most}"))
    return list(dict.fromkeys(pairs))


def per_class(wrong: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> tuple[metrics.ClassError, ...]:
    """Return the top-1 error of every class."""
    counts = np.bincount(labels, minlength=len(classes))
    sums = np.bincount(labels, weights=wrong, minlength=len(classes))
    return tuple(
        metrics.ClassError(class_name=name, images=int(n), top1_error_percent=float(100 * s / n) if n else None)
        for name, n, s in zip(classes, counts, sums, strict=True)
    )


def evaluate(
    predictions: Predictions,
    labels: np.ndarray,
    classes: Sequence[str],
    settings: EvaluateEnsemble,
    mirrored: bool = True,
    baseline_percent: float | None = None,
) -> metrics.EnsembleMetrics:
    """Return everything that evaluate_ensemble reports on the members' predictions for the test images.
    mirrored: whether every second crop is mirrored. baseline_percent: the baseline's top-1 error, if any."""
    names = tuple(predictions)
    policies = sorted(predictions[names[0]])
    masks = subset_masks(predictions, labels)
    rows, bounds, most = subsets_by_size(masks), Bounds(settings), max(policies)
    table, systems = table_3(rows, len(names)), dict[str, ErrorMask]()  # the systems of Table 3 by name
    for policy in predictions[names[0]]:
        systems[f"single_{policy}"] = ErrorMask.mean_of([masks[(name,), policy] for name in names])
        systems[f"ensemble_{policy}"] = masks[names, policy]
    paired = {error: dict[str, metrics.PairedDifference]() for error in TOPS}
    for before, after in compared_systems(policies, len(names)):
        for error, *wrong in zip(TOPS, systems[before], systems[after], strict=True):
            fall = metrics.PairedDifference(**dict(bounds.difference(*wrong)), metric=error, resamples=bounds.resamples)
            paired[error][f"{before}_minus_{after}"] = fall
    others = {name: tuple(other for other in names if other != name) for name in names}
    without = {name: masks[rest, most].top1 for name, rest in others.items() if rest}
    whole = masks[names, most].top1
    baseline = None
    if baseline_percent is not None:
        ours = table[-1].top1_error_percent
        times = baseline_percent / ours if ours else None
        baseline = metrics.BaselineComparison(top1_error_percent=baseline_percent, times_as_wrong=times)
    return metrics.EnsembleMetrics(
        images=len(labels),
        classes=len(classes),
        confidence_percent=settings.confidence_percent,
        largest_class_error_percent=float(100 * (1 - np.bincount(labels, minlength=len(classes)).max() / len(labels))),
        mirrored=mirrored,
        table_3=table,
        members={name: {str(p): masks[(name,), p].errors() for p in policies} for name in names},
        over_members={
            name: differences(masks[(name,), most], masks[names, most], bounds) for name in names if len(names) > 1
        },
        subsets=rows,
        paired=paired["top1_error_percent"],
        paired_top5=paired["top5_error_percent"],
        intervals={name: intervals_of(wrong, bounds) for name, wrong in systems.items()},
        # If a network has more classes than the data set, some columns have no images.
        per_class=tuple(row for row in per_class(whole, labels, classes) if row.images),
        left_out=effects_of_leaving_out(without, whole, labels, classes, bounds, settings.effects_shown),
        calibration=calibration(predictions, labels, settings),
        single_images=single_images(predictions, labels, classes, settings.examples),
        baseline=baseline,
    )
