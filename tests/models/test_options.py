"""The network's alternatives: naive modules, fully connected classifier, repeated modules; counted by hand."""

import pytest
import torch
from torch import nn

from conf_copy import copied, edit, override
from googlenet.config.schema.classification import TrainClassifier
from googlenet.errors import UserError
from googlenet.models.googlenet import GoogLeNet
from googlenet.models.inception import Inception, NaiveInception, convolution, initialise
from googlenet.models.network import Architecture
from googlenet.models.table_1 import INCEPTION, Widths, order_of_modules
from googlenet.models.training import loss_of
from googlenet.pipeline.experiment import Job, experiment
from models.small import googlenet

WIDTHS = Widths(1, 5, 2, 6, 3, 4)


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def shapes(model, input_px):
    """Output [channels, side] of every child, as it runs."""
    seen = {}
    for name, child in model.named_children():
        child.register_forward_hook(lambda _, x, y, name=name: seen.update({name: list(y.shape[1:3])}))
    model(torch.zeros(1, 3, input_px, input_px))
    return seen


def test_a_naive_module_by_hand():
    module = NaiveInception(7, WIDTHS)
    assert parameters(module) == 7 * (1 * 1 + 9 * 2 + 25 * 3) + (1 + 2 + 3)
    assert module.n_out == 1 + 2 + 3 + 7
    x = torch.randn(2, 7, 6, 5)
    out = module(x)
    assert list(out.shape) == [2, 13, 6, 5]
    assert torch.equal(out[:, 6:], nn.functional.max_pool2d(x, 3, 1, 1))  # the pooled input goes on as it is
    reduced = Inception(7, WIDTHS)
    assert parameters(reduced) == 7 * (1 + 5 + 6 + 4) + 9 * 5 * 2 + 25 * 6 * 3 + (1 + 5 + 2 + 6 + 3 + 4)
    assert reduced.n_out == 10


def test_channels_of_the_naive_network_grow():
    with torch.device("meta"):
        model = GoogLeNet(1000, Architecture(inception="naive", aux_heads=())).eval()
        seen = shapes(model, 224)
    channels, expected = 192, {}
    for name, row in INCEPTION.items():
        channels += row.n1x1 + row.n3x3 + row.n5x5
        expected[f"inception_{name}"] = channels
    found = {name: shape[0] for name, shape in seen.items() if name in expected}
    assert found == expected and expected["inception_5b"] == model.linear.in_features == 4944
    assert seen["inception_5b"][1] == 7


def test_a_fully_connected_classifier_by_hand():
    with torch.device("meta"):
        model = GoogLeNet(1000, Architecture(classifier="fully_connected", aux_heads=()))
    hidden = 7 * 7 * 1024 * 1024 + 1024
    assert parameters(model) == 6_998_552 + hidden  # the last layer, 1024 to 1000, stays
    half = googlenet(5, 0.5, 96, classifier="fully_connected").eval()
    assert (half.fc[0].in_features, half.fc[0].out_features) == (512 * 3 * 3, 512)
    assert half.linear.in_features == 512
    last = {}
    half.inception_5b.register_forward_hook(lambda _, x, y: last.update(map=y))
    half.dropout.register_forward_hook(lambda _, x, y: last.update(hidden=y))
    x = torch.randn(2, 3, 96, 96)
    logits, _ = half(x)
    assert torch.equal(last["hidden"], torch.relu(half.fc[0](last["map"].flatten(1))))
    assert torch.equal(logits, half.linear(last["hidden"])) and (last["hidden"] >= 0).all()


@pytest.mark.parametrize("input_px", [32, 47, 64, 161, 224])
def test_a_fully_connected_classifier_fits_every_input_size(input_px):
    model = googlenet(4, 1 / 32, input_px, classifier="fully_connected").train()
    assert list(model(torch.zeros(2, 3, input_px, input_px))[0].shape) == [2, 4]


def test_repeated_modules_have_the_widths_of_their_first():
    order = order_of_modules(["4b", "3b", "4b"])
    assert list(order) == ["3a", "3b", "3b_2", "4a", "4b", "4b_2", "4b_3", "4c", "4d", "4e", "5a", "5b"]
    assert {name for name, row in order.items() if row == "4b"} == {"4b", "4b_2", "4b_3"}
    with torch.device("meta"):
        plain, deeper = GoogLeNet(), GoogLeNet(1000, Architecture(repeat_modules=("4b", "3b", "4b")))
    w = INCEPTION["4b"]
    copy_of_4b = (
        512 * (w.n1x1 + w.n3x3_reduce + w.n5x5_reduce + w.pool_proj)
        + 9 * w.n3x3_reduce * w.n3x3
        + 25 * w.n5x5_reduce * w.n5x5
        + sum(w)
    )
    copy_of_3b = 480 * (128 + 128 + 32 + 64) + 9 * 128 * 192 + 25 * 32 * 96 + sum(INCEPTION["3b"])
    assert parameters(deeper) - parameters(plain) == 2 * copy_of_4b + copy_of_3b
    small = googlenet(4, 1 / 16, 64, repeat_modules=("4b", "5b")).eval()
    seen = list(shapes(small, 64))
    at = seen.index("inception_4b")
    assert seen[at : at + 3] == ["inception_4b", "inception_4b_2", "inception_4c"]
    assert seen[-3:] == ["inception_5b_2", "dropout", "linear"]


