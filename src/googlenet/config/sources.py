"""Find the file of conf/ that sets a key, so that errors can name the file."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from googlenet.config.schema.base import FOLDER_NAME, PATTERNS, is_reference
from googlenet.config.schema.words import shown
from googlenet.errors import UserError, nearest
from googlenet.storage.files import load_yaml

# Data sets and experiments are named like folders.
NAME, NAME_WORDS = re.compile(FOLDER_NAME), PATTERNS[FOLDER_NAME]
FULL = {"dataset": "full", "model": "paper", "ensemble": "paper"}  # the file of each group that sets every key
# The section that each group sets. A recipe sets part of a section with a file of its own; choosing one is optional.
GROUPS = {group: group for group in FULL} | {"recipe": "train_classifier"}


class Layer(NamedTuple):
    """A file, and the part of the tree that it sets. Each layer overrides those before it."""

    file: str
    content: Mapping[str, Any]


def quotes(value: Any) -> str:
    """The remedy when text is required but YAML read another type."""
    return "; put text that YAML reads as a number or a boolean in quotes" if isinstance(value, int | float) else ""


class Where:
    """Finds the file that sets a key, among layers that override each other."""

    def __init__(self, layers: Sequence[Layer]):
        self.layers = layers

    def __call__(self, key: str) -> str:
        """The topmost file that sets a key or, if none does, its closest parent key."""
        return next((layer.file for layer in reversed(self._giving(key))), default_file(key))

    def lowest(self, key: str) -> str:
        """The lowest file that sets a key, which is where its default is."""
        return next((layer.file for layer in self._giving(key)), default_file(key))

    def _giving(self, key: str) -> list[Layer]:
        parts = key.partition("[")[0].split(".")
        while parts and not (giving := [layer for layer in self.layers if gives(layer.content, parts)]):
            parts.pop()
        return giving if parts else []


def gives(content: Any, path: Sequence[str]) -> bool:
    """Whether a tree contains a key."""
    return not path or (isinstance(content, Mapping) and path[0] in content and gives(content[path[0]], path[1:]))


def yaml_files(folder: Path) -> list[Path]:
    """The YAML files in a folder, sorted, without hidden ones, which editors put next to the files they have open."""
    return sorted(path for path in folder.glob("*.yaml") if not path.name.startswith("."))


def default_layers(conf: Path, groups: Sequence[Layer]) -> list[Layer]:
    """The layers with the default of every key: conf/config.yaml, the files next to it, and each group's full file."""
    top = [path for path in yaml_files(conf) if path.name != "config.yaml"]
    beside = [Layer(f"conf/{path.name}", {path.stem: load_yaml(path)}) for path in top]
    full = [layer for layer in groups if layer.file in map(default_file, FULL)]
    return [Layer("conf/config.yaml", load_yaml(conf / "config.yaml")), *beside, *full]


def every_group_layer(conf: Path) -> list[Layer]:
    """The layers of all files in all groups, chosen or not."""
    paths = [(group, path) for group in GROUPS for path in yaml_files(conf / group)]
    return [Layer(f"conf/{group}/{path.name}", {GROUPS[group]: load_yaml(path)}) for group, path in paths]


def chosen_layers(groups: Sequence[Layer], group: str, choice: Any, by: str) -> list[Layer]:
    """The layers of a group's chosen file, if any: those in its `defaults` list first, then the file itself.

    by: the file that chooses it. Raises UserError for a choice in a form that Hydra reads, but `conf/` does not use."""
    if choice == "None":
        return []
    file = f"conf/{group}/{choice}.yaml"
    chosen = next((layer for layer in groups if layer.file == file), None)
    if chosen is None:
        raise UserError(f"{by}: 'defaults' names {shown(choice)}; name a file directly in conf/{group}, without .yaml")
    below = [entry for entry in chosen.content[GROUPS[group]].get("defaults", []) if entry != "_self_"]
    return [*(layer for entry in below for layer in chosen_layers(groups, group, entry, file)), chosen]


def choosing(layers: Sequence[Layer], wanted: str) -> str:
    """The topmost file whose `defaults` list names a file, such as dataset/digits."""
    group, _, name = wanted.partition("/") if "/" in wanted else ("", "", wanted)
    for layer in reversed(layers):
        for content in (
            layer.content,
            layer.content.get(GROUPS.get(group, group)),
        ):  # a file of the same group can name it too
            entries = content.get("defaults", []) if isinstance(content, dict) else []
            chosen = [file for entry in entries for file in (entry.values() if isinstance(entry, dict) else [entry])]
            if name in chosen:
                return str(layer.file)
    return "conf/config.yaml"


