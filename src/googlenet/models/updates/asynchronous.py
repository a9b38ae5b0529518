"""Simulation of asynchronous updates: DistBelief's Downpour SGD (Dean et al. 2012), which the paper used.

A parameter server holds the weights in shards, with momentum and the Polyak average. Model replicas fetch weights,
compute the gradient of a batch and push it. A shard applies each gradient on arrival, to weights that other replicas
have since changed; the number of those changes is the gradient's staleness. Here all of them take turns in one process,
in the order of a simulated clock with seeded durations, so that the same settings give the same bits.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from googlenet.config.schema.classification import TrainClassifier
from googlenet.metrics.training import AsynchronousTraining
from googlenet.models.training import Average, GradientDescent, TrainState, forget_gradients, gradient_of
from googlenet.models.updates import Gradient

COMPUTED = -1  # in place of a shard: the event of a replica finishing its gradient


def shards_of(sizes: Sequence[int], count: int) -> list[list[int]]:
    """Distribute parameters over shards, largest first, each to the smallest shard; return each shard's indices."""
    places: list[list[int]] = [[] for _ in range(count)]
    for place in sorted(range(len(sizes)), key=lambda place: (-sizes[place], place)):
        min(places, key=lambda shard: sum(sizes[each] for each in shard)).append(place)
    return [sorted(shard) for shard in places]


class ShardState(NamedTuple):
    """The state of a shard. tensors: weights, then averages, then velocities, each by parameter."""

    tensors: list[Tensor]
    updates: int
    staleness: Counter[int]


class Shard:
    """A part of the parameters, with their momentum and average: applies each gradient as it arrives.

    updates: how many it has applied. staleness: the number of applied gradients by staleness."""

    def __init__(
        self,
        parameters: Sequence[Tensor],
        descent: GradientDescent,
        average: Average,
        places: Sequence[int],
        rate: Callable[[int], float],
    ):
        """parameters: its own, at the indices `places` in `average`. rate: of an update, by its index."""
        self.parameters, self.descent, self.average, self.places = parameters, descent, average, places
        self.rate, self.updates, self.staleness = rate, 0, Counter[int]()

    def apply(self, gradients: Sequence[Tensor], version: int) -> None:
        """Apply gradients computed on its weights after `version` updates, and average in the new weights."""
        self.staleness[self.updates - version] += 1
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient
        self.descent.step(self.rate(self.updates))  # leaves parameters without a gradient unchanged
        self.average.update(self.updates, self.places)
        for parameter in self.parameters:
            parameter.grad = None
        self.updates += 1

    def state(self) -> ShardState:
        """Its current state; the tensors are the shard's own, not copies."""
        weights = [p.detach() for p in self.parameters]
        averages = [self.average.weights[place] for place in self.places]
        velocities = [self.descent.velocities[p] for p in self.parameters]
        return ShardState([*weights, *averages, *velocities], self.updates, self.staleness)

    def restore(self, state: ShardState) -> None:
        """Restore a state."""
        for own, kept in zip(self.state().tensors, state.tensors, strict=True):
            own.copy_(kept)
        self.updates, self.staleness = state.updates, Counter(state.staleness)


