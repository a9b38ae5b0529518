"""Errors in settings, one line each: the file that set the value, the key, what it must be, the closest valid name."""

import re
from collections.abc import Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from googlenet.config.schema import words
from googlenet.config.schema.base import UNRESOLVED, SettingsT, is_reference
from googlenet.config.schema.words import shown
from googlenet.config.sources import Where, quotes
from googlenet.errors import UserError, nearest

Path = tuple[int | str, ...]
UNKNOWN = ("extra_forbidden", "invalid_key")
REFERENCE = re.compile(r"\$\{([\w.]+)\}")


def validated(kind: type[SettingsT], value: Any, key: str, tree: Mapping[str, Any], where: Where) -> SettingsT:
    """Validate `value`, at `key` of a tree that may contain references. Raises UserError for the first error."""
    try:
        return kind.model_validate(value, context=UNRESOLVED)
    except ValidationError as error:
        raise problem(kind, error, tuple(key.split(".")) if key else (), tree, where) from None


def problem(
    kind: type[BaseModel], error: ValidationError, at: Path, tree: Mapping[str, Any], where: Where
) -> UserError:
    """The most useful of the errors, as one line. at: path in the tree of the validated value."""
    errors = error.errors(include_url=False)
    # An unknown key is reported before the missing key that it was probably meant to be.
    first = next((error for error in errors if error["type"] in UNKNOWN), errors[0])
    below, value, error_type = tuple(first["loc"]), first["input"], first["type"]
    if error_type == "missing" and isinstance(below[-1], int):  # an entry of a list that is too short
        below, error_type = below[:-1], "too_short"
    key = dotted((*at, *below), tree)
    if error_type in UNKNOWN:
        model = words.model_of(type_at(kind, below[:-1])[0])
        near = nearest(str(below[-1]), model.model_fields if model else ())
        return UserError(f"{where(key)}: unknown key '{key}'{near}")
    if error_type == "missing":
        # A row of a list is complete by itself; other keys get their defaults from lower layers.
        file = where(key) if any(isinstance(step, int) for step in below) else where.lowest(key)
        return UserError(f"{file}: lacks the key '{key}'; add it")
    if error_type == "settings":
        path = first["ctx"]["path"]
        key = dotted((*at, *below, *path), tree)
        return UserError(f"{where(key)}: '{key}' must be {first['ctx']['words']}, not {shown(value_at(value, path))}")
    kinds, marks = type_at(kind, below)
    must, remedy = words.of_type(kinds, marks), ""
    if error_type == "finite_number":
        must = must.replace("a number", "a finite number")
    if error_type == "string_type":
        remedy = quotes(value)
    if error_type == "literal_error" and isinstance(value, str) and len(choices := words.literals(kinds)) > 3:
        near = nearest(value, choices)
        remedy = near if "did you mean" in near else ""
    path = (*at, *below)
    named = (*path[:-2], value)  # an origin's name was given as a format
    if (
        error_type == "literal_error"
        and isinstance(value, str)
        and (theirs := value_at(tree, (*named, path[-1]))) is not None
    ):
        remedy = f", which is the name of '{dotted(named, tree)}', whose {path[-1]} is {shown(theirs)}"
    return UserError(f"{where(key)}: '{key}' must be {must}, not {shown(value)}{remedy}")


def dotted(path: Path, tree: Mapping[str, Any]) -> str:
    """A path as a dotted key where the value was set: follows references, and names the rows of a table."""
    followed: list[str] = []
    value: Any = tree
    for step in path:
        if isinstance(value, list) and isinstance(step, int):
            value = value_at(value, (step,))
            name = value_at(value, ("name",))
            if isinstance(name, str) and name:
                followed.append(name)
            elif followed:
                followed[-1] += f"[{step}]"
            continue
        if is_reference(value) and (simple := REFERENCE.fullmatch(value)):
            followed = simple[1].split(".")
            value = value_at(tree, tuple(followed))
        followed.append(str(step))
        value = value_at(value, (step,))
    return ".".join(followed)


def value_at(tree: Any, path: Path) -> Any:
    """The value at a path of a tree; None if the path does not exist."""
    for step in path:
        if isinstance(tree, list | tuple) and isinstance(step, int):
            tree = tree[step] if step < len(tree) else None
        else:
            tree = tree.get(step) if isinstance(tree, Mapping) else None
    return tree


def type_at(kind: Any, path: Path) -> tuple[Any, list[Any]]:
    """The type of a value inside a settings class, and its constraints."""
    marks: list[Any] = []
    for step in path:
        kind = words.bare(kind)
        if model := words.model_of(kind):
            field = model.model_fields[str(step)]
            kind, marks = field.annotation, list(field.metadata)
        else:
            inner = get_args(kind)
            kind, marks = (inner[1] if get_origin(kind) is dict else inner[0]), []
    return kind, marks
