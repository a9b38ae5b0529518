"""Groups of the 144 crops: by scale, by square, by kind, by mirror; and which crops coincide for a data set."""

import numpy as np

from googlenet.classification.crops import SCALES
from googlenet.metrics.classification_studies import CropPlace

SQUARES = ("left or top", "centre", "right or bottom")
KINDS = (
    "top left corner",
    "top right corner",
    "bottom left corner",
    "bottom right corner",
    "centre",
    "whole square",
)


def place(crop: int) -> CropPlace:
    """What one of the 144 is: scale (the paper's pixels of the shorter side), square, kind, and whether mirrored."""
    return CropPlace(
        scale_px=SCALES[crop // 36],
        square=SQUARES[crop % 36 // 12],
        kind=KINDS[crop % 12 // 2],
        mirrored=bool(crop % 2),
    )


def groups(crops: np.ndarray) -> dict[str, np.ndarray]:
    """The members of every group among the given crops, bool [crops]; groups of none or of all are left out."""
    rows = [place(int(crop)) for crop in crops]
    members = {f"scale {scale} px": [row.scale_px == scale for row in rows] for scale in SCALES}
    members |= {f"{square} square": [row.square == square for row in rows] for square in SQUARES}
    members["corners"] = [row.kind in KINDS[:4] for row in rows]
    members["centre crops"] = [row.kind == "centre" for row in rows]
    members["whole squares"] = [row.kind == "whole square" for row in rows]
    members["upright"] = [not row.mirrored for row in rows]
    members["mirrored"] = [row.mirrored for row in rows]
    return {name: np.array(inside) for name, inside in members.items() if any(inside) and not all(inside)}


def changes_nothing(group: np.ndarray, distinct: np.ndarray) -> bool:
    """Whether the mean without a group is the mean with it in every image, because its crops stand elsewhere too.

    group: bool [crops]; distinct: [images, crops], equal where crops coincide.
    """
    for row in np.unique(distinct, axis=0):
        shares = [
            np.bincount(row[chosen], minlength=row.max() + 1) / chosen.sum() for chosen in (~group, group)
        ]
        if not np.allclose(*shares):
            return False
    return True


def candidates(crops: np.ndarray, distinct: np.ndarray) -> np.ndarray:
    """One crop for each set of crops that coincide in every picture: their places among the kept ones, in order.

    Of squares that coincide, as those of a square picture do, the centre one stands for all.
    """
    centre_first = np.argsort((crops % 36 // 12 != 1), kind="stable")
    _, first = np.unique(distinct[:, centre_first], axis=1, return_index=True)
    return np.sort(centre_first[first])


def mean_distinct(distinct: np.ndarray, places: np.ndarray) -> float:
    """How many forward passes some crops take: those that differ, in the mean over pictures."""
    return float(np.mean([len(np.unique(row)) for row in distinct[:, places]]))
