"""The network of Table 1: its shapes, its counts, its normalisation, its initial weights."""

import pytest
import torch
from torch import nn

from googlenet.models.googlenet import GoogLeNet
from googlenet.models.inception import LocalResponseNorm, initialise, scaled
from googlenet.models.network import Architecture
from googlenet.models.table_1 import INCEPTION
from googlenet.report import paper
from models.small import googlenet


def begun(form):
    """The paper's network with initial weights."""
    model = GoogLeNet()
    initialise(model, 1, form)
    return model


@pytest.fixture(scope="module")
def full():
    return begun("replica")


def parameters(model):
    return sum(p.numel() for p in model.parameters())


def test_parameters_are_the_papers(full):
    totals = paper.facts("table_1_architecture")["totals"]
    assert parameters(full) == totals["params_with_both_aux_heads"] == 13_378_280
    assert parameters(GoogLeNet(1000, Architecture(aux_heads=()))) == totals["recount_params_with_biases"] == 6_998_552


def test_every_row_of_table_1_has_its_output(full):
    shapes = {}
    for name, child in full.named_children():
        child.register_forward_hook(lambda _, x, y, name=name: shapes.update({name: list(y.shape)}))
    full.eval()
    with torch.inference_mode():
        logits, aux = full(torch.zeros(1, 3, 224, 224))
    assert list(logits.shape) == [1, 1000] and aux == []
    rows = {row.layer: row.output for row in paper.table_1()}
    for layer, (height, width, channels) in rows.items():
        if layer == "avg_pool":  # no module of its own: what reaches the dropout
            continue
        expected = [1, channels] if layer in ("dropout", "linear") else [1, channels, height, width]
        assert shapes[layer] == expected, layer
    assert rows["avg_pool"] == (1, 1, 1024)


def test_the_modules_have_the_printed_widths():
    columns = ("c1x1", "c3x3_reduce", "c3x3", "c5x5_reduce", "c5x5", "pool_proj")
    printed = {row.layer: row.branches for row in paper.table_1() if "inception" in row.layer}
    ours = {f"inception_{name}": dict(zip(columns, row, strict=True)) for name, row in INCEPTION.items()}
    assert ours == printed and len(ours) == 9


def test_layers_with_parameters_are_22_deep():
    # Seen from the input: conv1, conv2 with its reduction, two in each of nine modules, the classifier.
    deepest = sum(row.depth or 0 for row in paper.table_1())
    assert deepest == paper.facts("table_1_architecture")["totals"]["layers_with_parameters"] == 22


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("size", [(3, 3), (7, 8), (12, 9), (16, 16)])
def test_relu_after_the_first_pooling_is_relu_before_it(size, dtype):
    """Bit for bit, gradients included, where windows overlap, hang over the edge, or hold equal or no positive values."""
    x = torch.randint(-40, 6, (2, 64, *size), generator=torch.Generator().manual_seed(1)).to(dtype) / 8
    x = x.contiguous(memory_format=torch.channels_last).requires_grad_()
    plain = nn.functional.max_pool2d(nn.functional.relu(x), 3, 2, ceil_mode=True)
    pooled = GoogLeNet(1, Architecture(width=1)).pool1(x.clone())
    assert torch.equal(pooled, plain)
    weights = torch.randn(plain.shape, generator=torch.Generator().manual_seed(2)).to(dtype)
    gradients = [torch.autograd.grad((y * weights).sum(), x)[0] for y in (pooled, plain)]
    assert torch.equal(*gradients) and 0 < (gradients[0] != 0).float().mean() < 0.5
    assert (plain == 0).any() and (plain > 0).any()


@pytest.mark.parametrize("module", ["3a", "4e", "5b"])
def test_a_training_steps_inception_is_its_branches(module):
    """Maps and all gradients of the joint matrix product, beside the branches one by one; those run without gradients."""
    inception = googlenet(5, 0.25, 64).get_submodule(f"inception_{module}")
    width = inception.branch_1x1[0].in_channels
    x = torch.randn(2, width, 7, 5, generator=torch.Generator().manual_seed(1))
    x = x.contiguous(memory_format=torch.channels_last).requires_grad_()
    branches = (inception.branch_1x1, inception.branch_3x3, inception.branch_5x5, inception.branch_pool)
    plain, joint = torch.cat([branch(x) for branch in branches], 1), inception(x)
    assert torch.allclose(joint, plain, atol=1e-6) and 0.2 < (plain > 0).float().mean() < 0.9
    with torch.no_grad():
        fixed = x.detach()
        assert torch.equal(inception(fixed), torch.cat([branch(fixed) for branch in branches], 1))
    weights = torch.randn(plain.shape, generator=torch.Generator().manual_seed(2))
    wanted = [x, *inception.parameters()]
    for ours, theirs in zip(*(torch.autograd.grad((y * weights).sum(), wanted) for y in (joint, plain)), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-5, atol=1e-5) and theirs.any()


