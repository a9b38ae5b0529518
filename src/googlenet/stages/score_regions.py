"""Score every proposal of the test pictures with one detector, under the main setting and those compared with it."""

from googlenet import trained
from googlenet.checkpoint import load_arrays, save_arrays
from googlenet.data.decoded import Pictures
from googlenet.data.store import open_split
from googlenet.detection import proposals as packed
from googlenet.detection.score import score
from googlenet.job import Input, Inputs, Job, Output, main
from googlenet.switches import by_prefix


def run(
    job: Job, *, manifest: Input, proposals: Inputs, weights: Input, heads: Inputs, scores: Output
) -> None:
    """Write float32 [proposals, 1 + classes] and, where boxes are regressed, [proposals, classes, 4], in the split's order.

    `heads`: the detector's, or none where no switch needs any.
    """
    model, description = trained.load(weights, job.compute["device"])
    test = open_split(manifest.parent, "test")
    boxes = packed.joined([load_arrays(path)[0] for path in proposals], "test")
    fitted = {name: array for path in heads for name, array in load_arrays(path)[0].items()}
    wanted = by_prefix(job.config["switches"], job.config["compare"])
    pictures, lists = Pictures(test, 0), list(wanted.values())
    found = score(model, description, pictures, boxes, job.config, job.compute, lists, fitted, job.resume)
    arrays = {}
    for prefix, one in zip(wanted, found, strict=True):
        arrays[f"{prefix}probabilities"] = one.probabilities
        arrays |= {} if one.boxes is None else {f"{prefix}boxes": one.boxes}
    save_arrays(scores, arrays, {"stamp": job.stamp})
    job.log({"images": len(test), "regions": len(found[0].probabilities)})


if __name__ == "__main__":
    main(run)
