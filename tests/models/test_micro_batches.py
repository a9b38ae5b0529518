"""Micro-batches: the gradient and the dropout of the whole batch, and one order of the sums for any number of processes."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from classification.tiny import network
from googlenet.models.micro_batches import MicroBatches
from googlenet.models.runtime import Runtime

IMAGES = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), np.uint8)
LABELS = np.arange(10) % 3


def step(parts, model=None):
    """Loss, gradients, and the state of the random numbers after one step of a network with dropout."""
    made = network()
    torch.manual_seed(3)
    batches = MicroBatches(made.model.train(), parts, len(IMAGES), Runtime())
    for crops, labels in batches.of(IMAGES, LABELS):
        logits, heads = made.model(made.to_input(crops, "cpu"))
        loss = sum(cross_entropy(each, torch.from_numpy(labels)) for each in (logits, *heads))
        batches.add(loss, torch.tensor(float(len(labels))))
    loss, size = batches.total()
    return loss.item(), size.item(), [p.grad.clone() for p in made.model.parameters()], torch.get_rng_state()


@pytest.mark.parametrize("parts", [2, 4, 8])
def test_parts_have_the_gradient_and_the_dropout_of_the_whole_batch(parts):
    loss, _, gradients, random = step(1)
    other, size, sums, after = step(parts)
    sizes = [end - start for start, end in pairwise(10 * part // parts for part in range(parts + 1))]
    assert size == pytest.approx(sum(each * each for each in sizes) / 10)  # a mean over images, not over parts
    assert other == pytest.approx(loss, abs=1e-6)
    for one, two in zip(gradients, sums, strict=True):
        torch.testing.assert_close(two, one, rtol=1e-4, atol=1e-6)
    assert torch.equal(after, random)  # the next step draws the same numbers


@pytest.mark.parametrize("parts", [1, 2])
def test_kept_losses_do_not_keep_the_gradient(parts):
    """A training keeps the losses of an epoch's steps."""
    made = network()
    batches = MicroBatches(made.model.train(), parts, len(IMAGES), Runtime())
    for crops, labels in batches.of(IMAGES, LABELS):
        logits, heads = made.model(made.to_input(crops, "cpu"))
        loss = sum(cross_entropy(each, torch.from_numpy(labels)) for each in (logits, *heads))
        batches.add(loss, torch.tensor(1.0))
    assert all(value.untyped_storage().nbytes() <= 8 for value in batches.total())


def test_each_process_takes_its_rows_and_drops_what_the_whole_batch_would():
    torch.manual_seed(0)
    x = torch.rand(10, 50)
    whole = nn.functional.dropout(x, 0.4)
    rows = []
    for rank in range(2):
        model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.4))
        batches = MicroBatches(model, 4, 10, Runtime(rank=rank, processes=2))
        own = np.arange(10)[batches.rows]
        torch.manual_seed(0)
        torch.rand(10, 50)
        for inside, _ in batches.of(own, own):
            assert torch.equal(model[1](x[inside]), whole[inside])
            rows.append(inside.tolist())
    assert rows == [[0, 1], [2, 3, 4], [5, 6], [7, 8, 9]]


def test_sums_are_of_pairs():
    """(a + b) + (c + d) is what two processes of two parts each add, too; ((a + b) + c) + d differs in the last bit."""
    parameter = nn.Parameter(torch.zeros(1))
    values = [1.0, 2.0**-24, 2.0**-24, 2.0**-24]
    batches = MicroBatches(nn.ParameterList([parameter]), 4, 4, Runtime())
    for part, _ in batches.of(np.array(values), np.zeros(4)):
        batches.add(4 * parameter.sum() * float(part[0]))
    batches.total()
    one, two, three, four = (torch.tensor(value) for value in values)
    assert parameter.grad.item() == ((one + two) + (three + four)).item() != (((one + two) + three) + four).item()
