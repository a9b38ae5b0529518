"""The classes of ILSVRC: a thousand for classification (2012 and later), two hundred for detection (2014 and later)."""

from functools import cache
from pathlib import Path

from googlenet.config.schema.dataset import Kind


@cache
def wnids(kind: Kind) -> tuple[str, ...]:
    """Return the wnids in alphabetical order, the order of Caffe's and torchvision's outputs."""
    return tuple(Path(__file__).with_suffix(f".{kind}.txt").read_text(encoding="utf-8").split())
