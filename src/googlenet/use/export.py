"""The command `googlenet export`: a member or the ensemble as one file for other programs, from pixels to probabilities.

Input: uint8 RGB [n, px, px, 3], any n; the output: float32 [n, classes], the mean softmax over the members. Normalisation
is part of the file; cutting a square crop and resizing it to px is left to the caller. A file gets its name only
after its outputs for real images were compared with those of the networks.
"""

import json
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import util
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from googlenet.classification.predict import CENTRE, Probabilities
from googlenet.data.decoded import DecodedImages
from googlenet.data.store import open_split
from googlenet.errors import UserError, nearest
from googlenet.models.engine import FromPixels, difference, openvino_core, prepared
from googlenet.models.runtime import Runtime
from googlenet.report.words import plural
from googlenet.use.classify import ClassifierEnsemble
from googlenet.use.results import Asked, Results

CHECKED = 16  # images at most
TOLERANCE = {"fp32": 1e-4, "bf16": 0.1}  # the largest difference of a probability
FORMATS = {".onnx": "ONNX", ".pt2": "a torch ExportedProgram", ".xml": "OpenVINO's IR"}
ONNX_PACKAGES = ("onnx", "onnxruntime", "onnxscript")


@dataclass(frozen=True)
class Export:
    """What is exported. file: its suffix names the format; precision: fp32 or bf16, of the weights."""

    file: Path
    asked: Asked = field(default_factory=Asked)
    member: str = ""
    precision: str = "fp32"


class MeanOf(nn.Module):
    """Networks of one input size as one: the mean of their probabilities, from pixels on."""

    def __init__(self, networks: list[FromPixels]):
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, images: Tensor) -> Tensor:
        return torch.stack([network(images)[0] for network in self.networks]).mean(0)


def perform(request: Export, root: Path) -> int:
    """Export, check, and name the file. Raises UserError, leaving no file, if it cannot be made or differs."""
    write, run = format_of(request)
    results = Results.of(root, request.asked.experiment)
    ensemble = ClassifierEnsemble(results, request.asked, request.member)
    images = sample(results, ensemble)
    exact, px = mean_of(ensemble), images.shape[1]
    with torch.inference_mode():
        expected = exact(torch.from_numpy(images)).numpy()
    words = metadata(results, ensemble, px)
    request.file.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=request.file.parent, prefix=".export") as folder:
        part = Path(folder) / request.file.name
        try:
            with warnings.catch_warnings():  # exporters warn of their own insides; what counts is the comparison
                warnings.simplefilter("ignore")
                write(exported(exact, px), words, part)
                worst = difference(run(part, images), expected)
        except Exception as error:  # of an exporter, which raises anything; the line reports it
            reason = next(iter(str(error).strip().splitlines()), "")[:200]
            raise UserError(
                f"{request.file}: {FORMATS[part.suffix]} cannot be made of this network"
                f" ({type(error).__name__}: {reason}); choose another of {', '.join(FORMATS)}"
            ) from error
        if not worst <= TOLERANCE[request.precision]:  # NaN too
            most = f"{worst:.2g}, more than {TOLERANCE[request.precision]}"
            raise UserError(f"{request.file}: differs from the networks by {most}, so it is not kept; choose fp32")
        for made in sorted(
            Path(folder).iterdir(), key=lambda path: path == part
        ):  # what the file refers to comes first
            os.replace(made, request.file.with_name(made.name))
    size = sum(path.stat().st_size for path in {request.file, request.file.with_suffix(".bin")} if path.is_file()) / 1e6
    what = f"{plural(len(ensemble.members), 'member')} in {request.precision}, {size:.1f} MB"
    print(
        f"{request.file}: {FORMATS[request.file.suffix]}, {what}; uint8 [n, {px}, {px}, 3] to {len(ensemble.classes)} classes"
    )
    print(f"checked: differs from the networks in fp32 by at most {worst:.1g} on {len(images)} images")
    return 0


def sample(results: Results, ensemble: ClassifierEnsemble) -> np.ndarray:
    """The centre crops of the first test images, uint8 [n, px, px, 3]. UserError for members of several input sizes."""
    sizes = {member.trained.spec.input_px for member in ensemble.members}
    if len(sizes) > 1:
        raise UserError("--member: the members have different input sizes, so they are no single network; name one")
    manifest = results.manifest("classification")
    if not manifest.is_file():
        raise UserError(f"{manifest}: its test images check the export; run `{results.command}`, or `make pull`")
    images = DecodedImages(open_split(manifest.parent, "test"), 0)
    return np.concatenate([CENTRE.of(images[i], *sizes)[0] for i in range(min(CHECKED, len(images)))])


