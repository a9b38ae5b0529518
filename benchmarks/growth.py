"""Do time and memory grow no faster than the number of images?

    python benchmarks/growth.py                          # 300, 900 and 3,000 photographs of 250x188 px, one thread
    python benchmarks/growth.py --images 1000 --rounds 5

Preparation (every image opened, checked, compared and packed), one epoch of training as train_classifier runs it (its
loader, steps, and validation of a fixed set), and prediction of 10 crops of each image, with a small network and no
images kept decoded. Every measurement is a process of its own, and does a little of the same work first, which does not
count: start-up, the choice of kernels. Memory is the largest that the process ever took, start-up included.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from common import by_itself, parser, report, write

ROOT, FACTORS, CLASSES, PX, HELD_OUT = Path(__file__).parents[1], (1, 3, 10), 10, 64, 2
Work = Callable[[], object]


def make(folder: Path, images: int) -> None:
    """Write photographs in class folders, a few for validation and test, and as few for warming up."""
    from loader import photographs

    few = HELD_OUT * CLASSES
    for split, count in {"train": images, "validation": few, "test": few, "few": 2 * few}.items():
        for number, record in enumerate(photographs(count, 250, 188, 95)):
            path = folder / "raw" / split / f"class {number % CLASSES}" / record.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(record.image)


def prepared(folder: Path, name: str, small: bool) -> None:
    """Prepare the data set, or the one for warming up."""
    from googlenet.config.schema.dataset import ClassificationSource
    from googlenet.data.prepare import prepare
    from googlenet.metrics.base import write_metrics
    from googlenet.storage.files import load_yaml

    defaults = load_yaml(ROOT / "conf/dataset/full.yaml")["classification"]
    splits = defaults["splits"] | ({"train": "few"} if small else {})
    source = ClassificationSource.model_validate(defaults | {"root": str(folder / "raw"), "splits": splits})
    manifest = prepare(source, folder / name)
    write_metrics(folder / name / "manifest.json", manifest, "")


def preparation(folder: Path) -> tuple[Work, Work]:
    """The warm-up, and the measured preparation."""
    return lambda: prepared(folder, "few", True), lambda: prepared(folder, "data", False)


def training(folder: Path) -> tuple[Work, Work]:
    """An epoch over the training images, after one over a few."""
    from loader import settings_of

    from googlenet.classification.train import Splits, train
    from googlenet.config.schema.base import replaced
    from googlenet.data.decoded import labelled
    from googlenet.models.network import Network, NetworkSpec
    from googlenet.models.runtime import Runtime

    settings = settings_of("bilinear", 20)
    model = replaced(settings.model, width=0.125, input_px=PX)
    settings = replaced(settings, model=model, epochs=1, stall=replaced(settings.stall, enabled=False))

    def epoch(name: str) -> None:
        spec = NetworkSpec.of(model, tuple(map(str, range(CLASSES))))
        splits = Splits(**labelled(folder / name, 0))
        train(Network.initialised(spec, 1).on("cpu"), splits, settings, Runtime(), lambda row: None)

    return lambda: epoch("few"), lambda: epoch("data")


def prediction(folder: Path) -> tuple[Work, Work]:
    """Ten crops of each training image."""
    from loader import settings_of

    from googlenet.classification.predict import Classifier, Cropping, predict
    from googlenet.config.schema.base import replaced
    from googlenet.data.decoded import DecodedImages
    from googlenet.data.store import open_split
    from googlenet.models.network import Network, NetworkSpec
    from googlenet.models.runtime import Runtime

    model = replaced(settings_of("bilinear", 20).model, width=0.125, input_px=PX)
    network = Network.initialised(NetworkSpec.of(model, tuple(map(str, range(CLASSES)))), 1).on("cpu")

    def run(name: str) -> None:
        images, cropping = DecodedImages(open_split(folder / name, "train"), 0), Cropping((10,), 50)
        predict(Classifier.of(network, images, cropping, Runtime()), images, cropping)

    return lambda: run("few"), lambda: run("data")


STEPS = {"preparation": preparation, "training": training, "prediction": prediction}


def run_step(step: str, folder: Path) -> dict[str, float]:
    """CPU seconds of one step in this process, and the process's peak memory."""
    from googlenet.models.determinism import prepare_machine

    prepare_machine(1, "cpu")
    warm_up, work = STEPS[step](folder)
    warm_up()
    start = time.process_time()
    work()
    seconds = time.process_time() - start
    # Not getrusage: its peak includes that of the process that started this one.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {"seconds": seconds, "peak_mb": int(status["VmHWM"].split()[0]) / 1024}


def measured(step: str, folder: Path) -> dict[str, float]:
    """Measure one step in its own process."""
    return by_itself(__file__, "--one", step, "--folder", str(folder))


def main() -> None:
    """Make the data, measure each step on each size in turn, print a table."""
    options = parser(__doc__)
    options.add_argument("--images", type=int, default=300, help="the smallest number; a multiple of 20")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--steps", nargs="+", choices=STEPS, default=list(STEPS))
    options.add_argument("--one", choices=STEPS)
    options.add_argument("--folder", type=Path)
    given = options.parse_args()
    if given.one:
        print(json.dumps(run_step(given.one, given.folder)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folders = {factor: Path(temporary, str(factor)) for factor in FACTORS}
        for factor, folder in folders.items():
            make(folder, factor * given.images)
            measured("preparation", folder)  # the input of the other steps
        figures: dict[str, float] = {}
        for step in given.steps:
            rounds = [
                {factor: measured(step, folder) for factor, folder in folders.items()} for _ in range(given.rounds)
            ]
            figures |= table(step, rounds, given.images)
    write(given.json, **figures)


def table(step: str, rounds: list[dict[int, dict[str, float]]], images: int) -> dict[str, float]:
    """Print a step's figures, and return the ratios of the largest to the smallest size: medians over the rounds."""
    rows, ratios = [], {}
    for factor in FACTORS:
        times, peaks = ([one[factor][name] / one[1][name] for one in rounds] for name in ("seconds", "peak_mb"))
        ratios[factor] = statistics.median(times), statistics.median(peaks)
        seconds, peak = (statistics.median(one[factor][name] for one in rounds) for name in ("seconds", "peak_mb"))
        rows.append(
            (factor * images, f"{seconds:.2f}", f"{ratios[factor][0]:.2f}", f"{peak:.0f}", f"{ratios[factor][1]:.3f}")
        )
    report(rows, (f"{step}: images", "seconds", "times the first", "peak memory, MB", "times the first"))
    most = FACTORS[-1]
    return {f"{step}_time_x{most}": ratios[most][0], f"{step}_memory_x{most}": ratios[most][1]}


if __name__ == "__main__":
    main()
