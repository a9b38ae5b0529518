"""Compare the derived structures with GoogLeNet and with random ones of the same cost, and write the page about them."""

from googlenet.classification.structures import compare
from googlenet.config.schema.structure import CompareStructures
from googlenet.metrics.base import read_metrics
from googlenet.metrics.data import read_manifest
from googlenet.metrics.structure import StructureMetrics
from googlenet.metrics.training import TrainingMetrics
from googlenet.pipeline.job import Input, Inputs, Job, Output, main
from googlenet.report import page
from googlenet.report import structures as structures_page
from googlenet.storage.checkpoint import load_arrays
from googlenet.storage.folder import write_folder


def run(
    job: Job[CompareStructures],
    *,
    manifest: Input,
    structures: Input,
    outcomes: Inputs,
    trainings: Inputs,
    metrics: Output,
    html: Output,
    markdown: Output,
) -> None:
    """Compare them. outcomes, trainings: in folders named after their structures."""
    arrays = {path.parent.name: load_arrays(path)[0] for path in outcomes}
    trained = {path.parent.name: read_metrics(path, TrainingMetrics) for path in trainings}
    made, data = read_metrics(structures, StructureMetrics), read_manifest(manifest)
    measured = compare(made, arrays, trained, job.settings.confidence_percent, len(data.classes))
    for other, errors in (("googlenet", measured.derived.test), ("random", measured.derived_less_random.test)):
        job.log({f"derived_less_{other}_test_top1_points": errors.top1.difference_points})
    figures = structures_page.figures(measured, made)
    write_folder(markdown.parent / "figures", {f"{figure.name}.png": figure.png for figure in figures})
    report = structures_page.build(job.experiment, measured, made, data, figures, job.settings.about)
    page.write(report, markdown, html)
    job.artifact(html)
    job.write_metrics(metrics, measured)


if __name__ == "__main__":
    main(run)
