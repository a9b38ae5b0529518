"""Files that are either whole or not there: every write goes to a neighbour and is renamed at its end."""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from googlenet.errors import UserError
from googlenet.storage import faults


@contextmanager
def atomic(path: Path | str, point: str = "write") -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` when the block ends without an error. point: of faults.py."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        faults.reached(point)
        os.replace(part, path)
    except OSError as error:
        if error.filename is None:  # as that of a full disk
            error.filename = str(path)
        raise
    finally:
        part.unlink(missing_ok=True)


def remove_parts(folder: Path, name: str = "*") -> None:
    """Remove what killed processes left half written below a folder, of the files of that name."""
    for part in folder.rglob(f".{name}.*.part"):
        part.unlink(missing_ok=True)


def write_bytes(path: Path | str, content: bytes) -> None:
    """Write `content` to `path` at once."""
    with atomic(path) as part:
        part.write_bytes(content)


def json_bytes(value: Any) -> bytes:
    """The one form of our JSON files: sorted keys, one-space indent, no NaN, a final newline."""
    return (json.dumps(value, sort_keys=True, indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode()


def write_json(path: Path | str, value: Any) -> None:
    """Write `value` as JSON whose bytes depend on the value alone."""
    write_bytes(path, json_bytes(value))


def read_json(path: Path | str) -> Any:
    """Read a JSON file. Raises UserError, naming the file, when it is absent or not JSON."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: not found; run the stage that writes it") from None
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: not JSON ({error}); delete it and run its stage again") from None


class _Strict(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """YAML without a key given twice, of which the former would be lost in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        first: dict[tuple[str, str], int] = {}
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            line, known = key.start_mark.line + 1, first.get((key.tag, key.value))
            if known:
                reason = f"the key '{key.value}' is given twice, first in line {known}"
                raise UserError(f"line {line}: {reason}; keep one of them")
            first[key.tag, key.value] = line
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


# As Hydra reads conf/: 1e-3 is a number, and a date is text.
_Strict.yaml_implicit_resolvers = {
    letter: [row for row in rows if row[0] != "tag:yaml.org,2002:timestamp"]
    for letter, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Strict.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$"), list("-+.0123456789")
)


def load_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping. Raises UserError naming file and line, also for a key that is given twice."""
    try:
        value = yaml.load(path.read_text(encoding="utf-8"), _Strict)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    except FileNotFoundError:
        raise UserError(f"{path}: not found; bring it back from git, or write it") from None
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or str(error)
        line = error.problem_mark.line + 1 if getattr(error, "problem_mark", None) else 1
        mend = "use spaces, not tabs" if "'\\t'" in problem else "mend that line"  # as PyYAML writes a tab
        raise UserError(f"{path}: line {line} is not YAML ({problem}); {mend}") from None
    except (ValueError, OSError, RecursionError) as error:  # a date of month 13, bytes that are no UTF-8
        raise UserError(f"{path}: cannot be read as YAML ({error}); mend the file") from None
    if value is not None and not isinstance(value, dict):
        raise UserError(f"{path}: holds no keys; write 'key: value' lines")
    return value or {}


def sha256(path: Path | str) -> str:
    """The hexadecimal SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def locked(path: Path, wait_s: float, busy: UserError) -> Iterator[None]:
    """Hold a lock file, which goes with the process; raise `busy` when another process holds it for longer than `wait_s`."""
    from filelock import FileLock, Timeout  # not at every start of Snakemake

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(path).acquire(wait_s)
    except Timeout:
        raise busy from None
    with lock:  # which releases it
        yield
