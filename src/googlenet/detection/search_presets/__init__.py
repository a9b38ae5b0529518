"""Presets of selective search, one per module: `PRESET` defines what is segmented and how segments are grouped.

`preset` in the settings names the module; of this folder only that one enters the job's code digest.
"""

from typing import NamedTuple


class Preset(NamedTuple):
    """What is segmented (`spaces`, `ks`, `min_size`; None: equal to k) and how segments are grouped."""

    spaces: tuple[str, ...]
    ks: tuple[int, ...]
    min_size: int | None
    groupings: tuple[tuple[str, ...], ...]


# The order within a grouping is OpenCV's: similarities are summed in that order, in single precision.
FAST = (("color", "fill", "texture", "size"), ("fill", "texture", "size"))
