"""Tables of cases of one kind: the first of them belong to every tier of tests, the rest to .ci/run."""

from collections.abc import Sequence
from typing import Any

import pytest


def quick(rows: Sequence[Any], count: int) -> list[Any]:
    """The rows for `pytest.mark.parametrize`, all but the first `count` marked long: each takes a composition of its own."""
    return [
        row if i < count else pytest.param(*(row if isinstance(row, tuple) else (row,)), marks=pytest.mark.long)
        for i, row in enumerate(rows)
    ]
