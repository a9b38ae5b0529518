"""Predict the test images with one member: mean softmax over 1, 10 and 144 crops."""

import json
from dataclasses import asdict

from googlenet.classification.error_rates import top_errors
from googlenet.classification.kept_crops import Keeper, sample
from googlenet.classification.predict import Classifier, Cropping, in_data_order, predict, predict_kept
from googlenet.config.schema.classification import PredictCrops
from googlenet.data.decoded import DecodedImages
from googlenet.data.store import Split, open_split
from googlenet.metrics.data import read_manifest
from googlenet.models import bundle
from googlenet.pipeline.job import Input, Job, Output, main
from googlenet.storage.checkpoint import save_arrays


def run(job: Job[PredictCrops], *, manifest: Input, weights: Input, predictions: Output, crops: Output) -> None:
    """Write float32 [images, classes] per policy, the mean softmax over its crops; for a sample, also crop by crop.

    The sample is drawn from test and, if the data set has it, from validation. A network with more classes than the
    data set may predict any of its own."""
    settings, member, runtime = job.settings, weights.parent.name, job.runtime
    test, dataset = open_split(manifest.parent, "test"), read_manifest(manifest)
    network, outputs = in_data_order(
        bundle.load(weights, runtime.device), dataset.classes, dataset.class_keys, f"member {member}"
    )
    cropping = Cropping(settings.policies, settings.batch_size, settings.mirror, settings.scales)
    keepers: dict[str, Keeper] = {}

    def keeper(split: Split) -> Keeper:
        chosen = sample(len(split), settings.per_crop_images, settings.per_crop_seed)
        return keepers.setdefault(split.split, Keeper(chosen, cropping.numbers, len(network.spec.classes)))

    kept = keeper(test) if settings.keep_crops else None
    images, threads = DecodedImages(test, 0), max(1, runtime.loader_workers)
    classifier = Classifier.of(network, images, cropping, runtime)
    job.computes_with(classifier.use)
    scores_by_policy = predict(classifier, images, cropping, threads, kept, job.resume)
    labels = outputs.label_columns(test.labels)
    for policy, scores in scores_by_policy.items():
        errors = top_errors(scores, labels).to_json()
        job.log({f"test_{name}_{policy}_crops": value for name, value in errors.items()})
    if settings.keep_crops and "validation" in dataset.splits and dataset.splits["validation"].records:
        validation = open_split(manifest.parent, "validation")
        predict_kept(classifier, DecodedImages(validation, 0), cropping, keeper(validation), threads, job.resume)
    metadata = {
        "stamp": job.stamp,
        "mirrored": json.dumps(settings.mirror),
        "outputs": json.dumps(outputs._asdict()),
        "engine": json.dumps(asdict(classifier.use)),
    }
    save_arrays(predictions, {str(policy): scores for policy, scores in scores_by_policy.items()}, metadata)
    stored = {name: array for split, one in keepers.items() for name, array in one.arrays(split).items()}
    save_arrays(crops, stored, metadata)


if __name__ == "__main__":
    main(run)
