"""144 crops of photographs with the full-width network: the pipeline's path, and the bare network beside other engines.

    python benchmarks/prediction.py                       # whole path and bare network, one thread: about 10 minutes
    python benchmarks/prediction.py --processes 2         # the whole path in two processes of one thread each, at once
    python benchmarks/prediction.py --engines eager,openvino --json prediction.json
    ONEDNN_MAX_CPU_ISA=AVX512_CORE python benchmarks/prediction.py      # as on a processor without bf16
    ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 python benchmarks/prediction.py

Whole path: 500x375 JPEGs in a shard, decoded, cropped and averaged over 144 crops as in predict_crops, against the loop
that one would write first: Pillow for every crop, fp32, torch's own response normalisation. Bare network: a batch of
144 normalised crops in each of our engines, in torchvision's GoogLeNet, ONNX Runtime (if `onnx` and `onnxruntime` are
installed), OpenVINO in its own loop, and torch.compile by itself; and the machine's own matrix product, as crops a second
at the network's multiply-adds. Ours and the matrix product in the precision of `compute.precision: auto`, the others also in
fp32. Contestants take turns; medians. Building an engine is not timed, but shown.
"""

import copy
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from functools import partial
from io import BytesIO
from multiprocessing.connection import Connection
from pathlib import Path

import cv2
import numpy as np
import torch
from common import auto, medians, parser, ratio, report, turns, write
from PIL import Image
from torch import nn

from googlenet.classification.crops import Crop, crops_144
from googlenet.classification.predict import Classifier, Cropping, Probabilities, predict
from googlenet.data.decoded import DecodedImages
from googlenet.data.images import encode_jpeg
from googlenet.data.records import Record
from googlenet.data.store import Split, write_shard
from googlenet.models.cost import multiply_adds
from googlenet.models.determinism import prepare_machine
from googlenet.models.engine import engine_for
from googlenet.models.network import Architecture, Network, NetworkSpec
from googlenet.models.runtime import Runtime
from googlenet.storage.on_access import OnAccess

MEAN, SCALE, PX, SIZE, CLASSES, BATCH = (123.0, 117.0, 104.0), 1.0, 224, (500, 375), 1000, 144
ENGINES = "eager,compile,openvino"
DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}
EVERY = Cropping((144,), BATCH)


def photographs(count: int) -> list[bytes]:
    """JPEGs of 500x375: random crops of scikit-learn's two photographs."""
    from sklearn.datasets import load_sample_images

    rng, files = np.random.default_rng(0), []
    for i in range(count):
        image = load_sample_images().images[i % 2]
        h, w = (int(side * rng.uniform(0.7, 1.0)) for side in image.shape[:2])
        top, left = rng.integers(image.shape[0] - h + 1), rng.integers(image.shape[1] - w + 1)
        files.append(encode_jpeg(cv2.resize(image[top : top + h, left : left + w], SIZE, interpolation=cv2.INTER_AREA)))
    return files


def full_width() -> Network:
    """The paper's network with random weights, in evaluation mode."""
    spec = NetworkSpec(tuple(map(str, range(CLASSES))), Architecture(), MEAN, SCALE)
    network = Network.initialised(spec, 1).on("cpu")
    network.model.eval()
    return network


class Naive:
    """A straightforward loop."""

    def __init__(self) -> None:
        self.model = full_width().model
        for name, _ in list(self.model.named_children()):
            if name.startswith("lrn"):
                setattr(self.model, name, nn.LocalResponseNorm(5, 1e-4, 0.75, 1.0))
        self.model.to(memory_format=torch.contiguous_format)
        self.mean = torch.tensor(MEAN).view(3, 1, 1)

    def __call__(self, files: list[bytes]) -> np.ndarray:
        return np.stack([self.one(file) for file in files])

    def one(self, file: bytes) -> np.ndarray:
        """Mean probabilities of one image."""
        image = Image.open(BytesIO(file), formats=["JPEG"]).convert("RGB")
        total = torch.zeros(CLASSES)
        for crop in crops_144(*image.size, PX):
            pixels = torch.from_numpy(np.array(self.crop(image, crop))).permute(2, 0, 1).float()
            with torch.no_grad():
                total += torch.softmax(self.model((pixels - self.mean)[None] * SCALE)[0][0], 0)
        return (total / 144).numpy()

    @staticmethod
    def crop(image: Image.Image, crop: Crop) -> Image.Image:
        """One crop with Pillow."""
        resized = image.resize((crop.resized_w, crop.resized_h), Image.Resampling.BILINEAR)
        cut = resized.crop((crop.left, crop.top, crop.left + crop.side, crop.top + crop.side))
        cut = cut if crop.side == PX else cut.resize((PX, PX), Image.Resampling.BILINEAR)
        return cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if crop.mirrored else cut


