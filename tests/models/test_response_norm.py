"""Local response normalisation: its values and gradients are torch's, in every precision and memory layout."""

import copy

import pytest
import torch
from torch import nn

from googlenet.models.inception import LocalResponseNorm

TORCHS = nn.LocalResponseNorm(5, 1e-4, 0.75, 1.0)


def pixels(channels=12, dtype=torch.float32, form=torch.channels_last, size=60.0):
    """Values of the size that conv1 has with trained weights; the normalisation changes some of them by a half."""
    generator = torch.Generator().manual_seed(1)
    x = size * torch.randn(2, channels, 5, 4, generator=generator)
    return x.to(dtype).contiguous(memory_format=form).requires_grad_()


def gradient(layer, x, weights):
    """The gradient of a weighted sum of a layer's outputs."""
    return torch.autograd.grad((layer(x).float() * weights).sum(), x)[0].float()


@pytest.mark.parametrize("form", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("channels", [1, 2, 4, 12])
def test_its_gradient_is_the_numerical_one(channels, form):
    layer = LocalResponseNorm(channels).double()
    assert torch.autograd.gradcheck(layer, pixels(channels, torch.float64, form, size=90.0))


@pytest.mark.parametrize("form", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("channels", [1, 3, 12, 64])
def test_fp32_is_torchs_to_a_millionth(channels, form):
    x, weights = pixels(channels, form=form), torch.randn(2, channels, 5, 4)
    ours, theirs = LocalResponseNorm(channels)(x), TORCHS(x)
    assert (ours / theirs - 1).abs().max() < 1e-6
    assert torch.allclose(gradient(LocalResponseNorm(channels), x, weights), gradient(TORCHS, x, weights), 1e-5, 1e-6)
    assert channels == 1 or (ours / x - 1).abs().max() > 0.2


@pytest.mark.parametrize("autocast", [False, True])
def test_bf16_differs_by_its_own_rounding(autocast):
    """By 0.3 % on average and 1.2 % at most: a rounding is up to 0.2 % (1 / 512), and there are seven on the way."""
    x, weights = pixels(64, torch.bfloat16), torch.randn(2, 64, 5, 4)
    exact = x.detach().float().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        ours = LocalResponseNorm(64)(x)
        theirs = gradient(LocalResponseNorm(64), x, weights)
    assert ours.dtype == torch.bfloat16
    difference = (ours / TORCHS(exact) - 1).abs()
    assert difference.max() < 0.012 and difference.mean() < 0.003
    wanted = gradient(TORCHS, exact, weights)
    assert (theirs - wanted).norm() / wanted.norm() < 0.01


def test_fp32_values_under_autocast_stay_fp32():
    x, weights = pixels(), torch.randn(2, 12, 5, 4)
    with torch.autocast("cpu", torch.bfloat16):
        ours = LocalResponseNorm(12)(x)
        assert ours.dtype == torch.float32 and (ours / TORCHS(x) - 1).abs().max() < 0.01
        assert gradient(LocalResponseNorm(12), x, weights).isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_training_and_prediction_compute_the_same_bits(dtype):
    x = pixels(12, dtype)
    with torch.inference_mode():
        predicted = LocalResponseNorm(12)(x.detach())
    assert torch.equal(LocalResponseNorm(12)(x), predicted)


def test_a_network_can_be_exported_and_traced():
    """Also where gradients are recorded: what results has ordinary operations alone."""
    model, x = nn.Sequential(nn.Conv2d(3, 12, 3), LocalResponseNorm(12)), pixels(3)
    wanted, exported = model(x), torch.export.export(model, (x.detach(),))
    assert torch.allclose(exported.module()(x), wanted, 1e-5, 1e-6)
    called = {str(node.target) for node in exported.graph.nodes if node.op == "call_function"}
    assert "aten.conv2d.default" in called and all(name.startswith("aten.") for name in called)
    traced = torch.jit.trace(model, x.detach())
    assert torch.allclose(traced(x), wanted, 1e-5, 1e-6) and "PythonOp" not in str(traced.inlined_graph)


def test_compiled_gradients_are_the_same():
    layer, x, weights = LocalResponseNorm(12), pixels(), torch.randn(2, 12, 5, 4)
    compiled = torch.compile(copy.deepcopy(layer), backend="aot_eager")
    assert torch.allclose(gradient(compiled, x, weights), gradient(layer, x, weights), 1e-5, 1e-6)
