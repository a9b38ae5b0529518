"""Warping an image's regions to network inputs: ours beside a loop over boxes, PIL's affine transform, and scoring itself.

    python benchmarks/regions.py                       # 140 regions of a 160 px scene to 64 px, as in the demo
    python benchmarks/regions.py --image 500 --size 224 --width 1 --boxes 300

One thread each, in turn. "loop" computes and checks each box's matrix by itself, as the project once did; its bits must be
ours. "pil" is Image.transform with bilinear sampling. "scoring" is the whole of score_regions on one image, eager and in
the precision of `compute.precision: auto`: decoding apart, warping is that share of it. JSON keys: "<contestant>_us" a
region, "over_loop", "over_pil" and "share_of_scoring".
"""

import sys

import common
import cv2
import numpy as np
import torch
from PIL import Image

from googlenet.config.schema.detection import RegionView
from googlenet.detection.region_vectors import as_it_is, views
from googlenet.detection.regions import Warp
from googlenet.models.network import Architecture, Network, NetworkSpec
from googlenet.models.runtime import Runtime

FILL = (104, 117, 123)


def boxes_of(rng: np.random.Generator, side: int, count: int) -> np.ndarray:
    """Boxes of a tenth to two thirds of an image's side, some of them at its edge."""
    low = rng.integers(0, side * 2 // 3, (count, 2))
    return np.concatenate([low, np.minimum(low + rng.integers(side // 10, side * 2 // 3, (count, 2)), side - 1)], 1)


def looped(warp: Warp, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """One box after the other, in Python floats."""
    size, inner = warp.size_px, warp.size_px - 2 * warp.context_px
    regions = np.empty((len(boxes), size, size, 3), np.uint8)
    for region, (xmin, ymin, xmax, ymax) in zip(regions, boxes.tolist(), strict=True):
        scale_x, scale_y = (xmax - xmin + 1) / inner, (ymax - ymin + 1) / inner
        shifts = ((0.5 - warp.context_px) * scale + low - 0.5 for scale, low in ((scale_x, xmin), (scale_y, ymin)))
        matrix = np.array([[scale_x, 0, next(shifts)], [0, scale_y, next(shifts)]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        outside = tuple(float(channel) for channel in warp.fill)
        cv2.warpAffine(image, matrix, (size, size), region, flags, cv2.BORDER_CONSTANT, outside)
    return regions


def pil(warp: Warp, image: Image.Image, boxes: np.ndarray) -> np.ndarray:
    """One transform per box; PIL's pixel centres are at one half, in its input as in its output."""
    size, inner = warp.size_px, warp.size_px - 2 * warp.context_px
    regions = []
    for xmin, ymin, xmax, ymax in boxes.tolist():
        scales = (xmax - xmin + 1) / inner, (ymax - ymin + 1) / inner
        left, top = (low - warp.context_px * scale for low, scale in zip((xmin, ymin), scales, strict=True))
        data = (scales[0], 0, left, 0, scales[1], top)
        square, kind = (size, size), Image.Transform.AFFINE
        regions.append(np.asarray(image.transform(square, kind, data, Image.Resampling.BILINEAR, fillcolor=warp.fill)))
    return np.stack(regions)


def main() -> None:
    """Check the bits, then time."""
    parser = common.parser(__doc__)
    parser.add_argument("--image", type=int, default=160, help="side of the image in pixels")
    parser.add_argument("--size", type=int, default=64, help="side of the network's input")
    parser.add_argument("--width", type=float, default=0.25, help="of the network")
    parser.add_argument("--boxes", type=int, default=140)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    image = cv2.GaussianBlur(rng.integers(0, 256, (options.image, options.image, 3), dtype=np.uint8), (0, 0), 2)
    boxes = boxes_of(rng, options.image, options.boxes)
    shape = Architecture(width=options.width, input_px=options.size)
    classes = ("background", *(f"class {i}" for i in range(10)))
    network = Network.initialised(NetworkSpec(classes, shape, FILL, 1.0), seed=1).on("cpu")
    network.model.eval()
    view = RegionView(batch_size=144, context_px=16)
    warp, see = Warp.of(network.spec, view.context_px), as_it_is(network, Runtime("cpu", common.auto()))
    if not np.array_equal(warp.many(image, boxes), looped(warp, image, boxes)):
        sys.exit("the regions differ from those of the loop")
    as_pil = Image.fromarray(image)
    apart = np.abs(pil(warp, as_pil, boxes).astype(float) - warp.many(image, boxes)).mean()
    contestants = {
        "ours": lambda: warp.many(image, boxes),
        "loop": lambda: looped(warp, image, boxes),
        "pil": lambda: pil(warp, as_pil, boxes),
        "scoring": lambda: list(views(network, image, boxes, view, see, mirrored=False)),
    }
    times = common.turns(contestants, options.rounds)
    us = {name: 1e6 * value / len(boxes) for name, value in common.medians(times).items()}
    common.report([(name, f"{value:.1f}") for name, value in us.items()], ("contestant", "us a region"))
    over = {f"over_{name}": round(common.ratio(times["ours"], times[name]), 3) for name in ("loop", "pil")}
    share = round(1 / common.ratio(times["ours"], times["scoring"]), 4)
    print(f"\n{over}; {100 * share:.1f} % of scoring; PIL's differ by {apart:.2f} grey levels on average")
    figures = {f"{name}_us": round(value, 2) for name, value in us.items()}
    common.write(options.json, **figures, **over, share_of_scoring=share)


if __name__ == "__main__":
    main()
