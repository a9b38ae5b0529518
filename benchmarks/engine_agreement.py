"""Do the engines answer as eager fp32 does? The Caffe replica's trained network on the same crops of real images.

    python benchmarks/engine_agreement.py bvlc_googlenet flowers/*.jpg                    # 10 crops an image
    python benchmarks/engine_agreement.py bvlc_googlenet flowers/*.jpg --crops 144 --images 20

The first argument is a folder of raw weights (origin bvlc_raw), the others are image files, of which --images are taken,
evenly spaced. For every engine: the share of images with fp32's first answer, and with fp32's set of five answers, after
averaging over the crops; and the largest difference of a probability, of averages and of single crops.
"""

import time
from pathlib import Path

import numpy as np
from common import auto, parser, report, write

from googlenet.classification.crops import POLICIES
from googlenet.classification.predict import Classifier, Cropping, crop_scores
from googlenet.config.schema.classification import MeasureCost
from googlenet.data.images import decode
from googlenet.imports.import_weights import imported
from googlenet.models.determinism import prepare_machine
from googlenet.models.runtime import Runtime
from googlenet.pipeline.experiment import experiment

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Predict with every engine, and compare."""
    arguments = parser(__doc__)
    arguments.add_argument("weights", type=Path)
    arguments.add_argument("files", type=Path, nargs="+")
    arguments.add_argument("--engines", default="eager,openvino,compile")
    arguments.add_argument("--precision", default=auto(), choices=("bf16", "fp32"))
    arguments.add_argument("--crops", type=int, default=10, choices=POLICIES)
    arguments.add_argument("--images", type=int, default=200)
    arguments.add_argument("--threads", type=int, default=1)
    given = arguments.parse_args()
    prepare_machine(given.threads, "cpu")
    bvlc = experiment(ROOT, "bvlc")
    network = imported(given.weights, bvlc.composed.origins["bvlc_raw"], bvlc.of(MeasureCost).model, 1.0)
    network = network.on("cpu")
    chosen = np.linspace(0, len(given.files) - 1, min(given.images, len(given.files))).astype(int)
    images = [decode(given.files[i].read_bytes(), str(given.files[i])) for i in chosen]
    cropping = Cropping((given.crops,), given.crops * 10 if given.crops < 144 else 144)

    def answers(precision: str, engine: str) -> tuple[np.ndarray, np.ndarray, str, float]:
        classifier = Classifier.of(network, images, cropping, Runtime("cpu", precision, 0, engine))
        start = time.perf_counter()
        scored = list(crop_scores(classifier, images, range(len(images)), cropping))
        means = np.stack([scores[index].mean(0, dtype=np.float64) for scores, index in scored])
        return means, np.concatenate([scores for scores, _ in scored]), classifier.use.line, time.perf_counter() - start

    exact, exact_crops, _, seconds = answers("fp32", "eager")
    rows, figures = [["eager fp32", "", "", "", "", f"{seconds:.0f}"]], {}
    for engine in given.engines.split(","):
        means, crops, line, seconds = answers(given.precision, engine)
        print(line, flush=True)
        top1 = float((means.argmax(1) == exact.argmax(1)).mean())
        fives = [np.sort(np.argsort(-each, 1)[:, :5], 1) for each in (means, exact)]
        top5 = float((fives[0] == fives[1]).all(1).mean())
        of_mean, of_crop = float(np.abs(means - exact).max()), float(np.abs(crops - exact_crops).max())
        figures[engine] = {"same_top1": top1, "same_top5_set": top5, "of_mean": of_mean, "of_crop": of_crop}
        name = f"{engine} {given.precision}"
        rows.append([name, f"{top1:.1%}", f"{top5:.1%}", f"{of_mean:.4f}", f"{of_crop:.4f}", f"{seconds:.0f}"])
    header = ("engine", "same answer", "same five", "largest difference", "of a crop", "s")
    print(f"{len(images)} images, {given.crops} crops each")
    report(rows, header)
    write(given.json, images=len(images), crops=given.crops, **figures)


if __name__ == "__main__":
    main()
