"""Compare every row of the table of ablations with the reference, and write its page."""

from googlenet.classification.ablations import compare
from googlenet.config.schema.classification import CompareAblations
from googlenet.metrics.base import read_metrics
from googlenet.metrics.data import read_manifest
from googlenet.metrics.training import TrainingMetrics
from googlenet.pipeline.job import Input, Inputs, Job, Output, main, records_in
from googlenet.report import ablations, page
from googlenet.storage.checkpoint import load_arrays
from googlenet.storage.folder import write_folder


def run(
    job: Job[CompareAblations],
    *,
    manifest: Input,
    outcomes: Inputs,
    trainings: Inputs,
    metrics: Output,
    html: Output,
    markdown: Output,
) -> None:
    """Compare the rows. outcomes, trainings: of members and variants, in folders named after stage and job."""
    arrays = {"/".join(path.parts[-3:-1]): load_arrays(path)[0] for path in outcomes}
    trained = {"/".join(path.parts[-3:-1]): read_metrics(path, TrainingMetrics) for path in trainings}
    data = read_manifest(manifest)
    measured = compare(job.settings, arrays, trained, len(data.classes))
    for row in measured.rows:
        job.log({f"test_top1_difference_points_{row.name}": row.test.top1.difference_points})
    runs = records_in(html.parents[1] / "runs", html.parents[2] / "runs")
    seconds = {f"{run.stage}/{run.job}": run.duration_s for run in runs if not run.resumed}
    rates = {name: each.images_seen / seconds[name] for name, each in trained.items() if name in seconds}
    figures = ablations.drawings(measured)
    report = ablations.build(job.experiment, measured, data, figures, rates, job.settings.about)
    write_folder(markdown.parent / "figures", {f"{name}.png": png for name, png in figures.items()})
    page.write(report, markdown, html)
    job.artifact(html)
    job.write_metrics(metrics, measured)


if __name__ == "__main__":
    main(run)
