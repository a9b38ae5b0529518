"""Fit what the switches beyond the paper need, on one frozen detector: box regression, SVMs, a context feature."""

from googlenet.config.schema.detection import FitRegionHeads
from googlenet.data.decoded import DecodedImages
from googlenet.data.ground_truth import ground_truth
from googlenet.data.store import open_split
from googlenet.detection import proposals as packed
from googlenet.detection.fit_heads import fit
from googlenet.detection.region_sample import draw
from googlenet.models import bundle
from googlenet.pipeline.job import Input, Inputs, Job, Output, main
from googlenet.storage.checkpoint import save_arrays
from googlenet.storage.rows import open_rows


def run(
    job: Job[FitRegionHeads], *, manifest: Input, proposals: Inputs, weights: Input, heads: Output, metrics: Output
) -> None:
    """Fit the heads required by the settings to a sample of the training regions."""
    network = bundle.load(weights, job.runtime.device, job.settings.network)
    split = open_split(manifest.parent, "train")
    proposed = packed.joined([open_rows(path)[0] for path in proposals], "train")
    sample = draw(proposed, ground_truth(split), len(network.spec.classes) - 1, job.settings)
    arrays, result = fit(network, DecodedImages(split, 0), sample, job.settings, job.runtime)
    save_arrays(heads, arrays, {"stamp": job.stamp})
    job.log(result.regions.to_json())
    job.write_metrics(metrics, result)


if __name__ == "__main__":
    main(run)
