"""Study the crops: aggregations, budgets, and which crops help which classes."""

import json

import numpy as np

from googlenet.classification.class_order import Outputs, common_outputs
from googlenet.classification.crop_scales import Zooms, seen_at_test, seen_in_training
from googlenet.classification.crop_study import KeptSplit, study
from googlenet.classification.kept_crops import KeptCrops
from googlenet.config.schema.classification import StudyCrops
from googlenet.data.store import open_split
from googlenet.metrics.order import by_job
from googlenet.pipeline.job import Input, Inputs, Job, Output, main
from googlenet.storage.rows import open_rows


def run(job: Job[StudyCrops], *, manifest: Input, crops: Inputs, metrics: Output) -> None:
    """Choose crops on validation images, measure on test images; files are in folders named after their members."""
    opened = {name: open_rows(path) for name, path in by_job(crops).items()}
    outputs = common_outputs({name: Outputs(**json.loads(of["outputs"])) for name, (_, of) in opened.items()})

    def kept(split: str) -> KeptSplit:
        members = [(name, arrays) for name, (arrays, _) in opened.items() if f"{split}_softmax" in arrays]
        of_split = {name: KeptCrops.of(arrays, split) for name, arrays in members}
        if not of_split:
            return KeptSplit({}, np.zeros(0, np.int64))
        images = next(iter(of_split.values())).images  # the same for all members: they share one seed
        return KeptSplit(of_split, outputs.label_columns(open_split(manifest.parent, split).labels[images]))

    test, settings = kept("test"), job.settings
    of_test, one = open_split(manifest.parent, "test"), next(iter(test.members.values()))
    of_train = open_split(manifest.parent, "train") if settings.samplings else of_test  # then nothing is drawn from it
    sizes = [of_test.size(int(image)) for image in one.images]
    trained_on = seen_in_training(of_train.size, len(of_train), settings)
    zooms = Zooms(trained_on, seen_at_test(sizes, one.crops, settings.input_px, settings.scales), settings.scales)
    measured = study(test, kept("validation"), outputs.names, settings, zooms)
    for row in measured.budgets:
        if row.best is not None:
            name = f"{row.system}_best_{row.crops}_crops"
            job.log({f"test_top1_error_percent_{name}": row.best.top1_error_percent})
    job.write_metrics(metrics, measured)


if __name__ == "__main__":
    main(run)
