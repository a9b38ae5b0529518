"""The replica's quick recipe against its solver written out in plain torch, with Caffe's own form of momentum."""

import pytest
import torch

from googlenet.metrics.training import TrainingEpoch
from googlenet.models.network import Network
from googlenet.models.training import TrainState, learning_rate, loss_of
from models.small import spec
from settings import settings_of

pytestmark = pytest.mark.long
BATCH = 8
OF_ILSVRC = 1_281_167 // 32  # steps an epoch
PARTS = [{"bias_rate_factor": 1.0}, {"weight_decay": 0.0}, {"schedule": "cosine"}, {"poly_power": 1.0}]


def batches(steps, signal):
    """Inputs and labels of the steps: noise, and the class times a signal."""
    drawn = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 3, (steps, BATCH), generator=drawn)
    noise = torch.randn(steps, BATCH, 3, 32, 32, generator=drawn)
    return list(zip(noise + signal * (labels - 1.0)[..., None, None, None], labels, strict=True))


def ours(steps, steps_per_epoch, signal=1.0, **changes):
    """The losses of the first steps with the recipe, some of it changed; and the weights after them."""
    settings = settings_of("train_classifier", experiment="ilsvrc2014", **changes)
    model = Network.initialised(spec(), 1).model.train()
    torch.manual_seed(0)  # dropout
    state, losses = TrainState(model, settings, steps_per_epoch, None, TrainingEpoch), []
    for images, labels in batches(steps, signal):
        loss = loss_of(model(images), labels, settings.aux_weight)
        state.descend(loss, learning_rate(state.step, steps_per_epoch, settings))
        losses.append(loss.item())
    return torch.tensor(losses), torch.nn.utils.parameters_to_vector(model.parameters()).detach()


def solver(steps, max_iter, rate_in_velocity, signal=1.0):
    """The same by the prototxt: base_lr 0.01, poly 0.5, momentum 0.9, weight_decay 0.0002; biases lr_mult 2, decay_mult 0.

    rate_in_velocity: Caffe's v = 0.9 v + rate g, w -= v; else the rate multiplies the velocity, as in torch.
    """
    model = Network.initialised(spec(), 1).model.train()
    torch.manual_seed(0)
    velocity = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    losses = []
    for step, (images, labels) in enumerate(batches(steps, signal)):
        logits, heads = model(images)
        main, *aux = (torch.nn.functional.cross_entropy(each, labels) for each in (logits, *heads))
        loss = main + 0.3 * sum(aux)
        model.zero_grad()
        loss.backward()
        rate = 0.01 * (1 - step / max_iter) ** 0.5
        with torch.no_grad():
            for name, p in model.named_parameters():
                is_bias = name.endswith(".bias")
                gradient = p.grad if is_bias else p.grad + 0.0002 * p
                local = rate * (2 if is_bias else 1)
                velocity[name].mul_(0.9).add_(gradient, alpha=local if rate_in_velocity else 1)
                p.sub_(velocity[name], alpha=1 if rate_in_velocity else local)
        losses.append(loss.item())
    return torch.tensor(losses), torch.nn.utils.parameters_to_vector(model.parameters()).detach()


def far(one, other):
    """The largest difference of two losses at the same step, and of two weights."""
    return [(a - b).abs().max().item() for a, b in zip(one, other, strict=True)]


def test_the_first_losses_of_the_quick_recipe_are_the_solvers():
    """At the recipe's own length, where the two forms of momentum are one. Without a signal, as on the plateau on which
    the replica's weights begin: where a network learns fast, rounding soon grows into another course."""
    found = ours(200, OF_ILSVRC, signal=0.0)
    losses, weights = far(found, solver(200, 60 * OF_ILSVRC, rate_in_velocity=True, signal=0.0))
    assert losses < 1e-5 and weights < 1e-3  # measured: 5e-7, and 5e-5 of a weight
    start = torch.nn.utils.parameters_to_vector(Network.initialised(spec(), 1).model.parameters())
    assert (found[1] - start).abs().max() > 0.01


def test_every_part_of_the_recipe_shows():
    """In five sixths of a whole short training, in which the rate falls from 0.01 to 0.004."""
    expected = solver(50, 60, rate_in_velocity=False)
    assert far(ours(50, 1), expected)[0] < 1e-5
    for change in PARTS:
        assert far(ours(50, 1, **change), expected)[0] > 2e-5, change
