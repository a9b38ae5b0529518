"""googlenet export: files that give the networks' answers, what is written into them, and what is refused in one line."""

import json
from dataclasses import replace
from importlib import util

import numpy as np
import pytest
import torch

from classification import tiny
from conf_copy import ROOT
from googlenet.cli.main import main
from googlenet.models import bundle
from googlenet.models import export as formats
from googlenet.use import export
from googlenet.use.classify import ClassifierEnsemble
from googlenet.use.results import Asked, Results
from models.small import spec
from use.project import CLASSES, MEMBERS, project, weights

NEEDS_ONNX = pytest.mark.skipif(not all(map(util.find_spec, formats.ONNX_PACKAGES)), reason="the extra `export`")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    project(folder, px=64)
    return folder


@pytest.fixture
def inside(root, monkeypatch):
    monkeypatch.chdir(root)
    return root


def source(root, images, member=""):
    """What the networks say, in fp32."""
    ensemble = ClassifierEnsemble(Results.of(root), Asked("", "cpu", "eager"), member)
    each = []
    for one in ensemble.members:
        with torch.inference_mode():
            each.append(torch.softmax(one.trained.model(one.trained.to_input(images, "cpu"))[0], 1).numpy())
    return np.mean(each, axis=0)


@pytest.mark.parametrize(
    ("name", "member"),
    [
        pytest.param("made.pt2", "m2", marks=pytest.mark.long),
        pytest.param("made.pt2", "", marks=pytest.mark.long),
        pytest.param("made.xml", "", marks=pytest.mark.long),
        pytest.param("made.xml", "m2", marks=pytest.mark.long),
        pytest.param("made.onnx", "", marks=[NEEDS_ONNX, pytest.mark.long]),
        pytest.param("made.onnx", "m2", marks=[NEEDS_ONNX, pytest.mark.long]),
    ],
)
def test_a_file_gives_the_networks_answers(inside, tmp_path, capsys, name, member):
    path = tmp_path / "new folder" / name
    assert main(["export", str(path), *(["--member", member] if member else [])]) == 0
    images = np.stack(tiny.images([(64, 64)] * 5, seed=9))  # another number than the one it was made with
    outputs = export.format_of(export.Export(path)).open(path, 1)(images)
    assert outputs.dtype == np.float32 and np.abs(outputs - source(inside, images, member)).max() < 1e-4
    shown = capsys.readouterr().out
    assert " in fp32, " in shown and "uint8 [n, 64, 64, 3] to 3 classes\nchecked: differs" in shown
    words = written(path)
    assert json.loads(words["classes"]) == list(CLASSES) and words["experiment"] == "smoke"
    assert json.loads(words["members"]) == ([member] if member else list(MEMBERS))
    assert str(ROOT / "src").encode() not in path.read_bytes()
    assert {one.suffix for one in path.parent.iterdir()} == {path.suffix, *((".bin",) if name.endswith("xml") else ())}


def written(path):
    """The metadata in a file."""
    if path.suffix == ".pt2":
        extra = {"googlenet.json": ""}
        torch.export.load(path, extra_files=extra)
        return json.loads(extra["googlenet.json"])
    if path.suffix == ".onnx":
        import onnx

        return {row.key: row.value for row in onnx.load(path).metadata_props}
    import openvino

    model = openvino.Core().read_model(path)
    return {key: model.get_rt_info(["googlenet", key]).astype(str) for key in ("classes", "members", "experiment")}


@pytest.mark.long
def test_openvinos_file_in_bf16_is_half_as_large(inside, tmp_path, capsys):
    for precision in ("fp32", "bf16"):
        assert main(["export", str(tmp_path / f"{precision}.xml"), "--member", "m1", "--precision", precision]) == 0
    sizes = [(tmp_path / f"{precision}.bin").stat().st_size for precision in ("bf16", "fp32")]
    assert sizes[0] < 0.7 * sizes[1]


@NEEDS_ONNX
@pytest.mark.long
def test_int8_is_calibrated_on_validation_images_and_says_how_far_it_is_off(tmp_path, monkeypatch, capsys):
    project(tmp_path, px=64, splits=("validation", "test"))
    monkeypatch.chdir(tmp_path)
    assert main(["export", "int8.onnx", "--member", "m1", "--precision", "int8"]) == 0
    shown = capsys.readouterr().out
    assert " in int8, " in shown and "on 4 images; the same first answer for " in shown
    words = written(tmp_path / "int8.onnx")
    assert words["quantization"] == "int8, ranges from 4 validation images"
    checked = json.loads(words["checked"])
    assert checked["images"] == 4 and 0 < checked["largest_difference"] < 0.1
    # Response normalisation is a convolution of squares: like softmax, it gets floats that no integer was turned into.
    found = inputs(tmp_path / "int8.onnx")
    assert {("Conv", "DequantizeLinear"), ("Conv", "Mul"), ("Gemm", "DequantizeLinear")} <= found
    assert ("Softmax", "DequantizeLinear") not in found and "Softmax" in dict(found)


def inputs(path):
    """The kinds of nodes that compute, each with the kind of node that its input is the output of."""
    import onnx

    nodes = onnx.load(path).graph.node
    made_by = {name: node.op_type for node in nodes for name in node.output}
    computing = [node for node in nodes if node.op_type in ("Conv", "Gemm", "MatMul", "Softmax")]
    return {(node.op_type, made_by[node.input[0]]) for node in computing}