def default_file(key: str) -> str:
    """The file of conf/ that holds a key's default."""
    section = key.split(".")[0]
    return f"conf/{section}/{FULL[section]}.yaml" if section in FULL else f"conf/{section}.yaml"


def check_heads(conf: Path, experiment: str) -> None:
    """Raise UserError for a file whose first line does not tell Hydra the section that its keys belong to."""
    files = {path: path.stem for path in yaml_files(conf) if path.name != "config.yaml"}
    parts = {
        path: section for group, section in GROUPS.items() if group != section for path in yaml_files(conf / group)
    }
    for path, package in (files | parts | {conf / "experiment" / f"{experiment}.yaml": "_global_"}).items():
        first = f"# @package {package}"
        if path.read_text(encoding="utf-8").splitlines()[:1] != [first]:
            raise UserError(f"conf/{path.relative_to(conf)}: the first line must be '{first}'; add it")


def lay_over(shape: dict[str, Any], content: Mapping[Any, Any], file: str, prefix: str) -> None:
    """Merge a tree into another one. Raises UserError, naming file and key, for another shape or a non-text key."""
    for key, value in content.items():
        if not isinstance(key, str):
            name = f"{prefix}{shown(key)}"
            raise UserError(f"{file}: the key '{name}' must be text, not {shown(key)}{quotes(key)}")
        if "." in key:
            nested = ": {".join(key.split(".")) + ": ..." + "}" * key.count(".")
            raise UserError(f"{file}: the key '{prefix}{key}' has a dot; nest the keys, as in {nested}")
        name, before = f"{prefix}{key}", shape.get(key)
        if key == "defaults":
            check_choices(value, file)
        elif is_reference(value):
            continue
        elif isinstance(before, dict) and not isinstance(value, dict):
            raise UserError(f"{file}: '{name}' must be keys, not {shown(value)}")
        elif isinstance(before, list) and isinstance(value, dict):
            raise UserError(f"{file}: '{name}' must be a list, not {shown(value)}")
        elif isinstance(value, dict):
            shape[key] = before if isinstance(before, dict) else {}
            lay_over(shape[key], value, file, f"{name}.")
        else:
            shape[key] = value
            for number, row in enumerate(value if isinstance(value, list) else []):
                if isinstance(row, dict):
                    lay_over({}, row, file, f"{name}[{number}].")


def check_choices(defaults: Any, file: str) -> None:
    """Raise UserError for a `defaults` list that Hydra cannot read."""
    if not isinstance(defaults, list):
        raise UserError(f"{file}: 'defaults' must be a list of files, not {shown(defaults)}")
    for entry in defaults:
        for group, name in entry.items() if isinstance(entry, dict) else [("", entry)]:
            _, override, group = str(group).rpartition("override /")
            if not isinstance(name, str) and (name is not None or group in FULL or group not in GROUPS):
                raise UserError(f"{file}: 'defaults' must name files, not {shown(name)}{quotes(name)}")
            if override and group not in GROUPS:
                raise UserError(f"{file}: 'defaults' overrides no group '{group}'{nearest(group, GROUPS)}")


def check_syntax(layers: Sequence[Layer]) -> None:
    """Raise UserError, naming file and key, for a reference that cannot be read, such as one that is not closed."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    for layer in layers:
        for key, value in references(layer.content):
            try:
                OmegaConf.create([value])
            except OmegaConfBaseException as error:
                reason = f"{str(error).splitlines()[0]}; close the reference with }}, or write \\${{ for the characters"
                raise UserError(f"{layer.file}: '{key}': {reason}") from None


def check_references(tree: Any, layers: Sequence[Layer], stages: Collection[str], variables: Sequence[str]) -> None:
    """Raise UserError, naming file and key, for a reference in the composed tree to a key that does not exist.

    variables: filled in by each job; allowed only in the sections of stages and in an ablation's changes.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    for layer in reversed(layers):  # references point to lower layers
        for key, value in references(layer.content):
            if not of_job(value, variables):
                try:
                    OmegaConf.select(tree, key)
                except OmegaConfBaseException as error:
                    reason = f"{str(error).splitlines()[0]}; refer to a key that exists"
                    raise UserError(f"{layer.file}: '{key}': {reason}") from None
            elif key.split(".")[0] not in stages and not key.startswith("ablations.rows["):
                raise UserError(f"{layer.file}: '{key}': only a stage's section can refer to {value}; give a value")


def of_job(reference: str, variables: Sequence[str]) -> bool:
    """Whether a reference is to a variable that each job fills in."""
    return any(f"${{{name}}}" in reference or f"${{{name}." in reference for name in variables)


def references(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield (key, value) for every value of a tree that refers to another key."""
    if is_reference(value):
        yield key, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from references(inner, f"{key}.{name}" if key else name)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from references(inner, f"{key}[{number}]")
