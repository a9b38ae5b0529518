"""Mean AP of two million detections: our evaluator beside pycocotools and faster-coco-eval, on the same detections.

    python benchmarks/mean_ap.py                        # 20,000 images, 100 detections each, 200 classes: 8 minutes
    python benchmarks/mean_ap.py --images 2000 --json FILE

Each measurement in a process of its own (for its peak memory) with one numeric thread: our evaluator by ILSVRC's rules;
with the one threshold of 0.5; pycocotools and, if it is installed, faster-coco-eval with the same rules
(tests/detection/test_mean_ap_against_coco.py), whose AP of every class must equal ours to 1e-6; faster-coco-eval as it is
used, all classes at once at COCO's 101 recalls; and our command, which first reads the detections and one XML per image
from files. Times do not include making the data. JSON keys: "<what>_s", "<what>_mb", "over_pycocotools",
"over_faster_coco_eval" (the same rules) and "over_faster_coco_eval_at_101".
"""

import contextlib
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import common
import numpy as np

from googlenet.detection.mean_ap import Detections, Objects, evaluate

CLASSES, PER_IMAGE, OBJECTS_PER_IMAGE, SIDE = 200, 100, 3, 500
OURS, FIXED, PYCOCOTOOLS, COMMAND = "ilsvrc", "fixed", "pycocotools", "command"
FASTER, FASTER_101 = "faster_coco_eval", "faster_coco_eval_101"
Aps = Sequence[float | None]  # AP of every class in percent; None if it has no objects


def random_data(images: int) -> tuple[Detections, Objects]:
    """Objects of all sizes; of ten detections six are near an object, one of them with a wrong class; no ties."""
    rng = np.random.default_rng(0)
    count, detections = images * OBJECTS_PER_IMAGE, images * PER_IMAGE
    image = np.repeat(np.arange(images), OBJECTS_PER_IMAGE)
    truth = Objects(image, rng.integers(0, CLASSES, count), _boxes(rng, count), np.zeros(count, bool))
    image_of_detection = np.repeat(np.arange(images), PER_IMAGE)
    like = image_of_detection * OBJECTS_PER_IMAGE + rng.integers(0, OBJECTS_PER_IMAGE, detections)
    box, label = _boxes(rng, detections), rng.integers(0, CLASSES, detections)
    near = rng.random(detections) < 0.6
    size = (truth.box[:, 2:] - truth.box[:, :2] + 1)[like[near]][:, [0, 1, 0, 1]]
    box[near] = truth.box[like[near]] + np.round(rng.normal(0, 0.12, size.shape) * size)
    box[:, 2:] = np.maximum(box[:, 2:], box[:, :2])
    right = near & (rng.random(detections) < 0.9)
    label[right] = truth.label[like[right]]
    return Detections(image_of_detection, label, rng.permutation(detections) / detections, box), truth


