"""Fine-tune one detector from a member of the classification ensemble."""

from googlenet.config.schema.detection import TrainDetector
from googlenet.data.decoded import DecodedImages
from googlenet.data.ground_truth import ground_truth
from googlenet.data.store import open_split
from googlenet.detection import proposals as packed
from googlenet.detection.regions import training_regions
from googlenet.detection.train import detector_from, train
from googlenet.metrics.data import read_manifest
from googlenet.models import bundle
from googlenet.pipeline.job import Input, Inputs, Job, Output, main
from googlenet.storage.rows import open_rows


def run(
    job: Job[TrainDetector], *, manifest: Input, proposals: Inputs, classifier: Input, weights: Output, metrics: Output
) -> None:
    """Train on the proposals and the objects of the training images; save the averaged weights."""
    settings, device = job.settings, job.runtime.device
    start = bundle.load(classifier, device, settings.network)
    network = detector_from(start, read_manifest(manifest).classes, settings.detector.order_seed).on(device)
    split = open_split(manifest.parent, "train")
    proposed = packed.joined([open_rows(path)[0] for path in proposals], "train")
    regions = training_regions(proposed, ground_truth(split), settings.positive_iou)
    images = DecodedImages(split, job.execution.decoded_cache_mb)
    result = train(
        network, images, regions, settings, job.runtime, lambda row: job.log(row.to_json(), step=row.epoch), job.resume
    )
    bundle.save(weights, network, job.stamp)
    job.write_metrics(metrics, result)


if __name__ == "__main__":
    main(run)
