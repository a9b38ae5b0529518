"""Export networks for other programs, from pixels to probabilities: ONNX, torch's ExportedProgram, OpenVINO's IR.

Input: uint8 RGB [n, px, px, 3], any n; output: float32 [n, classes], the mean softmax over the networks. Normalisation
is part of the file; cutting a square crop and resizing it to px is left to the caller.
"""

import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from googlenet.errors import UserError, disk_is_full
from googlenet.models.engine import FromPixels, openvino_core

ONNX_PACKAGES = ("onnx", "onnxruntime", "onnxscript")
INPUT, OUTPUT = "images", "probabilities"
CALIBRATION_BATCH = 16  # images per calibration batch: every map of the network is in memory for each
LINEAR = ["Gemm", "MatMul"]
FLOAT = "LocalResponseNorm"  # the module whose nodes stay in float under int8

Answers = Callable[[np.ndarray], np.ndarray]  # uint8 RGB [n, px, px, 3] to float32 [n, classes]


class MeanOf(nn.Module):
    """Networks of one input size combined into one: the mean of their probabilities, given pixels."""

    def __init__(self, networks: list[FromPixels]):
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, images: Tensor) -> Tensor:
        return torch.stack([network(images)[0] for network in self.networks]).mean(0)


@dataclass(frozen=True)
class Traced:
    """The graph to write. words: its metadata; calibration: images for int8's ranges, in the format of the input."""

    program: torch.export.ExportedProgram
    words: Mapping[str, str]
    calibration: np.ndarray

    @classmethod
    def of(cls, model: MeanOf, px: int, words: Mapping[str, str], calibration: np.ndarray) -> "Traced":
        """Trace the networks to a torch graph for any batch size."""
        images = torch.zeros((2, px, px, 3), dtype=torch.uint8)
        with torch.no_grad():
            program = torch.export.export(model, (images,), dynamic_shapes=({0: torch.export.Dim("n", min=1)},))
        for node in program.graph.nodes:
            node.meta.pop("stack_trace", None)  # would put this machine's source paths into the file
        return cls(program, words, calibration)


@dataclass(frozen=True)
class Format:
    """A file format. precision: of the weights; library: runs it; open: loads a file for inference, given threads."""

    title: str
    suffix: str
    precision: str
    library: str
    write: Callable[[Traced, Path], None]
    open: Callable[[Path, int], Answers]

    @property
    def missing(self) -> list[str]:
        """The packages it needs that are not installed."""
        return [name for name in ONNX_PACKAGES if self.suffix == ".onnx" and not util.find_spec(name)]

    @property
    def calibrated(self) -> bool:
        """Whether it is calibrated on images."""
        return self.precision == "int8"

    @property
    def version(self) -> str:
        """The name and version of the library that runs it."""
        return f"{self.library} {metadata.version(self.library)}"


@contextmanager
def translated(what: str, remedy: str) -> Iterator[None]:
    """Within the block, convert whatever an exporter raises to a one-line UserError, and hide its warnings, which
    concern its internals."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Exception as error:
        if disk_is_full(error):
            raise  # reported by the caller
        reason = next(iter(str(error).strip().splitlines()), "")[:200]
        raise UserError(f"{what} ({type(error).__name__}: {reason}); {remedy}") from error


def onnx_of(traced: Traced) -> Any:
    """The ONNX model, whose nodes still record the module they came from."""
    made = torch.onnx.export(
        traced.program, input_names=[INPUT], output_names=[OUTPUT], dynamo=True, verbose=False, external_data=False
    )
    assert made is not None
    return made.model_proto


def save_onnx(model: Any, words: Mapping[str, str], path: Path) -> None:
    """Write a model with this metadata as its properties, but without that of its nodes and maps: the exporter's own,
    as large as a small network's weights, with paths of the machine that it ran on."""
    import onnx

    for part in (*model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output):
        part.ClearField("metadata_props")
    model.graph.ClearField("metadata_props")
    onnx.helper.set_model_props(model, dict(words))
    onnx.save(model, str(path))


def annotate_onnx(path: Path, words: Mapping[str, str]) -> None:
    """Replace the metadata of a file."""
    import onnx

    save_onnx(onnx.load(str(path)), words, path)


def write_onnx(traced: Traced, path: Path) -> None:
    """Write ONNX."""
    save_onnx(onnx_of(traced), traced.words, path)


