"""Made-up metrics of analyse_units: 24 units in four clusters."""

from typing import Any

import numpy as np

from googlenet.metrics.classification_studies import UnitMetrics

BRANCHES = ["1x1", "3x3", "5x5", "pool"]
SIZES = (10, 7, 6, 1)


def chance(explained: float, p: float, beyond: bool) -> dict[str, Any]:
    over = [[1.0, 1.4, 0.6, 1.0], [1.2, 0.7, 2.1, 0.9], [0.8, 0.8, 0.5, 1.3], [0.0, 2.4, 0.0, 0.0]]
    return {
        "branches": BRANCHES,
        "over_chance": over,
        "beyond": [[beyond and value > 2 for value in row] for row in over],
        "explained": explained,
        "explained_by_chance": 0.13,
        "explained_by_chance_95": 0.214,
        "p": p,
    }


def network(same: float, out_of: dict[str, Any], feeds: dict[str, Any]) -> dict[str, Any]:
    cluster = np.repeat(range(4), SIZES)
    noise = np.random.default_rng(5).normal(0, 0.1, (24, 24))
    blocks = np.where(cluster[:, None] == cluster[None, :], same, 0.02) + (noise + noise.T) / 2
    np.fill_diagonal(blocks, 1)
    falls = [same, same / 2, same / 4]
    return {
        "units": 26,
        "left_out": 2,
        "shown": {
            "cluster": cluster.tolist(),
            "branch": [i % 4 for i in range(24)],
            "correlation_percent": np.rint(100 * blocks).astype(int).tolist(),
        },
        "clusters": [
            {"units": n, "units_by_branch": [n, 0, 0, 0], "mean_correlation": same if n > 1 else None} for n in SIZES
        ],
        "by_distance": [
            {"distance": d, "same_cluster": value, "other_clusters": 0.02} for d, value in enumerate(falls)
        ],
        "out_of": out_of,
        "feeds": feeds,
    }


def analyse_units() -> UnitMetrics:
    values = {
        "member": "m1",
        "module": "4a",
        "above": "4b",
        "split": "validation",
        "images": 200,
        "map_px": [4, 4],
        "permutations": 2000,
        "trained": network(0.44, chance(0.31, 0.0005, True), chance(0.14, 0.34, False)),
        "untrained": network(0.81, chance(0.11, 0.62, False), chance(0.13, 0.48, False)),
    }
    return UnitMetrics.model_validate(values)
