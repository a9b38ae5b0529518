"""Inference engines: the same answers within a stated tolerance, the same bits each time, and a way back if one fails."""

import faulthandler
import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from classification.tiny import network, spec
from googlenet.classification.predict import Probabilities, probabilities
from googlenet.models import engine
from googlenet.models.engine import EngineUse, FromPixels, chosen, engine_for
from googlenet.models.runtime import Runtime

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 64, 64, 3), np.uint8)
BATCH = 8
DESCRIBED = spec(5, input_px=64)
OF_KIND = {
    "paper": DESCRIBED,
    "bgr": replace(DESCRIBED, channel_order="bgr", input_scale=(0.02, 0.03, 0.01)),
    "batch_norm": replace(DESCRIBED, network="batch_norm").with_architecture(lrn=False),
    "naive": DESCRIBED.with_architecture(inception="naive", classifier="fully_connected"),
}


def of_kind(kind):
    """A network in evaluation mode whose batch normalisation, if any, has statistics."""
    made = network(OF_KIND[kind])
    generator = torch.Generator().manual_seed(3)
    for layer in made.model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_(generator=generator)
            layer.running_var.uniform_(0.5, 2, generator=generator)
    made.model.eval()
    return made


def built(made, runtime, work=0.0):
    return engine_for(Probabilities(made.model), made.spec, BATCH, work, IMAGES, runtime)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("kind", OF_KIND)
def test_eager_gives_the_bits_of_autocast(kind, precision):
    made, runtime = of_kind(kind), Runtime("cpu", precision, 0, "eager")
    made = made.on("cpu")
    ours = built(made, runtime)
    assert ours.use == EngineUse("eager", "eager", torch.__version__)
    assert np.array_equal(ours(IMAGES)[0], probabilities(made, IMAGES, runtime))


def agrees(kind, name, *precisions):
    """A fast engine agrees with fp32, and gives the same bits whatever else it computes."""
    made = of_kind(kind).on("cpu")
    exact = probabilities(made, IMAGES, Runtime())
    for precision in precisions:
        most = {"fp32": 1e-5, "bf16": 0.01}[precision]
        first, second = (built(made, Runtime("cpu", precision, 0, name)) for _ in range(2))
        assert first.use.used == name and first.use.sample == len(IMAGES), first.use.line
        assert first.use.difference == np.abs(first(IMAGES)[0] - exact).max() < most
        assert np.array_equal(first(IMAGES)[0], second(IMAGES)[0])
        whole = first(IMAGES)[0]
        for few in (IMAGES[:3], IMAGES[:0], np.concatenate([IMAGES, IMAGES])):  # padded to slices, or several of them
            assert np.array_equal(first(few)[0], np.concatenate([whole, whole])[: len(few)])
        assert f"engine: {name}" in first.use.line and "differs from eager fp32 by at most" in first.use.line


@pytest.mark.parametrize("kind", ["bgr", "batch_norm"])  # a network of each kind of layer, and of preprocessing
def test_openvino_agrees_with_fp32_and_repeats_its_bits(kind):
    agrees(kind, "openvino", "fp32", "bf16")


@pytest.mark.long
@pytest.mark.skipif(not engine.compiler(), reason="no C++ compiler")
def test_compiled_code_agrees_with_fp32_and_repeats_its_bits():
    agrees("paper", "compile", "bf16")


def two_networks_and_a_signal():
    faulthandler.enable()  # a stack for signal handlers, as pytest has one
    arrived = []
    signal.signal(signal.SIGUSR1, lambda *_: arrived.append(1))
    made = of_kind("paper").on("cpu")
    first, second = (built(made, Runtime("cpu", "bf16", 0, "openvino")) for _ in range(2))
    del first
    del second
    os.kill(os.getpid(), signal.SIGUSR1)
    assert arrived == [1]


def test_signals_arrive_after_two_networks_came_and_went():
    code = f"import sys; sys.path[:0] = {sys.path!r}; from models import test_engine; test_engine.two_networks_and_a_signal()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.returncode, done.stderr)


def broken(*given):
    raise RuntimeError("no such instruction\nat line 3")


def off_by(amount):
    def build(body, described, batch_size, runtime):
        plain = engine.eager(body, described, runtime)
        return lambda images: [output + np.float32(amount) for output in plain(images)]

    return build


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (broken, "openvino: RuntimeError: no such instruction"),
        (off_by(0.2), "openvino differs from eager fp32 by 0.2, more than 0.001"),
        (off_by(np.nan), "openvino differs from eager fp32 by nan, more than 0.001"),
    ],
)
def test_an_engine_that_fails_or_is_wrong_gives_way_to_eager_in_one_line(monkeypatch, build, reason):
    monkeypatch.setitem(engine.BUILDERS, "openvino", build)
    made, runtime = of_kind("paper"), Runtime("cpu", "fp32", 0, "openvino")
    ours = built(made, runtime)
    assert ours.use == EngineUse("openvino", "eager", torch.__version__, fallback=reason)
    assert ours.use.line.endswith(reason) and "\n" not in ours.use.line
    assert np.array_equal(ours(IMAGES)[0], probabilities(made, IMAGES, runtime))


def test_the_stated_difference_is_a_bound():
    used = EngineUse("openvino", "openvino", "1", 16)
    for difference, stated in ((0.00211, "0.0022"), (0.0021, "0.0021"), (1.1e-7, "1.1e-07")):
        assert replace(used, difference=difference).line.endswith(f"by at most {stated} on 16 images")


def test_a_slightly_different_engine_is_used_and_the_difference_recorded(monkeypatch):
    monkeypatch.setitem(engine.BUILDERS, "openvino", off_by(0.0005))
    ours = built(of_kind("paper"), Runtime("cpu", "fp32", 0, "openvino"))
    assert ours.use.used == "openvino" and ours.use.difference == pytest.approx(0.0005, rel=0.01)


@pytest.mark.parametrize(
    ("device", "work", "expected"),
    [
        ("cpu", 9e11, "eager"),
        ("cpu", 1e12, "openvino"),
        ("cuda", 9e14, "eager"),
        ("cuda", 1e15, "compile"),
    ],
)
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_auto_follows_the_stated_rule(device, work, expected, precision):
    assert chosen(Runtime(device, precision, 0, "auto"), work) == expected
    for name in ("eager", "compile", "openvino"):
        assert chosen(Runtime(device, precision, 0, name), work) == name


def test_openvino_on_a_gpu_says_what_to_set():
    with pytest.raises(RuntimeError, match=r"set compute\.engine: compile"):
        engine.by_openvino(torch.nn.Identity(), DESCRIBED, 1, Runtime("cuda", "bf16", 0, "openvino"))


def test_pixels_become_the_networks_input():
    for described in OF_KIND.values():
        ours = FromPixels(torch.nn.Identity(), described, torch.float32)(torch.from_numpy(IMAGES))
        assert torch.equal(ours[0], described.to_input(IMAGES, "cpu"))
