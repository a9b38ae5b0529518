"""Memory of labelling a detection set's proposals and of evaluating its scores, beside the size of the files.

    python benchmarks/detection_memory.py                          # five minutes, 4 GB of disk
    python benchmarks/detection_memory.py --pictures 2000 --detectors 6

Made are proposals (953 a picture, in 4 parts) and scores of 201 classes, as ILSVRC's detection set has them, for so many pictures and
for a quarter of these. Measured, each in a process of its own: the peak of what train_detector does before its first step
(label every region and sort them into pools), and of evaluate_detection. From both sizes: megabytes for each thousand pictures.
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
    """Boxes of a picture of 500 x 375."""
    corner = rng.integers(0, (460, 340), (count, 2))
    return np.concatenate([corner, corner + rng.integers(8, 200, (count, 2))], 1).astype(np.int32)


def make(folder: Path, pictures: int, detectors: int) -> None:
    """Write the proposals and the scores."""
    rng = np.random.default_rng(0)
    for part in range(PARTS):
        boxes = [random_boxes(rng, BOXES) for _ in range(part, pictures, PARTS)]
        save_arrays(folder / f"proposals-{part}", packed.pack({"all": boxes}), {})
    for number in range(detectors):
        shapes = {"probabilities": (pictures * BOXES, 1 + CLASSES)}
        with written(folder / f"scores-{number}", shapes, {}) as file:
            for _ in range(pictures):
                scores = rng.random((BOXES, 1 + CLASSES), np.float32) ** 60  # most boxes are background
                scores[:, 0] = 1
                file.add("probabilities", scores / scores.sum(1, keepdims=True))


def given(folder: Path, pictures: int) -> tuple[packed.Joined, list[GroundTruth]]:
    """The proposals and made objects of every picture."""
    rng, none = np.random.default_rng(1), np.zeros(0, np.int32)
    boxes = packed.joined([open_rows(folder / f"proposals-{part}")[0] for part in range(PARTS)], "all")
    truth = [
        GroundTruth(
            boxes=random_boxes(rng, OBJECTS).astype(np.float32),
            labels=rng.integers(0, CLASSES, OBJECTS),
            difficult=np.zeros(OBJECTS, bool),
            partial=none,
        )
        for _ in range(pictures)
    ]
    return boxes, truth


def label(folder: Path, pictures: int, detectors: int) -> None:
    """What train_detector does before its first step."""
    from googlenet.detection.regions import pool_regions, training_regions

    _, labels = training_regions(*given(folder, pictures), 0.5)
    pools = pool_regions(labels)
    assert len(pools.positive) + len(pools.background) >= pictures * BOXES


def evaluate(folder: Path, pictures: int, detectors: int) -> None:
    """What evaluate_detection does."""
    from googlenet.detection.ensemble import evaluate

    boxes, truth = given(folder, pictures)
    scores = {f"d{i}": open_rows(folder / f"scores-{i}")[0] for i in range(detectors)}
    names = [str(i) for i in range(max(pictures, CLASSES))]
    found = evaluate(scores, boxes, truth, names[:pictures], names[:CLASSES], SETTINGS)
    assert found.images == pictures


MEASURED = {"label": label, "evaluate": evaluate}


def peak_mb(name: str, folder: Path, pictures: int, detectors: int) -> float:
    """Peak memory of one part in a process of its own, whose parent must be small: a process inherits the peak so far."""
    words = [sys.executable, __file__, "--part", name, "--folder", str(folder)]
    words += ["--pictures", str(pictures), "--detectors", str(detectors)]
    said = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout
    return float(said.split()[-1])


def main() -> None:
    """Make, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--detectors", type=int, default=2)
    parser.add_argument("--part", choices=["make", *MEASURED], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.part:
        (MEASURED | {"make": make})[asked.part](asked.folder, asked.pictures, asked.detectors)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)
        return
    peaks: dict[str, list[float]] = {name: [] for name in MEASURED}
    sizes = (asked.pictures // 4, asked.pictures)
    for pictures in sizes:
        with tempfile.TemporaryDirectory() as folder:
            peak_mb("make", Path(folder), pictures, asked.detectors)
            files = {"label": "proposals-*", "evaluate": "scores-*"}
            size_mb = {
                name: sum(path.stat().st_size for path in Path(folder).glob(of)) / 1e6 for name, of in files.items()
            }
            for name, found in peaks.items():
                found.append(peak_mb(name, Path(folder), pictures, asked.detectors))
    for name, (few, many) in peaks.items():
        each = (many - few) / (sizes[1] - sizes[0]) * 1000
        told = f"{each:7.1f} MB for each thousand pictures; files {size_mb[name] / asked.pictures * 1000:,.0f} MB"
        print(f"{name:9} peak {few:6.0f} and {many:6.0f} MB with {sizes[0]:,} and {sizes[1]:,} pictures: {told}")


if __name__ == "__main__":
    main()