@pytest.mark.parametrize("channels", [1, 3, 64])
def test_lrn_equals_torchs(channels):
    x = 90 * torch.randn(2, channels, 5, 4, generator=torch.Generator().manual_seed(1))
    ours, theirs = LocalResponseNorm(channels)(x), nn.LocalResponseNorm(5, 1e-4, 0.75, 1.0)(x)
    assert torch.allclose(ours, theirs, rtol=2e-6, atol=1e-6)
    if channels > 1:
        assert not torch.allclose(ours, nn.LocalResponseNorm(3, 1e-4, 0.75, 1.0)(x), rtol=1e-4)


def test_lrn_can_be_left_out_and_has_no_weights():
    assert parameters(googlenet(5, 0.1, 64, lrn=False)) == parameters(googlenet(5, 0.1, 64))
    assert not [name for name in googlenet(5, 0.1, 64).state_dict() if "lrn" in name]


def test_initial_weights_are_caffes(full):
    seen = 0
    for name, module in full.named_modules():
        if not isinstance(module, nn.Conv2d | nn.Linear):
            continue
        seen += 1
        fan_in = module.weight[0].numel()
        bound = (3 / fan_in) ** 0.5
        size = module.weight.abs().max().item()
        assert 0.98 * bound < size <= bound + 1e-7, name
        assert module.weight.var().item() == pytest.approx(1 / fan_in, rel=0.1), name
        classifier = name in ("linear", "aux_4a.linear", "aux_4d.linear")
        assert (module.bias == (0.0 if classifier else 0.2)).all(), name
    assert seen == 3 + 9 * 6 + 2 * 3 + 1


def test_hes_initial_weights_are_those_times_the_gain_of_a_relu_without_biases(full):
    theirs = dict(full.named_parameters())
    for name, ours in begun("he").named_parameters():
        if name.endswith("bias"):
            assert not ours.any(), name
        else:
            gain = 1.0 if name in ("linear.weight", "aux_4a.linear.weight", "aux_4d.linear.weight") else 2**0.5
            assert torch.allclose(ours, gain * theirs[name], rtol=1e-6, atol=0), name


def test_hes_initial_weights_keep_images_apart():
    """The last map's mean differs between images by a tenth of its size and more; by a few percent with the replica's."""
    images = 40 * torch.randn(8, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    x = nn.functional.interpolate(images, (64, 64), mode="bilinear") * 0.04
    spread = {}
    for form in ("replica", "he"):
        model = googlenet(5, 0.25, 64)
        initialise(model, 1, form)
        with torch.no_grad():
            vectors = model.vector_of(model.map_after(x)[0])
        spread[form] = float(vectors.std(0).mean() / vectors.mean())
    assert spread["replica"] < 0.04 and spread["he"] > 0.1


def test_the_seed_is_all_that_initial_weights_depend_on():
    models = [googlenet(5, 1 / 16, 32) for _ in range(3)]
    for model, seed in zip(models, (1, 1, 2), strict=True):
        torch.manual_seed(seed * 77)
        initialise(model, seed, "replica")
    first, again, other = (model.conv1[0].weight for model in models)
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_auxiliary_heads_speak_in_training_only():
    model = googlenet(7, 1 / 16, 64)
    x = torch.randn(2, 3, 64, 64)
    logits, aux = model.train()(x)
    assert [list(out.shape) for out in (logits, *aux)] == [[2, 7]] * 3
    assert model.eval()(x)[1] == []
    one = googlenet(7, 1 / 16, 64, aux_heads=("4d",)).train()
    assert len(one(x)[1]) == 1 and not hasattr(one, "aux_4a")
    assert googlenet(7, 1 / 16, 64, aux_heads=("4d", "4a")).aux_heads == ("4a", "4d")


def test_auxiliary_gradients_reach_the_layers_below():
    model = googlenet(7, 1 / 16, 64).train()
    _, (low, _) = model(torch.randn(2, 3, 64, 64))
    low.sum().backward()
    assert model.inception_4a.branch_1x1[0].weight.grad is not None
    assert model.inception_4b.branch_1x1[0].weight.grad is None


def test_width_scales_all_but_the_classifiers():
    half, plain = googlenet(10, 0.5, 64), googlenet(10, 1.0, 64)
    for name, module in plain.named_modules():
        if isinstance(module, nn.Conv2d):
            assert half.get_submodule(name).out_channels * 2 == module.out_channels
    assert (half.linear.in_features, half.linear.out_features) == (512, 10)
    assert half.aux_4a.fc[0].out_features == 512 and half.aux_4a.linear.out_features == 10
    assert [scaled(16, 1.25), scaled(3, 0.01), scaled(64, 1 / 16)] == [20, 1, 4]


@pytest.mark.parametrize("input_px", [32, 33, 34, 35, 36, 40, 47, 49, 63, 64, 65, 96, 97, 128, 161, 200, 223, 224])
def test_input_sizes_from_32_to_224(input_px):
    model = googlenet(4, 1 / 32, input_px).train()
    logits, aux = model(torch.zeros(1, 3, input_px, input_px))
    assert [list(out.shape) for out in (logits, *aux)] == [[1, 4]] * 3
