"""Which file of conf/ gives a key: the one that an error of its value has to name."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from googlenet.errors import UserError
from googlenet.files import load_yaml

# Names of data sets and experiments are those of folders.
NAME = re.compile(r"\w[\w.-]*")
NAME_WORDS = "a folder's name: letters, digits, _, - and . alone, a letter, digit or _ first"


class Layer(NamedTuple):
    """A file, and what it gives of the whole tree. Each lies over those before it."""

    file: str
    content: dict


def default_layers(schema: dict, files: dict[str, str]) -> list[Layer]:
    """The layers of every key's default. files: the file of every section; of other keys it is conf/config.yaml."""
    own = [Layer(file, {section: schema[section]}) for section, file in files.items()]
    return [Layer("conf/config.yaml", schema), *own]


def own_layers(conf: Path, choices: dict[str, str], experiment: str, overrides: dict) -> list[Layer]:
    """The layers over the defaults: the chosen file of every group, the experiment's, params.yaml."""
    found = [layer for group, choice in choices.items() for layer in group_layers(conf, group, choice)]
    file = f"experiment/{experiment}.yaml"
    return [*found, Layer(f"conf/{file}", load_yaml(conf / file)), Layer("params.yaml", overrides)]


def group_layers(conf: Path, group: str, choice: str) -> list[Layer]:
    """The layers of a group's chosen file: those that it names first, then itself."""
    content = load_yaml(conf / group / f"{choice}.yaml")
    below = [entry for entry in content.get("defaults", []) if isinstance(entry, str) and entry != "_self_"]
    found = [layer for entry in below for layer in group_layers(conf, group, entry)]
    return [*found, Layer(f"conf/{group}/{choice}.yaml", {group: content})]


def file_of(key: str, layers: Sequence[Layer]) -> str:
    """The uppermost file that gives a key; the section's own where none does."""
    for layer in reversed(layers):
        value: Any = layer.content
        for part in key.split("."):
            if not isinstance(value, dict) or part not in value:
                break
            value = value[part]
        else:
            return layer.file
    return f"conf/{key.split('.')[0]}.yaml"


def check_references(tree: Any, layers: Sequence[Layer]) -> None:
    """Raise UserError, naming file and key, for a reference to what does not exist. tree: the composed one."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    for layer in layers:
        for key in references(layer.content):
            try:
                OmegaConf.select(tree, key)
            except OmegaConfBaseException as error:
                said = str(error).splitlines()[0]
                raise UserError(f"{layer.file}: '{key}': {said}; refer to a key that exists") from None


def references(content: Any, prefix: str = "") -> Iterator[str]:
    """The keys of a tree whose value refers to another key."""
    for key, value in content.items():
        if isinstance(value, dict):
            yield from references(value, f"{prefix}{key}.")
        elif isinstance(value, str) and "${" in value:
            yield f"{prefix}{key}"
