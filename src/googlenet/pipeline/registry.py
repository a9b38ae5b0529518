"""The stages, one row each: workflow, dvc.yaml, planner, report and tests derive their lists from this table.

A new stage is a rule, a module in stages/, a conf file with its settings class, and a row here (docs/extending.md).
"""

from collections.abc import Callable
from dataclasses import dataclass

from googlenet.config.compose import Composed
from googlenet.config.schema import classification as c
from googlenet.config.schema import dataset as data
from googlenet.config.schema import detection as d
from googlenet.config.schema import structure as s
from googlenet.config.schema.base import StageSettings, selections
from googlenet.config.schema.shared import Enabled, MemberRow
from googlenet.metrics import classification as cm
from googlenet.metrics import classification_studies as studies
from googlenet.metrics import detection as dm
from googlenet.metrics import proposals as pm
from googlenet.metrics.base import StageMetrics
from googlenet.metrics.cost import CostMetrics
from googlenet.metrics.data import Manifest
from googlenet.metrics.export import ExportMetrics
from googlenet.metrics.imports import ImportMetrics
from googlenet.metrics.structure import StructureMetrics
from googlenet.metrics.structure_comparison import StructureComparison
from googlenet.metrics.training import TrainingMetrics

# Groups with their own target, results folder and file of DVC stages.
APART = ("ablations", "exports", "structures")


def always(_: Composed | MemberRow) -> bool:
    """For a stage that every experiment has, with a job for each row of its table."""
    return True


def detection(composed: Composed) -> bool:
    """Whether the experiment has detection."""
    return composed.of(Enabled).enabled


@dataclass(frozen=True)
class Stage:
    """A row of the registry."""

    name: str
    settings: type[StageSettings]
    metrics: type[StageMetrics] | None  # the class of its metrics.json (or manifest.json), if it has one
    group: str  # data (results per data set), classification, detection, report, or one of APART
    per: str = ""  # the wildcard with a job for each value: member, detector, part, variant, structure; "": one job
    enabled: Callable[[Composed], bool] = always  # whether an experiment has it
    wants: Callable[[MemberRow], bool] = always  # the rows of the table of members that have a job
    gpu: bool = False  # whether a job takes a GPU if compute.device is cuda
    fp32: bool = False  # whether its networks compute in fp32, whatever compute.precision is
    shared: bool = False  # whether execution.processes_per_training processes share a job
    priority: int = 0  # of its jobs among those ready to start

    @property
    def module(self) -> str:
        """The module that its jobs run."""
        return f"googlenet.stages.{self.name}"

    def code_of(self, settings: StageSettings) -> tuple[str, tuple[str, ...]]:
        """The module that a job with these settings runs, and those that they select."""
        return self.module, tuple(sorted(set(selections(settings))))

    @property
    def target(self) -> str:
        """The Snakemake target, and the file of DVC stages, that it is part of."""
        return self.group if self.group in APART else "all"

    @property
    def runs_network(self) -> bool:
        """Whether its jobs import torch: those that can use a GPU, and some that run on the CPU only."""
        return self.gpu or self.name in ("import_weights", "study_crops", "measure_export")

    @property
    def computes(self) -> bool:
        """Whether it computes results; the report only shows those of other stages."""
        return self.group != "report"


def multibox(composed: Composed) -> bool:
    """Whether MultiBox proposes boxes."""
    return detection(composed) and composed.of(d.TrainMultibox).enabled


ROWS = (
    Stage("prepare_classification", data.PrepareClassification, Manifest, "data"),
    Stage("train_classifier", c.TrainClassifier, TrainingMetrics, "classification", "member",
          wants=lambda row: not row.imported, gpu=True, shared=True, priority=2),
    Stage("import_weights", c.ImportWeights, ImportMetrics, "classification", "member", wants=lambda row: row.imported),
    Stage("predict_crops", c.PredictCrops, None, "classification", "member", gpu=True),
    Stage("train_baseline", c.TrainBaseline, cm.BaselineMetrics, "classification",
          enabled=lambda composed: composed.of(c.TrainBaseline).enabled),
    Stage("evaluate_ensemble", c.EvaluateEnsemble, cm.EnsembleMetrics, "classification"),
    Stage("study_crops", c.StudyCrops, studies.CropStudyMetrics, "classification",
          enabled=lambda composed: composed.of(c.StudyCrops).enabled),
    Stage("analyse_units", c.AnalyseUnits, studies.UnitMetrics, "classification", gpu=True, fp32=True,
          enabled=lambda composed: composed.of(c.AnalyseUnits).enabled),
    Stage("prepare_detection", data.PrepareDetection, Manifest, "data", enabled=detection),
    Stage("propose_regions", d.ProposeRegions, pm.ProposalMetrics, "detection", "part", enabled=detection),
    Stage("train_multibox", d.TrainMultibox, pm.MultiboxMetrics, "detection", enabled=multibox, gpu=True, priority=1),
    Stage("merge_proposals", d.MergeProposals, pm.MergeMetrics, "detection", "part", enabled=detection, gpu=True),
    Stage("study_proposals", d.StudyProposals, pm.ProposalStudyMetrics, "detection", enabled=detection),
    Stage("train_detector", d.TrainDetector, dm.DetectorMetrics, "detection", "detector",
          enabled=detection, gpu=True, priority=1),
    Stage("fit_region_heads", d.FitRegionHeads, dm.HeadMetrics, "detection", "detector", gpu=True,
          enabled=lambda composed: detection(composed) and bool(composed.of(d.ScoreRegions).heads)),
    Stage("score_regions", d.ScoreRegions, None, "detection", "detector", enabled=detection, gpu=True),
    Stage("evaluate_detection", d.EvaluateDetection, dm.DetectionMetrics, "detection", enabled=detection),
    Stage("measure_cost", c.MeasureCost, CostMetrics, "classification", gpu=True),
    Stage("make_report", c.MakeReport, None, "report"),
    Stage("train_ablation", c.TrainAblation, TrainingMetrics, "ablations", "variant", gpu=True, shared=True),
    Stage("compare_ablations", c.CompareAblations, studies.AblationMetrics, "ablations"),
    Stage("measure_export", c.MeasureExport, ExportMetrics, "exports"),
    Stage("derive_structure", s.DeriveStructure, StructureMetrics, "structures", gpu=True, priority=1),
    Stage("train_structure", s.TrainStructure, TrainingMetrics, "structures", "structure", gpu=True, shared=True),
    Stage("compare_structures", s.CompareStructures, StructureComparison, "structures"),
)  # fmt: skip
STAGES = {row.name: row for row in ROWS}
SETTINGS = {row.name: row.settings for row in ROWS}
