"""A digest of the code that a stage runs: any real edit changes it, but comments and docstrings do not.

It covers the syntax trees of the stage's module and of every module of this package that it imports, directly or not,
and resource files next to them with the same stem (a template, a table). Modules that settings can select are included
only if selected. Docstrings, error texts, and the folders in EXEMPT are excluded.
"""

import ast
import hashlib
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from googlenet.errors import UserError

PACKAGE = Path(__file__).parents[1]
# Folders that compute no result, and the error texts. Code that can change a single bit of a result belongs elsewhere.
EXEMPT = ("googlenet.config", "googlenet.pipeline", "googlenet.tracking", "googlenet.errors")
# Modules that every job runs before its stage, though no stage imports them.
ALWAYS = ("googlenet.models.determinism",)
# Files beside a module that are not its resources: its code, and what editors, patch and git leave there.
NO_RESOURCES = (".py", ".pyc", "~", ".orig", ".rej", ".bak", ".swp", ".swo", ".tmp")
LEFT_OUT = frozenset(("ctx", "kind", "type_comment", "type_params", "type_ignores"))


@cache
def code_digest(module: str, selected: tuple[str, ...] = ()) -> str:
    """SHA-256 over the modules that a stage's `module` reaches, itself included, and those that its settings select."""
    return digest_of_modules(module_digests(module, selected))


def digest_of_modules(digests: Mapping[str, str]) -> str:
    """The digest of several modules, given those of each, by name."""
    digest = hashlib.sha256()
    for name, its in digests.items():
        digest.update(f"{name} {its}\n".encode())
    return digest.hexdigest()


def module_digests(module: str, selected: tuple[str, ...] = ()) -> dict[str, str]:
    """The digest of every module that `code_digest` covers, by name."""
    return {name: module_digest(name) for name in sorted(reached(module, *selected, *ALWAYS))}


def reached(*modules: str) -> set[str]:
    """As `imported`, without the modules that are exempt."""
    return imported(*modules, without=exempt)


def imported(*modules: str, without: Callable[[str], bool] = lambda name: False) -> set[str]:
    """Names of the given modules and of this package's modules that they import, directly or not, `without` some."""
    names: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in names and not without(name):
            names.add(name)
            waiting.extend(read(name)[1])
    return names


def exempt(module: str) -> bool:
    """Whether a module is in a folder that computes no result."""
    return f"{module}.".startswith(tuple(f"{name}." for name in EXEMPT))


def path_of(module: str) -> Path | None:
    """The file of a module of this package; None if the name is not a module."""
    top, *parts = module.split(".")
    if top != "googlenet":
        return None
    paths = (PACKAGE.joinpath(*parts, "__init__.py"), PACKAGE.joinpath(*parts).with_suffix(".py"))
    return next((path for path in paths if path.is_file()), None)


@cache
def read(module: str) -> tuple[str, tuple[str, ...]]:
    """A module's syntax tree as lines (see `flatten`), and this package's modules that it imports, with parents."""
    lines: list[str] = []
    named: list[str] = []
    flatten(tree_of(module), lines, named)
    parts = [name.split(".") for name in named if name.startswith("googlenet")]
    modules = {".".join(split[: i + 1]) for split in parts for i in range(len(split))}
    return "\n".join(lines), tuple(sorted(filter(path_of, modules)))


def file_of(module: str) -> Path:
    """As `path_of`, for a name that must be a module of this package. Raises ModuleNotFoundError."""
    if path := path_of(module):
        return path
    raise ModuleNotFoundError(f"no module {module}")


@cache
def tree_of(module: str) -> ast.Module:
    """The syntax tree of a module of this package."""
    return ast.parse(file_of(module).read_text(encoding="utf-8"), filename=str(file_of(module)))


@cache
def module_digest(module: str) -> str:
    """SHA-256 of a module's syntax tree, without the parts that cannot affect a result, and of its resource files."""
    digest = hashlib.sha256(read(module)[0].encode())
    for resource in resources_of(file_of(module)):
        digest.update(resource.name.encode() + resource.read_bytes())
    return digest.hexdigest()


def resources_of(path: Path) -> list[Path]:
    """The resource files of the module in a file: those next to it with its stem, sorted."""
    files = sorted(path.parent.glob(f"{path.stem}.*"))
    return [file for file in files if not file.name.endswith(NO_RESOURCES) and file.is_file()]


def forget() -> None:
    """Read the code again at the next call: it may have been edited since."""
    for cached in CACHED:
        cached.cache_clear()


CACHED = (code_digest, read, tree_of, module_digest)


def flatten(node: ast.AST, lines: list[str], named: list[str]) -> None:
    """Append a syntax tree to `lines`, in a form common to all Python versions, and its imports to `named`."""
    # Not ast.dump, whose newer versions omit empty lists and add fields. Also fast: Snakemake runs it at every start.
    kind = type(node)
    lines.append(kind.__name__)
    if isinstance(node, ast.Import):
        named += [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.module:
        named += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    for field in kind._fields:
        if field in LEFT_OUT:
            continue
        value = getattr(node, field, None)
        items: list[Any] = value if isinstance(value, list) else [value]
        if field == "body" and items and is_text(items[0]):
            items = items[1:]
        if field == "exc" and kind is ast.Raise and isinstance(value, ast.Call):
            items = [value.func]  # the error's text
        for item in items:
            if isinstance(item, ast.AST):
                lines.append(f"{field}:")
                flatten(item, lines, named)
            elif item is not None or items is value:  # in a list, it has the place of a default or key that is absent
                lines.append(f"{field}={item!r}")
    lines.append(".")


def is_text(node: ast.AST) -> bool:
    """Whether a statement is a bare string: a docstring, or one used as a comment."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def changed_since(moment_ns: int) -> bool:
    """Whether a file of the package was written or moved here after a moment (in ns since 1970), resource files included."""
    for _, path in below(PACKAGE):
        with suppress(FileNotFoundError):  # an editor's own file that has just gone
            if path.lstat().st_ctime_ns > moment_ns:
                return True
    return False


def below(folder: Path) -> list[tuple[str, Path]]:
    """The files below a folder, as (path relative to it, path) sorted by the former, without Python's caches."""
    paths = []
    for place, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if name != "__pycache__"]
        paths += [Path(place, name) for name in names]
    return sorted((path.relative_to(folder).as_posix(), path) for path in paths)


def check_source(folder: Path) -> None:
    """Raise UserError if a folder is in a clone of this project whose package is not the one in use."""
    clone = next((place for place in (folder, *folder.parents) if (place / "src/googlenet").is_dir()), None)
    if clone and not PACKAGE.samefile(clone / "src/googlenet"):
        raise UserError(
            f"the package googlenet in use is {PACKAGE}, not this clone's src/googlenet: its environment is another clone's;"
            " run `rm -rf .venv; make env` and `. .venv/bin/activate` here, or `export PYTHONPATH=$PWD/src`"
        )
