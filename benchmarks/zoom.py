"""How large the training crops of experiments show an image, against their test crops, without a run.

    python benchmarks/zoom.py ilsvrc2014=500x375 photos=clothing/train tiny_imagenet_cpu=64x64

For each experiment: a size of all images, or a folder of JPEGs. Zoom: the image's shorter side divided by the crop's side in it.
"""

import argparse
import re
from pathlib import Path

import numpy as np

from googlenet.classification.crop_groups import by_scale
from googlenet.classification.crop_scales import QUARTILES, Zooms, seen_at_test, seen_in_training
from googlenet.config.schema.classification import StudyCrops
from googlenet.data.images import check_image
from googlenet.pipeline.experiment import Job, experiment

ROOT = Path(__file__).parents[1]
ALL = np.arange(144)


def sizes_of(given: str) -> list[tuple[int, int]]:
    """Width and height of every image."""
    if re.fullmatch(r"\d+x\d+", given):
        width, height = map(int, given.split("x"))
        return [(width, height)]
    infos = [check_image(path.read_bytes(), str(path)) for path in sorted(Path(given).rglob("*.jpg"))]
    return [(info.width, info.height) for info in infos]


def main() -> None:
    """Print a line for each experiment, and one for each scale of its test crops."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("images", nargs="+", metavar="EXPERIMENT=WIDTHxHEIGHT|FOLDER")
    for name, given in (each.split("=", 1) for each in arguments.parse_args().images):
        settings, sizes = experiment(ROOT, name).settings(Job("study_crops", "all"), StudyCrops), sizes_of(given)
        training = seen_in_training(sizes.__getitem__, len(sizes), settings)
        zooms = Zooms(training, seen_at_test(sizes, ALL, settings.input_px, settings.scales), settings.scales)
        low, high = np.percentile(training.zoom, QUARTILES)
        print(
            f"{name}: half of the training crops have a zoom of {low:.2f} to {high:.2f}, median {np.median(training.zoom):.2f}"
        )
        for part in by_scale(ALL, settings.scales):
            if part.kind != "corners":  # corners have the zoom of the centre crops
                zoom, inside = np.median(zooms.of_crops[part.members]), zooms.matched[part.members].all()
                smaller = 100 * (training.zoom < zoom).mean()
                print(
                    f"  {part.name}: {zoom:.2f}, more than {smaller:.0f} % of them{', in the middle half' if inside else ''}"
                )


if __name__ == "__main__":
    main()
