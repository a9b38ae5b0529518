"""Presets of selective search, a module each: `PRESET` says what is segmented and how segments are grouped.

`preset` in the settings names the module, and of this folder it alone counts in the job's code digest.
"""

from typing import NamedTuple


class Preset(NamedTuple):
    """What is segmented (`spaces`, `ks`, `min_size`; None: as k) and how segments are grouped."""

    spaces: tuple[str, ...]
    ks: tuple[int, ...]
    min_size: int | None
    groupings: tuple[tuple[str, ...], ...]


# The order inside a grouping is OpenCV's: similarities are summed in it, in single precision.
FAST = (("color", "fill", "texture", "size"), ("fill", "texture", "size"))
