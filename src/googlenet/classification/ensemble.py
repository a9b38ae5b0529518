"""The ensemble of section 7: mean softmax over models, its errors, and how sure one may be of them."""

from collections.abc import Iterator, Mapping
from itertools import combinations, pairwise

import numpy as np

from googlenet.classification.bootstrap import Bounds
from googlenet.classification.calibration import calibration
from googlenet.classification.effects import effects_of_leaving_out
from googlenet.classification.error_rates import TOPS, Wrong, ranges, ranks, spread
from googlenet.rows import Ranges

Predictions = Mapping[str, Mapping[int, Ranges]]  # member -> policy -> probabilities [pictures, classes]
WORKING_MB = 32


Outcomes = Mapping[tuple[tuple[str, ...], int], Wrong]  # (members, policy) -> what they have wrong together


def outcomes(predictions: Predictions, labels: np.ndarray) -> Outcomes:
    """What every subset of the members, averaged, has wrong at every policy.

    Some pictures at a time, so that the memory needed does not grow with their number. A subset's sum is that of
    a smaller one and one more member.
    """
    names = tuple(predictions)
    chosen = range(1, 2 ** len(names))  # bit i says whether member i takes part
    found = {}
    for policy in predictions[names[0]]:
        before = np.empty((len(chosen), len(labels)), np.int32)
        for some in runs_of_pictures(predictions, len(labels), 2 ** len(names)):
            each = [np.asarray(predictions[name][policy][some], np.float64) for name in names]
            sums = {0: np.zeros_like(each[0])}
            for row, mask in enumerate(chosen):
                last = mask.bit_length() - 1
                sums[mask] = sums[mask ^ (1 << last)] + each[last]
                before[row, some] = ranks(sums[mask], labels[some])
        for row, mask in enumerate(chosen):
            members = tuple(name for i, name in enumerate(names) if mask >> i & 1)
            found[members, policy] = Wrong.of(before[row])
    return found


def runs_of_pictures(predictions: Predictions, pictures: int, copies: int) -> Iterator[slice]:
    """Ranges of pictures, so few that `copies` arrays [some pictures, classes] of float64 fit in memory."""
    first = next(iter(next(iter(predictions.values())).values()))
    classes = first[0:1].shape[1]
    return ranges(pictures, max(1, int(WORKING_MB * 1e6 / (8 * copies * classes))))


def member_errors(found: Outcomes) -> dict[str, dict[str, dict[str, float]]]:
    """Errors in percent of every member at every policy."""
    errors: dict = {}
    for (members, policy), wrong in found.items():
        if len(members) == 1:
            errors.setdefault(members[0], {})[str(policy)] = wrong.errors()
    return errors


def subsets(found: Outcomes) -> list[dict]:
    """Errors of every subset of the members, summed up by its size and policy: "k models" is no single draw."""
    names = max((members for members, _ in found), key=len)
    rows = []
    for policy in dict.fromkeys(policy for _, policy in found):
        for size in range(1, len(names) + 1):
            errors = [found[members, policy].errors() for members in combinations(names, size)]
            row = {"models": size, "crops": policy, "subsets": len(errors)}
            rows.append(row | {key: spread([e[key] for e in errors]) for key in TOPS})
    return rows


def table_3(rows: list[dict], models: int) -> list[dict]:
    """The rows of Table 3 in the paper's order: one model (mean over members), then all, at each policy."""
    found = []
    for size in dict.fromkeys((1, models)):
        for row in (row for row in rows if row["models"] == size):
            top1, top5 = row["top1_error_percent"], row["top5_error_percent"]
            found.append(
                {
                    "models": size,
                    "crops": row["crops"],
                    "cost": size * row["crops"],
                    "top1_error_percent": top1["mean"],
                    "top5_error_percent": top5["mean"],
                    "top1_std": top1["std"],
                    "top5_std": top5["std"],
                }
            )
    return found


def systems(found: Outcomes) -> dict[str, Wrong]:
    """The systems of Table 3: single_<policy>, the mean over the members alone, and ensemble_<policy>, all together."""
    names = max((members for members, _ in found), key=len)
    made = {}
    for policy in dict.fromkeys(policy for _, policy in found):
        made[f"single_{policy}"] = Wrong.mean_of([found[(name,), policy] for name in names])
        made[f"ensemble_{policy}"] = found[names, policy]
    return made


def compared(policies: list[int], members: int) -> list[tuple[str, str]]:
    """Pairs of systems, before and after: more models at each policy, more crops with each number of models, both."""
    kinds = ["single"] if members == 1 else ["single", "ensemble"]
    pairs = [(f"single_{policy}", f"ensemble_{policy}") for policy in policies if members > 1]
    for kind in kinds:
        pairs += [(f"{kind}_{fewer}", f"{kind}_{more}") for fewer, more in pairwise(policies)]
    few, most = min(policies), max(policies)
    if few != most or members > 1:
        pairs.append((f"single_{few}", f"ensemble_{most}"))
    return list(dict.fromkeys(pairs))


def per_class(wrong: np.ndarray, labels: np.ndarray, classes: list[str]) -> list[dict]:
    """Top-1 error in percent of every class."""
    counts = np.bincount(labels, minlength=len(classes))
    sums = np.bincount(labels, weights=wrong, minlength=len(classes))
    return [
        {"class": name, "images": int(n), "top1_error_percent": float(100 * s / n) if n else None}
        for name, n, s in zip(classes, counts, sums, strict=True)
    ]


def evaluate(predictions: Predictions, labels: np.ndarray, classes: list[str], settings: dict) -> dict:
    """Everything that evaluate_ensemble reports of the members' predictions on the test pictures.

    settings: {resamples, confidence_percent, seed, calibration, effects_shown}. A paired difference is the fall in
    error from the first system to the second; above zero, the second is better.
    """
    names = tuple(predictions)
    policies = sorted(predictions[names[0]])
    found = outcomes(predictions, labels)
    made, rows, bounds = systems(found), subsets(found), Bounds(settings)
    most = max(policies)
    said = {"confidence_percent": settings["confidence_percent"], "resamples": settings["resamples"]}

    def pairs(top: str) -> dict[str, dict]:
        return {
            f"{before}_minus_{after}": {"metric": f"{top}_error_percent"}
            | bounds.difference(getattr(made[before], top), getattr(made[after], top))
            | said
            for before, after in compared(policies, len(names))
        }

    without = {
        name: found[tuple(other for other in names if other != name), most].top1
        for name in names
        if len(names) > 1
    }
    whole = found[names, most].top1
    counts = np.bincount(labels, minlength=len(classes))
    return {
        "images": len(labels),
        "classes": len(classes),
        "confidence_percent": settings["confidence_percent"],
        "largest_class_error_percent": float(100 * (1 - counts.max() / len(labels))),
        "table_3": table_3(rows, len(names)),
        "members": member_errors(found),
        "subsets": rows,
        "paired": pairs("top1"),
        "paired_top5": pairs("top5"),
        "intervals": {
            name: {key: bounds.of(each) for key, each in zip(TOPS, wrong, strict=True)}
            for name, wrong in made.items()
        },
        # A network that knows more classes than the data set has columns without pictures.
        "per_class": [row for row in per_class(whole, labels, classes) if row["images"]],
        "left_out": effects_of_leaving_out(without, whole, labels, classes, settings),
        "calibration": calibration(predictions, labels, settings),
    }
