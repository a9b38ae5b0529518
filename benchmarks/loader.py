"""How many training images a second reach the network, beside PIL and torchvision's transforms?

    python benchmarks/loader.py                                        # 500x375 photographs, batches of 32, one thread
    python benchmarks/loader.py --workers 8 --batch 256
    GOOGLENET_TEST_DATA=data python benchmarks/loader.py               # photographs of the clothing set instead
    python benchmarks/loader.py --quality 85 --size 1600x1200

The whole path from the bytes of a JPEG in a shard to a normalised float batch of 224 px crops: the paper's sampling (8 to
100 % of the area, aspect ratio 3/4 to 4/3, half of them mirrored) with one thread, for Pillow and torchvision's first
transforms (RandomResizedCrop, RandomHorizontalFlip, ToTensor, Normalize, then a stack of the batch), and for this
pipeline with `antialias`, which resizes as Pillow does, and with the default `bilinear`. Contestants take turns, and a
ratio is the median over the rounds, of processor time. The photographs are parts, of varied size and place, of those that come with
scikit-learn, or of the clothing set, resized and saved with the pipeline's own quality: plainly, for both, and once more
for this pipeline as `resize_shorter_side_px` saves them, with the same pixels, but made for being read in parts.

Then the loader with several worker processes, whose batches are only taken, beside as many processes that each run the
one-process path at the same time: where several share a core, both are slower than one alone. Last, the mean difference
of our crops from Pillow's of the same boxes.
"""

import io
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path

import cv2
import numpy as np
import torch
from common import medians, parser, ratio, report, turns, write
from PIL import Image
from torchvision import transforms

from googlenet.classification.sampling import area_box, sample_into
from googlenet.classification.training_crops import TrainingCrops
from googlenet.config.schema.base import replaced
from googlenet.config.schema.classification import TrainClassifier
from googlenet.config.schema.shared import Interpolation
from googlenet.data.decoded import DecodedImages
from googlenet.data.image_files import is_image
from googlenet.data.images import decode, encode_jpeg
from googlenet.data.records import Record
from googlenet.data.store import Split, write_shard
from googlenet.models.batch_loader import BatchLoader
from googlenet.models.determinism import prepare_machine
from googlenet.models.network import NetworkSpec
from googlenet.models.runtime import Runtime
from googlenet.pipeline.experiment import experiment

ROOT, PX = Path(__file__).parents[1], 224
THEIRS = "Pillow and torchvision v1"
IN_PARTS, PLAIN = "as resized by it", "plain files"
Next = Callable[[], object]


