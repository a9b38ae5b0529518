"""Make the report: our figures beside the paper's."""

from googlenet.classification.crop_boxes import crop_boxes
from googlenet.config.schema.classification import MakeReport, TrainClassifier
from googlenet.data.store import open_split
from googlenet.metrics.reference import read_reference
from googlenet.metrics.results import read_results
from googlenet.models.first_layer import first_filters
from googlenet.pipeline.job import Input, Inputs, Job, Output, main, records_beside
from googlenet.pipeline.job_file import read_job_file
from googlenet.pipeline.registry import STAGES
from googlenet.report import key_figures, model_card, page, sections, table_files
from googlenet.report.drawings import drawings
from googlenet.storage.files import write_bytes
from googlenet.storage.folder import write_folder


def run(
    job: Job[MakeReport],
    *,
    manifests: Inputs,
    metrics: Inputs,
    weights: Input,
    references: Inputs,
    trainings: Inputs,
    html: Output,
    markdown: Output,
) -> None:
    """Read metrics.json files (in folders named after stage and job) and run.json records; write two pages, the tables,
    the figures, the key figures and a model card. weights: of the member whose first layer is drawn. references: the
    experiment's, or none. trainings: their resolved settings, for the model card."""
    results = read_results(manifests, metrics, {name: stage.metrics for name, stage in STAGES.items()})
    folders = {path.parts[1]: path.parent for path in manifests}  # the folder of each data set, by kind
    image = open_split(folders["classification"], "test").image
    scene = open_split(folders["detection"], "test").image if "detection" in folders else None
    height, width = image(0).shape[:2]
    boxes = crop_boxes(width, height, job.settings.scales)
    drawn = drawings(results, image, boxes, first_filters(weights), scene)
    runs = records_beside(html, dataset=manifests[0].parent.name)
    # An earlier report's record is there until this job ends, and another experiment may have prepared scenes.
    unused = {job.stage} | ({"prepare_detection"} if scene is None else set())
    runs = [run for run in runs if run.stage not in unused]
    known = read_reference(references[0]) if references else None
    report = sections.build(job.experiment, results, runs, drawn, job.settings.title, job.settings.about, known)
    settings = {path.stem: read_job_file(path, TrainClassifier).settings for path in trainings}
    card = model_card.build(job.experiment, results, runs, settings, job.settings.about)
    write_folder(markdown.parent / "figures", {f"{name}.png": png for name, png in drawn.items()})
    write_folder(markdown.parent / "tables", table_files.files(report))
    write_bytes(markdown, page.render_markdown(report).encode())
    pages = {"model_card.md": page.render_markdown(card).encode(), html.name: page.render_html(report).encode()}
    for name, content in (key_figures.files(results) | pages).items():
        write_bytes(html.parent / name, content)
        job.artifact(html.parent / name)
    job.complete(runs, key_figures.key_figures(results), html.parents[1], folders["classification"] / "manifest.json")


if __name__ == "__main__":
    main(run)
