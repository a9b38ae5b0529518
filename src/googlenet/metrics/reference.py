"""Reference results of an experiment, by type of machine: references/<experiment>.yaml."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from googlenet.errors import UserError
from googlenet.metrics.base import Metrics, validated
from googlenet.metrics.interval import Interval
from googlenet.metrics.runs import RunRecord
from googlenet.storage.files import load_yaml

FOLDER = "references"
IRRELEVANT = {"platform", "python"}  # versions in a record that change no bit of a result
Judgement = Literal["identical", "within", "differs", "outside", "not compared"]
FAILED = {
    "differs": "not the same bits",
    "outside": "outside the interval",
}  # judgements of figures that are not reproduced


class Kind(Metrics):
    """A type of machine: on machines of one kind, the same settings give the same bits."""

    cpu: str
    versions: dict[str, str]  # of the libraries used in computation

    def __str__(self) -> str:
        return f"{self.cpu}, torch {self.versions.get('torch', '?')}"

    @classmethod
    def of(cls, runs: Iterable[RunRecord]) -> "Kind | None":
        """The type of machine that computed an experiment; None for several, or a GPU, which records do not name."""
        kinds = []
        for run in runs:
            if run.stage != "make_report":
                versions = {name: version for name, version in run.versions.items() if name not in IRRELEVANT}
                kinds.append((run.device, cls(cpu=versions.pop("cpu", ""), versions=versions)))
        if not kinds or any(each != ("cpu", kinds[0][1]) for each in kinds):
            return None
        return kinds[0][1]


class Figure(Metrics):
    """A headline figure, with its interval if it has one."""

    value: float
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, value: float, bounds: Interval | None) -> "Figure":
        """From a measured figure and its interval."""
        return cls(value=value) if bounds is None else cls(value=value, low=bounds.low, high=bounds.high)


class MachineReference(Metrics):
    """The figures from one type of machine, by key."""

    kind: Kind
    figures: dict[str, Figure]


class Reference(Metrics):
    """A references/<experiment>.yaml. Other types of machine are compared with the first."""

    machines: tuple[MachineReference, ...]

    def of(self, kind: Kind | None) -> MachineReference | None:
        """The reference of that type of machine, or None."""
        return next((each for each in self.machines if each.kind == kind), None)

    def judged(self, figures: Mapping[str, float], kind: Kind | None) -> dict[str, tuple[Judgement, Figure]]:
        """Compare figures by key with the reference of the same type of machine, where all bits must agree, or else
        with the first, within whose intervals they must lie. Figures that the reference lacks are omitted."""
        same = self.of(kind)
        reference = same or self.machines[0]
        return {
            key: (_judgement(value, known, exact=same is not None), known)
            for key, value in figures.items()
            if (known := reference.figures.get(key)) is not None
        }


def _judgement(value: float, known: Figure, exact: bool) -> Judgement:
    if value == known.value:
        return "identical"
    if exact:
        return "differs"
    if known.low is None or known.high is None:
        return "not compared"
    return "within" if known.low <= value <= known.high else "outside"


def read_reference(path: Path) -> Reference:
    """Read the file. Raises UserError, naming it, if it is missing or malformed."""
    remedy = "correct it, or rewrite it with `googlenet verify --renew`"
    reference = validated(path, load_yaml(path), Reference, remedy)
    if not reference.machines:
        raise UserError(f"{path}: machines: none; {remedy}")
    return reference
