"""What a field accepts, in words: for error messages and the settings reference."""

import math
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from googlenet.config.schema.base import PATTERNS

KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", object: "any value"}
PLURALS: dict[Any, str] = {int: "whole numbers", float: "numbers", str: "texts"}
COUNTS = {1: "one", 2: "two", 3: "three", 4: "four"}


def of_type(kind: Any, marks: Iterable[Any] = ()) -> str:
    """Describe an annotated type's values: "a whole number of at least 1", "cpu or cuda", "a list of two numbers"."""
    while get_origin(kind) is Annotated:
        kind, *more = get_args(kind)
        marks = [*more, *marks]
    marks = list(_flat(marks))
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return alternatives(arguments)
    if origin is tuple:
        return _of_list(arguments, marks)
    if origin is dict or model_of(kind):
        return "keys"
    patterns = [pattern for mark in marks if (pattern := getattr(mark, "pattern", None))]
    return PATTERNS[patterns[0]] if patterns else f"{KINDS[kind]}{_bounds(marks)}"


def alternatives(values: Iterable[Any]) -> str:
    """Values as "a, b or c"."""
    *words, last = map(str, values)
    return f"{', '.join(words)} or {last}" if words else last


def bare(kind: Any) -> Any:
    """A type without its `Annotated` wrappers."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return kind


def model_of(kind: Any) -> type[BaseModel] | None:
    """The class of a key that contains keys; None for any other type."""
    kind = bare(kind)
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def literals(kind: Any) -> list[str]:
    """The values of a type that is a choice; an empty list for any other type."""
    kind = bare(kind)
    if get_origin(kind) is tuple:
        return literals(get_args(kind)[0])
    return [str(value) for value in get_args(kind)] if get_origin(kind) is Literal else []


def shown(value: Any) -> str:
    """A value roughly as YAML writes it."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, value))}]"
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else f"{'-' * (value < 0)}.inf"
    return repr(value)


def _of_list(arguments: tuple[Any, ...], marks: list[Any]) -> str:
    if arguments[-1] is not Ellipsis:
        return f"a list of {COUNTS[len(arguments)]} {PLURALS[arguments[0]]}"
    least = max((mark.min_length for mark in marks if isinstance(mark, annotated_types.MinLen)), default=0)
    each = of_type(arguments[0])
    if each == "keys":
        return f"a list of rows{f', at least {COUNTS[least]}' if least else ''}"
    entries = f" of at least {COUNTS[least]} {'entry' if least == 1 else 'entries'}, each" if least else ", each entry"
    return f"a list{entries} {each}"


def _bounds(marks: Iterable[Any]) -> str:
    low = high = ""
    for mark in marks:
        match mark:
            case annotated_types.Ge(bound):
                low = f" of at least {bound}"
            case annotated_types.Gt(bound):
                low = f" above {bound}"
            case annotated_types.Le(bound):
                high = f" at most {bound}"
            case annotated_types.Lt(bound):
                high = f" below {bound}"
    return f"{low} and{high}" if low and high else low or high.replace(" at", " of at")


def _flat(marks: Iterable[Any]) -> Iterator[Any]:
    """Flatten marks: unpack those that a Field bundles."""
    for mark in marks:
        yield from _flat(mark.metadata) if isinstance(mark, FieldInfo) else [mark]
