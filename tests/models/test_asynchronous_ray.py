"""Real replicas and shards, as processes: what they compute, and what is lost with a replica that is killed."""

import os
import signal
from importlib import util

import numpy as np
import pytest
import torch

from classification.tiny import RUNTIME, network
from classification.tiny_training import SETTINGS, SPLITS
from googlenet.classification.train import MAIN_LOSSES, train
from googlenet.metrics.training import TrainingEpoch
from googlenet.models.training import TrainState
from googlenet.models.updates.asynchronous import ParameterServer
from googlenet.models.updates.asynchronous_ray import absent
from googlenet.pipeline.resume import NOWHERE, Resume
from models.small import spec
from settings import changed

needs_ray = pytest.mark.skipif(not util.find_spec("ray"), reason="needs ray (the extra `async`)")
REAL = changed(SETTINGS, update="asynchronous_ray", replicas={"count": 2, "shards": 2, "absences": []}, batch_size=4)


@pytest.fixture(autouse=True)
def _ended():
    yield
    if util.find_spec("ray"):
        import ray

        ray.shutdown()


@pytest.mark.parametrize(("step", "away"), [(199, set()), (200, set()), (201, {1}), (399, {1}), (400, set())])
def test_a_training_that_continues_within_an_absence_is_without_that_replica(step, away):
    """At its first step the replica leaves, and at its last it comes back, as in a training that was not cut off."""
    replicas = changed(REAL, replicas={"absences": [{"replica": 1, "from_step": 200, "to_step": 400}]}).replicas
    assert absent(replicas.absences, step) == away


class Killing(Resume):
    """Kills a replica that computes a gradient, at the sixth of ten steps; keeps the state after the eighth."""

    def __init__(self):
        super().__init__()
        self.steps, self.pids, self.kept = 0, [], None

    def step(self, state):
        updates = state.__self__
        self.steps += 1
        if self.steps == 1:
            asked = [replica.__ray_call__.remote(lambda _: os.getpid()) for replica in updates.replicas]
            self.pids = updates.ray.get(asked)
        if self.steps == 6:
            os.kill(self.pids[list(updates.busy.values())[-1]], signal.SIGKILL)
        if self.steps == 8:
            tensors, rest = state()
            self.kept = {name: tensor.clone() for name, tensor in tensors.items()}, rest


@needs_ray
def test_a_replica_that_is_killed_costs_its_current_gradient_alone(capsys):
    made, killing = network(), Killing()
    before = signal.getsignal(signal.SIGTERM)
    metrics, _ = train(made, SPLITS, REAL, RUNTIME, lambda row: None, killing)
    assert signal.getsignal(signal.SIGTERM) is before  # Ray takes it, and the job needs it to save its state
    found = metrics.asynchronous
    assert found.real and found.replicas == 2 and found.speed_up is None
    assert 1 <= found.lost_updates <= 2  # one gradient, of which a shard may have had its part
    assert sum(found.staleness) + found.lost_updates == 10 * 2
    assert capsys.readouterr().out.count("was lost, and its gradient with it") == 1
    assert [row.epoch for row in metrics.epochs] == [1, 2] and np.isfinite(metrics.epochs[-1].train_loss)
    assert not all(
        torch.equal(*pair) for pair in zip(made.model.parameters(), network().model.parameters(), strict=True)
    )
    state = TrainState(network().model, REAL, 5, killing.kept, TrainingEpoch, "losses", MAIN_LOSSES)
    resumed = ParameterServer(state, REAL, lambda update: 0.1, None)
    assert sum(shard.updates for shard in resumed.shards) == 8 * 2 - found.lost_updates
    assert state.step == 8 and len(state.seen["losses"]) == 2  # of the epoch's: one of three is lost


@needs_ray
def test_one_replica_has_the_bits_of_synchronous_training():
    """Without dropout, whose masks the replica draws from a generator of its own."""
    one, synchronous = (network(spec(dropout=0.0, aux_dropout=0.0)) for _ in range(2))
    alone = changed(REAL, replicas={"count": 1}, epochs=1)
    train(one, SPLITS, alone, RUNTIME, lambda row: None, NOWHERE)
    train(synchronous, SPLITS, changed(alone, update="synchronous"), RUNTIME, lambda row: None, NOWHERE)
    expected = synchronous.model.state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in one.model.state_dict().items())
