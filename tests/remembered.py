"""What tests of configurations ask for again and again, remembered by content: parsed YAML, and what Hydra composes.

A composition takes 0.4 s, most of it Hydra's; hundreds of tests compose a conf/ of which one file, or none, is edited.
"""

import copy
import pickle
from pathlib import Path
from typing import IO, Any

import hydra
import pytest
import yaml
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra


def remember(patch: pytest.MonkeyPatch) -> None:
    """Let yaml.load and hydra.compose give copies of what they gave for the same content before; errors are raised again."""
    parse, compose = yaml.load, hydra.compose
    parsed: dict[tuple, bytes] = {}
    trees: dict[tuple, Any] = {}

    def load(stream: str | bytes | IO, Loader: type) -> Any:
        text = stream if isinstance(stream, str | bytes) else stream.read()
        key = (text, Loader.__module__, Loader.__qualname__)
        if key not in parsed:
            if not isinstance(stream, str | bytes):
                stream.seek(0)
            parsed[key] = pickle.dumps(parse(stream, Loader))
        return pickle.loads(parsed[key])

    def composed(name: str, overrides: list[str], return_hydra_config: bool) -> Any:
        stages = str(ConfigStore.instance().load("stages.yaml").node)
        key = (name, *overrides, stages, *contents(initialized_folder()))
        if key not in trees:
            trees[key] = compose(name, overrides=overrides, return_hydra_config=return_hydra_config)
        return copy.deepcopy(trees[key])

    patch.setattr(yaml, "load", load)
    patch.setattr(hydra, "compose", composed)


def initialized_folder() -> Path:
    """The folder that Hydra is composing from."""
    places = GlobalHydra.instance().config_loader().get_search_path().get_path()
    (path,) = [place.path for place in places if place.provider == "main"]
    return Path(path.removeprefix("file://"))


def contents(conf: Path) -> list[tuple[str, bytes]]:
    """Every file of conf/ by its name."""
    return [(str(path.relative_to(conf)), path.read_bytes()) for path in sorted(conf.rglob("*.yaml")) if path.is_file()]
