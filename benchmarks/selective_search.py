"""Region proposals an image: ours beside OpenCV's own presets, and one, two and more threads.

    python benchmarks/selective_search.py                          # scikit-learn's two photographs, cut and enlarged
    python benchmarks/selective_search.py --images FOLDER --width 500 --threads 1 2 4

"ours" is the preset opencv_fast; its peer is OpenCV's switchToSelectiveSearchFast, whose boxes it must equal, as a plain
loop. "rcnn" is the paper's preset, at superpixels of twice the size. JSON keys: "<contestant>_s" an image, "over_opencv",
"threads_<n>_over_one" (what n threads gain on these cores) and "boxes" an image.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import common
import cv2
import numpy as np
from sklearn.datasets import load_sample_images

from googlenet.config.schema.detection import Search
from googlenet.data.images import decode
from googlenet.detection.selective_search import propose, propose_each

FAST = Search(preset="opencv_fast", superpixel_scale=1.0, sigma=0.8, width_px=0, min_box_side_px=2, max_boxes=0)
RCNN = Search(preset="rcnn", superpixel_scale=2.0, sigma=0.8, width_px=0, min_box_side_px=20, max_boxes=0)


def photographs(folder: Path | None, width: int, count: int) -> list[np.ndarray]:
    """Images of that width, uint8 RGB; without a folder, seeded square crops of scikit-learn's photographs."""
    if folder:
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))[:count]
        images = [decode(path.read_bytes(), path.name) for path in paths]
    else:
        rng, sources = np.random.default_rng(0), load_sample_images().images
        corners = [(sources[i % 2], *rng.integers(0, (427 - 320, 640 - 320))) for i in range(count)]
        images = [np.ascontiguousarray(image[y : y + 320, x : x + 320]) for image, y, x in corners]
    return [cv2.resize(image, (width, round(image.shape[0] * width / image.shape[1]))) for image in images]


def every(images: list[np.ndarray], search: Search, threads: int = 1) -> list[np.ndarray]:
    """Our boxes of every image."""
    return list(propose_each(images, search, threads))


def opencv(image: np.ndarray) -> np.ndarray:
    """Boxes of OpenCV's fast mode, sorted and unique, as (xmin, ymin, xmax, ymax), at least two pixels a side."""
    search = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation()
    search.setBaseImage(np.ascontiguousarray(image[:, :, ::-1]))  # BGR
    search.switchToSelectiveSearchFast(150, 150, 0.8)
    rects = np.asarray(search.process(), np.int64).reshape(-1, 4)
    rects = rects[(rects[:, 2:] >= 2).all(1)]
    return np.unique(np.concatenate([rects[:, :2], rects[:, :2] + rects[:, 2:] - 1], 1), axis=0)


def main() -> None:
    """Check the boxes, then time."""
    parser = common.parser(__doc__)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--width", type=int, default=250)
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--threads", type=int, nargs="*", default=[2])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    images = photographs(options.images, options.width, options.count)
    ours = [propose(image, FAST) for image in images]
    if any(not np.array_equal(boxes, opencv(image)) for boxes, image in zip(ours, images, strict=True)):
        sys.exit("the boxes differ from OpenCV's")
    contestants: dict[str, Callable[[], object]] = {
        "opencv": lambda: [opencv(image) for image in images],
        "ours": partial(every, images, FAST),
        "rcnn": partial(every, images, RCNN),
        **{f"threads {n}": partial(every, images, FAST, n) for n in options.threads},
    }
    times = common.turns(contestants, options.rounds)
    seconds = {name: value / len(images) for name, value in common.medians(times).items()}
    common.report([(name, f"{value:.3f}") for name, value in seconds.items()], ("contestant", "s an image"))
    over = {"over_opencv": common.ratio(times["ours"], times["opencv"])}
    over |= {f"threads_{n}_over_one": common.ratio(times[f"threads {n}"], times["ours"]) for n in options.threads}
    print("\n" + "; ".join(f"{name} {value:.2f}" for name, value in over.items()))
    figures = {f"{name.replace(' ', '_')}_s": round(value, 4) for name, value in seconds.items()}
    boxes = float(np.mean([len(boxes) for boxes in ours]))
    common.write(options.json, boxes=boxes, **figures, **{name: round(value, 3) for name, value in over.items()})


if __name__ == "__main__":
    main()
