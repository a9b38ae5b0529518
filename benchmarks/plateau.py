"""Does the network leave the first plateau of training? Its loss beside log(classes), by classes and settings.

    python benchmarks/plateau.py flowers/train                                # its classes, photos' settings
    python benchmarks/plateau.py tiny-imagenet-200/train --classes 10 50 200 --seeds 0 1 --json plateau.json
    python benchmarks/plateau.py tiny-imagenet-200/train --initialisation replica he --rate 0.01 0.02 --steps 3000

The folder holds one folder of images per class; each run takes so many of them, evenly spaced by name, holds images of
each class out for validation, and trains the first member of the experiment (conf/experiment/photos.yaml) for so many
steps, with one thread. Every value of one option is combined with every value of the others. "Left" is the step from
which the mean main loss of 100 steps is below chance by train_classifier.stall.margin, and stays there.
"""

import argparse
import itertools
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from googlenet.classification.train import centre_crop_errors
from googlenet.classification.training_crops import TrainingCrops, batches
from googlenet.config.schema.base import replaced
from googlenet.config.schema.classification import TrainClassifier
from googlenet.data.folders import visible
from googlenet.data.image_files import is_image
from googlenet.data.images import decode
from googlenet.metrics.training import TrainingEpoch
from googlenet.models.determinism import prepare_machine
from googlenet.models.network import Network, NetworkSpec
from googlenet.models.runtime import Runtime
from googlenet.models.training import TrainState, learning_rate, loss_of
from googlenet.pipeline.experiment import experiment
from googlenet.storage.on_access import OnAccess

ROOT = Path(__file__).parents[1]
WINDOW = 100  # steps over which losses are averaged


class Images(OnAccess):
    """Image files, decoded once and kept."""

    def __init__(self, paths: Sequence[Path]):
        self.paths, self.decoded = paths, dict[int, np.ndarray]()

    def __len__(self) -> int:
        return len(self.paths)

    def of(self, number: int) -> np.ndarray:
        if number not in self.decoded:
            self.decoded[number] = decode(self.paths[number].read_bytes())
        return self.decoded[number]


Labelled = tuple[Images, np.ndarray]


