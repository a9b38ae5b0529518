"""Fit on one frozen detector what the switches beyond the paper need: box regression, SVMs, a context feature."""

from googlenet import trained
from googlenet.checkpoint import save_arrays
from googlenet.data.decoded import Pictures
from googlenet.data.store import open_split
from googlenet.detection import proposals as packed
from googlenet.detection.fit_heads import fit
from googlenet.detection.region_sample import draw
from googlenet.job import Input, Inputs, Job, Output, main
from googlenet.rows import open_rows


def run(
    job: Job, *, manifest: Input, proposals: Inputs, weights: Input, heads: Output, metrics: Output
) -> None:
    """Fit the heads that the settings ask for to a sample of the training regions."""
    config = job.config
    model, description = trained.load(weights, job.compute["device"])
    split = open_split(manifest.parent, "train")
    proposed = packed.joined([open_rows(path)[0] for path in proposals], "train")
    records = (split[i] for i in range(len(split)))
    objects = [(record.boxes, record.box_labels, record.difficult, record.partial) for record in records]
    sample = draw(proposed, objects, len(description.classes) - 1, config)
    arrays, done = fit(model, description, Pictures(split, 0), sample, config["heads"], config, job.compute)
    save_arrays(heads, arrays, {"stamp": job.stamp})
    job.log(done["regions"])
    job.write_metrics(metrics, done)


if __name__ == "__main__":
    main(run)
