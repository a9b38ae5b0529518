"""Study the crops: aggregations, budgets, and which crops help which classes."""

import json

import numpy as np

from googlenet.classification.class_order import labels_among
from googlenet.classification.crop_study import study
from googlenet.classification.kept_crops import KeptCrops
from googlenet.data.store import open_split
from googlenet.job import Input, Inputs, Job, Output, main
from googlenet.rows import open_rows


def run(job: Job, *, manifest: Input, crops: Inputs, metrics: Output) -> None:
    """Choose crops on validation pictures and measure on test pictures; files lie in folders of their members' names."""
    opened = {path.parent.name: open_rows(path) for path in crops}
    arrays = {name: mine for name, (mine, _) in opened.items()}
    outputs = {name: json.loads(metadata["outputs"]) for name, (_, metadata) in opened.items()}

    def kept(split: str) -> tuple[dict[str, KeptCrops], list]:
        found = {
            name: KeptCrops.of(mine, split) for name, mine in arrays.items() if f"{split}_softmax" in mine
        }
        if not found:
            return {}, []
        pictures = next(iter(found.values())).pictures  # the same for all: one seed, no member's own
        return found, labels_among(outputs, open_split(manifest.parent, split).labels[pictures])[0]

    _, names = labels_among(outputs, np.zeros(0, np.int64))
    found = study(*kept("test"), *kept("validation"), names, job.config)
    for row in found["budgets"]:
        if row["best"]:
            name = f"{row['system']}_best_{row['crops']}_crops"
            job.log({f"test_top1_error_percent_{name}": row["best"]["top1_error_percent"]})
    job.write_metrics(metrics, found)


if __name__ == "__main__":
    main(run)
