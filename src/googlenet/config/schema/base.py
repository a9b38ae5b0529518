"""The base of every settings class, and the types of names that fields share."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict, field_validator
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ValidationInfo, ValidatorFunctionWrapHandler

UNRESOLVED = "unresolved"  # validation context: a value may still be a reference such as ${model}


class Settings(BaseModel):
    """Immutable settings: no unknown keys, and no value of a type other than the declared one."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)

    @field_validator("*", mode="wrap")
    @classmethod
    def _reference(cls, value: Any, check: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        """Accept references in a tree that is not resolved yet; what they refer to is checked at its own key."""
        return value if info.context == UNRESOLVED and is_reference(value) else check(value)


class StageSettings(Settings):
    """The settings of one stage's jobs: the section with the stage's name, with every reference resolved."""

    @property
    def most_processes(self) -> int:
        """The most processes that can share one job's work; any divisor of it is allowed too."""
        return 1


class BySplit(Settings):
    """One value for each split."""

    def of(self, split: str) -> Any:
        """The value of "train", "validation" or "test"."""
        return getattr(self, split)


@dataclass(frozen=True)
class Selects:
    """Marks a field whose value names a module of a package; a job's code digest counts only that module of it."""

    package: str

    def module(self, value: str) -> str:
        """The full name of the module."""
        return f"{self.package}.{value}"


def is_reference(value: Any) -> bool:
    """Whether a value is or contains a reference to another key, such as ${model}."""
    return isinstance(value, str) and "${" in value


def wrong(words: str, *path: str | int) -> PydanticCustomError:
    """The error of a validator: what is required, and the path of the value from the validated class."""
    return PydanticCustomError("settings", "{words}", {"words": words, "path": path})


def selections(settings: Settings) -> Iterator[str]:
    """The modules that these settings select, including those selected by nested settings."""
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        yield from (mark.module(value) for mark in field.metadata if isinstance(mark, Selects))
        if isinstance(value, Settings):
            yield from selections(value)


SettingsT = TypeVar("SettingsT", bound=Settings)


def replaced(settings: SettingsT, **values: Any) -> SettingsT:
    """The same settings with some values replaced, validated again."""
    return type(settings).model_validate(settings.model_dump() | values)


def _number(value: Any) -> Any:
    """Reject booleans, because Python treats true as 1, even in a choice of numbers."""
    if isinstance(value, bool):
        raise PydanticCustomError("literal_error", "a number")
    return value


ONE_OF_NUMBERS = BeforeValidator(_number)  # for use with a Literal of numbers


def _distinct(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    """Reject a list with a duplicate or empty entry."""
    if len(set(entries)) < len(entries) or "" in entries:
        raise wrong("a list of different entries, none empty")
    return entries


DISTINCT = AfterValidator(_distinct)
Texts = Annotated[tuple[str, ...], Strict(False), DISTINCT]
NAME = r"^[A-Za-z_]\w*$"
FOLDER_NAME = r"^\w[\w.-]*$"
PATTERNS: Mapping[str, str] = {
    NAME: "a name of letters, digits and _ that does not begin with a digit",
    FOLDER_NAME: "a folder's name: letters, digits, _, - and . only, a letter, digit or _ first",
}
Name = Annotated[str, Field(pattern=NAME)]
FolderName = Annotated[str, Field(pattern=FOLDER_NAME)]
Module = Literal["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"]
Modules = Annotated[tuple[Module, ...], Strict(False)]
Split = Literal["train", "validation", "test"]
NetworkName = Literal["paper", "batch_norm", "torchvision_bn"]
TRUNKS = ("paper", "batch_norm")  # networks with GoogLeNet's module names: other networks can start from them


class Named(Settings):
    """A row of a table: its name is also the name of its jobs and folders."""

    name: Name = Field(description="Letters, digits and _ only, not a digit first; names the row's jobs and folders")
