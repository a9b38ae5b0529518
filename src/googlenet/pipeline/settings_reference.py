"""docs/configuration.md, written from the schema: every key, what it takes, its default in conf/, what it is for.

usage: python -m googlenet.pipeline.settings_reference write|check
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import yaml
from pydantic import BaseModel

from googlenet.config import former_keys, sources
from googlenet.config.compose import JOB_VARIABLES
from googlenet.config.schema import words
from googlenet.config.schema.classification import AblationRow, Ablations
from googlenet.config.schema.dataset import Dataset
from googlenet.config.schema.shared import (
    Compute,
    Detector,
    Enabled,
    Execution,
    MemberRow,
    Model,
    Origin,
    Sampling,
)
from googlenet.pipeline.registry import SETTINGS
from googlenet.storage.files import load_yaml

FILE = Path("docs/configuration.md")
HEAD = """\
# Settings

Written from the schema (`src/googlenet/config/schema`) and the defaults of `conf/` by `make docs/configuration.md`; `make check` fails
when it is stale. Do not edit.

`params.yaml` chooses the experiment and may override any key; an experiment file (`conf/experiment/`) chooses the data set, the
model and the ensemble, and overrides keys; what neither gives has the default below. A default in `${...}` is that of the key
it names; VARIABLES are filled in for each job.
An unknown key, and a value of another kind, is an error before the first job.
"""
TABLE = "| key | takes | default | what it is |\n| --- | --- | --- | --- |\n"
SHARED: tuple[tuple[str, type[BaseModel], str], ...] = (
    ("compute", Compute, "conf/compute.yaml"),
    ("execution", Execution, "conf/execution.yaml"),
    ("detection", Enabled, "conf/config.yaml"),
    ("dataset", Dataset, "conf/dataset/full.yaml"),
    ("model", Model, "conf/model/paper.yaml"),
    ("ensemble.members", MemberRow, "conf/ensemble/paper.yaml"),
    ("ensemble.detectors", Detector, "conf/ensemble/paper.yaml"),
    ("sampling.<name>", Sampling, "conf/sampling.yaml"),
    ("origins.<name>", Origin, "conf/origins.yaml"),
    ("ablations", Ablations, "conf/ablations.yaml"),
    ("ablations.rows", AblationRow, "conf/ablations.yaml"),
)


def text(conf: Path, stages: dict[str, type[BaseModel]]) -> str:
    """The whole document. stages: the settings class of every stage."""
    variables = [f"`${{{name}}}`" for name in JOB_VARIABLES]
    parts = [HEAD.replace("VARIABLES", f"{', '.join(variables[:-1])} and {variables[-1]}")]
    for name, kind in stages.items():
        parts.append(section(name, kind, f"conf/{name}.yaml", load_yaml(conf / f"{name}.yaml")))
    parts.append("# What stages share\n")
    for name, kind, file in SHARED:
        parts.append(section(name, kind, file, defaults_of(conf, name)))
    parts.append(former())
    return "\n".join(parts)


def defaults_of(conf: Path, name: str) -> dict[str, Any]:
    """The defaults of a section that stages share; none of a table whose rows have no default."""
    top, _, table = name.partition(".")
    if top in sources.FULL:
        content = load_yaml(conf / top / f"{sources.FULL[top]}.yaml")
    else:
        content = load_yaml(conf / ("config.yaml" if top == "detection" else f"{top}.yaml"))
        content = content["detection"] if top == "detection" else content
    if top == "ensemble":
        defaults: dict[str, Any] = content[f"{table.removesuffix('s')}_defaults"]
        return defaults
    return {} if table else content


def section(name: str, kind: type[BaseModel], file: str, defaults: dict[str, Any]) -> str:
    """A heading, what the section is, and the table of its keys."""
    summary = (kind.__doc__ or "").strip().splitlines()[0]
    rows = "".join(f"| {' | '.join(map(cell, row))} |\n" for row in rows_of(kind, defaults, ""))
    return f"## `{name}`\n\n{summary} (`{file}`)\n\n{TABLE}{rows}"


def rows_of(kind: type[BaseModel], defaults: Any, prefix: str) -> Iterator[tuple[str, str, str, str]]:
    """A row for every key of a class; keys inside a key follow it."""
    for name, field in kind.model_fields.items():
        given = defaults.get(name) if isinstance(defaults, dict) else None
        inner = model_of(field.annotation)
        own = inner is not None and isinstance(given, dict)
        takes = words.of_field(field)
        yield (
            f"`{prefix}{name}`",
            takes,
            "" if own or given is None else f"`{shown(given)}`",
            field.description or "",
        )
        if inner is not None and own:
            yield from rows_of(inner, given, f"{prefix}{name}.")


def model_of(kind: Any) -> type[BaseModel] | None:
    """The class of a key that holds keys."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def shown(value: Any) -> str:
    """A default as YAML has it, on one line."""
    line = yaml.safe_dump(value, default_flow_style=True, width=10_000).strip()
    return line.removesuffix("...").strip() if not isinstance(value, str) or not value else value


def cell(content: str) -> str:
    """Text that a cell of a table can hold."""
    return content.replace("|", "\\|").replace("\n", " ")


def former() -> str:
    """The keys that former versions had."""
    rows = "".join(f"| `{key}` | {cell(mend)} |\n" for key, _, mend in former_keys.FORMER)
    return f"# Former keys\n\nA file that still gives one of these is rejected with the present one.\n\n| key | now |\n| --- | --- |\n{rows}"


def main() -> None:
    """Write the document, or exit with one line when it is stale."""
    what = sys.argv[1] if len(sys.argv) == 2 else ""
    if what not in ("write", "check"):
        sys.exit(f"error: {' '.join(sys.argv[1:])!r}: write or check")
    content = text(Path("conf"), dict(SETTINGS))
    if what == "write":
        FILE.write_text(content, encoding="utf-8")
    elif not FILE.is_file() or FILE.read_text(encoding="utf-8") != content:
        sys.exit(f"error: {FILE}: stale; run `make {FILE}` and commit it")


if __name__ == "__main__":
    main()