class Ours:
    """The path of predict_crops on a shard of these files."""

    def __init__(self, files: list[bytes], folder: Path, engine: str):
        records = [Record(f"{i}", file, *SIZE, label=0) for i, file in enumerate(files)]
        shard = write_shard(folder / "test-00000.arrow", records)
        self.images = DecodedImages(Split(folder, "test", (shard,)), 0)
        start = time.perf_counter()
        # The amount of work decides what auto chooses; the few images stand for a test set of ten thousand.
        many = Repeated(self.images, 10_000)
        self.classifier = Classifier.of(full_width(), many, EVERY, Runtime("cpu", auto(), 0, engine))
        self.build_s, self.use = time.perf_counter() - start, self.classifier.use

    def __call__(self) -> np.ndarray:
        return predict(self.classifier, self.images, EVERY)[144]


class Repeated(OnAccess):
    """A few images repeated as if they were many."""

    def __init__(self, images: DecodedImages, count: int):
        self.images, self._count = images, count

    def __len__(self) -> int:
        return self._count

    def of(self, number: int) -> np.ndarray:
        """Return an image."""
        return self.images[number % len(self.images)]


def contestant_process(connection: Connection, engine: str, images: int) -> None:
    """A process with one thread: builds both contestants, then runs the requested one."""
    prepare_machine(1, "cpu")
    files, naive = photographs(images), Naive()
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(files, Path(folder), engine)
        connection.send(f"built in {ours.build_s:.0f} s; {ours.use.line}")
        while (what := connection.recv()) != "end":
            answer = ours()[0] if what == "pipeline" else naive(files[:1])[0]
            connection.send(answer)


def whole_path(engine: str, images: int, rounds: int, processes: int) -> dict[str, float]:
    """Print the seconds per image of both contestants, in concurrent processes; return the ratio."""
    context, pipes = multiprocessing.get_context("spawn"), []
    for _ in range(processes):
        here, there = context.Pipe()
        context.Process(target=contestant_process, args=(there, engine, images), daemon=True).start()
        pipes.append(here)
    print(engine, *sorted({pipe.recv().split("; ", 1)[1] for pipe in pipes}), sep=": ", flush=True)
    answers: dict[str, np.ndarray] = {}

    def all_run(what: str) -> None:
        for pipe in pipes:
            pipe.send(what)
        for pipe in pipes:
            answers[what] = pipe.recv()

    times = turns({what: partial(all_run, what) for what in ("pipeline", "naive")}, rounds)
    for pipe in pipes:
        pipe.send("end")
    assert np.abs(answers["pipeline"] - answers["naive"]).max() < 0.05, "the contestants disagree"
    each = {"pipeline": [seconds / images for seconds in times["pipeline"]], "naive": times["naive"]}
    found = ratio(each["pipeline"], each["naive"])
    rows = [[name, f"{value:.2f}", f"{processes * 144 / value:.0f}"] for name, value in medians(each).items()]
    report(rows, ("contestant", "s an image", "crops/s"))
    print(f"over_naive_loop {found:.1f}\n", flush=True)
    return {"over_naive_loop": found, **{f"{name}_s_an_image": value for name, value in medians(each).items()}}


