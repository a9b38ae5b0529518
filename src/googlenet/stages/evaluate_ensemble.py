"""Evaluate every subset of the members on the test pictures: Tables 2 and 3."""

import json

from googlenet.classification.class_order import labels_among
from googlenet.classification.ensemble import evaluate
from googlenet.data.store import open_split
from googlenet.files import read_json
from googlenet.job import Input, Inputs, Job, Output, main
from googlenet.rows import open_rows


def run(job: Job, *, manifest: Input, predictions: Inputs, baseline: Inputs, metrics: Output) -> None:
    """Average the members' predictions and count errors; predictions lie in folders of their members' names."""
    scores, outputs = {}, {}
    for path in predictions:
        arrays, metadata = open_rows(path)
        scores[path.parent.name] = {int(policy): arrays[policy] for policy in sorted(arrays, key=int)}
        outputs[path.parent.name] = json.loads(metadata["outputs"])
    labels, names = labels_among(outputs, open_split(manifest.parent, "test").labels)
    found = evaluate(scores, labels, names, job.config)
    found["mirrored"] = json.loads(metadata["mirrored"])  # the same for all: a key of the data set
    found["baseline"] = None
    for path in baseline:
        error = read_json(path)["top1_error_percent"]
        ours = found["table_3"][-1]["top1_error_percent"]
        found["baseline"] = {
            "top1_error_percent": error,
            "times_as_wrong": error / ours if ours else None,
        }
    for row in found["table_3"]:
        name = f"{row['models']}_models_{row['crops']}_crops"
        job.log({f"test_{key}_{name}": row[key] for key in ("top1_error_percent", "top5_error_percent")})
    job.write_metrics(metrics, found)


if __name__ == "__main__":
    main(run)
