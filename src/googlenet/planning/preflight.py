"""Checks before the first job of a real run, beyond what the settings alone can show: data, weights, GPU, MLflow."""

from pathlib import Path

from googlenet import tracking
from googlenet.config.schema.base import TRUNKS
from googlenet.config.schema.classification import AnalyseUnits, ImportWeights
from googlenet.config.schema.dataset import Dataset, DataSource
from googlenet.config.schema.detection import TrainMultibox
from googlenet.config.schema.shared import Compute, Model
from googlenet.data.prepare import check_source
from googlenet.errors import UserError, nearest
from googlenet.imports import import_weights
from googlenet.metrics.runs import read_run
from googlenet.models.table_1 import module_above, order_of_modules
from googlenet.pipeline import versions
from googlenet.pipeline.experiment import Experiment, Job
from googlenet.pipeline.job import run_record
from googlenet.pipeline.registry import STAGES


def check(experiment: Experiment, local: bool) -> None:
    """Raise UserError, naming the key, for missing data, senseless settings, no GPU, no answer from MLflow's server.

    Data already prepared need no source. `local`: jobs run on this machine, so its GPU is the one that counts.
    """
    check_data(experiment)
    for job in experiment.jobs("import_weights"):
        check_weights(experiment, job)
    check_modules(experiment)
    if local and experiment.of(Compute).device == "cuda" and not Path("/dev/nvidiactl").exists():
        raise UserError("compute.device: cuda is asked for, but this machine has no NVIDIA GPU; set cpu")
    tracking.check(experiment.root, experiment.name)  # last: it can take seconds


def check_data(experiment: Experiment) -> None:
    """Check that the data are prepared or can be, with training images if the experiment trains anything."""
    dataset = experiment.of(Dataset)
    trains = bool(experiment.jobs("train_classifier")) or "train_baseline" in experiment.stages
    sources: tuple[DataSource, ...] = (dataset.classification, dataset.detection)
    for source in sources:
        kind = source.kind
        if f"prepare_{kind}" not in experiment.stages:
            continue
        if (trains or kind == "detection") and not source.splits.train:
            raise UserError(
                f"dataset.{kind}.splits.train: not set, and this experiment trains; name the training images,"
                " or give every member weights and set train_baseline.enabled to false"
            )
        if not (experiment.root / "data" / kind / experiment.dataset / "manifest.json").exists():
            check_source(source)


def check_weights(experiment: Experiment, job: Job) -> None:
    """Check that a member's weights can be imported (or already are), and that what starts from them can do so."""
    settings = experiment.settings(job, ImportWeights)
    detectors = experiment.detectors.values() if "train_detector" in experiment.stages else ()
    start = next((detector.name for detector in detectors if detector.init_from == job.name), None)
    if start is not None and settings.origin.network not in TRUNKS:
        raise UserError(
            f"ensemble.detectors.{start}.init_from: {job.name} is torchvision's variant, and detectors start from"
            " the paper's network; name another member, or set detection.enabled to false"
        )
    if not (experiment.root / f"results/{experiment.name}/import_weights/{job.name}/metrics.json").exists():
        weights = Path(settings.member.weights).expanduser()
        import_weights.check(weights, settings.origin, f"ensemble.members.{job.name}.weights")


def check_modules(experiment: Experiment) -> None:
    """Check that a module is above the one whose units are analysed, and that MultiBox's trunk has its last module."""

    def repeated(member: str) -> list[str]:
        row = experiment.members[member]
        return [*experiment.of(Model).repeat_modules, *(() if row.imported else row.repeat_modules)]

    if "analyse_units" in experiment.stages:
        member = experiment.analysed_member
        if experiment.network_of(member) not in TRUNKS:
            raise UserError(
                f"analyse_units.of_member: {member} is torchvision's network, which has other modules; name a member with"
                " the paper's, or set analyse_units.enabled to false"
            )
        module_above(experiment.of(AnalyseUnits).module, repeated(member), "analyse_units.module")
    if "train_multibox" in experiment.stages:
        multibox = experiment.of(TrainMultibox)
        if experiment.network_of(multibox.init_from) not in TRUNKS:
            raise UserError(
                f"train_multibox.init_from: {multibox.init_from} is torchvision's network, which is no trunk; name a member"
                " with the paper's, or set train_multibox.enabled to false"
            )
        known = list(order_of_modules(repeated(multibox.init_from)))
        if multibox.last not in known:
            raise UserError(f"train_multibox.last: no module '{multibox.last}'{nearest(multibox.last, known)}")


def warnings(experiment: Experiment) -> list[str]:
    """Warnings before the first job, which stop nothing: one line per library that made results in another version."""
    if experiment.composed.strict_versions:
        return []  # such results are out of date, so no warning is needed
    records = []
    for job in (job for stage in experiment.stages if STAGES[stage].computes for job in experiment.jobs(stage)):
        record = experiment.root / run_record(Path(experiment.config_path(job.stage, job.name)), job.stage, job.name)
        records += [read_run(record)] if record.is_file() else []
    mend = "what runs now is mixed with them (strict_versions: true in params.yaml's overrides runs all anew)"
    return [f"warning: {line}; {mend}" for line in versions.differences(records, versions.installed())]
