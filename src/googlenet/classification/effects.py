"""Which part helps which class: the change of error when a part (a member, some crops) is left out.

Many changes are looked at together, so some look large by chance. Each has an exact sign test on the pictures that it
changes, and Holm's correction says which ones stand among all.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from googlenet.classification.bootstrap import Bounds


def sign_test(gained: int, lost: int) -> float:
    """Two-sided exact probability of a split at least as uneven, if each changed picture went either way by chance."""
    changed, ways, term = gained + lost, 0, 1
    for i in range(min(gained, lost) + 1):  # binomial coefficients, as whole numbers
        ways += term
        term = term * (changed - i) // (i + 1)
    return min(1.0, 2 * ways / 2**changed)


def holm(probabilities: Iterable[float], confidence_percent: float) -> list[bool]:
    """Which of several tests stand together by Holm's correction, so that the chance of any false one is bounded."""
    listed = list(probabilities)
    left, stands = len(listed), [False] * len(listed)
    for at in sorted(range(len(listed)), key=lambda i: listed[i]):
        if listed[at] > (1 - confidence_percent / 100) / left:
            break
        stands[at], left = True, left - 1
    return stands


def effects_of_leaving_out(
    without: Mapping[str, np.ndarray],
    whole: np.ndarray,
    labels: np.ndarray,
    classes: list[str],
    settings: dict,
) -> dict:
    """Changes of top-1 error in points when each part is left out: over all pictures, and the most certain by class.

    without: part -> which pictures [pictures] are wrong without it; whole: which are wrong with all. Above zero, the
    part helps. settings: {resamples, confidence_percent, seed, effects_shown}.
    """
    bounds, confidence = Bounds(settings), settings["confidence_percent"]
    by_class = [np.flatnonzero(labels == index) for index in range(len(classes))]
    total = [one_effect(part, None, wrong, whole) for part, wrong in without.items()]
    cells = [
        one_effect(part, name, wrong[mine], whole[mine])
        for part, wrong in without.items()
        for name, mine in zip(classes, by_class, strict=True)
        if len(mine)
    ]
    for rows in (total, cells):
        stands = holm([row["p_value"] for row in rows], confidence)
        for row, stood in zip(rows, stands, strict=True):
            row["stands"] = stood
    shown = sorted(cells, key=lambda row: (row["p_value"], -abs(row["difference"])))
    shown = [row for row in shown if row["gained"] or row["lost"]][: settings["effects_shown"]]
    place = dict(zip(classes, by_class, strict=True))
    for row in [*total, *shown]:
        mine = slice(None) if row["class"] is None else place[row["class"]]
        row |= bounds.difference(without[row["left_out"]][mine], whole[mine])
    alone = sum(row["p_value"] <= 1 - confidence / 100 for row in cells)
    return {
        "confidence_percent": confidence,
        "overall": total,
        "by_class": {
            "comparisons": len(cells),
            "alone_significant": alone,
            "standing": sum(row["stands"] for row in cells),
            "largest": shown,
        },
    }


def one_effect(part: str, name: str | None, without: np.ndarray, whole: np.ndarray) -> dict:
    """One part's effect on some pictures: gained, how many are right thanks to it; lost, how many wrong because of it."""
    change = np.asarray(without, np.int8) - np.asarray(whole, np.int8)
    gained, lost = int((change > 0).sum()), int((change < 0).sum())
    return {
        "left_out": part,
        "class": name,
        "images": len(change),
        "difference": 100 * (gained - lost) / len(change),
        "gained": gained,
        "lost": lost,
        "p_value": sign_test(gained, lost),
    }
