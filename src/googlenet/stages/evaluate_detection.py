"""Evaluate the detectors, alone and together: Tables 4 and 5, coverage of the proposals."""

from googlenet.config.schema.detection import EvaluateDetection
from googlenet.data.ground_truth import ground_truth
from googlenet.data.store import open_split
from googlenet.detection import proposals as packed
from googlenet.detection.ensemble import evaluate
from googlenet.metrics.data import read_manifest
from googlenet.metrics.order import by_job
from googlenet.pipeline.job import Input, Inputs, Job, Output, main
from googlenet.storage.rows import open_rows


def run(job: Job[EvaluateDetection], *, manifest: Input, proposals: Inputs, scores: Inputs, metrics: Output) -> None:
    """Score the detections on the test images; the score files are in folders named after their detectors."""
    test = open_split(manifest.parent, "test")
    boxes = packed.joined([open_rows(path)[0] for path in proposals], "test")
    # Sorted by name, so that a mean over the detectors does not depend on the order of the command line.
    by_detector = {name: open_rows(path)[0] for name, path in by_job(scores).items()}
    classes = read_manifest(manifest).classes
    result = evaluate(by_detector, boxes, ground_truth(test), test.names, classes, job.settings)
    precision = {"ensemble": result.ensemble.mean_ap_percent, "single": result.single_mean_ap_percent}
    logged = {f"test_mean_ap_percent_{system}": percent for system, percent in precision.items()}
    job.log(logged | {"test_coverage_percent": result.coverage.coverage_percent})
    job.write_metrics(metrics, result)


if __name__ == "__main__":
    main(run)