class ParameterServer:
    """The shards, whose weights, momenta and averages are those of `state`."""

    real = False

    def __init__(
        self, state: TrainState[Any], settings: TrainClassifier, rate: Callable[[int], float], gradient: Gradient
    ):
        """rate: the learning rate of an update, by its index. Resumes from `state.others` if it has a state."""
        self.state, self.settings, self.rate, self.gradient = state, settings.replicas, rate, gradient
        self.parameters = list(state.model.parameters())
        places = shards_of([p.numel() for p in self.parameters], self.settings.shards)
        self.shards = [
            Shard([self.parameters[place] for place in own], state.descent, state.average, own, rate) for own in places
        ]
        if "server updates" in state.others:
            counts = zip(
                state.others["server updates"].tolist(), state.others["server staleness"].tolist(), strict=True
            )
            for shard, (updates, staleness) in zip(self.shards, counts, strict=True):
                shard.updates, shard.staleness = updates, Counter(dict(enumerate(staleness)))

    def stale(self) -> Tensor:
        """The number of updates by shard and staleness, int [shards, staleness]."""
        most = max((stale for shard in self.shards for stale in shard.staleness), default=0)
        return torch.tensor([[shard.staleness[stale] for stale in range(most + 1)] for shard in self.shards])

    def saved(self) -> tuple[dict[str, Tensor], Any]:
        """The state of the training, with the shards' counts."""
        self.state.others["server updates"] = torch.tensor([shard.updates for shard in self.shards])
        self.state.others["server staleness"] = self.stale()
        return self.state.state()

    def measured(self) -> AsynchronousTraining:
        """The metrics of these updates."""
        staleness = self.stale().sum(0).tolist()
        lost = self.state.step * len(self.shards) - sum(staleness)
        return AsynchronousTraining(
            real=self.real, replicas=self.settings.count, staleness=staleness, lost_updates=lost
        )


class Replica:
    """A replica's copy of the weights as fetched, and its gradient until every shard has received it.

    versions: each shard's update count when it was fetched. pending: shards that it has yet to visit."""

    def __init__(self, parameters: Sequence[Tensor], shards: int):
        self.weights = [p.detach().clone() for p in parameters]
        self.gradients: list[Tensor] = []
        self.versions, self.pending, self.away = [0] * shards, 0, False


