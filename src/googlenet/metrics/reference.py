"""Reference results of an experiment, by type of machine: references/<experiment>.yaml."""

import math
import statistics
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
LEAST_MACHINES = 3  # that predict a figure of another one: with two, the prediction would be too wide to fail any
PREDICTED_PERCENT = 95
Judgement = Literal["identical", "within", "differs", "outside", "not compared"]
FAILED = {
    "differs": "not the same bits",
    "outside": "outside the range",
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
    """A references/<experiment>.yaml. Other types of machine are compared with the first, within the range that its interval
    and the values of all machines allow."""

    machines: tuple[MachineReference, ...]

    def of(self, kind: Kind | None) -> MachineReference | None:
        """The reference of that type of machine, or None."""
        return next((each for each in self.machines if each.kind == kind), None)

    def judged(self, figures: Mapping[str, float], kind: Kind | None) -> dict[str, tuple[Judgement, Figure]]:
        """Compare figures by key with the reference of the same type of machine, where all bits must agree, or else
        with the first, within whose `accepted` range they must lie. Figures that the reference lacks are omitted."""
        same = self.of(kind)
        known = same.figures if same else {key: self.accepted(key) for key in self.machines[0].figures}
        return {
            key: (_judgement(value, known[key], exact=same is not None), known[key])
            for key, value in figures.items()
            if key in known
        }

    def accepted(self, key: str) -> Figure:
        """The first machine's figure, with the range for other types of machine. They test other weights on the same images,
        so the first one's interval, over test images, is widened to hold what the machines' values predict."""
        figure = self.machines[0].figures[key]
        values = [machine.figures[key].value for machine in self.machines if key in machine.figures]
        if figure.low is None or figure.high is None or len(values) < LEAST_MACHINES:
            return figure
        low, high = _predicted(values)
        return Figure(value=figure.value, low=min(figure.low, low), high=max(figure.high, high))

    @property
    def predicts(self) -> bool:
        """Whether the machines are enough to predict the figures of another one."""
        return len(self.machines) >= LEAST_MACHINES


def _predicted(values: list[float]) -> tuple[float, float]:
    """The interval in which one more value of the same normal distribution is expected."""
    from scipy.special import stdtrit

    number, mean = len(values), statistics.fmean(values)
    quantile = float(stdtrit(number - 1, (1 + PREDICTED_PERCENT / 100) / 2))
    half = quantile * statistics.stdev(values) * math.sqrt(1 + 1 / number)
    return mean - half, mean + half


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
