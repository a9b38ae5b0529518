"""Machines and their rates: measured here as they are asked for, or read from machines/<name>.yaml.

A rate is kept with the settings that it was measured for, and serves those alone: nothing is scaled to another network.
"""

import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from googlenet.errors import UserError, nearest
from googlenet.files import load_yaml, write_bytes
from googlenet.versions import cpu_name

FOLDER = "machines"
HEAD = """\
# Rates of a machine, measured in seconds of each stage's own code: a plan from these is no more exact than that.
# Written by: python -m googlenet.plan --experiment NAME --save {name}      (on that machine; it adds what is not there yet)
# Read by:    python -m googlenet.plan --experiment NAME --machine {name}
"""
FIELDS = {"cpu": str, "cores": int, "memory_gb": float, "gpu": str, "gpus": int, "gpu_memory_gb": float}

Values = dict[str, float]
Rate = Callable[[str, dict], Values]  # (what, settings) -> seconds and what else was found


class Machine(NamedTuple):
    """What a plan needs to know of a machine beside its rates. gpu: "" where there is none."""

    cpu: str
    cores: int
    memory_gb: float
    gpu: str
    gpus: int
    gpu_memory_gb: float

    def device(self, wanted: str) -> str:
        """The device that this machine has for an experiment that wants one."""
        return wanted if self.gpus else "cpu"


def this_machine() -> Machine:
    """The machine that this runs on."""
    import torch

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    name = torch.cuda.get_device_name(0) if gpus else ""
    room = torch.cuda.get_device_properties(0).total_memory / 1e9 if gpus else 0.0
    return Machine(cpu_name(), len(os.sched_getaffinity(0)), round(memory, 1), name, gpus, round(room, 1))


def key_of(what: str, settings: Mapping[str, Any]) -> str:
    """One text for equal settings."""
    return json.dumps([what, settings], sort_keys=True)


class Rates:
    """Rates by what is measured and for which settings; `measure` is asked for those that are not there."""

    def __init__(self, rows: list[dict], measure: Rate):
        self.rows = {key_of(row["what"], row["settings"]): row for row in rows}
        self.measure, self.used = measure, {}

    def __call__(self, what: str, settings: dict) -> Values:
        key = key_of(what, settings)
        if key not in self.rows:
            values = self.measure(what, settings)
            rounded = {name: float(f"{value:.4g}") for name, value in values.items()}
            self.rows[key] = {"what": what, "settings": settings, **rounded}
        self.used[key] = self.rows[key]
        return self.rows[key]


def path_of(root: Path, name: str) -> Path:
    """The file of a machine. Raises UserError for a name that is none."""
    if not name or not all(letter.isalnum() or letter in "-_" for letter in name):
        raise UserError(f"--save: '{name}' is no name; use letters, digits, - and _, such as epyc-2core")
    return root / FOLDER / f"{name}.yaml"


def read(root: Path, name: str, again: str) -> tuple[Machine, Rates, dict]:
    """A named machine, its rates, and what its file says of the measuring.

    again: the command that measures there, for the error about a rate that the file lacks. Raises UserError.
    """
    known = [path.stem for path in (root / FOLDER).glob("*.yaml")]
    if name not in known:
        raise UserError(f"--machine: no machine '{name}' in {FOLDER}/{nearest(name, known)}")
    file, content = f"{FOLDER}/{name}.yaml", load_yaml(path_of(root, name))
    machine, rows = content.get("machine"), content.get("rates")
    if not isinstance(machine, dict) or not isinstance(rows, list):
        raise UserError(f"{file}: needs the keys machine and rates; write it anew on that machine: {again}")
    for field, kind in FIELDS.items():
        if not isinstance(machine.get(field), kind | int if kind is float else kind):
            raise UserError(f"{file}: machine.{field} must be {kind.__name__}, not {machine.get(field)!r}")
    for number, row in enumerate(rows):
        check_row(row, f"{file}: rates[{number}]")

    def lacking(what: str, settings: dict) -> Values:
        raise UserError(
            f"{file}: no rate of '{what}' for {json.dumps(settings, sort_keys=True)}; measure it on that machine: {again}"
        )

    return Machine(*(machine[field] for field in FIELDS)), Rates(rows, lacking), content.get("measured", {})


def check_row(row: Any, where: str) -> None:
    """Raise UserError for a row of rates that is none."""
    if not isinstance(row, dict) or not isinstance(row.get("what"), str):
        raise UserError(f"{where}: needs 'what', 'settings' and numbers, not {row!r}")
    if not isinstance(row.get("settings"), dict):
        raise UserError(f"{where}.settings: must be keys, not {row.get('settings')!r}")
    numbers = {name: value for name, value in row.items() if name not in ("what", "settings")}
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise UserError(f"{where}.{name}: must be a number, 0 or more, not {value!r}")


def save(root: Path, name: str, machine: Machine, rates: Rates, note: str = "") -> Path:
    """Write what was measured into a machine's file; rates of other settings that it has stay.

    note: what else the machine did meanwhile. Raises UserError when the file is another processor's.
    """
    path, kept, before = path_of(root, name), {}, {}
    if path.is_file():
        there, old, before = read(root, name, "")
        if (there.cpu, there.cores, there.gpu) != (machine.cpu, machine.cores, machine.gpu):
            raise UserError(
                f"{FOLDER}/{name}.yaml: of a machine with {there.cpu}, {there.cores} cores; this one has {machine.cpu},"
                f" {machine.cores}: give it another name"
            )
        kept = old.rows
    merged = kept | rates.rows
    measured = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "torch": metadata.version("torch")}
    measured["load"] = round(
        os.getloadavg()[1], 1
    )  # of the last five minutes: what else ran, and the measuring itself
    head = {"machine": machine._asdict(), "measured": measured | {"beside": note or before.get("beside", "")}}
    text = "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in head.items())
    rows = [
        yaml.safe_dump(merged[key], default_flow_style=True, width=10**6, sort_keys=False)
        for key in sorted(merged)
    ]
    text += "rates:\n" + "".join(f"- {row}" for row in rows)  # a row a line
    write_bytes(path, (HEAD.format(name=name) + text).encode())
    return path