class Simulation(ParameterServer):
    """The server, its replicas, and the clock."""

    def __init__(
        self, state: TrainState[Any], settings: TrainClassifier, rate: Callable[[int], float], gradient: Gradient
    ):
        """As ParameterServer."""
        super().__init__(state, settings, rate, gradient)
        self.replicas = [Replica(self.parameters, len(self.shards)) for _ in range(self.settings.count)]
        self.turn = self.drawn = self.numbered = 0
        self.now = 0.0
        self.events: list[tuple[float, int, int, int]] = []  # time, number, replica, shard
        if "server clock" in state.others:
            self._restore()
        else:
            for number in range(self.settings.count):
                self._schedule(number, COMPUTED, self._duration())

    def step(self, crops: np.ndarray, labels: np.ndarray) -> None:
        """Have the next replica to finish compute the gradient of a batch, with the weights that it fetched, and push
        it to every shard, from which it also fetches the newest weights."""
        self._come_and_go()
        self._deliver()
        self.now, _, self.turn, _ = heappop(self.events)
        replica = self.replicas[self.turn]
        self._exchange(replica)
        losses = self.gradient(crops, labels)
        self._exchange(replica)
        replica.gradients = [gradient_of(p) for p in self.parameters]
        forget_gradients(self.parameters)
        self._send(self.turn)
        self.state.count()
        self.state.see(losses)
        self._deliver()

    def end_epoch(self) -> None:
        """Do nothing: the server's weights are those of the state."""

    def finish(self) -> AsynchronousTraining:
        """Apply the gradients in flight; no replica computes another one."""
        mean = np.exp(self.settings.spread**2 / 2)  # of a gradient's time, log-normal
        speed_up = self.state.step / self.now * float(mean)
        while self.events:
            _, _, number, shard = heappop(self.events)
            if shard != COMPUTED and not self.replicas[number].away:
                self._push(number, shard)
        return self.measured().model_copy(update={"speed_up": speed_up})

    def saved(self) -> tuple[dict[str, Tensor], Any]:
        """The state of the training, with all that later turns depend on."""
        others = self.state.others
        clock = [self.now, self.drawn, self.numbered, self.state.descent.rate]
        others["server clock"] = torch.tensor(clock, dtype=torch.float64)
        others["server events"] = torch.tensor(sorted(self.events), dtype=torch.float64).view(-1, 4)
        for number, replica in enumerate(self.replicas):
            values = [replica.pending, replica.away, bool(replica.gradients), *replica.versions]
            others[f"replica {number}"] = torch.tensor(values, dtype=torch.int64)
            for place, weight in enumerate(replica.weights):
                others[f"replica {number} weight {place}"] = weight
                if replica.gradients:
                    others[f"replica {number} gradient {place}"] = replica.gradients[place]
                else:
                    others.pop(f"replica {number} gradient {place}", None)
        return super().saved()

    def _restore(self) -> None:
        others = self.state.others
        self.now, *counts, self.state.descent.rate = others["server clock"].tolist()
        self.drawn, self.numbered = map(int, counts)
        self.events = [
            (time, int(number), int(replica), int(shard))
            for time, number, replica, shard in others["server events"].tolist()
        ]
        heapify(self.events)
        for number, replica in enumerate(self.replicas):
            replica.pending, away, sent, *replica.versions = others[f"replica {number}"].tolist()
            replica.away = bool(away)
            for place, weight in enumerate(replica.weights):
                weight.copy_(others[f"replica {number} weight {place}"])
                if sent:
                    replica.gradients.append(
                        torch.empty_like(weight).copy_(others[f"replica {number} gradient {place}"])
                    )

    def _deliver(self) -> None:
        """Deliver the messages that arrive before the next gradient is computed."""
        while self.events and (self.events[0][3] != COMPUTED or self.replicas[self.events[0][2]].away):
            self.now, _, number, shard = heappop(self.events)
            if not self.replicas[number].away:  # messages of a replica that left are lost
                self._push(number, shard)
                self._fetch(number, shard)

    def _come_and_go(self) -> None:
        """Let replicas leave, losing their gradients in flight, and come back, at the steps in the settings."""
        for row in self.settings.absences:
            replica = self.replicas[row.replica]
            if self.state.step == row.from_step:
                replica.away, replica.gradients = True, []
            elif self.state.step == row.to_step and replica.away:
                self.events = [event for event in self.events if event[2] != row.replica]
                heapify(self.events)
                replica.away = False
                self._send(row.replica)

    def _send(self, number: int) -> None:
        """Schedule a replica's visits to all shards, each after a random delay: uniform, with the mean as set."""
        self.replicas[number].pending = len(self.shards)
        for shard in range(len(self.shards)):
            self._schedule(number, shard, self.settings.transfer * 2 * self._random().random())

    def _push(self, number: int, shard: int) -> None:
        """Apply a replica's gradient at a shard, if it has one."""
        replica, at = self.replicas[number], self.shards[shard]
        if replica.gradients:
            at.apply([replica.gradients[place] for place in at.places], replica.versions[shard])

    def _fetch(self, number: int, shard: int) -> None:
        """Take a shard's newest weights; after the last shard's, the replica begins its next gradient."""
        replica, at = self.replicas[number], self.shards[shard]
        with torch.no_grad():
            for place, parameter in zip(at.places, at.parameters, strict=True):
                replica.weights[place].copy_(parameter)
        replica.versions[shard] = at.updates
        replica.pending -= 1
        if not replica.pending:
            replica.gradients = []
            self._schedule(number, COMPUTED, self._duration())

    def _exchange(self, replica: Replica) -> None:
        """Swap the model's weights and a replica's."""
        for place, parameter in enumerate(self.parameters):
            parameter.data, replica.weights[place] = replica.weights[place], parameter.data

    def _schedule(self, number: int, shard: int, after: float) -> None:
        heappush(self.events, (self.now + after, self.numbered, number, shard))
        self.numbered += 1

    def _duration(self) -> float:
        """The random time to compute a gradient; its median is the unit of time."""
        return float(np.exp(self.settings.spread * self._random().standard_normal()))

    def _random(self) -> np.random.Generator:
        """A separate generator for each draw, so that a resumed training continues with the same numbers."""
        self.drawn += 1
        return np.random.Generator(np.random.Philox(key=[self.settings.schedule_seed, self.drawn]))


def start(
    state: TrainState[Any], settings: TrainClassifier, rate: Callable[[int], float], gradient: Gradient
) -> Simulation:
    """Begin or continue."""
    return Simulation(state, settings, rate, gradient)
