"""Predict the test pictures with one member, on 1, 10 and 144 crops in one pass."""

import json

from googlenet import trained
from googlenet.checkpoint import save_arrays
from googlenet.classification.error_rates import top_errors
from googlenet.classification.predict import predict
from googlenet.data.decoded import Pictures
from googlenet.data.store import open_split
from googlenet.job import Input, Job, Output, main


def run(job: Job, *, manifest: Input, weights: Input, predictions: Output) -> None:
    """Write float32 [pictures, classes] per policy: the mean softmax over the policy's crops."""
    model, description = trained.load(weights, job.compute["device"])
    test = open_split(manifest.parent, "test")
    policies, batch = job.config["policies"], job.config["batch_size"]
    found = predict(model, description, Pictures(test, 0), policies, batch, job.compute, job.config["mirror"])
    for policy, scores in found.items():
        errors = top_errors(scores, test.labels)
        job.log({f"test_{name}_{policy}_crops": value for name, value in errors.items()})
    metadata = {"stamp": job.stamp, "mirrored": json.dumps(job.config["mirror"])}
    save_arrays(predictions, {str(policy): scores for policy, scores in found.items()}, metadata)


if __name__ == "__main__":
    main(run)
