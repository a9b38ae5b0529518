"""The thousand classes of ILSVRC2012, in the order of an imported network's outputs."""

from functools import cache
from pathlib import Path


@cache
def wnids() -> tuple[str, ...]:
    """Return the wnids in alphabetical order, which is that of Caffe's and torchvision's outputs."""
    return tuple(Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").split())
