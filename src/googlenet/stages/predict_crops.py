"""Predict the test pictures with one member: mean softmax over 1, 10 and 144 crops."""

import json

from googlenet import trained
from googlenet.checkpoint import save_arrays
from googlenet.classification.class_order import labels_among
from googlenet.classification.error_rates import top_errors
from googlenet.classification.kept_crops import Keeper, sample
from googlenet.classification.predict import in_data_order, predict, predict_kept, union
from googlenet.data.decoded import Pictures
from googlenet.data.store import Split, open_split
from googlenet.files import read_json
from googlenet.job import Input, Job, Output, main


def run(job: Job, *, manifest: Input, weights: Input, predictions: Output, crops: Output) -> None:
    """Write float32 [pictures, classes] per policy, the mean softmax over its crops; and the sample's, crop by crop.

    The sample is of test and validation pictures; a data set without a validation split has only the former. A
    network that knows more classes than the data set answers with any of its own.
    """
    model, description = trained.load(weights, job.compute["device"])
    test, dataset = open_split(manifest.parent, "test"), read_json(manifest)
    model, outputs = in_data_order(model, description.classes, dataset, f"member {weights.parent.name}")
    policies, batch, mirror = (job.config[key] for key in ("policies", "batch_size", "mirror"))

    def keeper(split: Split) -> Keeper:
        chosen = sample(len(split), job.config["per_crop_images"], job.config["per_crop_seed"])
        return Keeper(chosen, union(policies), len(description.classes))

    kept = {"test": keeper(test)}
    how, pictures = (policies, batch, job.compute, mirror), Pictures(test, 0)
    found = predict(model, description, pictures, *how, kept["test"], job.resume)
    labels, _ = labels_among({weights.parent.name: outputs}, test.labels)
    for policy, scores in found.items():
        errors = top_errors(scores, labels)
        job.log({f"test_{name}_{policy}_crops": value for name, value in errors.items()})
    if dataset["splits"].get("validation", {}).get("records"):
        validation = open_split(manifest.parent, "validation")
        kept["validation"] = keeper(validation)
        predict_kept(model, description, validation, *how, kept["validation"], job.resume)
    metadata = {"stamp": job.stamp, "mirrored": json.dumps(mirror), "outputs": json.dumps(outputs)}
    save_arrays(predictions, {str(policy): scores for policy, scores in found.items()}, metadata)
    stored = {name: array for split, one in kept.items() for name, array in one.arrays(split).items()}
    save_arrays(crops, stored, metadata)


if __name__ == "__main__":
    main(run)
