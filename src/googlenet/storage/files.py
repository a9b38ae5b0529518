"""Files that are complete or absent: each write goes to a temporary file next to the target, renamed at the end."""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from googlenet.errors import UserError
from googlenet.storage import faults


@contextmanager
def atomic(path: Path | str, point: str = "write", durable: bool = False) -> Iterator[Path]:
    """Yield a temporary path next to `path`; rename it to `path` if the block succeeds. point: as in faults.py. durable:
    what has the name is whole even after a loss of power.

    Raises UserError as check_target does."""
    check_target(path)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        faults.reached(point)
        if durable:
            flush(part)
        os.replace(part, path)
        if durable:
            with suppress(OSError):  # some network file systems flush no folder
                flush(path.parent)
    except OSError as error:
        if error.filename is None:  # for example, a full disk
            error.filename = str(path)
        raise
    finally:
        part.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Wait until a file's content, or a folder's entries, are on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def remove_parts(folder: Path, name: str = "*") -> None:
    """Remove temporary files, of targets with this name, that killed processes left below a folder."""
    for part in folder.rglob(f".{name}.*.part"):
        part.unlink(missing_ok=True)


def write_bytes(path: Path | str, content: bytes, durable: bool = False) -> None:
    """Write `content` to `path` atomically. durable: as in `atomic`."""
    with atomic(path, durable=durable) as part:
        part.write_bytes(content)


def check_target(path: Path | str) -> None:
    """Raise UserError if something else than a file is at `path`: a folder, or a pipe or device, which it would replace."""
    if os.path.isdir(path):
        raise UserError(f"{path}: is a folder; name a file")
    if os.path.exists(path) and not os.path.isfile(path):
        raise UserError(f"{path}: is not a regular file; name one")


def json_bytes(value: Any) -> bytes:
    """The format of all our JSON files: sorted keys, one-space indent, no NaN, a final newline."""
    return (json.dumps(value, sort_keys=True, indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode()


def write_json(path: Path | str, value: Any) -> None:
    """Write `value` as JSON whose bytes depend only on the value."""
    write_bytes(path, json_bytes(value))


def read_json(path: Path | str) -> Any:
    """Read a JSON file. Raises UserError, naming the file, if it is missing, unreadable or not JSON."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: not found; run the stage that writes it") from None
    except (ValueError, RecursionError) as error:  # also bytes that are not UTF-8
        raise UserError(f"{path}: not JSON ({error}); delete it and run its stage again") from None
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"{path}: cannot be read ({reason}); make it a readable file, or run its stage again") from None


class _Strict(yaml.CSafeLoader):  # type: ignore[misc]  # PyYAML has no types; libyaml is ten times as fast
    """YAML in which a repeated key (PyYAML would drop one) and a zero byte (invalid in paths) are errors."""

    def construct_scalar(self, node: yaml.ScalarNode) -> Any:
        value = super().construct_scalar(node)
        if isinstance(value, str) and "\0" in value:
            raise UserError(f"line {node.start_mark.line + 1}: text cannot hold '\\x00'; write the character itself")
        return value

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


class _WithoutDates(_Strict):
    """YAML for a file that DVC reads too, and in which it fails on anything that looks like a date."""

    def construct_date(self, node: yaml.ScalarNode) -> Any:
        raise UserError(f"line {node.start_mark.line + 1}: {node.value} is a date to DVC; put it in quotes")


_DATE = "tag:yaml.org,2002:timestamp"
_WithoutDates.add_implicit_resolver(
    _DATE, dict(yaml.SafeLoader.yaml_implicit_resolvers["2"])[_DATE], list("0123456789")
)
_WithoutDates.add_constructor(_DATE, _WithoutDates.construct_date)


def _assert_shallow(text: str) -> None:
    """Raise UserError for YAML nested more than a hundred deep: libyaml's recursion would crash at some depth."""
    depth = 0
    for event in yaml.parse(text, _Strict):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > 100:
            raise UserError(f"line {event.start_mark.line + 1}: nested more than a hundred deep; correct that line")


def load_yaml(path: Path, dates: bool = True) -> dict[str, Any]:
    """Read a YAML mapping. dates: accepted, as text. Raises UserError, naming file and line, also for a double key."""
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        _assert_shallow(text)
        value = yaml.load(text, _Strict if dates else _WithoutDates)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    except FileNotFoundError:
        raise UserError(f"{path}: not found; bring it back from git, or write it") from None
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or str(error)
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        remedy = "use spaces, not tabs" if mark and text[mark.index : mark.index + 1] == "\t" else "correct that line"
        raise UserError(f"{path}: line {line} is not YAML ({problem}); {remedy}") from None
    except (ValueError, OSError, RecursionError) as error:  # a date with month 13, bytes that are not UTF-8
        raise UserError(f"{path}: cannot be read as YAML ({error}); correct the file") from None
    if value is not None and not isinstance(value, dict):
        raise UserError(f"{path}: holds no keys; write 'key: value' lines")
    return value or {}


def sha256(path: Path | str) -> str:
    """The hexadecimal SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def locked(path: Path, wait_s: float, busy: UserError) -> Iterator[None]:
    """Hold a lock file, released if the process dies; raise `busy` if another process holds it longer than `wait_s`.

    Raises UserError if the file cannot be created. A negative `wait_s` waits forever."""
    from filelock import FileLock, Timeout  # imported late: not needed at every start of Snakemake

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path).acquire(wait_s)
    except Timeout:
        raise busy from None
    except OSError as error:
        raise UserError(
            f"{path}: cannot be made ({error.strerror}); make its folder writable, or free some space"
        ) from None
    with lock:  # releases it at the end
        yield
