"""A job's resolved file: its settings and the digest of its code, which the rule declares as an input."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from googlenet.config.schema.base import StageSettings
from googlenet.config.schema.shared import Execution
from googlenet.errors import UserError
from googlenet.storage.files import json_bytes, read_json, write_bytes

MODULES = Path(".googlenet/modules.json")  # for each code digest, the digests of the modules that it covers

SettingsT = TypeVar("SettingsT", bound=StageSettings, covariant=True)


@dataclass(frozen=True)
class JobFile(Generic[SettingsT]):
    """The content of a job's file. versions: those of the libraries, if a change of version is to re-run the job."""

    stage: str
    job: str  # the member, detector, part or variant; "all" for a single job
    experiment: str  # for a data stage: the data set
    code: str
    settings: SettingsT
    versions: dict[str, str] | None = None

    def to_bytes(self) -> bytes:
        """The file's content."""
        content: dict[str, Any] = vars(self) | {"settings": self.settings.model_dump(mode="json")}
        return json_bytes({key: value for key, value in content.items() if key != "versions" or value is not None})


def read_job_file(path: Path, kind: type[SettingsT]) -> JobFile[SettingsT]:
    """Read a job's file. Raises UserError for one that this version did not write."""
    try:
        content = read_json(path)
        return JobFile(**content | {"settings": kind.model_validate_json(json.dumps(content["settings"]))})
    except (ValidationError, AttributeError, KeyError, TypeError):
        raise UserError(f"{path}: not a resolved file of this version; run snakemake, which writes it again") from None


def execution_file(experiment: str) -> Path:
    """Where Snakemake's main process writes an experiment's settings that change no result."""
    return Path(".googlenet/execution", f"{experiment}.json")


def write_execution(root: Path, experiment: str, execution: Execution) -> None:
    """Write these settings, unless they are there."""
    path, content = root / execution_file(experiment), json_bytes(execution.model_dump(mode="json"))
    if not path.is_file() or path.read_bytes() != content:
        write_bytes(path, content)


def read_execution(root: Path, experiment: str) -> Execution:
    """Read these settings. Raises UserError if this version did not write them."""
    path = execution_file(experiment)
    try:
        return Execution.model_validate(read_json(root / path))
    except (ValidationError, UserError):
        raise UserError(f"{path}: not written by this version; run snakemake, which writes it") from None


def modules_of(root: Path, code: str) -> dict[str, str] | None:
    """The digest of each module that a code digest covers, by name; None if it is not known here."""
    path = root / MODULES
    return read_json(path).get(code) if path.is_file() else None


def run_record(config_path: Path, stage: str, name: str) -> Path:
    """The path of a job's run.json: under `runs`, next to the `config` folder that holds its configuration."""
    parts = list(config_path.parts)
    of_data = parts[0] == "data"
    at = 1 if of_data else len(parts) - 1 - parts[::-1].index("config")  # data sets and experiments may have that name
    between = parts[2:3] if of_data else []
    return Path(*parts[:at], "runs", *between, stage, f"{name}.json")
