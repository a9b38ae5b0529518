"""Train one structure that derive_structure wrote, with one seed."""

from googlenet.classification.train import Splits, train
from googlenet.config.schema.base import replaced
from googlenet.config.schema.structure import TrainStructure
from googlenet.data.decoded import labelled
from googlenet.metrics.base import read_metrics
from googlenet.metrics.data import read_manifest
from googlenet.metrics.structure import StructureMetrics
from googlenet.models.network import NetworkSpec
from googlenet.models.structure import build
from googlenet.models.table_1 import Widths
from googlenet.pipeline.job import Input, Job, Output, main
from googlenet.storage.checkpoint import save_arrays


def run(job: Job[TrainStructure], *, manifest: Input, structures: Input, outcomes: Output, metrics: Output) -> None:
    """Train as train_classifier does, and save the errors; a stalled training is a valid result here."""
    splits = Splits(**labelled(manifest.parent, job.execution.decoded_cache_mb))
    training, variant = job.settings.training, job.settings.variant
    training = replaced(training, stall=replaced(training.stall, enabled=False))
    table = read_metrics(structures, StructureMetrics).of(variant.name).modules
    modules = {name: Widths(**widths.to_json()) for name, widths in table.items()}
    network = build(NetworkSpec.of(training.model, read_manifest(manifest).classes), modules)
    network.initialise(training.member.init_seed)
    network = network.on(job.runtime.device)
    measured, wrong = train(
        network, splits, training, job.runtime, lambda row: job.log(row.to_json(), step=row.epoch), job.resume
    )
    job.log({f"test_averaged_{name}": value for name, value in measured.test.averaged.to_json().items()})
    save_arrays(outcomes, wrong, {"stamp": job.stamp})
    job.write_metrics(metrics, measured.model_copy(update={"variant": variant}))


if __name__ == "__main__":
    main(run)
