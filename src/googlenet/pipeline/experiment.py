"""The jobs of an experiment, and the resolved file of each, which is an input of that job.

A job's file holds its stage's settings with every reference resolved, and a digest of its code. It is written only if
its content changes, so that a changed key re-runs exactly the jobs whose files change, under both engines.
"""

from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError

from googlenet.config import variants
from googlenet.config.compose import JOB_VARIABLES, Composed, compose
from googlenet.config.problems import problem
from googlenet.config.schema.base import NetworkName, Settings, StageSettings
from googlenet.config.schema.classification import AnalyseUnits, MeasureExport, PredictCrops, TrainClassifier, Variant
from googlenet.config.schema.dataset import Dataset
from googlenet.config.schema.detection import ProposeRegions, ScoreRegions, TrainMultibox
from googlenet.config.schema.shared import (
    Detector,
    Ensemble,
    Execution,
    ImportedMember,
    MemberRow,
    Model,
    Part,
    TrainedMember,
)
from googlenet.config.schema.structure import DeriveStructure, TrainStructure
from googlenet.errors import UserError, nearest
from googlenet.metrics.order import natural
from googlenet.pipeline import kept, versions
from googlenet.pipeline.code import code_digest
from googlenet.pipeline.job_file import JobFile
from googlenet.pipeline.kept import Kept
from googlenet.pipeline.registry import ROWS, SETTINGS, STAGES

KindT = TypeVar("KindT", bound=StageSettings)
RowT = TypeVar("RowT", MemberRow, Detector)


class Job(NamedTuple):
    """One job of the workflow: its stage, and its member, detector, part or variant ("all" for a single job)."""

    stage: str
    name: str