@NEEDS_ONNX
def test_int8_that_answers_otherwise_is_not_kept(tmp_path, monkeypatch, capsys):
    project(tmp_path, px=64, splits=("validation", "test"))
    monkeypatch.chdir(tmp_path)

    def turned(path, threads):
        return lambda images: np.eye(3, dtype=np.float32)[np.zeros(len(images), int)]

    replaced(monkeypatch, "onnx_int8", write=lambda traced, path: path.write_bytes(b""), open=turned)
    monkeypatch.setattr(
        export, "answers_of", lambda model: lambda images: np.eye(3, dtype=np.float32)[np.ones(len(images), int)]
    )
    assert main(["export", "made.onnx", "--member", "m1", "--precision", "int8"]) == 1
    line = "error: made.onnx: has the networks' first answer for 0 % of the images, fewer than 90 %, so it is not kept; choose fp32\n"
    assert capsys.readouterr().err == line and not list(tmp_path.glob("made*"))


def replaced(monkeypatch, name, **changes):
    """Change a format."""
    monkeypatch.setitem(formats.FORMATS, name, replace(formats.FORMATS[name], **changes))


def test_a_file_that_differs_is_not_kept(inside, tmp_path, monkeypatch, capsys):
    def off(path, threads):
        return lambda images: formats.open_torch(path, threads)(images) + np.float32(0.001)

    replaced(monkeypatch, "exported_program", open=off)
    assert main(["export", str(tmp_path / "made.pt2"), "--member", "m1"]) == 1
    assert (
        "made.pt2: differs from the networks by 0.001, more than 0.0001, so it is not kept" in capsys.readouterr().err
    )
    assert not list(tmp_path.iterdir())


def test_the_stated_difference_is_a_bound(inside, tmp_path, monkeypatch, capsys):
    def opened(path, threads):
        return lambda images: np.zeros((len(images), 3), np.float32)

    replaced(monkeypatch, "exported_program", write=lambda traced, path: path.write_bytes(b""), open=opened)
    monkeypatch.setattr(export.Check, "of", lambda outputs, expected: export.Check(len(expected), 2.1e-5, 100.0))
    assert main(["export", str(tmp_path / "made.pt2"), "--member", "m1"]) == 0
    assert " by at most 3e-05 on " in capsys.readouterr().out


def test_an_exporter_that_fails_is_one_line(inside, tmp_path, monkeypatch, capsys):
    def broken(*_):
        raise RuntimeError("no such operator\nand forty lines of stack")

    replaced(monkeypatch, "exported_program", write=broken)
    assert main(["export", str(tmp_path / "made.pt2"), "--member", "m1"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "(RuntimeError: no such operator); choose another of .onnx, .pt2, .xml" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.long
def test_a_network_that_the_format_cannot_hold(tmp_path, monkeypatch, capsys):
    project(tmp_path)  # at 32 px its last pooling is larger than its map, which OpenVINO takes for a mistake
    monkeypatch.chdir(tmp_path)
    assert main(["export", "m.xml", "--member", "m1"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: m.xml: OpenVINO's IR cannot be made of this network (") and said.count("\n") == 1
    assert said.endswith("; choose another of .onnx, .pt2, .xml\n") and not list(tmp_path.glob("m.*"))
    assert "kernel" in said  # refused by its shapes: OpenVINO, running it, would overwrite memory


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("made.onxx", "made.onxx: no format; did you mean '.onnx'?; give a name that ends in .onnx (ONNX), "),
        ("made", "made: no format; give a name that ends in .onnx (ONNX), .pt2 (torch's ExportedProgram), .xml"),
        (
            "m.pt2 --precision bf16",
            "--precision bf16: torch's ExportedProgram is written in fp32; choose that, or .xml",
        ),
        ("m.xml --precision int8", "--precision int8: OpenVINO's IR is written in fp32 or bf16; choose that, or .onnx"),
        (
            "m.onnx --precision int8",
            "HERE/data/classification/digits_tiny/manifest.json: no validation images, which calibrate int8; choose fp32",
        ),
        ("folder.pt2 --experiment demo", "folder.pt2: is a folder; name a file"),
        ("m.pt2 --member m22", "--member: no 'm22'; did you mean 'm2'?"),
        (
            "m.pt2 --experiment demo",
            "results/demo/train_classifier/m1/weights.safetensors: not made yet; run `snakemake",
        ),
    ],
)
def test_what_is_impossible_is_one_line(inside, capsys, words, line):
    (inside / "folder.pt2").mkdir(exist_ok=True)
    assert main(["export", *words.split()]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: {line.replace('HERE', str(inside))}") and said.count("\n") == 1


def test_without_the_packages_of_onnx_it_says_which(inside, monkeypatch, capsys):
    monkeypatch.setattr(formats.util, "find_spec", lambda name: None if name == "onnxscript" else name)
    assert main(["export", "m.onnx"]) == 1
    line = "error: m.onnx: ONNX needs onnxscript; run `pip install onnxscript`\n"
    assert capsys.readouterr().err == line


def test_members_of_several_input_sizes_are_no_single_network(tmp_path, monkeypatch, capsys):
    project(tmp_path)
    monkeypatch.chdir(tmp_path)
    bundle.save(weights(tmp_path, "m2"), tiny.network(spec(input_px=48)), "")
    assert main(["export", "m.pt2"]) == 1
    assert capsys.readouterr().err.startswith("error: --member: the members have different input sizes")
    assert (
        main(["predict", "images", "--crops", "10", "--json", "-"]) == 0
    )  # their answers can be averaged all the same


def test_the_extra_names_what_onnx_needs():
    import tomllib

    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["export"]
    assert tuple(sorted(extra)) == formats.ONNX_PACKAGES