def test_an_auxiliary_head_sits_on_the_first_of_its_copies():
    model = googlenet(4, 1 / 16, 64, repeat_modules=("4a",)).train()
    _, (low, _) = model(torch.randn(2, 3, 64, 64))
    low.sum().backward()
    assert model.inception_4a.branch_1x1[0].weight.grad is not None
    assert model.inception_4a_2.branch_1x1[0].weight.grad is None


def test_the_defaults_are_the_papers_network():
    plain = googlenet(5, 1 / 16, 32)
    same = googlenet(5, 1 / 16, 32, inception="reduced", classifier="average_pool", repeat_modules=())
    initialise(plain, 3, "replica"), initialise(same, 3, "replica")
    assert list(plain.state_dict()) == list(same.state_dict())
    assert all(map(torch.equal, plain.state_dict().values(), same.state_dict().values()))
    # Drawn in the order of the layers: the generator's first numbers are conv1's, its next those of conv2_reduce.
    generator = torch.Generator().manual_seed(3)
    for layer in (plain.conv1[0], plain.conv2_reduce[0], plain.conv2[0], plain.inception_3a.branch_1x1[0]):
        bound = (3 / layer.weight[0].numel()) ** 0.5
        drawn = torch.empty_like(layer.weight).uniform_(-bound, bound, generator=generator)
        assert torch.equal(layer.weight, drawn)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ("{model: {inception: naiv}}", "'model.inception' must be reduced or naive, not 'naiv'"),
        ("{model: {classifier: pool}}", "'model.classifier' must be average_pool or fully_connected"),
        ("{model: {repeat_modules: 4a}}", "model.repeat_modules' must be a list"),
        ("{model: {repeat_modules: [4a, 4x]}}", "'model.repeat_modules[1]' must be 3a, 3b, 4a"),
        ("{model: {aux_heads: [4a, aux_4d]}}", "'model.aux_heads[1]' must be 3a, 3b, 4a"),
        ("{model: {network: batchnorm}}", "'model.network' must be paper or batch_norm"),
    ],
)
def test_mistakes_are_reported_before_the_first_job(tmp_path, overrides, message):
    root = copied(tmp_path)
    override(root, overrides)
    with pytest.raises(UserError) as raised:
        experiment(root)
    assert message in str(raised.value)


@pytest.mark.long
def test_a_member_may_be_wider_and_deeper(tmp_path):
    root = copied(tmp_path)
    edit(root, "ensemble/paper.yaml", r"width: 1.25\}", "width: 1.25, repeat_modules: [4b, 5a]}")
    trained = [experiment(root).settings(Job("train_classifier", name), TrainClassifier) for name in ("m7", "m1")]
    assert [settings.member.repeat_modules for settings in trained] == [("4b", "5a"), ()]
    edit(root, "ensemble/paper.yaml", r"\[4b, 5a\]", "[4b, 5c]")
    with pytest.raises(UserError, match=r"ensemble\.members\.m7\.repeat_modules\[1\]' must be 3a, 3b"):
        experiment(root)


@pytest.mark.parametrize(
    "options", [{"inception": "naive"}, {"classifier": "fully_connected"}, {"repeat_modules": ("4a", "5b")}]
)
def test_every_alternative_trains_all_of_its_weights(options):
    model = googlenet(4, 1 / 16, 64, **options)
    initialise(model, 1, "replica")
    model.train()
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.autocast("cpu", torch.bfloat16):
        output = model(images.to(memory_format=torch.channels_last))
    loss_of(output, torch.tensor([0, 1]), 0.3).backward()
    assert not [name for name, p in model.named_parameters() if p.grad is None]
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


def test_width_factors_of_convolutions_stay_whole():
    assert convolution(3, 8, 7, stride=2)[0].padding == (3, 3)
    deeper = googlenet(4, 0.25, 64, repeat_modules=("5b",), inception="naive")
    assert deeper.inception_5b_2.n_out == deeper.inception_5b.n_out + 96 + 96 + 32