def write_onnx_int8(traced: Traced, path: Path) -> None:
    """Write ONNX with convolutions and linear layers in int8: weights have a scale per output channel, and each map has
    one, from its range over the calibration images. Response normalisation and softmax stay in float."""
    from onnxruntime import quantization

    exact = onnx_of(traced)
    in_float = [node.name for node in exact.graph.node if any(FLOAT in entry.value for entry in node.metadata_props)]
    with TemporaryDirectory() as folder:
        shaped = Path(folder) / "fp32.onnx"
        quantization.quant_pre_process(exact, shaped, skip_optimization=True, skip_symbolic_shape=True)
        quantization.quantize_static(
            shaped,
            path,
            Batches(traced.calibration),
            op_types_to_quantize=["Conv", *LINEAR, "MaxPool", "Concat"],
            nodes_to_exclude=in_float,
            per_channel=True,
            # 7-bit weights: processors without VNNI add two products in 16 bits, which 8-bit weights can overflow.
            reduce_range=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            calibrate_method=quantization.CalibrationMethod.MinMax,
            extra_options={"OpTypesToExcludeOutputQuantization": LINEAR},  # softmax takes their outputs
        )
    annotate_onnx(path, traced.words)


class Batches:
    """Batches of images for ONNX Runtime's calibration; a CalibrationDataReader."""

    def __init__(self, images: np.ndarray):
        self._starts: Iterator[int] = iter(range(0, len(images), CALIBRATION_BATCH))
        self._images = images

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next batch; None at the end."""
        start = next(self._starts, None)
        return None if start is None else {INPUT: self._images[start : start + CALIBRATION_BATCH]}


def open_onnx(path: Path, threads: int) -> Answers:
    """ONNX Runtime on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda images: np.asarray(session.run(None, {INPUT: images})[0])


def write_torch(traced: Traced, path: Path) -> None:
    """Write torch's own format, with its metadata as the extra file googlenet.json."""
    torch.export.save(traced.program, path, extra_files={"googlenet.json": json.dumps(dict(traced.words))})


def open_torch(path: Path, threads: int) -> Answers:
    """The graph loaded by torch; it uses the process's threads."""
    return answers_of(torch.export.load(path).module())


def answers_of(model: nn.Module) -> Answers:
    """Run a torch module on arrays."""

    def answers(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return np.asarray(model(torch.from_numpy(images)).numpy())

    return answers


def write_openvino(traced: Traced, path: Path, bf16: bool = False) -> None:
    """Write OpenVINO's IR, .xml and .bin, with its metadata as runtime information below `googlenet`. bf16: weights."""
    _, openvino = openvino_core()
    model = openvino.convert_model(traced.program)
    # OpenVINO checks the shapes of layers only if the input's is known, and overwrites memory if one of them is wrong.
    model.clone().reshape([1, *traced.calibration.shape[1:]])
    if bf16:
        round_weights(model, openvino)
    for key, value in traced.words.items():
        model.set_rt_info(value, ["googlenet", key])
    openvino.save_model(model, path, compress_to_fp16=False)


def round_weights(model: Any, openvino: Any) -> None:
    """Store a model's array constants in bf16; they are converted when it is loaded."""
    from openvino import opset13

    for node in model.get_ops():
        if node.get_type_name() == "Constant" and node.get_element_type() == openvino.Type.f32 and node.data.size > 1:
            rounded = opset13.convert(opset13.constant(node.data, dtype=openvino.Type.bf16), "f32")
            for target in list(node.output(0).get_target_inputs()):
                target.replace_source_output(rounded.output(0))
    model.validate_nodes_and_infer_types()


def open_openvino(path: Path, threads: int) -> Answers:
    """OpenVINO on the CPU, computing in fp32 whatever the weights are stored in."""
    core, _ = openvino_core()
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1}
    compiled = core.compile_model(core.read_model(path), "CPU", options)
    return lambda images: np.asarray(compiled([images])[0])


def file_bytes(path: Path) -> int:
    """The size of an export in bytes, including the weight file of OpenVINO's."""
    parts = (path, path.with_suffix(".bin")) if path.suffix == ".xml" else (path,)
    return sum(part.stat().st_size for part in parts)


def write_openvino_bf16(traced: Traced, path: Path) -> None:
    """As write_openvino, with weights in bf16."""
    write_openvino(traced, path, bf16=True)


PROGRAM, ONNX, IR = "torch's ExportedProgram", "ONNX", "OpenVINO's IR"
FORMATS = {  # by the names of measure_export.formats
    "onnx": Format(ONNX, ".onnx", "fp32", "onnxruntime", write_onnx, open_onnx),
    "onnx_int8": Format(ONNX, ".onnx", "int8", "onnxruntime", write_onnx_int8, open_onnx),
    "exported_program": Format(PROGRAM, ".pt2", "fp32", "torch", write_torch, open_torch),
    "openvino": Format(IR, ".xml", "fp32", "openvino", write_openvino, open_openvino),
    "openvino_bf16": Format(IR, ".xml", "bf16", "openvino", write_openvino_bf16, open_openvino),
}