def bare(engines: list[str], rounds: int) -> dict[str, object]:
    """Print the crops per second of the bare network in every engine, ours and others'; return ratios."""
    prepare_machine(1, "cpu")
    network = full_width()
    images = np.random.default_rng(0).integers(0, 256, (BATCH, PX, PX, 3), np.uint8)
    macs = multiply_adds(network.model, PX)
    contestants: dict[str, Callable[[], object]] = {}
    for name in engines:
        runtime = Runtime("cpu", auto(), 0, name)
        engine = engine_for(Probabilities(network.model), network.spec, BATCH, 0, images, runtime)
        if engine.use.used == name:
            contestants[f"ours: {name}"] = partial(engine, images)
        else:
            print(engine.use.line)
    ours = list(contestants)
    others = {"torchvision": torchvision, "torch.compile": compiled, "OpenVINO": by_openvino, "ONNX Runtime": by_onnx}
    x = network.to_input(images, "cpu")
    for name, build in others.items():
        try:
            contestants |= {f"{name} {kind}": run for kind, run in build(x).items()}
        except ImportError as error:
            print(f"{name}: left out ({error})")
    a, b = (torch.randn(2048, 2048, dtype=DTYPES[auto()]) for _ in range(2))
    contestants["matrix product"] = lambda: a @ b
    times = turns(contestants, rounds)
    rates = {name: BATCH / seconds for name, seconds in medians(times).items()}
    rates["matrix product"] = 2048**3 / medians(times)["matrix product"] / macs
    report(
        [[name, f"{rate:.0f}"] for name, rate in sorted(rates.items(), key=lambda row: -row[1])], ("bare", "crops/s")
    )
    best = max(ours, key=lambda name: rates[name])
    rivals = [name for name in contestants if name not in ours and name != "matrix product"]
    rival = max(rivals, key=lambda name: rates[name])
    found = {
        "over_best_engine": ratio(times[best], times[rival]),
        "share_of_ceiling": rates[best] / rates["matrix product"],
    }
    print(f"over_best_engine {found['over_best_engine']:.2f} ({best} beside {rival})")
    print(f"share_of_ceiling {found['share_of_ceiling']:.2f}")
    return {**found, "best": best, "rival": rival, "crops_per_second": rates}


def torchvision(x: torch.Tensor) -> dict[str, Callable[[], object]]:
    """torchvision's GoogLeNet (batch-normalised, 3x3 in place of 5x5), eager."""
    from torchvision.models import googlenet

    model = googlenet(weights=None, init_weights=False, aux_logits=False).eval()
    plain = x.contiguous()
    runs = {"eager fp32": inference(lambda: model(plain))}
    if auto() == "bf16":
        lowered, low = copy.deepcopy(model).bfloat16().to(memory_format=torch.channels_last), x.bfloat16()
        runs["eager bf16"] = inference(lambda: lowered(low))
    return runs


def compiled(x: torch.Tensor) -> dict[str, Callable[[], object]]:
    """The paper's network in the precision of `auto`, channels last, compiled by torch with frozen weights."""
    import torch._inductor.config as inductor

    model, low = full_width().model.to(DTYPES[auto()]), x.to(DTYPES[auto()])
    fast = torch.compile(model)
    with inductor.patch(freezing=True):
        inference(lambda: fast(low))()
    return {f"{auto()} frozen": inference(lambda: fast(low))}


def by_openvino(x: torch.Tensor) -> dict[str, Callable[[], object]]:
    """The paper's network with torch's own response normalisation, in OpenVINO."""
    import openvino

    model, runs = Naive().model, dict[str, Callable[[], object]]()
    with torch.no_grad():
        converted = openvino.convert_model(torch.export.export(model, (x.contiguous(),)))
    for name in sorted({auto(), "fp32"}):
        kind = {"bf16": "bf16", "fp32": "f32"}[name]
        options = {"INFERENCE_PRECISION_HINT": kind, "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}
        ready = openvino.Core().compile_model(converted, "CPU", options).create_infer_request()
        runs[name] = partial(ready.infer, [x.contiguous().numpy()])
    return runs


def by_onnx(x: torch.Tensor) -> dict[str, Callable[[], object]]:
    """The same network exported to ONNX, in ONNX Runtime."""
    import onnxruntime
    import onnxscript  # noqa: F401  # torch's exporter needs it

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/network.onnx"
        torch.onnx.export(Naive().model, (x.contiguous(),), path, dynamo=True, external_data=False, verbose=False)
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return {"fp32": partial(session.run, None, {session.get_inputs()[0].name: x.contiguous().numpy()})}


def inference(run: Callable[[], object]) -> Callable[[], object]:
    """Run a function without gradients."""
    return torch.inference_mode()(run)


def main() -> None:
    """Run the requested parts."""
    arguments = parser(__doc__)
    arguments.add_argument("--engine", default="auto", help="of the whole path")
    arguments.add_argument("--engines", default=ENGINES, help="ours, of the bare network, separated by commas")
    arguments.add_argument("--images", type=int, default=4, help="photographs a turn of the pipeline")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--processes", type=int, default=1, help="of the whole path, one thread each, at once")
    arguments.add_argument("--only", choices=("whole", "bare"), help="one of the two questions")
    given = arguments.parse_args()
    figures: dict[str, object] = {}
    if given.only != "bare":
        figures |= whole_path(given.engine, given.images, given.rounds, given.processes)
    if given.only != "whole":
        figures |= bare(given.engines.split(","), given.rounds)
    write(given.json, processes=given.processes, **figures)


if __name__ == "__main__":
    main()
