"""Files of machines and their rates: machines/<name>.yaml."""

import json
import os
import re
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from reprlib import repr as shortened
from typing import Annotated, Any

import yaml
from pydantic import ConfigDict, JsonValue, Strict, ValidationError

from googlenet.config.schema.base import Settings, SettingsT
from googlenet.errors import UserError, nearest
from googlenet.models.processor import cpu_name
from googlenet.planning.measure import KINDS
from googlenet.planning.rates import Measurement, Rate, Rates
from googlenet.storage.files import load_yaml, write_bytes

FOLDER = "machines"
HEAD = """\
# Rates of a machine, measured in seconds of each stage's own code: a plan from these is no more exact than that.
# Written by: googlenet plan --experiment NAME --save {name}      (on that machine; it adds what is not there yet)
# Read by:    googlenet plan --experiment NAME --machine {name}
"""


class Machine(Settings):
    """What a plan needs to know about a machine besides its rates. gpu: "" if there is none."""

    cpu: str
    cores: int
    memory_gb: float
    gpu: str
    gpus: int
    gpu_memory_gb: float


class Measured(Settings):
    """When and how a machine's rates were measured, the last of them. load: mean of the last five minutes, including
    the measuring."""

    date: str
    torch: str
    load: float
    beside: str  # what else ran on the machine at the time


class Row(Settings):
    """A rate in a file: its numbers are extra keys; `what` names the measurement to which the settings belong."""

    model_config = ConfigDict(extra="allow")

    what: str
    settings: dict[str, JsonValue]


class MachineFile(Settings):
    """A machine's file."""

    machine: Machine
    measured: Measured
    rates: Annotated[tuple[Row, ...], Strict(False)]


def this_machine() -> Machine:
    """The machine that this process runs on."""
    import torch

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        cpu=cpu_name(),
        cores=len(os.sched_getaffinity(0)),
        memory_gb=round(memory / 1e9, 1),
        gpu=torch.cuda.get_device_name(0) if gpus else "",
        gpus=gpus,
        gpu_memory_gb=round(torch.cuda.get_device_properties(0).total_memory / 1e9, 1) if gpus else 0.0,
    )


def path_of(root: Path, name: str, option: str) -> Path:
    """The file of a machine. Raises UserError for an invalid name, given by this option."""
    if not re.fullmatch(r"[\w-]+", name):
        raise UserError(f"{option}: '{name}' is not a valid name; use letters, digits, - and _, such as epyc-2core")
    return root / FOLDER / f"{name}.yaml"


def read(root: Path, name: str, again: str) -> tuple[Machine, Rates, Measured]:
    """A machine, its rates, how they were measured. again: command to measure there, for errors. Raises UserError."""
    known = [path.stem for path in (root / FOLDER).glob("*.yaml")]
    if name not in known:
        raise UserError(f"--machine: no machine '{name}' in {FOLDER}/{nearest(name, known)}")
    place, remedy = f"{FOLDER}/{name}.yaml", f"correct it, or measure on that machine: {again}"
    file = checked(MachineFile, load_yaml(path_of(root, name, "--machine")), place, "", remedy)

    def lacking(measurement: Measurement[Rate]) -> Rate:
        values = json.dumps(measurement.to_json(), sort_keys=True)
        remedy = f"measure it on that machine: {again}"
        raise UserError(f"{place}: no rate of '{measurement.name}' for {values}; {remedy}")

    rows = {}
    for number, row in enumerate(file.rates):
        key = f"rates[{number}]"
        if row.what not in KINDS:
            raise UserError(f"{place}: {key}.what: no rate '{row.what}'{nearest(row.what, KINDS)}")
        kind = KINDS[row.what]
        measurement = checked(kind, row.settings, place, f"{key}.settings", remedy)
        rows[measurement] = checked(kind.gives, row.model_extra, place, key, remedy)
    return file.machine, Rates(rows, lacking), file.measured


def checked(kind: type[SettingsT], value: Any, place: str, key: str, remedy: str) -> SettingsT:
    """Parse the part of a file at `key` as an instance of its class. Raises UserError for the first error."""
    try:
        return kind.model_validate_json(json.dumps(value, default=str))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        below = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"])
        where, value = f"{key}{below}".removeprefix(".") or "the file", shortened(first["input"])
        raise UserError(f"{place}: {where}: {first['msg']}, not {value}; {remedy}") from None


def former(root: Path, name: str, machine: Machine) -> tuple[Rates, Measured] | None:
    """The rates in a machine's file, if there is one. Raises UserError for another machine's, or an invalid name."""
    if not path_of(root, name, "--save").is_file():
        return None
    there, rates, measured = read(root, name, f"googlenet plan --save {name}")
    has, here = (f"{each.cpu}, {each.cores} cores, {each.gpu or 'no GPU'}" for each in (there, machine))
    if has != here:
        raise UserError(f"{FOLDER}/{name}.yaml: of a machine with {has}; this one has {here}: give it another name")
    return rates, measured


def save(root: Path, name: str, machine: Machine, rates: Rates, beside: str = "") -> Path:
    """Add rates to a machine's file, unless it has them. beside: what else ran at the time. Raises as `former` does."""
    path, rows, known = path_of(root, name, "--save"), rates.rows, former(root, name, machine)
    if known:
        rows, beside = known[0].rows | rows, beside or known[1].beside
        if rows == known[0].rows:
            return path
    date, load = f"{datetime.now(UTC):%Y-%m-%d}", round(os.getloadavg()[1], 1)
    made = Measured(date=date, torch=metadata.version("torch"), load=load, beside=beside)
    parts = {"machine": machine, "measured": made}
    head = [f"{key}: {json.dumps(part.model_dump(), ensure_ascii=False)}\n" for key, part in parts.items()]
    table = [
        {"what": measurement.name, "settings": measurement.to_json(), **rate.model_dump()}
        for measurement, rate in rows.items()
    ]
    lines = sorted(f"- {yaml.safe_dump(row, default_flow_style=True, width=10**6, sort_keys=False)}" for row in table)
    write_bytes(path, "".join([HEAD.format(name=name), *head, "rates:\n", *lines]).encode())
    return path
