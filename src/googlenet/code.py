"""A digest of the code that a stage runs: a real edit changes it, a comment or a docstring does not.

The digest covers the syntax trees of the stage's module and of every module of ours that it reaches by imports,
with resource files beside them of the same stem (a template, a table). Left out are docstrings, the texts of
errors, and the modules in PLUMBING, which cannot change a result.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent
PLUMBING = frozenset(
    f"googlenet.{name}" for name in ("code", "config", "config_checks", "errors", "files", "job", "tracking")
)


def code_digest(module: str) -> str:
    """SHA-256 over the modules that `module` reaches, itself included."""
    digest = hashlib.sha256()
    for name in sorted(reached(module)):
        digest.update(f"{name} {module_digest(name)}\n".encode())
    return digest.hexdigest()


def reached(module: str) -> set[str]:
    """Names of our modules that `module` imports, directly or not, but for PLUMBING."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found and name not in PLUMBING:
            found.add(name)
            waiting.extend(imports(name))
    return found


def path_of(module: str) -> Path | None:
    """The file of one of our modules; None when the name is not a module."""
    parts = module.split(".")[1:]
    for path in (PACKAGE.joinpath(*parts, "__init__.py"), PACKAGE.joinpath(*parts).with_suffix(".py")):
        if module.split(".")[0] == "googlenet" and path.is_file():
            return path
    return None


@cache
def imports(module: str) -> tuple[str, ...]:
    """Our modules that a module's syntax tree imports, anywhere in it, with the packages that hold them."""
    found = set()
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            parts = name.split(".")
            found.update(".".join(parts[: i + 1]) for i in range(len(parts)))
    return tuple(sorted(name for name in found if path_of(name)))


@cache
def tree_of(module: str) -> ast.Module:
    """The syntax tree of one of our modules."""
    path = path_of(module)
    if path is None:
        raise ModuleNotFoundError(f"no module {module}")
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@cache
def module_digest(module: str) -> str:
    """SHA-256 of a module's syntax tree, without what cannot change a result, and of its resource files."""
    digest = hashlib.sha256("\n".join(flat(tree_of(module))).encode())
    path = path_of(module)
    for resource in sorted(path.parent.glob(f"{path.stem}.*")):
        if resource.suffix not in (".py", ".pyc"):
            digest.update(resource.name.encode() + resource.read_bytes())
    return digest.hexdigest()


def flat(node: ast.AST) -> Iterator[str]:
    """A syntax tree as lines that are the same under every Python version that parses it.

    (ast.dump is not: newer versions leave out empty lists and add fields.)
    """
    yield type(node).__name__
    for field, value in ast.iter_fields(node):
        if field in ("ctx", "kind", "type_comment", "type_params", "type_ignores"):
            continue
        items = value if isinstance(value, list) else [value]
        if field == "body" and items and is_text(items[0]):
            items = items[1:]
        if isinstance(node, ast.Raise) and field == "exc" and isinstance(value, ast.Call):
            items = [value.func]  # an error's text
        for item in items:
            if isinstance(item, ast.AST):
                yield f"{field}:"
                yield from flat(item)
            elif item is not None:
                yield f"{field}={item!r}"
    yield "."


def is_text(node: ast.AST) -> bool:
    """Whether a statement is a bare string: a docstring, or one used as a comment."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
