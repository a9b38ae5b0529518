"""The network with batch normalisation (Ioffe and Szegedy 2015): its counts, its training, its averaged statistics."""

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from googlenet.metrics.base import Metrics
from googlenet.models import bundle
from googlenet.models.cost import cost
from googlenet.models.inception import AuxiliaryHead, Inception
from googlenet.models.network import Network
from googlenet.models.networks.batch_norm import convolution
from googlenet.models.table_1 import INCEPTION, Widths
from googlenet.models.training import Average, TrainState, averaged, learning_rate, loss_of
from models import small
from settings import settings_of

STEPS_PER_EPOCH = 4


class EpochRow(Metrics):
    """The metrics of an epoch."""

    loss: float


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def optimisation(**changes):
    form = {"form": "exponential", "decay": 0.9, "start_epoch": 0}
    steps = {"epochs": 10, "learning_rate": 0.05, "warmup_steps": 4, "schedule": "cosine", "momentum": 0.9}
    return settings_of("train_classifier", averaging=form, **(steps | changes))


def batches():
    """Images of three classes, each of another colour, and their labels."""
    generator = torch.Generator().manual_seed(5)
    labels = torch.arange(12) % 3
    colours = torch.eye(3)[labels][:, :, None, None]
    images = colours + 0.3 * torch.randn(12, 3, 32, 32, generator=generator)
    return [(images[i::2], labels[i::2]) for i in range(2)]


def train(state, last, settings):
    """Steps until `last`; returns their losses."""
    losses = []
    while state.step < last:
        state.begin_step()
        images, labels = batches()[state.step % 2]
        loss = loss_of(state.model(images), labels, 0.3)
        state.descend(loss, learning_rate(state.step, STEPS_PER_EPOCH, settings))
        losses.append(loss.item())
        state.seen["loss"].append(loss.detach())
        if state.step % STEPS_PER_EPOCH == 0:
            state.rows.append(EpochRow(loss=losses[-1]))
    return losses


def begun(model, settings, kept=None):
    return TrainState(model.train(), settings, STEPS_PER_EPOCH, kept, EpochRow, "loss")


def statistics(model):
    return {name: value for name, value in model.state_dict().items() if "running" in name}


def test_a_module_by_hand():
    # 7 channels in; of each convolution its weights, and a scale and a shift for each channel; no bias.
    module = Inception(7, Widths(1, 5, 2, 6, 3, 4), convolution)
    assert parameters(module) == 7 * (1 + 5 + 6 + 4) + 9 * 5 * 2 + 25 * 6 * 3 + 2 * (1 + 5 + 2 + 6 + 3 + 4)
    assert module.n_out == 10 and list(module(torch.randn(2, 7, 6, 5)).shape) == [2, 10, 6, 5]
    assert [type(part) for part in module.branch_1x1] == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU]


def test_the_network_by_hand():
    # Each of the paper's 57 convolutions without heads trades its biases for as many scales and as many shifts.
    with torch.device("meta"):
        shape = {"width": 1.0, "input_px": 224, "aux_heads": ()}
        paper, ours = (Network.build(small.spec(1000, kind, **shape)) for kind in ("paper", "batch_norm"))
    channels = sum(m.out_channels for m in paper.model.modules() if isinstance(m, nn.Conv2d))
    assert channels == 64 + 64 + 192 + sum(sum(w) for w in INCEPTION.values()) == 7280
    assert ours.parameters == paper.parameters + channels == 6_998_552 + 7280
    assert sum(isinstance(m, nn.BatchNorm2d) for m in ours.model.modules()) == 57
    # Layer by layer they cost the same multiply-adds and have the same weights.
    rows = [cost(network.model, 224).layers for network in (paper, ours)]
    assert [(r.layer, r.output, r.depth, r.weights, r.macs) for r in rows[0]] == [
        (r.layer, r.output, r.depth, r.weights, r.macs) for r in rows[1]
    ]
    assert sum(row.parameters for row in rows[1]) == ours.parameters


def test_response_normalisation_goes_and_heads_are_the_papers_but_for_normalisation():
    model = small.network(kind="batch_norm").model
    assert isinstance(model.lrn1, nn.Identity) and isinstance(model.lrn2, nn.Identity)
    paper = small.network().model
    for name in ("aux_4a", "aux_4d"):
        ours, theirs = getattr(model, name), getattr(paper, name)
        assert isinstance(ours, AuxiliaryHead) and isinstance(ours.conv[1], nn.BatchNorm2d)
        assert ours.conv[0].bias is None
        kept = {key: list(value.shape) for key, value in theirs.state_dict().items() if key != "conv.0.bias"}
        assert {key: list(value.shape) for key, value in ours.state_dict().items() if "conv.1" not in key} == kept
        assert (ours.dropout.p, ours.pool.kernel_size) == (theirs.dropout.p, theirs.pool.kernel_size)
        assert parameters(ours) == parameters(theirs) + 8  # 8 biases become 8 scales and 8 shifts
    assert model.linear.bias is not None