def pictures() -> Iterator[np.ndarray]:
    """An infinite series of real photographs, uint8 RGB."""
    folder = os.environ.get("GOOGLENET_TEST_DATA")
    files = sorted(path for path in Path(folder, "clothing").rglob("*") if is_image(path)) if folder else []
    if files:
        while True:
            yield from (decode(path.read_bytes(), str(path)) for path in files[:: max(1, len(files) // 256)])
    from sklearn.datasets import load_sample_images

    while True:
        yield from load_sample_images().images


def photographs(number: int, width: int, height: int, quality: int, in_parts: bool = False) -> Iterator[Record]:
    """JPEGs of this size: crops of real photographs with this aspect ratio, of at least half their side."""
    rng = np.random.default_rng(0)
    for index, picture in enumerate(islice(pictures(), number)):
        h, w = picture.shape[:2]
        share = rng.uniform(0.5, 1) * min(w / width, h / height)
        w, h = round(share * width), round(share * height)
        x, y = rng.integers(picture.shape[1] - w + 1), rng.integers(picture.shape[0] - h + 1)
        resized = cv2.resize(picture[y : y + h, x : x + w], (width, height), interpolation=cv2.INTER_AREA)
        yield Record(f"{index}.jpg", encode_jpeg(resized, in_parts, quality), width, height, index % 10)


def settings_of(interpolation: Interpolation, batch: int) -> TrainClassifier:
    """The settings of the paper's first member, with this interpolation."""
    jobs = experiment(ROOT, "ilsvrc2014")
    settings = jobs.settings(jobs.jobs("train_classifier")[0], TrainClassifier)
    return replaced(settings, sampling=replaced(settings.sampling, interpolation=interpolation), batch_size=batch)


def keys_of(images: int, batch: int) -> Iterator[list[tuple[int, int]]]:
    """An infinite series of batches of (epoch, index), in random order."""
    for epoch in count():
        order = np.random.default_rng(epoch).permutation(images).tolist()
        for start in range(0, images - batch + 1, batch):
            yield [(epoch, index) for index in order[start : start + batch]]


def loader_of(crops: TrainingCrops, batch: int, runtime: Runtime) -> BatchLoader[list[tuple[int, int]], np.ndarray]:
    """The loader of train_classifier, with batches of keys of our own."""
    return BatchLoader(lambda keys, out: (batch, crops.batch(keys, out)[1]), batch, PX, runtime)


def ours(split: Split, interpolation: Interpolation, batch: int) -> Next:
    """A batch as train_classifier makes it without worker processes."""
    settings = settings_of(interpolation, batch)
    crops = TrainingCrops(DecodedImages(split, 0), split.labels, settings, PX)
    spec, keys = NetworkSpec.of(settings.model, ("",)), keys_of(len(split), batch)
    loader = loader_of(crops, batch, Runtime()).batches(keys)

    def load() -> object:
        loaded, labels = next(loader)
        return spec.to_input(loaded, "cpu"), torch.from_numpy(labels)

    return load


def theirs(split: Split, batch: int) -> Next:
    """A batch made by Pillow and torchvision's v1 transforms."""
    steps = [transforms.RandomResizedCrop(PX), transforms.RandomHorizontalFlip(), transforms.ToTensor()]
    transform = transforms.Compose([*steps, transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
    keys = keys_of(len(split), batch)

    def load() -> object:
        records = [split[index] for _, index in next(keys)]
        crops = [transform(opened(record).convert("RGB")) for record in records]
        return torch.stack(crops), torch.tensor([record.label for record in records])

    return load


def opened(record: Record) -> Image.Image:
    """An image as Pillow opens it."""
    return Image.open(io.BytesIO(record.image), formats=["JPEG"])


def with_workers(split: Split, batch: int, workers: int, number: int) -> float:
    """Images per second of the loader with worker processes; the first batches, during their start, do not count."""
    crops = TrainingCrops(DecodedImages(split, 0), split.labels, settings_of("antialias", batch), PX)
    keys = islice(keys_of(len(split), batch), number + 4 * workers)
    loaded = loader_of(crops, batch, Runtime(loader_workers=workers)).batches(keys)
    for _ in range(4 * workers):
        next(loaded)
    start = time.perf_counter()
    return batch * sum(1 for _ in loaded) / (time.perf_counter() - start)


def separate(split: Split, batch: int, processes: int, number: int) -> float:
    """Total images per second of separate processes, each of which makes its own batches."""
    context = multiprocessing.get_context("fork")
    barrier, rates = context.Barrier(processes), context.SimpleQueue()

    def run() -> None:
        crops = TrainingCrops(DecodedImages(split, 0), split.labels, settings_of("antialias", batch), PX)
        keys, out = keys_of(len(split), batch), np.empty((batch, PX, PX, 3), np.uint8)
        crops.batch(next(keys), out)
        barrier.wait()
        start = time.perf_counter()
        for _ in range(number):
            crops.batch(next(keys), out)
        rates.put(number * batch / (time.perf_counter() - start))

    running = [context.Process(target=run) for _ in range(processes)]
    for process in running:
        process.start()
    total = sum(rates.get() for _ in running)
    for process in running:
        process.join()
    return float(total)


def differences(split: Split, interpolation: Interpolation) -> float:
    """The mean difference, in grey levels of 255, between our whole path and Pillow's on the same boxes."""
    sampling, images, seen = settings_of(interpolation, 1).sampling, DecodedImages(split, 0), []
    for index in range(len(split)):
        crop = np.empty((PX, PX, 3), np.uint8)
        sample_into(crop, images, index, sampling, False, np.random.default_rng(index))
        record = split[index]
        left, top, w, h = area_box(record.width, record.height, sampling, np.random.default_rng(index))
        part = opened(record).convert("RGB").crop((left, top, left + w, top + h))
        expected = np.asarray(part.resize((PX, PX), Image.Resampling.BILINEAR))
        seen.append(np.abs(crop.astype(int) - expected).mean())
    return float(np.mean(seen))


def main() -> None:
    """Measure, and print the tables."""
    options = parser(__doc__)
    options.add_argument("--images", type=int, default=256)
    options.add_argument("--size", default="500x375", help="width x height of the photographs, px")
    options.add_argument(
        "--quality", type=int, default=95, help="of the JPEGs: what the pipeline's own shrinking saves"
    )
    options.add_argument("--batch", type=int, default=32)
    options.add_argument("--rounds", type=int, default=40)
    options.add_argument("--workers", type=int, default=2)
    given = options.parse_args()
    prepare_machine(1, "cpu")
    width, height = map(int, given.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        plain, in_parts = (
            Split(Path(folder), name, (write_shard(Path(folder, f"{name}-0.arrow"), records),))
            for name, records in (
                ("plain", photographs(given.images, width, height, given.quality)),
                ("in_parts", photographs(given.images, width, height, given.quality, in_parts=True)),
            )
        )
        figures = measured(plain, in_parts, given.batch, given.rounds, given.workers)
        kilobytes = np.mean([len(plain[index].image) for index in range(len(plain))]) / 1000
    print(f"\n{given.images} JPEGs of {given.size} px, quality {given.quality}, {kilobytes:.0f} kB each")
    settings = {name: value for name, value in vars(given).items() if name != "json"}
    write(given.json, **figures, settings=settings, kilobytes=kilobytes)


def ours_of(method: Interpolation, files: str) -> str:
    """Name one of this pipeline's contestants."""
    return f"this pipeline, {method}, {files}"


def measured(plain: Split, in_parts: Split, batch: int, rounds: int, workers: int) -> dict[str, float]:
    """Measure all figures and print the tables. Both splits have the same photographs."""
    files = {IN_PARTS: in_parts, PLAIN: plain}
    methods: tuple[Interpolation, ...] = ("antialias", "bilinear")
    contestants = {
        ours_of(method, name): ours(split, method, batch) for name, split in files.items() for method in methods
    } | {THEIRS: theirs(plain, batch)}
    times = turns(contestants, rounds, time.process_time)  # one thread each, no waiting
    over = {name: ratio(times[name], times[THEIRS]) for name in times}
    rows = [(name, f"{batch / seconds:.0f}", f"{over[name]:.2f}") for name, seconds in medians(times).items()]
    report(rows, ("one thread", "images/s of processor time", f"times {THEIRS}"))
    pairs = [(with_workers(plain, batch, workers, 60), separate(plain, batch, workers, 30)) for _ in range(5)]
    loader, apart = (float(np.median(rates)) for rates in zip(*pairs, strict=True))
    share = float(np.median([one / other for one, other in pairs]))
    rows = [("the loader", f"{loader:.0f}", f"{share:.2f}"), ("separate processes", f"{apart:.0f}", "1.00")]
    report(rows, (f"\n{workers} workers", "images/s", "share of separate processes"))
    grey = {name: differences(in_parts, name) for name in ("antialias", "area", "bilinear")}
    report([(name, f"{value:.2f}") for name, value in grey.items()], ("\nour crops", "grey levels from Pillow's"))
    return {
        "over_pil_per_core": over[ours_of("antialias", PLAIN)],
        "over_pil_per_core_bilinear": over[ours_of("bilinear", PLAIN)],
        "over_pil_per_core_in_parts": over[ours_of("antialias", IN_PARTS)],
        "over_pil_per_core_bilinear_in_parts": over[ours_of("bilinear", IN_PARTS)],
        "per_worker": share,
        "images_per_s": batch / medians(times)[ours_of("antialias", PLAIN)],
        "workers_images_per_s": loader,
        **{f"grey_levels_{name}": value for name, value in grey.items()},
    }


if __name__ == "__main__":
    main()
