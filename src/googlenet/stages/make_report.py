"""Make the report: every figure of ours beside the paper's."""

from pathlib import Path

from googlenet import paper
from googlenet.classification.crops import crops_144, in_original
from googlenet.data.store import open_split
from googlenet.files import read_json, write_bytes
from googlenet.job import Inputs, Job, Output, main, records_beside
from googlenet.report import figures, page, pictures, sections


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
    report = sections.build(job.config["experiment"], found, records_beside(html), drawn)
    write_bytes(markdown, page.render_markdown(report).encode())
    write_bytes(html, page.render_html(report).encode())
    job.artifact(html)


def draw(found: dict, data: dict[str, Path]) -> dict[str, bytes]:
    """All figures that these metrics allow, by name."""
    ensemble = found["evaluate_ensemble"]
    whole = {str(r["crops"]): r["top1_error_percent"] for r in ensemble["table_3"][-len(ensemble["table_3"]) // 2 :]}
    picture = open_split(data["classification"], "test").picture(0)
    layers = {row["layer"]: row for row in found["measure_cost"]["layers"]}
    drawn = {
        "training_curves": figures.training_curves(found["train_classifier"]),
        "member_errors": figures.member_errors(ensemble["members"], whole),
        "error_by_models_and_crops": figures.error_by_models_and_crops(ensemble["subsets"]),
        "error_by_class": figures.error_by_class(ensemble["per_class"]),
        "cost_by_layer": figures.cost_by_layer(paper.table_1(), layers),
        "crops_144": pictures.crops_144(picture, crop_boxes(picture.shape[1], picture.shape[0])),
    }
    return drawn | (draw_detection(found, data["detection"]) if "evaluate_detection" in found else {})


def draw_detection(found: dict, folder: Path) -> dict[str, bytes]:
    """The figures of detection."""
    detection = found["evaluate_detection"]
    test, classes, ap = open_split(folder, "test"), detection["classes"], detection["ensemble"]["ap_percent"]
    shown = [test.picture(row["index"]) for row in detection["examples"]]
    known = {name: value for name, value in zip(classes, ap, strict=True) if value is not None}
    curves = {name: detection["precision_recall"][name] for name in known}
    return {
        "detector_curves": figures.detector_curves(found["train_detector"]),
        "detections": pictures.detections(shown, detection["examples"]),
        "precision_recall": figures.precision_recall(curves, known),
        "average_precision_by_class": figures.average_precision_by_class(classes, ap, detection["detectors"]),
        "coverage_by_class": figures.coverage_by_class(detection["coverage"]["per_class"]),
    }


def crop_boxes(width: int, height: int) -> list[tuple]:
    """The unmirrored crops at the paper's own sizes: (scale, square, kind, box in the picture's pixels)."""
    crops = crops_144(width, height, 224)
    found = {}
    for i, crop in enumerate(crops):
        if not crop.mirrored:
            scale, square, kind = i // 36, i % 36 // 12, i % 12 // 2
            box = in_original(crop, width, height)
            found.setdefault((crop[:5], kind), (min(crop.resized_w, crop.resized_h), square, kind, box, scale))
    return [row[:4] for row in found.values()]


if __name__ == "__main__":
    main(run)
