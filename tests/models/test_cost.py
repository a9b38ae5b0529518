"""The counts of Table 1: the recount of the paper's own widths, and small networks counted by hand."""

import pytest
import torch
from torch import nn

from googlenet.metrics.cost import LayerCost, Totals
from googlenet.models.cost import cost
from googlenet.models.googlenet import GoogLeNet
from googlenet.models.network import Network
from models import small

TABLE_1 = [  # layer, output (h, w, channels), depth, weights, multiply-adds in millions
    ("conv1", (112, 112, 64), 1, 9408, 118.0),
    ("pool1", (56, 56, 64), 0, 0, 0),
    ("conv2", (56, 56, 192), 2, 114688, 359.7),
    ("pool2", (28, 28, 192), 0, 0, 0),
    ("inception_3a", (28, 28, 256), 2, 163328, 128.0),
    ("inception_3b", (28, 28, 480), 2, 388096, 304.3),
    ("pool3", (14, 14, 480), 0, 0, 0),
    ("inception_4a", (14, 14, 512), 2, 375552, 73.6),
    ("inception_4b", (14, 14, 512), 2, 448512, 87.9),
    ("inception_4c", (14, 14, 512), 2, 509440, 99.9),
    ("inception_4d", (14, 14, 528), 2, 604672, 118.5),
    ("inception_4e", (14, 14, 832), 2, 867328, 170.0),
    ("pool4", (7, 7, 832), 0, 0, 0),
    ("inception_5a", (7, 7, 832), 2, 1042432, 51.1),
    ("inception_5b", (7, 7, 1024), 2, 1442816, 70.7),
    ("avg_pool", (1, 1, 1024), 0, 0, 0),
    ("dropout", (1, 1, 1024), 0, 0, 0),
    ("linear", (1, 1, 1000), 1, 1024000, 1.0),
]


@pytest.fixture(scope="module")
def paper() -> GoogLeNet:
    return GoogLeNet()


def parameters(model):
    return sum(p.numel() for p in model.parameters())


def test_rows_of_table_1(paper):
    rows = cost(paper, 224).layers
    assert [(r.layer, r.output, r.depth, r.weights, round(r.macs / 1e6, 1)) for r in rows] == TABLE_1


def test_totals_are_the_papers_recount(paper):
    assert cost(paper, 224).totals == Totals(
        parameters=6_998_552, weights=6_990_272, macs=1_582_671_872, parameters_with_aux=13_378_280
    )
    assert parameters(paper) == 13_378_280


def test_auxiliary_head_by_hand(paper):
    conv, fc, linear = 512 * 128, 128 * 4 * 4 * 1024, 1024 * 1000
    assert cost(paper, 224).auxiliary[0] == LayerCost(
        layer="aux_4a",
        type="auxiliary head",
        output=(1, 1, 1000),
        depth=3,
        parameters=conv + 128 + fc + 1024 + linear + 1000,
        weights=conv + fc + linear,
        macs=conv * 4 * 4 + fc + linear,
    )


def test_another_network_is_followed():
    model = small.googlenet(10, 0.25, 64, aux_heads=())
    counted = cost(model, 64)
    rows = {row.layer: row for row in counted.layers}
    assert counted.auxiliary == () and counted.totals.parameters == counted.totals.parameters_with_aux
    assert rows["conv1"].macs == 7 * 7 * 3 * 16 * 32 * 32
    assert rows["conv2"].weights == 16 * 16 + 16 * 48 * 9
    assert rows["linear"].parameters == 256 * 10 + 10
    assert counted.totals.parameters == parameters(model)


@pytest.mark.parametrize("kind", ["paper", "batch_norm", "torchvision_bn"])
@pytest.mark.parametrize("px", [32, 64])
def test_every_kind_of_network_is_counted(kind, px):
    network = Network.build(small.spec(5, kind, input_px=px))
    counted = cost(network.model, px)
    names = (
        {"conv1": 7 * 7 * 3 * 4 * (px // 2) ** 2} if kind != "torchvision_bn" else {"conv1": 147 * 64 * (px // 2) ** 2}
    )
    rows = {row.layer: row for row in counted.layers}
    assert {name: rows[name].macs for name in names} == names
    assert sum(row.depth for row in counted.layers) == 22 and len(counted.auxiliary) == 2
    assert counted.totals.parameters_with_aux == network.parameters
    assert counted.layers[-1].output == (1, 1, 5)
    types = [row.type for row in counted.layers]
    assert (types.count("inception"), types.count("max pool"), types.count("avg pool")) == (9, 4, 1)


def test_batch_normalisation_by_hand():
    rows = {row.layer: row for row in cost(small.network(kind="batch_norm").model, 32).layers}
    assert (rows["conv1"].weights, rows["conv1"].parameters) == (147 * 4, 147 * 4 + 2 * 4)
    assert rows["conv2"].parameters == rows["conv2"].weights + 2 * (4 + 12) and rows["conv2"].depth == 2


def test_groups_and_strides_by_hand():
    class Small(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(3, 6, 3, stride=2, padding=1, groups=3, bias=False)
            self.linear = nn.Linear(6 * 4 * 4, 5)

        def forward(self, x):
            return self.linear(self.conv1(x).flatten(1))

    conv, linear = cost(Small(), 8).layers
    assert (conv.output, conv.parameters, conv.macs) == ((4, 4, 6), 6 * 1 * 9, 4 * 4 * 6 * 1 * 9)
    assert (linear.output, linear.weights, linear.macs) == ((1, 1, 5), 96 * 5, 96 * 5)


def test_counting_leaves_the_network_and_the_random_numbers_alone():
    model = small.network(10, "batch_norm").model.eval()
    state = torch.get_rng_state()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    cost(model, 64)
    assert torch.equal(state, torch.get_rng_state())
    assert not model.training
    assert not any(module._forward_hooks for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
