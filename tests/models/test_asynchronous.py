"""The simulated parameter server: its updates by hand, its staleness, its replicas that come and go, and its resumption."""

import numpy as np
import pytest
import torch
from torch import nn

from classification.tiny import RUNTIME, network
from classification.tiny_training import SETTINGS, SPLITS
from googlenet.classification.train import train
from googlenet.config.schema.classification import Replicas
from googlenet.metrics.training import TrainingEpoch
from googlenet.models.training import TrainState
from googlenet.models.updates.asynchronous import Simulation, shards_of
from googlenet.pipeline.resume import NOWHERE, Resume
from settings import changed

REPLICAS = Replicas(count=3, shards=2, spread=0.5, transfer=0.2, schedule_seed=1, absences=())
EVEN = changed(REPLICAS, spread=0.0, transfer=0.0)  # the replicas take turns
MOMENTUM, RATE = 0.9, 0.1


class Points(nn.Module):
    """Three parameters of different sizes; the gradient of each is its distance to 1."""

    def __init__(self):
        super().__init__()
        self.values = nn.ParameterList([nn.Parameter(torch.zeros(size)) for size in (3, 2, 1)])


class Distance:
    """Computes that gradient."""

    def __init__(self):
        self.model = Points()

    def __call__(self, crops, labels):
        sum(((value - 1) ** 2).sum() / 2 for value in self.model.values).backward()
        return ()


def server(replicas):
    settings = changed(SETTINGS, momentum=MOMENTUM, weight_decay=0.0, replicas=replicas.model_dump())
    gradient = Distance()
    state = TrainState(gradient.model, settings, 1000, None, TrainingEpoch)
    return Simulation(state, settings, lambda update: RATE, gradient)


def advance(made, steps):
    """Compute and send gradients; returns whose they were."""
    turns = []
    for _ in range(steps):
        made.step(np.zeros(0), np.zeros(0))
        turns.append(made.turn)
    return turns


def trained(replicas=None, resume=NOWHERE, **changes):
    """The weights and metrics of a very small training, asynchronous if there are replicas."""
    made, rows = network(), []
    asked = {"update": "asynchronous", "replicas": replicas.model_dump()} if replicas else {}
    metrics, _ = train(made, SPLITS, changed(SETTINGS, **asked, **changes), RUNTIME, rows.append, resume)
    return {name: tensor.clone() for name, tensor in made.model.state_dict().items()}, metrics


def updates(made):
    """The number of updates of each shard."""
    return [shard.updates for shard in made.shards]


def same(one, two):
    return all(torch.equal(one[name], two[name]) for name in one)


def test_parameters_are_spread_evenly_over_the_shards():
    assert shards_of([5, 1, 3, 3], 2) == [[0, 1], [2, 3]]
    assert shards_of([2, 1], 3) == [[0], [1], []]


def test_updates_of_replicas_in_turn_by_hand():
    """w changes by the gradient of the weights of three updates ago, with momentum at the server."""
    made = server(EVEN)
    assert advance(made, 12) == [0, 1, 2] * 4
    measured = made.finish()
    weights, momentum = [0.0], 0.0
    for update in range(12):
        fetched = weights[max(0, update - 2)]
        momentum = MOMENTUM * momentum + (fetched - 1)
        weights.append(weights[-1] - RATE * momentum)
    for value in made.state.model.values:
        assert value.tolist() == pytest.approx([weights[-1]] * len(value), rel=1e-5)
    assert updates(made) == [12, 12]
    # Of both shards: the first update is by a gradient of the newest weights, the second by one that is one update old.
    assert measured.staleness == (2, 2, 20) and measured.lost_updates == 0
    assert measured.speed_up == pytest.approx(12 / 4)  # three replicas, each of which computes four


def test_shards_apply_gradients_in_orders_of_their_own():
    made = server(changed(REPLICAS, transfer=2.0))
    advance(made, 40)
    staleness = made.finish().staleness
    assert updates(made) == [40, 40] and sum(staleness) == 80 and len(staleness) > 3
    large, _, small = (value[0].item() for value in made.state.model.values)
    assert large != small  # of different shards: with one order they would be equal


def test_a_replica_that_leaves_loses_what_it_has_under_way_and_comes_back():
    absence = {"replica": 1, "from_step": 10, "to_step": 20}
    made = server(changed(EVEN, absences=[absence]))
    turns = advance(made, 30)
    lost = made.finish().lost_updates
    assert 1 in turns[:10] and 1 not in turns[10:20] and 1 in turns[20:]
    assert sum(updates(made)) == 2 * 30 - lost and lost <= 2


def test_one_replica_has_the_bits_of_synchronous_training():
    weights, metrics = trained(changed(REPLICAS, count=1, shards=3))
    expected, synchronous = trained()
    assert same(weights, expected) and metrics.epochs == synchronous.epochs
    assert metrics.asynchronous.staleness == (3 * 4,) and synchronous.asynchronous is None


def test_the_same_settings_give_the_same_bits_and_another_schedule_others():
    first, metrics = trained(REPLICAS)
    assert same(first, trained(REPLICAS)[0]) and metrics.epochs == trained(REPLICAS)[1].epochs
    assert not same(first, trained(changed(REPLICAS, schedule_seed=2))[0]) and not same(first, trained()[0])
    assert sum(metrics.asynchronous.staleness) == 2 * 4 and not metrics.asynchronous.real


class Interrupted(Resume):
    """Keeps the state after some steps; then gives it back to the next training."""

    def __init__(self, steps):
        super().__init__()
        self.left, self.kept = steps, None

    def load(self):
        return self.kept

    def step(self, state):
        self.left -= 1
        if self.left == 0:
            tensors, rest = state()
            self.kept = {name: tensor.clone() for name, tensor in tensors.items()}, rest


@pytest.mark.parametrize("steps", [4, 5, 7])
def test_an_epoch_that_no_gradient_reaches_after_an_interruption_keeps_its_rate(steps):
    slow, resume = changed(REPLICAS, transfer=5.0), Interrupted(steps)
    _, metrics = trained(slow, resume, batch_size=5)
    assert trained(slow, resume, batch_size=5)[1] == metrics


@pytest.mark.parametrize("steps", [1, 2, 5, 7])
def test_an_interrupted_training_ends_in_the_same_bits(steps):
    slow = changed(REPLICAS, transfer=1.0, absences=[{"replica": 2, "from_step": 2, "to_step": 5}])
    resume = Interrupted(steps)
    whole, metrics = trained(slow, resume, batch_size=5)  # eight steps
    resumed, again = trained(slow, resume, batch_size=5)
    assert same(resumed, whole) and again == metrics
    assert np.isfinite(metrics.epochs[-1].train_loss)