class Experiment:
    """The composed configuration of one experiment, and its jobs."""

    def __init__(self, composed: Composed, key: str = "", asked: str = "", kept: Kept | None = None):
        """key: of the cache entry that `experiment_files.write_configs` saves ("": none), with the name that was asked
        for; kept: the entry of an earlier start."""
        self.composed, self.root, self.name = composed, composed.root, composed.experiment
        self.key, self.asked, self.kept = key, asked, kept
        self.dataset = composed.of(Dataset).name
        self.of = composed.of
        self._resolved: dict[Job, StageSettings] = {}
        self.check_tables()

    @cached_property
    def stages(self) -> list[str]:
        """The stages of this experiment."""
        return [row.name for row in ROWS if row.enabled(self.composed)]

    @cached_property
    def members(self) -> dict[str, MemberRow]:
        """The table of members, sorted by name, so that nothing depends on the order of the rows."""
        return in_order(self.of(Ensemble).members)

    @cached_property
    def detectors(self) -> dict[str, Detector]:
        """The table of detectors, sorted by name."""
        return in_order(self.of(Ensemble).detectors)

    @cached_property
    def parts(self) -> dict[str, Part]:
        """The parts into which the images of detection are divided."""
        return {f"p{i + 1}": Part(name=f"p{i + 1}", index=i) for i in range(self.of(ProposeRegions).parts)}

    @cached_property
    def variants(self) -> dict[str, Variant]:
        """The variants of the table of ablations that need training: they equal no member and no earlier variant."""
        trained = {name for stage, name in self.ablation_sources.values() if stage == "train_ablation"}
        return {name: row for name, row in variants.variants(self.composed).items() if name in trained}

    @cached_property
    def structures(self) -> dict[str, Variant]:
        """The structures that are trained: GoogLeNet, the derived one and the random ones, with every seed."""
        return self.of(DeriveStructure).variants

    @cached_property
    def trainings(self) -> dict[str, TrainClassifier]:
        """The train_classifier settings of every variant of the table of ablations."""
        return variants.trainings(self.composed)

    @property
    def reference(self) -> TrainClassifier:
        """The reference of the table of ablations, with its first seed."""
        return next(iter(self.trainings.values()))

    @cached_property
    def ablation_sources(self) -> dict[str, tuple[str, str]]:
        """The stage and job whose results each variant of the table of ablations uses."""
        if self.kept:
            return self.kept.ablation_sources
        members = {job.name: self.settings(job, TrainClassifier) for job in self.jobs("train_classifier")}
        return variants.sources(self.trainings, members)

    @property
    def analysed_member(self) -> str:
        """The member whose units are analysed: the one named in the settings, or the first by name."""
        return self.of(AnalyseUnits).of_member or next(iter(self.members))

    @property
    def exported_member(self) -> str:
        """The member whose exports are measured: the one named in the settings, or the first by name."""
        return self.of(MeasureExport).of_member or next(iter(self.members))

    def rows(self, per: str) -> Mapping[str, Settings | None]:
        """The items for which a stage has one job each: rows of a table, or parts, by name."""
        table: Mapping[str, Settings | None] = getattr(self, f"{per}s") if per else {"all": None}
        return table

    def jobs(self, stage: str) -> list[Job]:
        """The jobs of a stage."""
        row = STAGES[stage]
        named = self.rows(row.per).items()
        return [Job(stage, name) for name, value in named if not isinstance(value, MemberRow) or row.wants(value)]

    def network_of(self, member: str) -> NetworkName:
        """The kind of network of a member."""
        row = self.members[member]
        return self.composed.origins[row.origin].network if row.imported else self.of(Model).network

    def variables(self, job: Job) -> dict[str, Any]:
        """A job's values for the variables that its stage's section refers to: see JOB_VARIABLES."""
        filled: dict[str, Any] = {"heads": list(self.of(ScoreRegions).heads)}
        per, member = STAGES[job.stage].per, ""
        row = self.rows(per)[job.name] if per else None
        if isinstance(row, MemberRow):
            member = job.name
            columns = (ImportedMember if row.imported else TrainedMember).model_fields  # only those of its kind
            filled[per] = row.model_dump(include=set(columns))
        elif row is not None:
            filled[per] = row.model_dump()
        if isinstance(row, Detector):
            member = row.init_from
        if per == "variant":
            filled["training"] = self.trainings[job.name].model_dump()
        if per == "structure":
            start = self.of(TrainStructure)
            filled["training"] = variants.of_structure(self.reference, self.structures[job.name], start).model_dump()
        if job.stage == "compare_ablations":
            filled["sources"] = {name: "/".join(source) for name, source in self.ablation_sources.items()}
        if job.stage == "study_crops":
            trained = {name: row.sampling for name, row in self.members.items() if not row.imported}
            filled["samplings"] = {name: self.composed.sampling[its].model_dump() for name, its in trained.items()}
        if job.stage == "analyse_units":
            member = self.analysed_member
        if job.stage == "measure_export":
            member = self.exported_member
        if job.stage in ("train_multibox", "merge_proposals"):
            trunk = self.of(TrainMultibox).init_from
            member = trunk if trunk in self.members else next(iter(self.members))
        return filled | ({"network": self.network_of(member)} if member else {})

    def settings(self, job: Job, kind: type[KindT]) -> KindT:
        """A job's settings, as its stage's class. Raises UserError, naming file and key, if they are invalid."""
        if job not in self._resolved:
            self._resolved[job] = self._resolve(job)
        settings = self._resolved[job]
        assert isinstance(settings, kind)
        return settings

    def _resolve(self, job: Job) -> StageSettings:
        from omegaconf import OmegaConf
        from omegaconf.errors import OmegaConfBaseException

        tree, kind = self.composed.tree, SETTINGS[job.stage]
        for name in JOB_VARIABLES:
            tree.pop(name, None)
        tree.update(self.variables(job))
        try:
            return kind.model_validate(OmegaConf.to_container(tree[job.stage], resolve=True))
        except OmegaConfBaseException as error:
            key = str(getattr(error, "full_key", "") or job.stage)
            reason = f"{str(error).splitlines()[0]}; refer to a key that exists for {job.stage}"
            raise UserError(f"{self.composed.where(key)}: '{key}': {reason}") from None
        except ValidationError as error:
            raise problem(kind, error, (job.stage,), self.composed.values, self.composed.where) from None

    def job_file(self, job: Job) -> JobFile[StageSettings]:
        """The content of a job's file."""
        row, settings = STAGES[job.stage], self.settings(job, SETTINGS[job.stage])
        code = code_digest(*self.code_of(job))
        libraries = versions.installed() if self.composed.strict_versions and row.computes else None
        return JobFile(*job, self.dataset if row.group == "data" else self.name, code, settings, libraries)

    def code_of(self, job: Job) -> tuple[str, tuple[str, ...]]:
        """The module that a job runs, and those that its settings select."""
        return STAGES[job.stage].code_of(self.settings(job, SETTINGS[job.stage]))

    def results(self, stage: str) -> str:
        """The folder that holds a stage's results and configurations, relative to the root."""
        target = STAGES[stage].target
        return f"results/{self.name}" + ("" if target == "all" else f"/{target}")

    def config_path(self, stage: str, name: str) -> str:
        """The path of a job's file, relative to the root. Experiments share the files of data stages."""
        if STAGES[stage].group == "data":
            return f"data/config/{self.dataset}/{stage}.json"
        return f"{self.results(stage)}/config/{stage}/{name if STAGES[stage].per else 'all'}.json"

    def check_tables(self) -> None:
        """Raise UserError, naming file and key, for a row that refers to something that does not exist."""
        samplings, origins, members = self.composed.sampling, self.composed.origins, self.members
        for name, row in self.members.items():
            self.check_name(f"ensemble.members.{name}.sampling", row.sampling, samplings)
            key = f"ensemble.members.{name}.origin"
            named = [each for each, its in origins.items() if row.origin in (its.format, its.network)]
            if row.origin not in origins and named:
                what = f"'{row.origin}' is a format or a network, the one of {' and '.join(named)}; name one of these"
                raise UserError(f"{self.composed.where(key)}: {key}: {what}")
            self.check_name(key, row.origin, origins)
        if "train_detector" in self.stages:
            for name, detector in self.detectors.items():
                self.check_name(f"ensemble.detectors.{name}.init_from", detector.init_from, members)
        if "train_multibox" in self.stages:
            self.check_name("train_multibox.init_from", self.of(TrainMultibox).init_from, members)
        self.check_name("analyse_units.of_member", self.analysed_member, members)
        self.check_name("measure_export.of_member", self.exported_member, members)
        self.check_processes()
        if "study_crops" in self.stages and not self.of(PredictCrops).keep_crops:
            key = "predict_crops.keep_crops"
            remedy = "set it to true, or study_crops.enabled to false"
            raise UserError(f"{self.composed.where(key)}: {key}: study_crops needs the single crops; {remedy}")

    def check_processes(self) -> None:
        """Raise UserError, naming file and key, if the processes of a training cannot share out its micro-batches."""
        key, asked = "execution.processes_per_training", self.of(Execution).processes_per_training
        parts = self.of(TrainClassifier).micro_batches
        if parts % asked:
            raise UserError(
                f"{self.composed.where(key)}: {key}: {asked} processes cannot share out {parts} micro-batches;"
                f" set train_classifier.micro_batches to {asked} or a multiple of it, which retrains the members"
            )

    def check_name(self, key: str, name: str, known: Iterable[str]) -> None:
        """Raise UserError for an unknown name."""
        if name not in known:
            raise UserError(f"{self.composed.where(key)}: {key}: no '{name}'{nearest(name, known)}")


def in_order(rows: tuple[RowT, ...]) -> dict[str, RowT]:
    """The rows of a table by name, in natural order: m2 before m10."""
    return {row.name: row for row in sorted(rows, key=lambda row: natural(row.name))}


def experiment(root: Path, name: str = "") -> Experiment:
    """Compose and check an experiment ("" for the one that params.yaml names)."""
    return Experiment(compose(root, SETTINGS, name))


@cache
def current(root: Path, name: str = "") -> Experiment:
    """As `experiment`, but cached: in this process, and on disk by the last start if nothing has changed since."""
    key = kept.key_of(root, name)
    last = kept.load(root, key)
    if last is None:
        return Experiment(compose(root, SETTINGS, name), key, name)
    return Experiment(Composed(root, last.experiment, last.values, SETTINGS), key, name, last)
