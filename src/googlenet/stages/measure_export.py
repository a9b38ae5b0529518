"""Export a trained member to every format, measure each beside the network itself, and write the page about them."""

from pathlib import Path
from tempfile import TemporaryDirectory

from googlenet.classification.exports import centre_crops, measure
from googlenet.classification.predict import in_data_order
from googlenet.config.schema.classification import MeasureExport
from googlenet.data.decoded import DecodedImages
from googlenet.data.store import open_split
from googlenet.errors import UserError
from googlenet.metrics.data import read_manifest
from googlenet.models import bundle
from googlenet.models.export import FORMATS
from googlenet.pipeline.job import Input, Job, Output, main
from googlenet.report import exports, page


def run(
    job: Job[MeasureExport], *, manifest: Input, weights: Input, metrics: Output, html: Output, markdown: Output
) -> None:
    """Measure on the CPU, in fp32 and one thread, whatever the experiment computes with."""
    settings, data, member = job.settings, read_manifest(manifest), weights.parent.name
    network, outputs = in_data_order(bundle.load(weights, "cpu"), data.classes, data.class_keys, f"member {member}")
    splits = {name: open_split(manifest.parent, name) for name, split in data.splits.items() if split.records}
    ranged = [name for name in settings.formats if FORMATS[name].calibrated]
    if ranged and "validation" not in splits:
        lacks = f"takes its ranges from validation images, and {data.dataset} has none"
        raise UserError(f"measure_export.formats: {ranged[0]} {lacks}; leave it out")
    seen = DecodedImages(splits["validation"], 0) if ranged else ()
    calibration = centre_crops(seen, network.spec.input_px, settings.calibration_images, settings.scales)
    test = DecodedImages(splits["test"], 0), outputs.label_columns(splits["test"].labels)
    with TemporaryDirectory() as folder:
        measured = measure(member, network, test, calibration, settings, Path(folder))
    job.log({f"{row.format}_ms": row.latency.median_ms for row in measured.formats})
    report = exports.build(job.experiment, measured, data, settings.about)
    page.write(report, markdown, html)
    job.artifact(html)
    job.write_metrics(metrics, measured)


if __name__ == "__main__":
    main(run)
