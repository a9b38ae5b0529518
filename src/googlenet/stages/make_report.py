"""Make the report: every figure of ours beside the paper's."""

from pathlib import Path

from googlenet.classification.crops import crops_144, in_original
from googlenet.data.store import open_split
from googlenet.files import read_json, write_bytes
from googlenet.job import Inputs, Job, Output, main, records_beside
from googlenet.report import detection_pictures, figures, page, pictures, sections


def run(job: Job, *, manifests: Inputs, metrics: Inputs, html: Output, markdown: Output) -> None:
    """Read metrics.json files (in folders of their stages' and jobs' names) and run.json records; write two pages."""
    found: dict = {path.parts[-3]: {} for path in metrics if len(path.parts) == 5}
    for path in manifests:
        found[f"prepare_{path.parts[1]}"] = read_json(path)
    for path in metrics:  # results/<experiment>/<stage>/[<job>/]metrics.json
        stage, *name = path.parts[2:-1]
        if name:
            found[stage][name[0]] = read_json(path)
        else:
            found[stage] = read_json(path)
    drawn = draw(found, {path.parts[1]: path.parent for path in manifests})
    for name, png in drawn.items():
        write_bytes(markdown.parent / "figures" / f"{name}.png", png)
    dataset = manifests[0].parent.name
    head = {"title": job.config["title"], "purpose": job.config["about"]}
    report = sections.build(job.config["experiment"], found, records_beside(html, dataset), drawn, **head)
    write_bytes(markdown, page.render_markdown(report).encode())
    write_bytes(html, page.render_html(report).encode())
    job.artifact(html)


def draw(found: dict, data: dict[str, Path]) -> dict[str, bytes]:
    """All figures that these metrics allow, by name: the charts, and what is drawn onto pictures of the data set."""
    picture = open_split(data["classification"], "test").picture(0)
    boxes = crop_boxes(picture.shape[1], picture.shape[0])
    drawn = figures.from_metrics(found) | {"crops_144": pictures.crops_144(picture, boxes)}
    if "detection" in data:
        drawn |= detection_pictures.from_metrics(found, open_split(data["detection"], "test").picture)
    return drawn


def crop_boxes(width: int, height: int) -> list[tuple]:
    """The unmirrored crops at the paper's own sizes: (scale, square, kind, box in the picture's pixels)."""
    crops = crops_144(width, height, 224)
    found = {}
    for i, crop in enumerate(crops):
        if not crop.mirrored:  # i counts scale, square, kind, mirror, from slow to fast
            scale_px, square, kind = min(crop.resized_w, crop.resized_h), i % 36 // 12, i % 12 // 2
            found.setdefault(crop, (scale_px, square, kind, in_original(crop, width, height)))
    return list(found.values())


if __name__ == "__main__":
    main(run)
