"""A structure as data: what it costs, how it is fitted to a budget, and the network that it describes."""

import numpy as np
import pytest
import torch

from googlenet.classification.derive import drawn
from googlenet.errors import UserError
from googlenet.models.cost import multiply_adds
from googlenet.models.network import Architecture, Network, NetworkSpec
from googlenet.models.structure import (
    TOLERANCE,
    Allotment,
    Skeleton,
    build,
    multiple,
    of_googlenet,
)
from googlenet.models.table_1 import INCEPTION

CLASSES = tuple("abcdefghij")


def spec(width=0.25, input_px=64, **changes):
    return NetworkSpec(CLASSES, Architecture(width=width, input_px=input_px, **changes), (60.0, 60.0, 60.0), 0.04)


def googlenet(described):
    return {name: multiple(row, described.architecture.width) for name, row in INCEPTION.items()}


def skeleton(described):
    return Skeleton.of(described.architecture, len(described.classes))


def random(described, budget, seed=1):
    own = of_googlenet(skeleton(described), budget)
    return drawn(Allotment(skeleton(described), own, budget), seed, 1)


def answers(network, x):
    torch.manual_seed(0)  # dropout
    return network.model.train()(x)


@pytest.mark.parametrize(("width", "input_px"), [(0.25, 64), (0.0625, 32), (0.1, 97)])
def test_the_cost_is_what_the_network_computes(width, input_px):
    described = spec(width, input_px)
    modules = googlenet(described)
    macs = skeleton(described).macs(modules)
    assert macs == multiply_adds(Network.build(described).model.eval(), input_px)
    other = random(described, macs)
    built = build(described, other).model.eval()
    assert other != modules and multiply_adds(built, input_px) == skeleton(described).macs(other)


def test_table_1_as_a_structure_is_the_network_itself_to_the_bit():
    described = spec(0.0625, 32)
    plain, built = Network.initialised(described, 3), build(described, googlenet(described))
    built.initialise(3)
    assert list(built.model.state_dict()) == list(plain.model.state_dict())
    x = built.to_input(np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8), "cpu")
    (logits, heads), (own_logits, own_heads) = (answers(network, x) for network in (plain, built))
    assert torch.equal(logits, own_logits) and len(heads) == 2
    assert all(torch.equal(head, own) for head, own in zip(heads, own_heads, strict=True))


@pytest.mark.parametrize("share", [0.8, 1.0, 1.7, 5.0])
@pytest.mark.parametrize(("width", "input_px"), [(0.25, 64), (0.0625, 32), (1.0, 224)])
def test_every_structure_costs_the_budget_within_its_tolerance(width, input_px, share):
    described = spec(width, input_px)
    budget = round(share * skeleton(described).macs(googlenet(described)))
    made = [of_googlenet(skeleton(described), budget), *(random(described, budget, seed) for seed in range(4))]
    off = [abs(skeleton(described).macs(modules) / budget - 1) for modules in made]
    assert max(off) <= TOLERANCE, off
    assert len({tuple(modules.items()) for modules in made}) == len(made)


def test_a_module_has_googlenets_share_of_the_budget_whatever_its_kernels():
    described = spec(1.0, 224)
    own = skeleton(described).costs(googlenet(described))
    for name, cost in (
        skeleton(described).costs(random(described, skeleton(described).macs(googlenet(described)))).items()
    ):
        assert cost == pytest.approx(own[name], rel=0.05), name


def test_googlenets_own_cost_gives_its_own_widths():
    described = spec(0.0625, 32)
    assert of_googlenet(skeleton(described), skeleton(described).macs(googlenet(described))) == googlenet(described)


def test_a_budget_that_no_structure_meets_is_one_line():
    described, least = spec(), skeleton(spec()).stem_macs
    with pytest.raises(
        UserError, match=r"^derive_structure.budget_macs: .* is less than the smallest structure's [\d,]+, "
    ):
        of_googlenet(skeleton(described), least)
    smallest = {name: multiple([0] * 6, 1) for name in INCEPTION}
    cost = skeleton(described).macs(smallest)
    assert of_googlenet(skeleton(described), cost) == smallest
    coarse = spec(0.02, 32)
    between = round(skeleton(coarse).macs(smallest) * 0.97)
    allotment = Allotment(skeleton(coarse), smallest, between)
    with pytest.raises(UserError, match=r"^derive_structure\.budget_macs: no structure comes within 2% of "):
        drawn(allotment, 1, 1)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"inception": "naive"}, "model.inception: naive has no structure to derive; it must be reduced"),
        ({"classifier": "fully_connected"}, "model.classifier: fully_connected has no structure"),
        ({"repeat_modules": ("4b",)}, "model.repeat_modules: .* must be empty"),
    ],
)
def test_other_modules_than_the_papers_have_no_structure(change, line):
    described = spec(**change)
    with pytest.raises(UserError, match=f"^{line}"):
        build(described, googlenet(described))
