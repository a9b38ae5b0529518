"""How long does a training step take, beside torchvision's GoogLeNet and the machine's own matrix product?

    python benchmarks/training.py                                       # the paper's network, batch 32, one thread
    python benchmarks/training.py --profile                             # where the time of our step goes, by operation
    python benchmarks/training.py --device cuda --batch 256
    ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16 python benchmarks/training.py   # as on a processor without AMX

Ours is the step of train_classifier on 224 px: full width, both auxiliary heads, uint8 images, the loss with its heads,
SGD with momentum, and the averaging of weights. torchvision's GoogLeNet has its heads and SGD with momentum too, float
images and no averaging. All have 1,000 classes, and each contestant is a process of its own. The ceiling is the time of
this machine's matrix product for three times the multiply-adds of the forward pass: one forward, two backward.
Ours and the matrix product are in the precision of `compute.precision: auto`; torchvision's in fp32 and, where that is bf16,
in bf16 too.
"""

import multiprocessing
import resource
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from common import auto, medians, parser, ratio, report, turns, write
from torch.nn.functional import cross_entropy
from torchvision.models import googlenet

from googlenet.config.schema.classification import TrainClassifier
from googlenet.metrics.training import TrainingEpoch
from googlenet.models.cost import cost
from googlenet.models.determinism import prepare_machine
from googlenet.models.googlenet import GoogLeNet
from googlenet.models.network import Network, NetworkSpec
from googlenet.models.runtime import Runtime
from googlenet.models.training import TrainState, learning_rate, loss_of
from googlenet.pipeline.experiment import experiment

CLASSES, PX, STEPS_PER_EPOCH = 1000, 224, 40_000
SIDES = (1024, 2048, 4096)  # of the square matrices; the fastest size counts
OURS, CEILING = "this pipeline", "matrix product"
TORCHVISION = {"torchvision, fp32": "fp32", "torchvision, bf16": "bf16"}
Run = Callable[[], object]


class Setting(NamedTuple):
    """The settings shared by all contestants."""

    device: str
    threads: int
    batch: int


def images(batch: int, px: int = PX, classes: int = CLASSES) -> tuple[np.ndarray, torch.Tensor]:
    """A batch of random images and labels."""
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (batch, px, px, 3), np.uint8), torch.from_numpy(rng.integers(0, classes, batch))


def first_member(name: str) -> TrainClassifier:
    """The settings of an experiment's first classifier."""
    jobs = experiment(Path(__file__).parents[1], name)
    return jobs.settings(jobs.jobs("train_classifier")[0], TrainClassifier)


class Ours:
    """A network with initial weights and a batch of random images, uint8 [batch, px, px, 3]."""

    def __init__(self, settings: TrainClassifier, classes: int, batch: int, runtime: Runtime):
        spec = NetworkSpec.of(settings.model, tuple(map(str, range(classes))))
        self.settings, self.runtime = settings, runtime
        self.network = Network.initialised(spec, 1).on(runtime.device)
        self.state = TrainState(self.network.model, settings, STEPS_PER_EPOCH, None, TrainingEpoch)
        self.images, self.labels = images(batch, spec.input_px, classes)

    def step(self) -> None:
        """A step of classification/train.py."""
        device = self.runtime.device
        self.network.model.train()
        with self.runtime.autocast():
            output = self.network.model(self.network.to_input(self.images, device))
        loss = loss_of(output, self.labels.to(device), self.settings.aux_weight)
        self.state.descend(loss, learning_rate(self.state.step, STEPS_PER_EPOCH, self.settings))


def ours(setting: Setting) -> Run:
    """A step with the settings of the paper's first member."""
    prepare_machine(setting.threads, setting.device)
    runtime = Runtime(setting.device, auto(setting.device))
    return Ours(first_member("ilsvrc2014"), CLASSES, setting.batch, runtime).step


def torchvisions(setting: Setting, precision: str) -> Run:
    """A step of torchvision's network as its users would write it: eager, and channels last in bf16."""
    model = googlenet(num_classes=CLASSES, aux_logits=True, init_weights=False).to(setting.device).train()
    batch, labels = torch.randn(setting.batch, 3, PX, PX, device=setting.device), images(setting.batch)[1]
    if precision == "bf16":
        model, batch = (value.to(memory_format=torch.channels_last) for value in (model, batch))
    labels = labels.to(setting.device)
    opt = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=2e-4)

    def step() -> None:
        opt.zero_grad()
        with Runtime(setting.device, precision).autocast():
            out = model(batch)
            heads = (out.aux_logits1, out.aux_logits2)
            loss = cross_entropy(out.logits, labels) + 0.3 * sum(cross_entropy(head, labels) for head in heads)
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no types for it
        opt.step()

    return step


