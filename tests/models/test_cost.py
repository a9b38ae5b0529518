"""The counts of Table 1: the recount of the paper's own widths, and small networks counted by hand."""

import pytest
import torch
from torch import nn

from googlenet.models.cost import auxiliary_cost, cost, totals
from googlenet.models.googlenet import GoogLeNet

TABLE_1 = [  # layer, output [h, w, channels], depth, weights, multiply-adds in millions
    ("conv1", [112, 112, 64], 1, 9408, 118.0),
    ("pool1", [56, 56, 64], 0, 0, 0),
    ("conv2", [56, 56, 192], 2, 114688, 359.7),
    ("pool2", [28, 28, 192], 0, 0, 0),
    ("inception_3a", [28, 28, 256], 2, 163328, 128.0),
    ("inception_3b", [28, 28, 480], 2, 388096, 304.3),
    ("pool3", [14, 14, 480], 0, 0, 0),
    ("inception_4a", [14, 14, 512], 2, 375552, 73.6),
    ("inception_4b", [14, 14, 512], 2, 448512, 87.9),
    ("inception_4c", [14, 14, 512], 2, 509440, 99.9),
    ("inception_4d", [14, 14, 528], 2, 604672, 118.5),
    ("inception_4e", [14, 14, 832], 2, 867328, 170.0),
    ("pool4", [7, 7, 832], 0, 0, 0),
    ("inception_5a", [7, 7, 832], 2, 1042432, 51.1),
    ("inception_5b", [7, 7, 1024], 2, 1442816, 70.7),
    ("avg_pool", [1, 1, 1024], 0, 0, 0),
    ("dropout", [1, 1, 1024], 0, 0, 0),
    ("linear", [1, 1, 1000], 1, 1024000, 1.0),
]


@pytest.fixture(scope="module")
def paper() -> GoogLeNet:
    return GoogLeNet()


def test_rows_of_table_1(paper):
    rows = cost(paper, 224)
    got = [(r["layer"], r["output"], r["depth"], r["weights"], round(r["macs"] / 1e6, 1)) for r in rows]
    assert got == TABLE_1


def test_totals_are_the_papers_recount(paper):
    assert totals(cost(paper, 224), auxiliary_cost(paper, 224)) == {
        "parameters": 6_998_552,
        "weights": 6_990_272,
        "macs": 1_582_671_872,
        "parameters_with_aux": 13_378_280,
    }
    assert sum(p.numel() for p in paper.parameters()) == 13_378_280


def test_auxiliary_head_by_hand(paper):
    conv, fc, linear = 512 * 128, 128 * 4 * 4 * 1024, 1024 * 1000
    row = auxiliary_cost(paper, 224)[0]
    assert row == {
        "layer": "aux_4a",
        "type": "auxiliary head",
        "output": [1, 1, 1000],
        "depth": 3,
        "parameters": conv + 128 + fc + 1024 + linear + 1000,
        "weights": conv + fc + linear,
        "macs": conv * 4 * 4 + fc + linear,
    }


def test_another_network_is_followed():
    model = GoogLeNet(num_classes=10, width=0.25, input_px=64, aux_heads=())
    rows = {row["layer"]: row for row in cost(model, 64)}
    assert auxiliary_cost(model, 64) == []
    assert rows["conv1"]["macs"] == 7 * 7 * 3 * 16 * 32 * 32
    assert rows["conv2"]["weights"] == 16 * 16 + 16 * 48 * 9
    assert rows["linear"]["parameters"] == 256 * 10 + 10
    assert totals(list(rows.values()), [])["parameters"] == sum(p.numel() for p in model.parameters())


def test_groups_and_strides_by_hand():
    class Small(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(3, 6, 3, stride=2, padding=1, groups=3, bias=False)
            self.linear = nn.Linear(6 * 4 * 4, 5)

        def forward(self, x):
            return self.linear(self.conv1(x).flatten(1))

    conv, linear = cost(Small(), 8)
    assert (conv["output"], conv["parameters"], conv["macs"]) == ([4, 4, 6], 6 * 1 * 9, 4 * 4 * 6 * 1 * 9)
    assert (linear["output"], linear["weights"], linear["macs"]) == ([1, 1, 5], 96 * 5, 96 * 5)


def test_counting_leaves_the_network_and_the_random_numbers_alone():
    model = GoogLeNet(num_classes=10, width=0.125, input_px=64).eval()
    state = torch.get_rng_state()
    cost(model, 64)
    assert torch.equal(state, torch.get_rng_state())
    assert not model.training
    assert not any(module._forward_hooks for module in model.modules())
