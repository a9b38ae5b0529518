"""Score every proposal of the test pictures with one detector, under the main setting and those compared with it."""

from googlenet import trained
from googlenet.checkpoint import load_arrays
from googlenet.data.decoded import Pictures
from googlenet.data.store import open_split
from googlenet.detection import proposals as packed
from googlenet.detection.score import score, shapes
from googlenet.job import Input, Inputs, Job, Output, main
from googlenet.rows import open_rows, written
from googlenet.switches import by_prefix


def run(
    job: Job, *, manifest: Input, proposals: Inputs, weights: Input, heads: Inputs, scores: Output
) -> None:
    """Write float32 [proposals, 1 + classes] and, where boxes are regressed, [proposals, classes, 4], in the split's order.

    `heads`: the detector's, or none where no switch needs any.
    """
    model, description = trained.load(weights, job.compute["device"])
    test = open_split(manifest.parent, "test")
    boxes = packed.joined([open_rows(path)[0] for path in proposals], "test")
    fitted = {name: array for path in heads for name, array in load_arrays(path)[0].items()}
    wanted = by_prefix(job.config["switches"], job.config["compare"])
    regions = int(boxes.counts.sum())
    found = score(
        model, description, Pictures(test, 0), boxes, job.config, job.compute, wanted, fitted, job.resume
    )
    with written(scores, shapes(wanted, regions, len(description.classes)), {"stamp": job.stamp}) as file:
        for arrays in found:
            for name, rows in arrays.items():
                file.add(name, rows)
    job.log({"images": len(test), "regions": regions})


if __name__ == "__main__":
    main(run)