def _boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    low = rng.integers(0, SIDE // 2, (count, 2))
    return np.concatenate([low, low + rng.integers(2, SIDE // 2, (count, 2))], axis=1).astype(np.float64)


def by_coco(what: str, detections: Detections, truth: Objects, images: int) -> tuple[Aps, float]:
    """AP of every class in percent, and the seconds of its evaluation and accumulation."""
    if what == PYCOCOTOOLS:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    else:
        from faster_coco_eval import COCO
        from faster_coco_eval import COCOeval_faster as COCOeval

    def annotations(table: Detections | Objects, scores: list[float] | None) -> Iterator[dict[str, object]]:
        sides = np.concatenate([table.box[:, :2], table.box[:, 2:] - table.box[:, :2] + 1], axis=1).tolist()
        rows = zip(table.image.tolist(), table.label.tolist(), sides, strict=True)
        for number, (image, label, box) in enumerate(rows, start=1):
            ids = {"id": number, "image_id": image + 1, "category_id": label + 1, "iscrowd": 0}
            yield {**ids, "bbox": box, "area": box[2] * box[3]} | ({"score": scores[number - 1]} if scores else {})

    def coco(rows: Iterable[dict[str, object]]) -> Any:
        one = COCO()
        one.dataset = {
            "images": [{"id": image + 1} for image in range(images)],
            "categories": [{"id": label + 1} for label in range(CLASSES)],
            "annotations": list(rows),
        }
        one.createIndex()
        return one

    with contextlib.redirect_stdout(io.StringIO()):
        coco_truth = coco(annotations(truth, None))
        coco_detections = coco(annotations(detections, detections.score.tolist()))
        start, aps = time.perf_counter(), list[float]()

        def evaluated(classes: list[int], recalls: np.ndarray) -> Any:
            run = COCOeval(coco_truth, coco_detections, "bbox")
            run.params.catIds, run.params.iouThrs, run.params.recThrs = classes, np.array([0.5]), recalls
            run.params.maxDets, run.params.areaRng, run.params.areaRngLbl = [PER_IMAGE], [[0, 1e10]], ["all"]
            run.evaluate()
            run.accumulate()
            return run.eval["precision"]

        if what == FASTER_101:
            precision = evaluated([label + 1 for label in range(CLASSES)], np.linspace(0, 1, 101))
            aps = [float(100 * value) for value in precision.mean(axis=(0, 1, 3, 4))]
        else:
            for label in range(CLASSES):
                objects = int((truth.label == label).sum())
                recalls = np.arange(1, objects + 1) / max(objects, 1)
                aps.append(float(100 * evaluated([label + 1], recalls).mean()) if objects else np.nan)
    return aps, time.perf_counter() - start


def by_command(detections: Detections, truth: Objects, images: int) -> tuple[Aps, float]:
    """The same, from files by our command with ILSVRC's rules."""
    from googlenet.cli.score import scored

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        names = [f"image_{image:06d}" for image in range(images)]
        (root / "list.txt").write_text("".join(f"{name} {number}\n" for number, name in enumerate(names, start=1)))
        (root / "classes.txt").write_text(
            "".join(f"n{label:08d} {label} class {label}\n" for label in range(1, CLASSES + 1))
        )
        rows = np.column_stack([detections.image + 1, detections.label + 1, detections.score, detections.box])
        np.savetxt(root / "detections.txt", rows, "%d %d %.9f %d %d %d %d")
        for image, name in enumerate(names):
            rows_of_image = range(image * OBJECTS_PER_IMAGE, (image + 1) * OBJECTS_PER_IMAGE)
            objects = "".join(_object(int(truth.label[i]) + 1, truth.box[i]) for i in rows_of_image)
            (root / f"{name}.xml").write_text(f"<annotation>{objects}</annotation>")
        start = time.perf_counter()
        result = scored(root / "detections.txt", root, root / "list.txt", root / "classes.txt")
        return [row.ap_percent for row in result.classes], time.perf_counter() - start


def _object(number: int, box: np.ndarray) -> str:
    corners = zip(("xmin", "ymin", "xmax", "ymax"), box.astype(int), strict=True)
    sides = "".join(f"<{name}>{value}</{name}>" for name, value in corners)
    return f"<object><name>n{number:08d}</name><bndbox>{sides}</bndbox></object>"


def measure(what: str, images: int) -> dict[str, object]:
    """Make one measurement in this process."""
    detections, truth = random_data(images)
    aps: Aps
    if what == COMMAND:
        aps, seconds = by_command(detections, truth, images)
    elif what in (PYCOCOTOOLS, FASTER, FASTER_101):
        aps, seconds = by_coco(what, detections, truth, images)
    else:
        start = time.perf_counter()
        aps = evaluate(detections, truth, CLASSES, small=what == OURS).ap_percent
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux: in KiB
    return {"ap_percent": aps, "seconds": seconds, "peak_mb": peak}


def ap_of(row: dict[str, Any]) -> np.ndarray:
    """AP of every class in percent, float64 [classes]; NaN if it has no objects."""
    return np.array(row["ap_percent"], np.float64)


def main() -> None:
    """Measure each in its own process; print a table."""
    parser = common.parser(__doc__)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--one", help="used by the script itself: one of the measurements")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.images)))
        return
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    results = {}
    others = [(FASTER, "faster-coco-eval, the same rules"), (FASTER_101, "faster-coco-eval, at 101 recalls")]
    others = others if find_spec("faster_coco_eval") else []
    print(f"{options.images * PER_IMAGE:,} detections in {options.images:,} images, {CLASSES} classes, one core\n")
    print(f"{'':44}{'seconds':>9}{'peak MB':>9}{'mean AP %':>11}")
    for what, label in (
        (OURS, "ours, ILSVRC's rules"),
        (FIXED, "ours, threshold 0.5"),
        (PYCOCOTOOLS, "pycocotools, the same rules"),
        *others,
        (COMMAND, "our command, ILSVRC's rules, from files"),
    ):
        command = [sys.executable, __file__, "--images", str(options.images), "--one", what]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
        row = results[what] = json.loads(done.stdout)
        print(f"{label:44}{row['seconds']:9.1f}{row['peak_mb']:9,.0f}{np.nanmean(ap_of(row)):11.4f}", flush=True)
    equal = [(FIXED, PYCOCOTOOLS), (OURS, COMMAND), *([(FIXED, FASTER)] if others else [])]
    for one, other in equal:
        if not np.allclose(ap_of(results[one]), ap_of(results[other]), rtol=0, atol=1e-6, equal_nan=True):
            sys.exit(f"{one} and {other}: the AP of a class differs by more than 1e-6")
    over = {"over_pycocotools": results[PYCOCOTOOLS]["seconds"] / results[FIXED]["seconds"]}
    if others:
        over["over_faster_coco_eval"] = results[FASTER]["seconds"] / results[FIXED]["seconds"]
        over["over_faster_coco_eval_at_101"] = results[FASTER_101]["seconds"] / results[FIXED]["seconds"]
    print(f"\n{', '.join(f'{name} {value:.2f}' for name, value in over.items())}; AP equal to 1e-6")
    figures = {f"{what}_s": row["seconds"] for what, row in results.items()}
    figures |= {f"{what}_mb": row["peak_mb"] for what, row in results.items()}
    common.write(options.json, images=options.images, **over, **figures)


if __name__ == "__main__":
    main()