def mean_of(ensemble: ClassifierEnsemble) -> MeanOf:
    """The members as one network, on the CPU and in fp32."""
    each = [member.ordered for member in ensemble.members]
    return MeanOf([prepared(Probabilities(one.model), one.spec, Runtime()) for one in each]).eval()


def metadata(results: Results, ensemble: ClassifierEnsemble, px: int) -> dict[str, str]:
    """What is written into the file: the classes in the order of the outputs, as JSON, and how to prepare an image."""
    return {
        "classes": json.dumps(ensemble.classes),
        "members": json.dumps([member.name for member in ensemble.members]),
        "experiment": results.experiment.name,
        "input": f"uint8 RGB [n, {px}, {px}, 3]: square crops of upright images, resized; normalisation is included",
        "output": "float32 [n, classes]: the mean softmax over the members",
    }


def exported(model: nn.Module, px: int) -> torch.export.ExportedProgram:
    """The network as torch's graph, for any number of images."""
    images = torch.zeros((2, px, px, 3), dtype=torch.uint8)
    with torch.no_grad():
        return torch.export.export(model, (images,), dynamic_shapes=({0: torch.export.Dim("n", min=1)},))


Write = Callable[[torch.export.ExportedProgram, Mapping[str, str], Path], None]
Run = Callable[[Path, np.ndarray], np.ndarray]


def format_of(request: Export) -> tuple[Write, Run]:
    """What writes and what runs the format. Raises UserError for one that is unknown or not to be had here."""
    suffix = request.file.suffix
    if suffix not in FORMATS:
        known = ", ".join(f"{name} ({what})" for name, what in FORMATS.items())
        raise UserError(
            f"{request.file}: no format{nearest(suffix, FORMATS) if suffix else ''}; give a name that ends in {known}"
        )
    if request.precision != "fp32" and suffix != ".xml":
        raise UserError(
            f"--precision {request.precision}: {FORMATS[suffix]} is written in fp32 alone; choose fp32 or .xml"
        )
    if suffix == ".onnx" and (missing := [name for name in ONNX_PACKAGES if not util.find_spec(name)]):
        raise UserError(f"{request.file}: ONNX needs {', '.join(missing)}; run `pip install {' '.join(missing)}`")
    openvino: Write = partial(write_openvino, bf16=request.precision == "bf16")
    ways = {".onnx": (write_onnx, run_onnx), ".pt2": (write_torch, run_torch), ".xml": (openvino, run_openvino)}
    return ways[suffix]


def write_onnx(program: torch.export.ExportedProgram, words: Mapping[str, str], path: Path) -> None:
    """Write ONNX, with its metadata as the model's properties."""
    made = torch.onnx.export(
        program, input_names=["images"], output_names=["probabilities"], dynamo=True, verbose=False, external_data=False
    )
    assert made is not None
    made.model.metadata_props.update(words)
    made.save(str(path), external_data=False)


def run_onnx(path: Path, images: np.ndarray) -> np.ndarray:
    """The outputs of ONNX Runtime on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {session.get_inputs()[0].name: images})[0])


def write_torch(program: torch.export.ExportedProgram, words: Mapping[str, str], path: Path) -> None:
    """Write torch's own format, with its metadata as the extra file googlenet.json."""
    torch.export.save(program, path, extra_files={"googlenet.json": json.dumps(dict(words))})


def run_torch(path: Path, images: np.ndarray) -> np.ndarray:
    """The outputs of the graph that torch loads."""
    with torch.inference_mode():
        return np.asarray(torch.export.load(path).module()(torch.from_numpy(images)).numpy())


def write_openvino(
    program: torch.export.ExportedProgram, words: Mapping[str, str], path: Path, bf16: bool = False
) -> None:
    """Write OpenVINO's IR, .xml and .bin, with its metadata as runtime information below `googlenet`. bf16: weights."""
    _, openvino = openvino_core()
    model = openvino.convert_model(program)
    if bf16:
        round_weights(model, openvino)
    for key, value in words.items():
        model.set_rt_info(value, ["googlenet", key])
    openvino.save_model(model, path, compress_to_fp16=False)


def round_weights(model: Any, openvino: Any) -> None:
    """Store the arrays among a model's constants in bf16; it converts them when it is loaded."""
    from openvino import opset13

    for node in model.get_ops():
        if node.get_type_name() == "Constant" and node.get_element_type() == openvino.Type.f32 and node.data.size > 1:
            rounded = opset13.convert(opset13.constant(node.data, dtype=openvino.Type.bf16), "f32")
            for target in list(node.output(0).get_target_inputs()):
                target.replace_source_output(rounded.output(0))
    model.validate_nodes_and_infer_types()


def run_openvino(path: Path, images: np.ndarray) -> np.ndarray:
    """The outputs of OpenVINO on the CPU, computed in fp32."""
    core, _ = openvino_core()
    compiled = core.compile_model(core.read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.asarray(compiled([images])[0])
