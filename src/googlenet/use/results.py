"""The finished results of an experiment: the paths of its files, and the settings of the jobs that wrote them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from googlenet.config.schema.base import StageSettings, replaced
from googlenet.config.schema.dataset import Dataset
from googlenet.config.schema.shared import Infers
from googlenet.errors import UserError, nearest
from googlenet.models.determinism import prepare_machine
from googlenet.models.engine import EngineUse
from googlenet.models.runtime import Runtime
from googlenet.pipeline.experiment import Experiment, Job, current
from googlenet.pipeline.served import engine_of

KindT = TypeVar("KindT", bound=StageSettings)


@dataclass(frozen=True)
class Asked:
    """The options of a command. device, engine: "" for the experiment's."""

    experiment: str = ""  # a name, a folder of results, or "" for the experiment of params.yaml
    device: str = ""
    engine: str = ""


class Results:
    """The results of one experiment."""

    def __init__(self, experiment: Experiment):
        self.experiment, self.root = experiment, experiment.root

    @classmethod
    def of(cls, root: Path, named: str = "") -> "Results":
        """Find the results of an experiment by its name or its folder, `<project>/results/<name>`."""
        folder = Path(named).expanduser()
        if not named or ("/" not in named and not (folder / "config").is_dir()):
            return cls(current(root, named))
        folder = folder.resolve()
        if folder.parent.name != "results" or not (folder.parents[1] / "conf").is_dir():
            raise UserError(
                f"--experiment: {named}: not the folder results/<experiment> of a project; name the experiment"
            )
        return cls(current(folder.parents[1], folder.name))

    @property
    def command(self) -> str:
        """The command that makes these results."""
        return f"snakemake --cores 2 --config experiment={self.experiment.name}"

    def settings(self, stage: str, job: str, kind: type[KindT]) -> KindT:
        """The settings of a job."""
        return self.experiment.settings(Job(stage, job), kind)

    def path(self, stage: str, file: str) -> Path:
        """The path of a file of a stage, which may not exist."""
        return self.root / self.experiment.results(stage) / stage / file

    def file(self, stage: str, file: str) -> Path:
        """The path of a file of a stage. Raises UserError, with the command that makes the file, if it is missing."""
        path = self.path(stage, file)
        if not path.is_file():
            raise UserError(f"{path.relative_to(self.root)}: not made yet; run `{self.command}`")
        return path

    def weights(self, member: str) -> Path:
        """The weights of a member, trained or imported."""
        stage = "import_weights" if self.experiment.members[member].imported else "train_classifier"
        return self.file(stage, f"{member}/weights.safetensors")

    def manifest(self, kind: str) -> Path:
        """The manifest of the data set, which may be missing."""
        return self.root / "data" / kind / self.experiment.of(Dataset).name / "manifest.json"

    def runtime(self, settings: Infers, stored: Path, asked: Asked) -> Runtime:
        """Device, precision and engine of a stage's networks; also prepares this process for them.

        stored: a file of the stage, whose engine is used unless another engine or device is requested: `auto` depends
        on the number of images, and a single image must get the same answer as among many."""
        compute = replaced(settings.compute, device=asked.device or settings.compute.device)
        used = engine_of(stored) if compute == settings.compute else ""
        prepare_machine(compute.numeric_threads, compute.device)
        return Runtime.of(compute, asked.engine or used or compute.engine)


def fallbacks(uses: Iterable[EngineUse]) -> list[str]:
    """A line for each requested engine that is not in use, with the reason."""
    return list(dict.fromkeys(use.line for use in uses if use.fallback))


def in_use(uses: Iterable[EngineUse]) -> str:
    """The engines in use, as text."""
    return f"engine {' and '.join(dict.fromkeys(use.used for use in uses)) or 'none'}"


def chosen(what: str, name: str, known: Iterable[str]) -> list[str]:
    """The given name, or all for "". Raises UserError, with the nearest name, for an unknown one. what: the option."""
    names = list(known)
    if name and name not in names:
        raise UserError(f"{what}: no '{name}'{nearest(name, names)}")
    return [name] if name else names
