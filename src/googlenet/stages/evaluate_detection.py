"""Evaluate the detectors, alone and together: Tables 4 and 5, coverage of the proposals."""

from googlenet.data.store import open_split
from googlenet.detection import proposals as packed
from googlenet.detection.ensemble import evaluate
from googlenet.files import read_json
from googlenet.job import Input, Inputs, Job, Output, main
from googlenet.rows import open_rows


def run(job: Job, *, manifest: Input, proposals: Inputs, scores: Inputs, metrics: Output) -> None:
    """Score the detections of the test pictures; scores lie in folders of their detectors' names."""
    test = open_split(manifest.parent, "test")
    boxes = packed.joined([open_rows(path)[0] for path in proposals], "test")
    by_detector = {path.parent.name: open_rows(path)[0] for path in scores}
    records = (test[i] for i in range(len(test)))
    truth = [(record.boxes, record.box_labels, record.difficult, record.partial) for record in records]
    found = evaluate(by_detector, boxes, truth, test.names, read_json(manifest)["classes"], job.config)
    job.log(
        {
            "test_mean_ap_percent_ensemble": found["ensemble"]["mean_ap_percent"],
            "test_mean_ap_percent_single": found["single_mean_ap_percent"],
            "test_coverage_percent": found["coverage"]["coverage_percent"],
        }
    )
    job.write_metrics(metrics, found)


if __name__ == "__main__":
    main(run)