def test_initial_weights_are_those_of_the_paper_network():
    # Nothing that batch normalisation has is drawn: the same seed gives its convolutions the paper network's weights.
    model, paper = small.network(kind="batch_norm", seed=3).model, small.network(seed=3).model
    theirs = [m.weight for m in paper.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    ours = [m.weight for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(ours) == len(theirs) and all(map(torch.equal, ours, theirs))
    model.train()(torch.randn(4, 3, 32, 32))
    network = Network(model, small.spec(kind="batch_norm"))
    network.initialise(3)
    fresh = small.network(kind="batch_norm", seed=3).model.state_dict()
    assert all(torch.equal(value, fresh[name]) for name, value in model.state_dict().items())


@pytest.mark.long
def test_it_trains():
    torch.manual_seed(1)
    settings = optimisation(epochs=40)
    state = begun(small.network(kind="batch_norm").model, settings)
    losses = train(state, 160, settings)
    assert sum(losses[-4:]) < 0.1 * sum(losses[:4])
    assert all(p.grad is not None and p.grad.isfinite().all() for p in state.model.parameters())
    state.average.swap(state.model)
    images, labels = (torch.cat(each) for each in zip(*batches(), strict=True))
    with torch.inference_mode():  # by the averaged statistics; whether every image is right depends on the processor
        loss = cross_entropy(state.model.eval()(images)[0], labels)
    assert loss < 0.5 < math.log(3)  # chance


def test_statistics_are_averaged_as_the_weights_are():
    model = small.network(kind="batch_norm").model.train()
    at_first = {name: value.clone() for name, value in statistics(model).items()}
    assert len(averaged(model)) == len(list(model.parameters())) + len(at_first) and len(at_first) == 2 * 59
    average = Average(model, 1, optimisation().averaging)
    images = batches()[0][0]
    expected = at_first
    for step in range(3):
        model(images)  # moves the statistics, not the weights
        share = 1 - min(0.9, (step + 1) / (step + 10))
        expected = {name: torch.lerp(expected[name], value, share) for name, value in statistics(model).items()}
        average.update(step)
    last = {name: value.clone() for name, value in statistics(model).items()}
    average.swap(model)
    assert all(torch.allclose(value, expected[name]) for name, value in statistics(model).items())
    assert any(not torch.allclose(value, last[name]) for name, value in statistics(model).items())
    average.swap(model)
    assert all(torch.equal(value, last[name]) for name, value in statistics(model).items())


def test_a_training_that_goes_on_comes_to_the_same_bits():
    settings = optimisation()
    torch.manual_seed(1)
    whole = begun(small.network(kind="batch_norm").model, settings)
    train(whole, 11, settings)
    torch.manual_seed(1)
    first = begun(small.network(kind="batch_norm").model, settings)
    train(first, 5, settings)
    tensors, rest = first.state()
    kept = {name: value.clone() for name, value in tensors.items()}
    torch.manual_seed(99)
    second = begun(small.network(kind="batch_norm", seed=2).model, settings, (kept, rest))
    assert (second.step, second.rows) == (5, [EpochRow(loss=first.rows[0].loss)])
    train(second, 11, settings)
    ours, theirs = second.state(), whole.state()
    assert ours[1] == theirs[1] and ours[0].keys() == theirs[0].keys()
    assert [name for name, value in theirs[0].items() if not torch.equal(ours[0][name], value)] == []
    assert any("running_var" in name for name in theirs[0])


def test_predictions_are_independent_of_the_batch(tmp_path):
    network = small.network(kind="batch_norm")
    images = torch.randn(6, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    network.model.train()(images)
    bundle.save(tmp_path / "w.safetensors", network, "stamp")
    model = bundle.load(tmp_path / "w.safetensors").model
    with torch.inference_mode():
        together = model(images)[0]
        alone = torch.cat([model(image[None])[0] for image in images])
        assert torch.allclose(together, alone, rtol=1e-4, atol=1e-5 * float(alone.abs().max()))
        assert not torch.allclose(model.train()(images)[0], together, rtol=1e-2)


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_every_weight_has_a_gradient(precision):
    model = small.network(4, "batch_norm", input_px=64).model.train()
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        output = model(images.to(memory_format=torch.channels_last))
    loss_of(output, torch.tensor([0, 1]), 0.3).backward()
    assert not [name for name, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