def products(setting: Setting) -> Run:
    """Matrix products with a step's multiply-adds, at least one."""
    rates, dtype = {}, torch.bfloat16 if auto(setting.device) == "bf16" else torch.float32
    for side in SIDES:
        a = torch.randn(side, side).to(setting.device, dtype)
        for _ in range(2):  # the first run selects a kernel
            start = time.perf_counter()
            wait(a @ a)
            rates[side] = side**3 / (time.perf_counter() - start)
    side = max(rates, key=rates.__getitem__)
    a, b = (torch.randn(side, side).to(setting.device, dtype) for _ in range(2))
    whole, rest = divmod(multiply_adds(setting.batch), side**3)
    rows = round(side * rest / side**3)  # of the last product
    return lambda: [a @ b for _ in range(whole)] + [a[:rows] @ b]


def multiply_adds(batch: int) -> int:
    """Multiply-adds of a training step: three times those of a forward pass with the auxiliary heads."""
    counted = cost(GoogLeNet(CLASSES), PX)
    return 3 * batch * sum(row.macs for row in (*counted.layers, *counted.auxiliary))


def wait(result: object = None) -> None:
    """Wait until the GPU has finished all queued work."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def contestant(name: str, setting: Setting) -> Run:
    """A contestant by its name."""
    torch.set_num_threads(setting.threads)
    if name == OURS:
        return ours(setting)
    return products(setting) if name == CEILING else torchvisions(setting, TORCHVISION[name])


def serve(name: str, setting: Setting, pipe: Connection) -> None:
    """Run a contestant on request; at the end send its process's peak memory, in GB."""
    run = contestant(name, setting)
    while pipe.recv():
        run()
        wait()
        pipe.send(None)
    pipe.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)


def one_step(pipe: Connection) -> None:
    """Let a contestant run once."""
    pipe.send(True)
    pipe.recv()


def profile(setting: Setting) -> None:
    """Print the operations of one of our steps, longest first."""
    step = contestant(OURS, setting)
    step(), step()
    with torch.profiler.profile() as measured:
        step()
    key = "self_cpu_time_total" if setting.device == "cpu" else "self_cuda_time_total"
    print(measured.key_averages().table(sort_by=key, row_limit=30, max_name_column_width=50))


def main() -> None:
    """Time the contestants in turn; print the table."""
    arguments = parser(__doc__)
    arguments.add_argument("--batch", type=int, default=32)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    arguments.add_argument("--profile", action="store_true", help="the operations of our step instead")
    options = arguments.parse_args()
    setting = Setting(options.device, options.threads, options.batch)
    if options.profile:
        profile(setting)
        return
    context, pipes, memory = multiprocessing.get_context("spawn"), dict[str, Connection](), dict[str, float]()
    theirs = [name for name, precision in TORCHVISION.items() if precision in ("fp32", auto(setting.device))]
    for name in (OURS, *theirs, CEILING):
        pipes[name], end = context.Pipe()
        context.Process(target=serve, args=(name, setting, end), daemon=True).start()
    times = turns({name: partial(one_step, pipe) for name, pipe in pipes.items()}, options.rounds)
    for name, pipe in pipes.items():
        pipe.send(False)
        memory[name] = pipe.recv()
    seconds = medians(times)
    rows = [
        (name, f"{1000 * value:.0f}", f"{options.batch / value:.1f}", f"{ratio(times[OURS], times[name]):.2f}")
        for name, value in seconds.items()
    ]
    report([(*row, f"{memory[row[0]]:.1f}") for row in rows], ("", "ms", "images/s", "x ours", "peak GB"))
    write(
        options.json,
        **setting._asdict(),
        precision=auto(setting.device),
        **{f"over_torchvision_{TORCHVISION[name]}": ratio(times[OURS], times[name]) for name in theirs},
        share_of_ceiling=ratio(times[OURS], times[CEILING]),
        images_per_s={name: options.batch / value for name, value in seconds.items()},
        peak_gb=memory,
    )


if __name__ == "__main__":
    main()
