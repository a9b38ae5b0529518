"""The thousand classes of ILSVRC2012, as the order of an imported network's outputs."""

from functools import cache
from pathlib import Path


@cache
def wnids() -> tuple[str, ...]:
    """The wnids in the order of the alphabet, which is that of Caffe's and torchvision's outputs."""
    return tuple(Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").split())
