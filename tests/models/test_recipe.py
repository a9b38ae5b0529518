"""The replica's quick recipe against its solver written out in plain torch, with Caffe's own form of momentum."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import pytest
import torch

from googlenet.metrics.training import TrainingEpoch
from googlenet.models.network import Network
from googlenet.models.training import TrainState, learning_rate, loss_of
from models.small import spec
from settings import settings_of

pytestmark = pytest.mark.long
WITHOUT_DROPOUT = {"dropout": 0.0, "aux_dropout": 0.0}
OF_ILSVRC = 1_281_167 // 32  # steps an epoch
PARTS = [{"bias_rate_factor": 1.0}, {"weight_decay": 0.0}, {"schedule": "cosine"}, {"poly_power": 1.0}]


class Problem(NamedTuple):
    """What is learned from: batches, and the network's architecture. With blank images there is nothing to learn but how
    frequent the classes are."""

    batch: int = 8
    blank: bool = False
    architecture: Mapping[str, float] = MappingProxyType({})

    def batches(self, steps):
        """Inputs and labels of the steps: the class in noise, or nothing."""
        drawn = torch.Generator().manual_seed(0)
        labels = torch.randint(0, 3, (steps, self.batch), generator=drawn)
        noise = torch.randn(steps, self.batch, 3, 32, 32, generator=drawn)
        images = (noise + (labels - 1.0)[..., None, None, None]) * (0 if self.blank else 1)
        return list(zip(images, labels, strict=True))

    def model(self):
        """The network with its initial weights."""
        torch.manual_seed(0)  # dropout
        return Network.initialised(spec(**self.architecture), 1).model.train()


LEARNABLE = Problem()
PLATEAU = Problem(32, True, WITHOUT_DROPOUT)


def ours(problem, steps, steps_per_epoch, **changes):
    """The losses of the first steps with the recipe, some of it changed; and the weights after them."""
    settings = settings_of("train_classifier", experiment="ilsvrc2014", **changes)
    model = problem.model()
    state, losses = TrainState(model, settings, steps_per_epoch, None, TrainingEpoch), []
    for images, labels in problem.batches(steps):
        loss = loss_of(model(images), labels, settings.aux_weight)
        state.descend(loss, learning_rate(state.step, steps_per_epoch, settings))
        losses.append(loss.item())
    return torch.tensor(losses), torch.nn.utils.parameters_to_vector(model.parameters()).detach()


def solver(problem, steps, max_iter, rate_in_velocity):
    """The same by the prototxt: base_lr 0.01, poly 0.5, momentum 0.9, weight_decay 0.0002; biases lr_mult 2, decay_mult 0.

    rate_in_velocity: Caffe's v = 0.9 v + rate g, w -= v; else the rate multiplies the velocity, as in torch.
    """
    model = problem.model()
    velocity = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    losses = []
    for step, (images, labels) in enumerate(problem.batches(steps)):
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
    """At the recipe's own length, where the two forms of momentum are one, and with its batches. Where a network learns, or
    has dropout, a difference of one rounding grows to thousandths on some processors, in float64 too; here it does not:
    initial weights that differ by a millionth still give the same losses to 6e-7."""
    found = ours(PLATEAU, 200, OF_ILSVRC)
    losses, weights = far(found, solver(PLATEAU, 200, 60 * OF_ILSVRC, rate_in_velocity=True))
    assert losses < 1e-5 and weights < 1e-5  # measured: 5e-7 and 3e-7
    start = torch.nn.utils.parameters_to_vector(PLATEAU.model().parameters())
    assert (found[1] - start).abs().max() > 0.01


def test_every_part_of_the_recipe_shows():
    """In five sixths of a whole short training, in which the rate falls from 0.01 to 0.004."""
    expected = solver(LEARNABLE, 50, 60, rate_in_velocity=False)
    assert far(ours(LEARNABLE, 50, 1), expected)[0] < 1e-5
    for change in PARTS:
        assert far(ours(LEARNABLE, 50, 1, **change), expected)[0] > 2e-5, change
