"""The ensemble of section 7: mean softmax over models, its errors, and how sure one may be of them."""

from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np

from googlenet.classification.error_rates import top_errors

Predictions = Mapping[str, Mapping[int, np.ndarray]]  # member -> policy -> probabilities [pictures, classes]
RESAMPLES_AT_ONCE = 200


def mean_of(predictions: Predictions, members: tuple[str, ...], policy: int) -> np.ndarray:
    """Mean softmax of some members at one policy: float64 [pictures, classes]."""
    return np.mean([predictions[name][policy] for name in members], axis=0, dtype=np.float64)


def member_errors(predictions: Predictions, labels: np.ndarray) -> dict[str, dict[str, dict[str, float]]]:
    """Errors in percent of every member at every policy."""
    return {
        name: {str(policy): top_errors(scores, labels) for policy, scores in by_policy.items()}
        for name, by_policy in predictions.items()
    }


def subsets(predictions: Predictions, labels: np.ndarray) -> list[dict]:
    """Errors of every subset of the members, summed up by its size and policy: "k models" is no single draw."""
    names, rows = tuple(predictions), []
    for policy in predictions[names[0]]:
        for size in range(1, len(names) + 1):
            errors = [
                top_errors(mean_of(predictions, chosen, policy), labels)
                for chosen in combinations(names, size)
            ]
            row = {"models": size, "crops": policy, "subsets": len(errors)}
            rows.append(row | {key: spread([e[key] for e in errors]) for key in errors[0]})
    return rows


def spread(values: list[float]) -> dict[str, float]:
    """Mean, standard deviation (of the values themselves), least and greatest."""
    x = np.array(values)
    return {"mean": float(x.mean()), "std": float(x.std()), "min": float(x.min()), "max": float(x.max())}


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


def wrong(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """1.0 where the first class is not the label, else 0.0: [pictures]."""
    return (np.argmax(scores, axis=1) != labels).astype(np.float64)


def resampled_means(values: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Means of `values` over pictures drawn anew with replacement, `resamples` times."""
    means: list[np.ndarray] = []
    for size in pieces(resamples):
        draws = rng.integers(len(values), size=(size, len(values)))
        means.append(values[draws].mean(1))
    return np.concatenate(means)


def pieces(total: int) -> Iterator[int]:
    """Cut a number of resamples into parts that fit in memory."""
    for start in range(0, total, RESAMPLES_AT_ONCE):
        yield min(RESAMPLES_AT_ONCE, total - start)


def interval(
    values: np.ndarray, resamples: int, confidence_percent: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Bootstrap percentile interval of the mean of per-picture values, in percent.

    For a paired difference, pass the per-picture differences: each picture then stands for both systems.
    """
    tail = (100 - confidence_percent) / 2
    low, high = np.percentile(resampled_means(values, resamples, rng), [tail, 100 - tail])
    return float(100 * low), float(100 * high)


def per_class(scores: np.ndarray, labels: np.ndarray, classes: list[str]) -> list[dict]:
    """Top-1 error in percent of every class."""
    misses = wrong(scores, labels)
    counts = np.bincount(labels, minlength=len(classes))
    sums = np.bincount(labels, weights=misses, minlength=len(classes))
    return [
        {"class": name, "images": int(n), "top1_error_percent": float(100 * s / n) if n else None}
        for name, n, s in zip(classes, counts, sums, strict=True)
    ]


def evaluate(predictions: Predictions, labels: np.ndarray, classes: list[str], settings: dict) -> dict:
    """Everything that evaluate_ensemble reports of the members' predictions on the test pictures.

    settings: {resamples, confidence_percent, seed}. The paired difference is that of the mean single member on
    the fewest crops and the whole ensemble on the most; above zero, the ensemble is better.
    """
    names = tuple(predictions)
    policies = list(predictions[names[0]])
    few, most = min(policies), max(policies)
    rows = subsets(predictions, labels)
    whole = mean_of(predictions, names, most)
    single = np.mean([wrong(predictions[name][few], labels) for name in names], axis=0)
    together = wrong(whole, labels)

    def bounds(values: np.ndarray) -> list[float]:
        rng = np.random.Generator(np.random.Philox(settings["seed"]))
        return list(interval(values, settings["resamples"], settings["confidence_percent"], rng))

    low, high = bounds(single - together)
    paired = {
        "metric": "top1_error_percent",
        "difference": float(100 * (single - together).mean()),
        "low": low,
        "high": high,
        "confidence_percent": settings["confidence_percent"],
        "resamples": settings["resamples"],
    }
    counts = np.bincount(labels, minlength=len(classes))
    return {
        "images": len(labels),
        "classes": len(classes),
        "largest_class_error_percent": float(100 * (1 - counts.max() / len(labels))),
        "table_3": table_3(rows, len(names)),
        "members": member_errors(predictions, labels),
        "subsets": rows,
        "paired": {f"single_{few}_minus_ensemble_{most}": paired},
        "intervals": {
            f"ensemble_{most}": {"top1_error_percent": bounds(together)},
            f"single_{few}": {"top1_error_percent": bounds(single)},
        },
        "per_class": per_class(whole, labels, classes),
    }
