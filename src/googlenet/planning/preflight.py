"""Checks before the first job of a real run, beyond what the settings alone can show: data, weights, GPU, MLflow."""

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

from googlenet import tracking
from googlenet.config.schema.base import TRUNKS, StageSettings
from googlenet.config.schema.classification import (
    AnalyseUnits,
    ImportWeights,
    MeasureExport,
    TrainAblation,
    TrainClassifier,
)
from googlenet.config.schema.dataset import Dataset, DataSource
from googlenet.config.schema.detection import TrainMultibox
from googlenet.config.schema.shared import Execution, Inference, Model
from googlenet.config.schema.structure import TrainStructure
from googlenet.data import folders
from googlenet.data.prepare import check_source
from googlenet.data.records import SPLITS
from googlenet.errors import UserError, nearest
from googlenet.imports import import_weights
from googlenet.metrics.runs import read_run
from googlenet.models.table_1 import module_above, order_of_modules
from googlenet.pipeline import versions
from googlenet.pipeline.experiment import Experiment, Job
from googlenet.pipeline.job_file import run_record
from googlenet.pipeline.registry import STAGES
from googlenet.storage.files import sha256

GPU_DRIVERS = (Path("/dev/nvidiactl"), Path("/dev/dxg"))  # the latter: Windows' subsystem for Linux


def check(experiment: Experiment, jobs: Collection[Job], local: bool) -> None:
    """Raise UserError, naming the key, for missing data, senseless settings, no GPU, no answer from MLflow's server.

    jobs: those that will run; the others need no source. local: whether they run on this machine and need its GPU.
    """
    check_splits(experiment, jobs)
    check_starts(experiment)
    check_modules(experiment)
    if Job("measure_export", "all") in jobs:
        check_formats(experiment.of(MeasureExport).formats, splits_of(experiment.of(Dataset).classification))
    check_ray(experiment, jobs)
    check_processes(experiment, jobs)
    for error in missing_sources(experiment, jobs):
        raise error
    uses_gpu = experiment.of(Inference).device == "cuda" and any(STAGES[job.stage].gpu for job in jobs)
    if local and uses_gpu and not any(path.exists() for path in GPU_DRIVERS):
        raise UserError("compute.device: cuda is asked for, but this machine has no NVIDIA GPU; set cpu")
    tracking.check(experiment.root, experiment.name)  # last: it can take seconds


def missing_sources(experiment: Experiment, jobs: Collection[Job]) -> list[UserError]:
    """An error for each missing file or folder outside the project that jobs would read: images, boxes, weights."""
    errors = []
    for job, source in data_sources(experiment).items():
        if job in jobs:
            manifest = f"data/{source.kind}/{experiment.dataset}/manifest.json"
            errors += unmet(experiment, f"data/{source.kind}", manifest, partial(check_source, source))
    for job in experiment.jobs("import_weights"):
        if job in jobs:
            stage = f"results/{experiment.name}/import_weights"
            metrics, check = f"{stage}/{job.name}/metrics.json", partial(check_weights, experiment, job)
            errors += unmet(experiment, stage, metrics, check)
    return errors


def unmet(experiment: Experiment, recorded: str, output: str, check: Callable[[], None]) -> list[UserError]:
    """The error of a check, if any. If the job's output is gone and DVC may have it, suggests restoring it."""
    try:
        check()
    except UserError as error:
        lock = experiment.root / "dvc.lock"
        gone = not (experiment.root / output).exists()
        if gone and lock.is_file() and f"path: {recorded}\n" in lock.read_text(encoding="utf-8"):
            return [UserError(f"{error}; or bring back what dvc.lock lists of {recorded}: `make restore`")]
        return [error]
    return []


def due(experiment: Experiment) -> set[Job]:
    """The jobs that read from outside the project and would run now: those whose last run had another job file."""
    jobs = [*data_sources(experiment), *experiment.jobs("import_weights")]
    return {job for job in jobs if not ran_with(experiment, experiment.config_path(*job), job)}


def ran_with(experiment: Experiment, config: str, job: Job) -> bool:
    """Whether a job's last run used its present file."""
    record = experiment.root / run_record(Path(config), *job)
    return record.is_file() and read_run(record).config_sha256 == sha256(experiment.root / config)


def data_sources(experiment: Experiment) -> dict[Job, DataSource]:
    """The data sets that an experiment prepares, by job."""
    dataset = experiment.of(Dataset)
    sources: tuple[DataSource, ...] = (dataset.classification, dataset.detection)
    jobs = {Job(f"prepare_{source.kind}", "all"): source for source in sources}
    return {job: source for job, source in jobs.items() if job.stage in experiment.stages}


