"""A cache of what a start computes from conf/ and the code: if neither has changed, Hydra need not compose again.

One file, .googlenet/composed.json, for the last experiment. Only a start with the same key uses it: the SHA-256 of
every file that was read (conf/, params.yaml, the package) and of the library versions. Deleting it costs a second.
"""

import hashlib
import json
import platform
import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from googlenet.pipeline import versions
from googlenet.pipeline.code import PACKAGE, below
from googlenet.storage.files import sha256, write_bytes

FILE = Path(".googlenet/composed.json")
COMPOSERS = ("hydra-core", "omegaconf", "pydantic", "PyYAML")
OF_DVC = ("dvc.yaml", "dvc.lock", ".gitignore")  # in workflow/, with the results that DVC records of targets apart
# ${oc.env:HOME}, whose value is in no file; also with spaces, or with another interpolation in the resolver's name.
RESOLVER = re.compile(rb"\$\{(?:[^{}]|\{[^{}]*\})*:")


@dataclass(frozen=True)
class Kept:
    """An experiment's entry. values: its composed settings; files: SHA-256 of each job's file, by relative path."""

    experiment: str
    values: dict[str, Any]
    ablation_sources: dict[str, tuple[str, str]]
    files: dict[str, str]

    def lies_in(self, root: Path) -> bool:
        """Whether exactly the jobs' files that were written exist, unchanged."""
        folders = {Path(path).parents[1] for path in self.files if not path.startswith("data/")}
        there = {str(path.relative_to(root)) for folder in folders for path in (root / folder).glob("*/*.json")}
        return there <= self.files.keys() and all(
            (root / path).is_file() and sha256(root / path) == digest for path, digest in self.files.items()
        )


def key_of(root: Path, name: str) -> str:
    """SHA-256 of all that an experiment ("": params.yaml's) is composed of; "" if that is more than readable files."""
    digest = hashlib.sha256(json.dumps([name, platform.python_version(), versions.installed()]).encode())
    digest.update(json.dumps([metadata.version(composer) for composer in COMPOSERS]).encode())
    settings = settings_files(root)
    for name, path in (*settings, *below(PACKAGE)):
        try:
            content = path.read_bytes()
        except OSError:  # composing reports it
            return ""
        if (name, path) in settings and RESOLVER.search(content):
            return ""
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def settings_files(root: Path) -> list[tuple[str, Path]]:
    """The files that an experiment is composed from: params.yaml, and those of conf/ by their paths below it."""
    return [("params.yaml", root / "params.yaml"), *below(root / "conf")]


def sources(root: Path) -> str:
    """SHA-256 of all files that decide what a run does (settings, code, rules), to tell whether one was edited."""
    digest = hashlib.sha256()
    rules = [each for each in below(root / "workflow") if each[1].name not in OF_DVC]
    for _, path in (*settings_files(root), *below(PACKAGE), *rules):
        content = ""
        with suppress(FileNotFoundError):  # an editor's own file that has just gone, or its link to nowhere
            content = sha256(path) if path.is_file() else ""
        digest.update(f"{path} {content}\n".encode())
    return digest.hexdigest()


def load(root: Path, key: str) -> Kept | None:
    """The entry with this key; None if there is none, or the file is damaged."""
    try:
        content = json.loads((root / FILE).read_bytes())
        if not key or content.pop("key") != key:
            return None
        sources = {name: (stage, job) for name, (stage, job) in content["ablation_sources"].items()}
        return Kept(**content | {"ablation_sources": sources})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def save(root: Path, key: str, kept: Kept) -> None:
    """Save an entry for the next start with this key."""
    write_bytes(root / FILE, json.dumps({"key": key, **asdict(kept)}).encode())
