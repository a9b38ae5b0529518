"""Make the report: our figures beside the paper's."""

from googlenet.classification.crops import Crop, crops_144, in_original
from googlenet.config.schema.classification import MakeReport
from googlenet.data.store import open_split
from googlenet.metrics.results import read_results
from googlenet.pipeline.job import Inputs, Job, Output, main, records_beside
from googlenet.pipeline.registry import STAGES
from googlenet.report import figures, image_figures, key_figures, page, sections
from googlenet.storage.files import write_bytes


def run(job: Job[MakeReport], *, manifests: Inputs, metrics: Inputs, html: Output, markdown: Output) -> None:
    """Read metrics.json files (in folders named after stage and job) and run.json records; write two pages, and the key figures."""
    results = read_results(manifests, metrics, {name: stage.metrics for name, stage in STAGES.items()})
    folders = {path.parts[1]: path.parent for path in manifests}  # the folder of each data set, by kind
    image = open_split(folders["classification"], "test").image(0)
    boxes = crop_boxes(image.shape[1], image.shape[0])
    drawn = figures.from_metrics(results) | {"crops_144": image_figures.crops_144(image, boxes)}
    if "detection" in folders:
        drawn |= image_figures.from_metrics(results, open_split(folders["detection"], "test").image)
    for name, png in drawn.items():
        write_bytes(markdown.parent / "figures" / f"{name}.png", png)
    runs = records_beside(html, dataset=manifests[0].parent.name)
    report = sections.build(job.experiment, results, runs, drawn, job.settings.title, job.settings.about)
    write_bytes(markdown, page.render_markdown(report).encode())
    write_bytes(html, page.render_html(report).encode())
    job.artifact(html)
    for name, content in key_figures.files(results).items():
        write_bytes(markdown.parent / name, content)
        job.artifact(markdown.parent / name)
    job.log(key_figures.key_figures(results).by_name)


def crop_boxes(width: int, height: int) -> list[image_figures.Crop]:
    """The unmirrored crops at the paper's own sizes: (scale, square, kind, box in the image's pixels)."""
    crops = crops_144(width, height, 224)
    boxes: dict[Crop, image_figures.Crop] = {}
    for i, crop in enumerate(crops):
        if not crop.mirrored:  # i runs over scale, square, kind, mirror, from slowest to fastest
            scale_px, square, kind = min(crop.resized_w, crop.resized_h), i % 36 // 12, i % 12 // 2
            boxes.setdefault(crop, (scale_px, square, kind, in_original(crop, width, height)))
    return list(boxes.values())


if __name__ == "__main__":
    main(run)
