"""Each row of the table of ablations against the reference, paired over seeds and pictures."""

from collections.abc import Mapping, Sequence

import numpy as np

from googlenet.errors import UserError

Outcomes = Mapping[
    str, np.ndarray
]  # "test/averaged/top1" and so on: 1 where a picture is wrong (see train.final_outcomes)
SPLITS, MEASURES = ("validation", "test"), ("top1", "top5")
REFERENCE = "reference"


def crossed_interval(differences: np.ndarray, confidence_percent: float) -> tuple[float, float, float]:
    """Interval of the mean of differences [seeds, pictures], for other seeds and other pictures of the same kind.

    Seeds and pictures are both taken as drawn at random, and crossed: every training sees every picture. The variance of the
    mean is that of a two-way table without replication, (seeds + pictures - residual mean squares) / cells, with no component
    below 0. Student's t, with Satterthwaite's degrees of freedom: where seeds matter, few of them make the quantile large.
    Nothing is resampled: of three seeds a bootstrap makes intervals that are much too short. Returns low, high and the degrees.
    """
    from scipy.special import stdtrit

    seeds, pictures = differences.shape
    mean, by_seed, by_picture = differences.mean(), differences.mean(1), differences.mean(0)
    residual = differences - by_seed[:, None] - by_picture[None, :] + mean
    free = np.array([seeds - 1, pictures - 1, (seeds - 1) * (pictures - 1)])
    squares = np.array(
        [
            pictures * ((by_seed - mean) ** 2).sum(),
            seeds * ((by_picture - mean) ** 2).sum(),
            (residual**2).sum(),
        ]
    )
    of_cells = squares[2] / free[2] / differences.size
    parts = np.maximum(squares / free / differences.size, of_cells)
    variance = parts[0] + parts[1] - of_cells
    if not variance:
        return float(mean), float(mean), float(seeds - 1)
    degrees = max(variance**2 / (parts**2 / free).sum(), seeds - 1)
    half = stdtrit(degrees, 0.5 + confidence_percent / 200) * variance**0.5
    return float(mean - half), float(mean + half), float(degrees)


def compare(config: Mapping, outcomes: Mapping[str, Outcomes], trainings: Mapping[str, Mapping]) -> dict:
    """Errors of the reference and of every row, and each row's difference to the reference with its interval.

    config: {rows, seeds, sources, confidence_percent}; sources: whose results each "<row>_<seed>" takes, as "<stage>/<job>".
    outcomes, trainings: what each of those got wrong, and its metrics, by the same name. A difference is the row's error less
    the reference's, in points: above 0 the reference is better. Raises UserError for a source that was not given.
    """
    missing = sorted(set(config["sources"].values()) - outcomes.keys())
    if missing:
        raise UserError(f"ablations: no results of {missing[0]}; run `snakemake --cores N ablations`")
    reference = {"name": REFERENCE, "about": "", "weights": "averaged", "changes": {}}
    table = [described(row, config, outcomes, trainings) for row in [reference, *config["rows"]]]
    return {
        "confidence_percent": config["confidence_percent"],
        "seeds": list(config["seeds"]),
        "pictures": {split: len(first(outcomes)[f"{split}/averaged/top1"]) for split in SPLITS},
        "trainings": len(set(config["sources"].values())),
        "reference": table[0],
        "rows": table[1:],
    }


def described(row: Mapping, config: Mapping, outcomes: Mapping[str, Outcomes], trainings: Mapping) -> dict:
    """One row of the result: its settings, whose trainings it is made of, its errors and differences by split and measure."""
    taken = [config["sources"][f"{row['name']}_{seed}"] for seed in config["seeds"]]
    against = [config["sources"][f"{REFERENCE}_{seed}"] for seed in config["seeds"]]
    weights = row.get("weights", "averaged")
    found: dict = {
        "name": row["name"],
        "about": row.get("about") or row["name"].replace("_", " "),
        "weights": weights,
        "changes": row.get("changes") or {},
        "sources": taken,
        "stalled": sum(bool(trainings[source]["stalled"]) for source in taken),
        "parameters": trainings[taken[0]]["parameters"],
    }
    for split in SPLITS:
        found[split] = {}
        for measure in MEASURES:
            mine = stacked(outcomes, taken, f"{split}/{weights}/{measure}")
            theirs = stacked(outcomes, against, f"{split}/averaged/{measure}")
            found[split][measure] = differences(mine, theirs, config["confidence_percent"])
    return found


def stacked(outcomes: Mapping[str, Outcomes], sources: Sequence[str], key: str) -> np.ndarray:
    """What some trainings get wrong: float64 [trainings, pictures]."""
    return np.stack([outcomes[source][key] for source in sources]).astype(np.float64)


def differences(mine: np.ndarray, reference: np.ndarray, confidence_percent: float) -> dict:
    """Errors in percent by seed, and their difference to the reference's in points with its interval."""
    paired = mine - reference
    low, high, degrees = crossed_interval(paired, confidence_percent)
    return {
        "error_percent": float(100 * mine.mean()),
        "error_percent_by_seed": (100 * mine.mean(1)).tolist(),
        "difference_points": float(100 * paired.mean()),
        "difference_points_by_seed": (100 * paired.mean(1)).tolist(),
        "low_points": 100 * low,
        "high_points": 100 * high,
        "degrees_of_freedom": degrees,
    }


def first(found: Mapping[str, Outcomes]) -> Outcomes:
    """Any one training's outcomes."""
    return next(iter(found.values()))
