"""Table 1 of the paper as data: the nine Inception modules, where maps are pooled, where the auxiliary heads are.

Does not import torch, so that names in a user's configuration are checked before any job starts.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from googlenet.config.schema.base import Module
from googlenet.errors import UserError, nearest


class Widths(NamedTuple):
    """Channels of one Inception module, in Table 1's column order."""

    n1x1: int
    n3x3_reduce: int
    n3x3: int
    n5x5_reduce: int
    n5x5: int
    pool_proj: int


INCEPTION = {
    "3a": Widths(64, 96, 128, 16, 32, 32),
    "3b": Widths(128, 128, 192, 32, 96, 64),
    "4a": Widths(192, 96, 208, 16, 48, 64),
    "4b": Widths(160, 112, 224, 24, 64, 64),
    "4c": Widths(128, 128, 256, 24, 64, 64),
    "4d": Widths(112, 144, 288, 32, 64, 64),
    "4e": Widths(256, 160, 320, 32, 128, 128),
    "5a": Widths(256, 160, 320, 32, 128, 128),
    "5b": Widths(384, 192, 384, 48, 128, 128),
}
POOL_BEFORE = {"3a": "pool2", "4a": "pool3", "5a": "pool4"}
AUX_HEADS: tuple[Module, ...] = ("4a", "4d")
HIDDEN_UNITS = 1024  # of a fully connected layer before a classifier, as in the paper's auxiliary heads


def order_of_modules(repeat_modules: Iterable[str] = ()) -> dict[str, str]:
    """Return the modules from input to classifier: name -> the row of Table 1 with its widths. Each mention of a
    module in `repeat_modules` adds one more copy after it, named 4a_2, 4a_3, ..."""
    repeated, order = list(repeat_modules), {}
    for row in INCEPTION:
        order[row] = row
        order |= {f"{row}_{i + 2}": row for i in range(repeated.count(row))}
    return order


def module_above(name: str, repeat_modules: Iterable[str], key: str) -> str:
    """Return the module that takes another's output. Raises UserError, naming the key, when there is none."""
    order = list(order_of_modules(repeat_modules))
    above = dict(pairwise(order))
    if name not in above:
        raise UserError(f"{key}: no module '{name}' with a module above it{nearest(name, above)}")
    return above[name]
