"""Derive a structure from the correlations of units, layer by layer, and write it beside GoogLeNet and random ones."""

import numpy as np

from googlenet.classification.derive import Seen, structures
from googlenet.classification.predict import CENTRE
from googlenet.config.schema.structure import DeriveStructure
from googlenet.data.store import evenly_spaced, open_split
from googlenet.metrics.data import read_manifest
from googlenet.models.network import NetworkSpec
from googlenet.pipeline.job import Input, Job, Output, main
from googlenet.tracking.progress import counted


def run(job: Job[DeriveStructure], *, manifest: Input, metrics: Output) -> None:
    """Use centre crops of evenly spaced training images."""
    settings, split = job.settings, open_split(manifest.parent, "train")
    spec = NetworkSpec.of(settings.model, read_manifest(manifest).classes)
    numbers = evenly_spaced(len(split), settings.images)
    crops = np.empty((len(numbers), spec.input_px, spec.input_px, 3), np.uint8)
    for crop, number in zip(crops, counted(numbers, "images"), strict=True):
        crop[:] = CENTRE.of(split.image(number), spec.input_px)[0][0]
    seen = Seen(crops, split.labels[numbers])
    job.write_metrics(metrics, structures(spec, seen, settings, job.runtime, job.log))


if __name__ == "__main__":
    main(run)