def check_splits(experiment: Experiment, jobs: Collection[Job]) -> None:
    """Check that there are training images if anything is trained, and the images that studies look at."""
    trains = bool(experiment.jobs("train_classifier")) or "train_baseline" in experiment.stages
    apart = sorted({job.stage for job in jobs} & {"train_ablation", "derive_structure", "train_structure"})
    for source in data_sources(experiment).values():
        if source.splits.train:
            continue
        if trains or source.kind == "detection":
            raise UserError(
                f"dataset.{source.kind}.splits.train: not set, and this experiment trains; name the training images,"
                " or give every member weights and set train_baseline.enabled to false"
            )
        if apart:
            raise UserError(
                f"dataset.{source.kind}.splits.train: not set, and {apart[0]} trains; name the training images"
            )
    splits = splits_of(experiment.of(Dataset).classification)
    if Job("analyse_units", "all") in jobs and (split := experiment.of(AnalyseUnits).split) not in splits:
        raise UserError(f"analyse_units.split: this data set has no {split} images; name one of {', '.join(splits)}")


def splits_of(source: DataSource) -> list[str]:
    """The splits that a data set will have."""
    _, held_out = folders.held_out(source)
    return [split for split in SPLITS if source.splits.of(split) or (split == "validation" and held_out)]


def check_weights(experiment: Experiment, job: Job) -> None:
    """Check that a member's weights can be imported."""
    settings = experiment.settings(job, ImportWeights)
    weights = Path(settings.member.weights).expanduser()
    key = f"ensemble.members.{job.name}.weights"
    import_weights.check(weights, settings.origin, key, experiment.composed.origins)


def check_starts(experiment: Experiment) -> None:
    """Check that detectors start from members whose network can serve as a trunk."""
    for detector in experiment.detectors.values() if "train_detector" in experiment.stages else ():
        if experiment.network_of(detector.init_from) not in TRUNKS:
            raise UserError(
                f"ensemble.detectors.{detector.name}.init_from: {detector.init_from} is torchvision's variant, and"
                " detectors start from the paper's network; name another member, or set detection.enabled to false"
            )


def check_modules(experiment: Experiment) -> None:
    """Check that the module whose units are analysed has one above it, and MultiBox's trunk its last module."""

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
                f"train_multibox.init_from: {multibox.init_from} is torchvision's network, which cannot be a trunk; name a member"
                " with the paper's, or set train_multibox.enabled to false"
            )
        known = list(order_of_modules(repeated(multibox.init_from)))
        if multibox.last not in known:
            raise UserError(f"train_multibox.last: no module '{multibox.last}'{nearest(multibox.last, known)}")


def check_formats(formats: Collection[str], splits: Collection[str]) -> None:
    """Check that the packages that write and run the export formats are installed, and that int8 has images for it."""
    from googlenet.models.export import FORMATS  # imports torch

    for name in formats:
        if missing := FORMATS[name].missing:
            install = f"run `pip install {' '.join(missing)}`, or leave it out"
            raise UserError(f"measure_export.formats: {name} needs {', '.join(missing)}; {install}")
        if FORMATS[name].calibrated and "validation" not in splits:
            raise UserError(f"measure_export.formats: {name} needs validation images, and there are none; leave it out")


def check_processes(experiment: Experiment, jobs: Collection[Job]) -> None:
    """Check that the processes of each training outside the table of members can share out its micro-batches."""
    key, asked = "execution.processes_per_training", experiment.of(Execution).processes_per_training
    for job in jobs:
        settings = experiment.settings(job, StageSettings)
        if isinstance(settings, TrainAblation | TrainStructure):
            parts = settings.training.micro_batches
            if parts > 1 and parts % asked:
                raise UserError(
                    f"{key}: {asked} processes cannot share out the {parts} micro-batches of {job.stage}/{job.name};"
                    f" set its train_classifier.micro_batches to 1, or to {asked} or a multiple of it"
                )


def check_ray(experiment: Experiment, jobs: Collection[Job]) -> None:
    """Check that Ray is installed if one of these jobs trains with it."""
    every = [experiment.settings(job, StageSettings) for job in jobs]
    trainings = [one.training if isinstance(one, TrainAblation) else one for one in every]
    if any(isinstance(one, TrainClassifier) and one.real_replicas for one in trainings):
        from googlenet.models.updates.asynchronous_ray import check_installed  # imports torch

        check_installed()


def warnings(experiment: Experiment) -> list[str]:
    """Warnings before the first job: one line for each library that made results in another version."""
    if experiment.composed.strict_versions:
        return []  # such results are out of date, so no warning is needed
    records = []
    for job in (job for stage in experiment.stages if STAGES[stage].computes for job in experiment.jobs(stage)):
        record = experiment.root / run_record(Path(experiment.config_path(job.stage, job.name)), job.stage, job.name)
        records += [read_run(record)] if record.is_file() else []
    remedy = "new results will be mixed with them (strict_versions: true in params.yaml's overrides recomputes all)"
    return [f"warning: {line}; {remedy}" for line in versions.differences(records, versions.installed())]