def read(folder: Path, classes: int, held_out: int, per_class: int) -> tuple[list[str], Labelled, Labelled]:
    """Class names, and training and validation images with labels; class folders may have images in a subfolder."""
    every = [path for path in visible(folder) if path.is_dir()]
    chosen = [every[i * len(every) // classes] for i in range(classes)]
    parts: tuple[list[tuple[Path, int]], list[tuple[Path, int]]] = ([], [])
    for label, path in enumerate(chosen):
        files = [(file, label) for file in sorted(path.rglob("*")) if is_image(file)]
        parts[0].extend(files[held_out:][: per_class or None])
        parts[1].extend(files[:held_out])
    train, validation = ((Images([p for p, _ in part]), np.array([label for _, label in part])) for part in parts)
    return [path.name for path in chosen], train, validation


class Trial(NamedTuple):
    """What one run varies; None keeps the experiment's value."""

    classes: int
    initialisation: str | None
    rate: float | None
    warmup: int | None
    input_scale: float | None
    seed: int


def settings_of(name: str, trial: Trial) -> TrainClassifier:
    """The settings of the experiment's first member, with the trial's changes."""
    jobs = experiment(ROOT, name)
    settings = jobs.settings(jobs.jobs("train_classifier")[0], TrainClassifier)
    model = given(initialisation=trial.initialisation, input_scale=trial.input_scale)
    return replaced(
        settings,
        member=replaced(settings.member, init_seed=trial.seed, order_seed=trial.seed, sampling_seed=trial.seed),
        model=replaced(settings.model, **model),
        **given(learning_rate=trial.rate, warmup_steps=trial.warmup),
    )


def given(**values: Any) -> dict[str, Any]:
    """The values that are not None."""
    return {key: value for key, value in values.items() if value is not None}


def run(
    settings: TrainClassifier, names: list[str], train: Labelled, validation: Labelled, steps: int
) -> dict[str, Any]:
    """Train as classification/train.py does; return the mean losses of every WINDOW steps, and the errors."""
    (images, labels), batch_size, seed = train, settings.batch_size, settings.member.order_seed
    network = Network.initialised(NetworkSpec.of(settings.model, tuple(names)), settings.member.init_seed).on("cpu")
    crops, per_epoch = TrainingCrops(images, labels, settings, network.spec.input_px), len(labels) // batch_size
    runtime = Runtime("cpu", settings.compute.precision)
    torch.manual_seed(seed)
    state = TrainState(network.model, settings, per_epoch, None, TrainingEpoch)
    network.model.train()
    chance, start, losses = math.log(len(names)), time.perf_counter(), list[list[float]]()
    for keys in itertools.islice(batches(len(labels), batch_size, -(-steps // per_epoch), seed), steps):
        batch, of_batch = crops.batch(keys)
        target = torch.from_numpy(of_batch)
        with runtime.autocast():
            logits, aux = network.model(network.to_input(batch, "cpu"))
        loss = loss_of((logits, aux), target, settings.aux_weight)
        state.descend(loss, learning_rate(state.step, per_epoch, settings))
        losses.append([cross_entropy(head.detach().float(), target).item() for head in (logits, *aux)])
        if state.step % (10 * WINDOW) == 0:
            means = ", ".join(f"{value:.3f}" for value in np.mean(losses[-WINDOW:], axis=0))
            print(f"  step {state.step:6,}: losses {means}; chance {chance:.3f}", flush=True)
    seconds = time.perf_counter() - start
    whole = len(losses) // WINDOW * WINDOW
    main, *aux_means = np.array(losses[:whole]).reshape(-1, WINDOW, len(losses[0])).mean(1).T.tolist()
    last = centre_crop_errors(network, *validation, runtime).errors()
    state.average.swap(network.model)
    averaged = centre_crop_errors(network, *validation, runtime).errors()
    return {
        "images": len(labels),
        "left": left(main, chance * (1 - settings.stall.margin)),
        "images_per_s": steps * batch_size / seconds,
        "validation_images": len(validation[1]),
        "last_top1_error_percent": last.top1_error_percent,
        "averaged_top1_error_percent": averaged.top1_error_percent,
        "main_loss": main,
        "aux_losses": aux_means,
    }


def left(means: list[float], level: float) -> int | None:
    """The step after which no window's mean loss is `level` or more; None if the last window's still is."""
    at = next((i for i in range(len(means), 0, -1) if not means[i - 1] < level), 0)
    return at * WINDOW if at < len(means) else None


def main() -> None:
    """Run every combination; print a line every 1,000 steps, and the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="one folder of images per class")
    parser.add_argument("--classes", type=int, nargs="+", help="how many of them; all if not given")
    parser.add_argument("--initialisation", choices=["replica", "he"], nargs="+", default=[None])
    parser.add_argument("--rate", type=float, nargs="+", default=[None])
    parser.add_argument("--warmup", type=int, nargs="+", default=[None])
    parser.add_argument("--scale", type=float, nargs="+", default=[None], help="model.input_scale")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of weights, order and crops")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--held-out", type=int, default=50, help="images of each class for validation")
    parser.add_argument("--images", type=int, default=0, help="at most so many training images of each class; 0: all")
    parser.add_argument("--experiment", default="photos")
    parser.add_argument("--json", type=Path, help="where to write every run, with the loss of each 100 steps")
    options = parser.parse_args()
    every = options.classes or [sum(path.is_dir() for path in visible(options.folder))]
    rows = []
    varied = (every, options.initialisation, options.rate, options.warmup, options.scale, options.seeds)
    for trial in map(Trial._make, itertools.product(*varied)):
        settings = settings_of(options.experiment, trial)
        prepare_machine(settings.compute.numeric_threads, "cpu")
        used = trial._replace(
            initialisation=settings.model.initialisation,
            rate=settings.learning_rate,
            warmup=settings.warmup_steps,
            input_scale=settings.model.input_scale,
        )
        print(", ".join(f"{key} {value}" for key, value in used._asdict().items()), flush=True)
        data = read(options.folder, trial.classes, options.held_out, options.images)
        rows.append(used._asdict() | run(settings, *data, options.steps))
        if options.json:
            options.json.write_text(json.dumps(rows, indent=1) + "\n")
    print("\n".join(table(rows)))


COLUMNS = {
    "classes": "classes",
    "images": "training images",
    "initialisation": "initialisation",
    "rate": "rate",
    "warmup": "warm-up",
    "input_scale": "input scale",
    "seed": "seed",
    "left": "left at step",
    "end": "main loss, last 100 steps",
    "chance": "chance",
    "averaged_top1_error_percent": "top-1 error of the averaged weights, %",
    "last_top1_error_percent": "of the last, %",
    "images_per_s": "images/s",
}


def table(rows: list[dict[str, Any]]) -> list[str]:
    """The runs as a Markdown table."""
    lines = [list(COLUMNS.values()), ["---:"] * len(COLUMNS)]
    for row in rows:
        figures = {key: f"{row[key]:.1f}" for key in COLUMNS if "error" in key}
        figures |= {"images": f"{row['images']:,}", "images_per_s": f"{row['images_per_s']:.0f}"}
        figures |= {"left": "never" if row["left"] is None else f"{row['left']:,}"}
        figures |= {"end": f"{row['main_loss'][-1]:.2f}", "chance": f"{math.log(row['classes']):.2f}"}
        lines.append([str((row | figures)[key]) for key in COLUMNS])
    return [f"| {' | '.join(cells)} |" for cells in lines]


if __name__ == "__main__":
    main()
