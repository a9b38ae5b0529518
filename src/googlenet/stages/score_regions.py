"""Score every proposal of the test pictures with one detector."""

from googlenet import trained
from googlenet.checkpoint import load_arrays, save_arrays
from googlenet.data.decoded import Pictures
from googlenet.data.store import open_split
from googlenet.detection import proposals as packed
from googlenet.detection.score import score
from googlenet.job import Input, Inputs, Job, Output, main


def run(job: Job, *, manifest: Input, proposals: Inputs, weights: Input, scores: Output) -> None:
    """Write float32 [proposals, 1 + classes], pictures in the split's order."""
    model, description = trained.load(weights, job.compute["device"])
    test = open_split(manifest.parent, "test")
    boxes = packed.joined([load_arrays(path)[0] for path in proposals], "test")
    found = score(model, description, Pictures(test, 0), boxes, job.config, job.compute)
    save_arrays(scores, {"probabilities": found}, {"stamp": job.stamp})
    job.log({"images": len(test), "regions": len(found)})


if __name__ == "__main__":
    main(run)
