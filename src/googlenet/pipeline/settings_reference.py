"""Generate docs/configuration.md from the schema: every key, what it accepts, its default in conf/, and its purpose."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from googlenet.config import former_keys, sources
from googlenet.config.compose import JOB_VARIABLES, Top
from googlenet.config.schema import words
from googlenet.config.schema.classification import AblationRow, Ablations, Absence
from googlenet.config.schema.dataset import Dataset
from googlenet.config.schema.shared import Detector, Enabled, Execution, Inference, MemberRow, Model, Origin, Sampling
from googlenet.errors import UserError
from googlenet.pipeline.registry import SETTINGS
from googlenet.storage.files import load_yaml

FILE = Path("docs/configuration.md")
ACTIONS = ("write", "check")
HEAD = """\
# Settings

Written from the schema (`src/googlenet/config/schema`) and the defaults of `conf/` by `make docs/configuration.md`; `make check` fails
if it is out of date. Do not edit it.

`params.yaml` chooses the experiment and may override any key; an experiment file (`conf/experiment/`) chooses the data set, the
model and the ensemble, and overrides keys; a key that neither sets has the default below. A default of the form `${...}` is the value of the key
that it names; VARIABLES are filled in for each job.
An unknown key, or a value of the wrong type, is an error before the first job.
"""
FORMER = """\
## Former keys

A file that still gives one of these is rejected with the present one.

| key | now |
| --- | --- |
"""
TABLE = "| key | takes | default | what it is |\n| --- | --- | --- | --- |\n"
SHARED: dict[str, type[BaseModel]] = {
    "": Top,
    "compute": Inference,
    "execution": Execution,
    "detection": Enabled,
    "dataset": Dataset,
    "model": Model,
    "ensemble.members": MemberRow,
    "ensemble.detectors": Detector,
    "sampling.<name>": Sampling,
    "origins.<name>": Origin,
    "ablations": Ablations,
    "ablations.rows": AblationRow,
    "train_classifier.replicas.absences": Absence,
}


def text() -> str:
    """The whole document."""
    *variables, last = [f"`${{{name}}}`" for name in JOB_VARIABLES]
    parts = [HEAD.replace("VARIABLES", f"{', '.join(variables)} and {last}")]
    parts += [section(name, kind) for name, kind in SETTINGS.items()]
    parts += ["## What stages share\n", *(section(name, kind, "###") for name, kind in SHARED.items())]
    rows = "".join(f"| `{key}` | {cell(remedy)} |\n" for key, _, remedy in former_keys.FORMER)
    return "\n".join([*parts, f"{FORMER}{rows}"])


def section(name: str, kind: type[BaseModel], level: str = "##") -> str:
    """A section of the document: heading, summary, and table of keys."""
    top, _, table = name.partition(".")
    file = "conf/config.yaml" if top in ("", "detection") else sources.default_file(top)
    defaults: Any = load_yaml(Path(file))
    if top == "detection":
        defaults = defaults[top]
    elif table:  # rows have no defaults, except those of the ensemble's tables
        defaults = defaults.get(f"{table.removesuffix('s')}_defaults", {})
    summary = (kind.__doc__ or "").strip().splitlines()[0]
    rows = "".join(f"| {' | '.join(map(cell, row))} |\n" for row in rows_of(kind, defaults, ""))
    heading = f"`{name}`" if name else "The top level"
    return f"{level} {heading}\n\n{cell(summary)} (`{file}`)\n\n{TABLE}{rows}"


def rows_of(kind: type[BaseModel], defaults: Any, prefix: str) -> Iterator[tuple[str, str, str, str]]:
    """A row for every key of a class; nested keys follow their parent."""
    for name, field in kind.model_fields.items():
        given = defaults.get(name) if isinstance(defaults, dict) else None
        inner = words.model_of(field.annotation) if isinstance(given, dict) else None
        takes = words.of_type(field.annotation, field.metadata)
        default = "" if inner or given is None else f"`{shown(given)}`"
        yield f"`{prefix}{name}`", takes, default, field.description or ""
        if inner:
            yield from rows_of(inner, given, f"{prefix}{name}.")


def shown(value: Any) -> str:
    """A default as YAML writes it, on one line."""
    line = yaml.safe_dump(value, default_flow_style=True, width=10_000).strip()
    return line.removesuffix("...").strip() if not isinstance(value, str) or not value else value


def cell(content: str) -> str:
    """Escape text for a table cell or a line; text that starts with a backquote keeps its angle brackets."""
    line = content.replace("|", "\\|").replace("\n", " ")
    return line if line.startswith("`") else line.replace("<", "\\<")


def perform(action: str) -> None:
    """Write the document, or check it. Raises UserError if it is stale, or for an unknown action."""
    if action not in ACTIONS:
        raise UserError(f"{action!r}: write or check")
    content = text()
    if action == "write":
        FILE.write_text(content, encoding="utf-8")
    elif not FILE.is_file() or FILE.read_text(encoding="utf-8") != content:
        raise UserError(f"{FILE}: stale; run `make {FILE}` and commit it")


if __name__ == "__main__":
    print("note: `python -m googlenet.pipeline.settings_reference` is now `googlenet settings`", file=sys.stderr)
    try:
        perform(" ".join(sys.argv[1:]))
    except UserError as error:
        sys.exit(f"error: {error}")
