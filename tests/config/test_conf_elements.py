"""Every value of the settings, at any depth, replaced by values of other kinds: rejected by its key, or read as written."""

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest

from googlenet.config.compose import SHARED
from googlenet.config.problems import validated
from googlenet.config.schema.shared import Origin, Sampling
from googlenet.errors import UserError
from googlenet.pipeline.registry import SETTINGS
from googlenet.storage.files import json_bytes
from settings import composed

KINDS = {**SHARED, **SETTINGS, "sampling.area": Sampling, "origins.bvlc": Origin}
# In no field of any section.
NEVER = (None, math.inf, -math.inf, math.nan, [None], [[1]], [math.nan], [True], {"a": 1}, b"x", [[[]]])
# In some.
SOMETIMES = (True, "x", "", [], {}, ["x"], -1, 0, 1.5, 2**70, 10**400)
FREE = "changes"  # of a row of the ablations: checked when its training is resolved


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of everything in a tree."""
    yield path
    if FREE not in path:
        for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
            yield from paths(value[key], (*path, key))


def at(tree: Any, path: tuple[str | int, ...]) -> Any:
    """The value at a path."""
    return at(tree[path[0]], path[1:]) if path else tree


def replaced(tree: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """A copy of a tree with another value at a path."""
    if not path:
        return value
    copy = tree.copy()
    copy[path[0]] = replaced(tree[path[0]], path[1:], value)
    return copy


def accepted(section: str, path: tuple[str | int, ...], value: Any) -> bool:
    """Whether a section takes a value; what it takes, a job must read as it was written."""
    settings = composed().composed
    tree = replaced(at(settings.values, tuple(section.split("."))), path, value)
    try:
        made = validated(KINDS[section], tree, section, settings.values, settings.where)
    except UserError as error:
        assert "must be" in str(error) or "unknown key" in str(error) or "lacks the key" in str(error)
        return False
    written = json_bytes(made.model_dump(mode="json", warnings=False))
    if b"${" not in written:
        assert KINDS[section].model_validate_json(json.dumps(json.loads(written))) == made
    return True


@pytest.mark.parametrize("section", KINDS)
def test_what_no_field_takes_is_rejected_everywhere(section):
    tree = at(composed().composed.values, tuple(section.split(".")))
    wrong = [(path, value) for path in paths(tree) if path[-1:] != (FREE,) for value in NEVER]
    assert [one for one in wrong if accepted(section, *one)] == []
    for path in paths(tree):
        for value in SOMETIMES:
            accepted(section, path, value)


FIXED = [
    (section, path)
    for section in KINDS
    for path in paths(at(composed().composed.values, tuple(section.split("."))))
    if path and path[-1] in ("input_mean", "area", "aspect", "scales", "crop_area", "digit_scale", "digit_px")
]


@pytest.mark.parametrize(("section", "path"), FIXED)
def test_a_list_of_so_many_numbers_has_so_many(section, path):
    values = at(composed().composed.values, (*section.split("."), *path))
    assert accepted(section, path, values)
    assert not [short for short in range(len(values)) if accepted(section, path, values[:short])]
    assert not accepted(section, path, [*values, values[-1]])
