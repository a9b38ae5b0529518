"""What a job's command line requests: its file, its inputs and outputs, its threads, and the processes that share it."""

import argparse
import hashlib
import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

from googlenet.config.schema.base import StageSettings
from googlenet.config.schema.shared import Compute, Computes, Execution
from googlenet.errors import UserError
from googlenet.models.determinism import SINGLE_THREAD
from googlenet.models.processor import precision_of
from googlenet.pipeline.code import changed_since, digest_of_modules, forget, module_digests
from googlenet.pipeline.job_file import JobFile, modules_of, read_execution, read_job_file
from googlenet.pipeline.registry import STAGES
from googlenet.pipeline.team import Team
from googlenet.storage.files import sha256
from googlenet.tracking import progress

Input = Annotated[Path, "input"]
Inputs = Annotated[list[Path], "input"]
Output = Annotated[Path, "output"]
Texts = dict[str, str]


@dataclass(frozen=True)
class Asked:
    """What a job's command line requests. config, digest: the path of its file, and its SHA-256; given: its inputs and
    outputs by name; edges: their kinds; threads: the rule's, for all its processes; loaded: the modules imported so far."""

    root: Path
    config: Path
    digest: str
    file: JobFile[StageSettings]
    given: dict[str, Any]
    edges: dict[str, Any]
    threads: int
    execution: Execution
    team: Team
    loaded: frozenset[str]

    @classmethod
    def of(cls, run: Callable[..., None], arguments: list[str]) -> "Asked":
        """Parse and check a command line. Raises UserError for too few threads."""
        parameters = inspect.signature(run).parameters.items()
        hints = get_type_hints(run, include_extras=True)
        edges = {name: hints[name] for name, parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}
        given = parsed(run, edges, arguments)
        config, threads = given.pop("config"), given.pop("threads")
        settings: type[StageSettings] = get_args(hints["job"])[0]  # the type argument of Job
        digest = digest_if_any(config)  # before it is read: an edit in between is then seen
        file, root = read_job_file(config, settings), Path.cwd()
        execution = read_execution(root, os.environ.get("GOOGLENET_EXPERIMENT", file.experiment))
        team, wanted = Team.of(file.settings, execution), compute_of(file.settings).numeric_threads
        if threads < wanted * team.here:
            each = f", for each of {team.here} processes" if team.here > 1 else ""
            remedy = "raise --cores, or lower the key (another number of threads gives other bits)"
            raise UserError(f"compute.numeric_threads: {wanted} asked for{each}, {threads} given; {remedy}")
        return cls(root, config, digest, file, given, edges, threads, execution, team, frozenset(sys.modules))

    @property
    def compute(self) -> Compute:
        """The job's compute settings."""
        return compute_of(self.file.settings)

    @property
    def device(self) -> str:
        """The device that the job computes on: the CPU if its stage uses no GPU."""
        return device_of(self.file)

    @property
    def precision(self) -> str:
        """bf16 or fp32, that of the job's networks on this machine; "" if its stage has none."""
        stage = STAGES.get(self.file.stage)  # None for the empty job that a plan times
        if stage is None or not stage.gpu:
            return ""
        return "fp32" if stage.fp32 else precision_of(self.compute.precision, self.device)

    @property
    def home(self) -> Path:
        """The folder of the job's saved progress, relative to that of all jobs."""
        return Path(self.file.experiment, self.file.stage, self.file.job)

    @property
    def outputs(self) -> list[Path]:
        """The files that the job writes."""
        return [self.given[name] for name, kind in self.edges.items() if kind is Output]

    def digests(self) -> Texts:
        """The digest of each input."""
        return {name: digest_of(self.given[name]) for name, kind in self.edges.items() if kind is not Output}

    def check_code(self) -> None:
        """Raise UserError if the code is no longer that of the job's file. After an edit during a run that is undone later,
        the edited code's results would otherwise pass for the former code's."""
        check_former(self.edited_modules())

    def edited_modules(self) -> list[str]:
        """The modules that are no longer those of the job's file; the stage's own if it is not known which they are."""
        stage = STAGES.get(self.file.stage)
        if stage is None or not changed_since(self.config.stat().st_ctime_ns):
            return []  # as in almost every job: parsing the code would take half a second
        forget()
        try:
            now = module_digests(*stage.code_of(self.file.settings))
        except (SyntaxError, ModuleNotFoundError):  # half an edit
            now = {}
        if digest_of_modules(now) == self.file.code:
            return []
        known = modules_of(self.root, self.file.code) or now
        return sorted(name for name in now if now[name] != known.get(name)) or [stage.module]

    def check_unedited(self) -> None:
        """Raise UserError if the job's file is no longer the one it read. An engine that starts beside a run writes edited
        settings there, and Snakemake would take the results for those of the new settings. As check_code for the modules
        that the job has imported since it began; an edit of the others came too late for it."""
        if digest_if_any(self.config) != self.digest:
            raise UserError(
                f"{self.config}: these settings were edited while the job ran; run the same command again, which uses them"
            )
        check_former([name for name in self.edited_modules() if name in sys.modules.keys() - self.loaded])


def check_former(edited: list[str]) -> None:
    """Raise UserError if modules were edited."""
    if edited:
        raise UserError(
            f"{edited[0]}: this code was edited after the run began; run the same command again, which uses it"
        )


def compute_of(settings: StageSettings) -> Compute:
    """The compute settings of a stage; one CPU thread for a stage without them."""
    single = Compute(device="cpu", precision="fp32", numeric_threads=SINGLE_THREAD)
    return settings.compute if isinstance(settings, Computes) else single


def device_of(file: JobFile[StageSettings]) -> str:
    """The device of a job: that of its settings if its stage can use a GPU, else the CPU (as for scikit-learn)."""
    device = compute_of(file.settings).device
    return device if device == "cpu" or STAGES[file.stage].gpu else "cpu"


def parsed(run: Callable[..., None], edges: dict[str, Any], arguments: list[str]) -> dict[str, Any]:
    """Parse the command line of a stage: its job's file, its threads, its inputs and outputs."""
    parser = argparse.ArgumentParser(description=inspect.getdoc(inspect.getmodule(run)))
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    for name, kind in edges.items():
        many = kind is Inputs
        parser.add_argument(f"--{name}", type=Path, required=not many, nargs="*" if many else None, default=[])
    return vars(parser.parse_args(arguments))


def digest_if_any(path: Path) -> str:
    """SHA-256 of a file; "" if there is none."""
    return sha256(path) if path.is_file() else ""


def digest_of(value: Path | list[Path]) -> str:
    """SHA-256 of an input file, or of the digests of a list of files, sorted by path."""
    if isinstance(value, list):
        files = progress.counted(sorted(value), "input files read")
        return hashlib.sha256("\n".join(map(sha256, files)).encode()).hexdigest()
    return sha256(value)
