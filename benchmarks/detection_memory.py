"""Memory of labelling a detection set's proposals and of evaluating its scores, beside the size of the files.

    python benchmarks/detection_memory.py                          # five minutes, 4 GB of disk
    python benchmarks/detection_memory.py --images 2000 --detectors 6

The script makes proposals (953 per image, in 4 parts) and scores of 201 classes, as in ILSVRC's detection set, for that
number of images and for a quarter of it. It measures, each in a process of its own, the peak memory of what
train_detector does before its first step (label every region and sort them into pools) and of evaluate_detection. The
two sizes give the megabytes per thousand images.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from googlenet.config.schema.detection import EvaluateDetection
from googlenet.data.ground_truth import GroundTruth
from googlenet.detection import proposals as packed
from googlenet.storage.checkpoint import save_arrays
from googlenet.storage.files import load_yaml
from googlenet.storage.rows import open_rows, written

BOXES, CLASSES, PARTS, OBJECTS = 953, 200, 4, 3
SETTINGS = EvaluateDetection.model_validate(
    load_yaml(Path(__file__).parents[1] / "conf/evaluate_detection.yaml") | {"switches": [], "compare": []}
)


def random_boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    """Boxes of an image of 500 x 375 pixels."""
    corner = rng.integers(0, (460, 340), (count, 2))
    return np.concatenate([corner, corner + rng.integers(8, 200, (count, 2))], 1).astype(np.int32)


def make(folder: Path, images: int, detectors: int) -> None:
    """Write the proposals and the scores."""
    rng = np.random.default_rng(0)
    for part in range(PARTS):
        boxes = [random_boxes(rng, BOXES) for _ in range(part, images, PARTS)]
        save_arrays(folder / f"proposals-{part}", packed.pack({"all": boxes}), {})
    for number in range(detectors):
        shapes = {"probabilities": (images * BOXES, 1 + CLASSES)}
        with written(folder / f"scores-{number}", shapes, {}) as file:
            for _ in range(images):
                scores = rng.random((BOXES, 1 + CLASSES), np.float32) ** 60  # most boxes are background
                scores[:, 0] = 1
                file.add("probabilities", scores / scores.sum(1, keepdims=True))


def inputs(folder: Path, images: int) -> tuple[packed.Joined, list[GroundTruth]]:
    """The proposals and random objects of every image."""
    rng, none = np.random.default_rng(1), np.zeros(0, np.int32)
    boxes = packed.joined([open_rows(folder / f"proposals-{part}")[0] for part in range(PARTS)], "all")
    truth = [
        GroundTruth(
            boxes=random_boxes(rng, OBJECTS).astype(np.float32),
            labels=rng.integers(0, CLASSES, OBJECTS),
            difficult=np.zeros(OBJECTS, bool),
            partial=none,
        )
        for _ in range(images)
    ]
    return boxes, truth


def label(folder: Path, images: int, detectors: int) -> None:
    """Do what train_detector does before its first step."""
    from googlenet.detection.regions import pool_regions, training_regions

    _, labels = training_regions(*inputs(folder, images), 0.5)
    pools = pool_regions(labels)
    assert len(pools.positive) + len(pools.background) >= images * BOXES


def evaluate(folder: Path, images: int, detectors: int) -> None:
    """Do what evaluate_detection does."""
    from googlenet.detection.ensemble import evaluate

    boxes, truth = inputs(folder, images)
    scores = {f"d{i}": open_rows(folder / f"scores-{i}")[0] for i in range(detectors)}
    names = [str(i) for i in range(max(images, CLASSES))]
    metrics = evaluate(scores, boxes, truth, names[:images], names[:CLASSES], SETTINGS)
    assert metrics.images == images


MEASURED = {"label": label, "evaluate": evaluate}


def peak_mb(name: str, folder: Path, images: int, detectors: int) -> float:
    """Peak memory of one part in its own process. The parent must be small: a process inherits its peak."""
    command = [sys.executable, __file__, "--part", name, "--folder", str(folder)]
    command += ["--images", str(images), "--detectors", str(detectors)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return float(output.split()[-1])


def main() -> None:
    """Make the data, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--detectors", type=int, default=2)
    parser.add_argument("--part", choices=["make", *MEASURED], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        (MEASURED | {"make": make})[options.part](options.folder, options.images, options.detectors)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)
        return
    peaks: dict[str, list[float]] = {name: [] for name in MEASURED}
    sizes = (options.images // 4, options.images)
    for images in sizes:
        with tempfile.TemporaryDirectory() as folder:
            peak_mb("make", Path(folder), images, options.detectors)
            files = {"label": "proposals-*", "evaluate": "scores-*"}
            size_mb = {
                name: sum(path.stat().st_size for path in Path(folder).glob(of)) / 1e6 for name, of in files.items()
            }
            for name, peaks_mb in peaks.items():
                peaks_mb.append(peak_mb(name, Path(folder), images, options.detectors))
    for name, (smaller, larger) in peaks.items():
        per_thousand = (larger - smaller) / (sizes[1] - sizes[0]) * 1000
        summary = f"{per_thousand:7.1f} MB per thousand images; files {size_mb[name] / options.images * 1000:,.0f} MB"
        print(f"{name:9} peak {smaller:6.0f} and {larger:6.0f} MB with {sizes[0]:,} and {sizes[1]:,} images: {summary}")


if __name__ == "__main__":
    main()
