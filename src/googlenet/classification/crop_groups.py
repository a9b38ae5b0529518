"""Groups of the 144 crops: by scale, square, kind and mirror. What coincides, and what leaving a group out changes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from googlenet.metrics.classification_studies import CropKind, CropPlace

SQUARES = ("left or top", "centre", "right or bottom")
CORNERS = ("top left corner", "top right corner", "bottom left corner", "bottom right corner")
KINDS = (*CORNERS, "centre", "whole square")


class ScalePart(NamedTuple):
    """The crops of one scale and kind, or the whole squares of all scales (None), which show the same."""

    scale_px: int | None
    kind: CropKind
    members: np.ndarray  # bool [crops]

    @property
    def name(self) -> str:
        """A name that is unique among the parts."""
        return self.kind if self.scale_px is None else f"{self.kind}, {self.scale_px} px"


def place(crop: int, scales: Sequence[int]) -> CropPlace:
    """Describe one of the 144 crops: scale (shorter side in px at an input of 224), square, kind, mirrored or not."""
    scale, square, kind = scales[crop // 36], SQUARES[crop % 36 // 12], KINDS[crop % 12 // 2]
    return CropPlace(scale_px=scale, square=square, kind=kind, mirrored=bool(crop % 2))


def groups(crops: np.ndarray, scales: Sequence[int]) -> dict[str, np.ndarray]:
    """Return every group's members among the given crops, bool [crops]; groups with none or all are left out."""
    square, kind, mirrored = crops % 36 // 12, crops % 12 // 2, crops % 2 == 1
    scale = np.array(scales)[crops // 36]
    members = {f"scale {each} px": scale == each for each in scales}
    members |= {f"{name} square": square == i for i, name in enumerate(SQUARES)}
    members |= {"corners": kind < len(CORNERS), "centre crops": kind == KINDS.index("centre")}
    members["whole squares"] = kind == KINDS.index("whole square")
    members |= {"upright": ~mirrored, "mirrored": mirrored}
    return {name: inside for name, inside in members.items() if inside.any() and not inside.all()}


def by_scale(crops: np.ndarray, scales: Sequence[int]) -> list[ScalePart]:
    """Group crops by scale and kind: for each scale the centre crops, then the corners; last the whole squares."""
    scale, kind, centre = np.array(scales)[crops // 36], crops % 12 // 2, KINDS.index("centre")
    parts = [
        part
        for each in dict.fromkeys(scales)
        for part in (
            ScalePart(each, "centre crops", (scale == each) & (kind == centre)),
            ScalePart(each, "corners", (scale == each) & (kind < centre)),
        )
    ]
    parts.append(ScalePart(None, "whole squares", kind > centre))
    return [part for part in parts if part.members.any()]


def changes_nothing(group: np.ndarray, distinct: np.ndarray) -> bool:
    """Return whether leaving out a group [crops] changes no image's mean, because its crops also occur outside it."""
    for row in np.unique(distinct, axis=0):
        sides = (~group, group)
        shares = [np.bincount(row[side], minlength=row.max() + 1) / side.sum() for side in sides]
        if not np.allclose(*shares):
            return False
    return True


def candidates(crops: np.ndarray, distinct: np.ndarray) -> np.ndarray:
    """Return, in order, one position per set of crops that coincide in every image; of squares, the centre one."""
    centre_first = np.argsort((crops % 36 // 12 != 1), kind="stable")
    _, first = np.unique(distinct[:, centre_first], axis=1, return_index=True)
    return np.sort(centre_first[first])
