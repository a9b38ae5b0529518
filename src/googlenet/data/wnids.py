"""The classes of ILSVRC: the thousand of classification (2012 and later), the two hundred of detection (2014 and later)."""

from functools import cache
from pathlib import Path

from googlenet.config.schema.dataset import Kind


@cache
def wnids(kind: Kind) -> tuple[str, ...]:
    """Return the wnids in alphabetical order, which is that of Caffe's and torchvision's outputs."""
    return tuple(Path(__file__).with_suffix(f".{kind}.txt").read_text(encoding="utf-8").split())
