"""Evaluate every subset of the members on the test images: Tables 2 and 3."""

import json

from googlenet.classification.class_order import Outputs, common_outputs
from googlenet.classification.ensemble import evaluate
from googlenet.config.schema.classification import EvaluateEnsemble
from googlenet.data.store import open_split
from googlenet.metrics.base import read_metrics
from googlenet.metrics.classification import BaselineMetrics
from googlenet.metrics.order import by_job
from googlenet.pipeline.job import Input, Inputs, Job, Output, main
from googlenet.storage.rows import open_rows


def run(job: Job[EvaluateEnsemble], *, manifest: Input, predictions: Inputs, baseline: Inputs, metrics: Output) -> None:
    """Average the members' predictions and count errors; predictions are in folders named after their members."""
    scores, of_members, mirrored = {}, {}, True
    for name, path in by_job(predictions).items():
        arrays, metadata = open_rows(path)
        scores[name] = {int(policy): arrays[policy] for policy in sorted(arrays, key=int)}
        of_members[name] = Outputs(**json.loads(metadata["outputs"]))
        mirrored = json.loads(metadata["mirrored"])  # the same for all members: a setting of the data set
    outputs = common_outputs(of_members)
    labels = outputs.label_columns(open_split(manifest.parent, "test").labels)
    errors = [read_metrics(path, BaselineMetrics).top1_error_percent for path in baseline]
    measured = evaluate(scores, labels, outputs.names, job.settings, mirrored, errors[0] if errors else None)
    for row in measured.table_3:
        percent = {"top1": row.top1_error_percent, "top5": row.top5_error_percent}
        system = f"{row.models}_models_{row.crops}_crops"
        job.log({f"test_{error}_error_percent_{system}": value for error, value in percent.items()})
    job.write_metrics(metrics, measured)


if __name__ == "__main__":
    main(run)
