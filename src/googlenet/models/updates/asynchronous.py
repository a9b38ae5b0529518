"""Asynchronous updates, simulated: DistBelief's Downpour SGD (Dean et al. 2012), with which the paper
trained.

A parameter server holds the weights in shards, with momentum and Polyak's average. Model replicas fetch the weights,
compute the gradient of a batch and push it. A shard applies each gradient when it arrives, to weights that other replicas
have changed since; the number of those changes is the gradient's staleness. Here all of them take turns in one process,
in the order of a clock whose durations come from a seed, so that the same settings give the same bits.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from heapq import heapify, heappop, heappush
from typing import Any

import numpy as np
import torch
from torch import Tensor

from googlenet.config.schema.classification import Replicas, TrainClassifier
from googlenet.models.training import TrainState, gradient_of

COMPUTED = -1  # in place of a shard: the event that a replica has computed its gradient


def shards_of(sizes: Sequence[int], count: int) -> list[list[int]]:
    """Spread parameters of these sizes over shards; returns each shard's places. Largest first, to the smallest shard."""
    places: list[list[int]] = [[] for _ in range(count)]
    for place in sorted(range(len(sizes)), key=lambda place: (-sizes[place], place)):
        min(places, key=lambda shard: sum(sizes[each] for each in shard)).append(place)
    return [sorted(shard) for shard in places]


class Replica:
    """A copy of the weights as a replica fetched them, and its gradient until every shard has it.

    versions: updates of each shard when it was fetched. pending: shards that it has yet to visit."""

    def __init__(self, parameters: Sequence[Tensor], shards: int):
        self.weights = [p.detach().clone() for p in parameters]
        self.gradients: list[Tensor] = []
        self.versions, self.pending, self.away = [0] * shards, 0, False


class ParameterServer:
    """The server's shards, the replicas, and the clock. The weights, momenta and averages are those of `state`.

    updates: of each shard."""

    def __init__(self, state: TrainState[Any], settings: Replicas, rate: Callable[[int], float]):
        """rate: the learning rate of an update, by its number. Continues where `state.others` says so."""
        self.state, self.settings, self.rate = state, settings, rate
        self.parameters = list(state.model.parameters())
        self.shards = shards_of([p.numel() for p in self.parameters], settings.shards)
        self.updates, self._stale = [0] * settings.shards, Counter[int]()
        self.replicas = [Replica(self.parameters, settings.shards) for _ in range(settings.count)]
        self.turn = self.drawn = self.numbered = 0
        self.now = 0.0
        self.events: list[tuple[float, int, int, int]] = []  # time, number, replica, shard
        if "server clock" in state.others:
            self._restore()
        else:
            for number in range(settings.count):
                self._schedule(number, COMPUTED, self._duration())

    @property
    def staleness(self) -> tuple[int, ...]:
        """How many updates had which staleness, by staleness."""
        return tuple(self._stale[stale] for stale in range(max(self._stale, default=0) + 1))

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Within the block, the model has the weights that the next replica to finish has fetched: it computes its gradient."""
        self._come_and_go()
        self._deliver()
        self.now, _, self.turn, _ = heappop(self.events)
        replica = self.replicas[self.turn]
        self._exchange(replica)
        try:
            yield
        finally:
            self._exchange(replica)

    def apply(self) -> None:
        """Send the gradient that was computed to every shard, where the replica also fetches the newest weights."""
        replica = self.replicas[self.turn]
        replica.gradients = [gradient_of(p) for p in self.parameters]
        self._send(self.turn)
        self.state.count()
        self._deliver()

    def finish(self) -> None:
        """Apply the gradients that are under way; no replica computes another one."""
        while self.events:
            _, _, number, shard = heappop(self.events)
            if shard != COMPUTED and not self.replicas[number].away:
                self._visit(number, shard, last=True)

    def saved(self) -> tuple[dict[str, Tensor], Any]:
        """The state of the training, with all that later turns depend on."""
        others = self.state.others
        others["server clock"] = torch.tensor([self.now, self.drawn, self.numbered], dtype=torch.float64)
        others["server events"] = torch.tensor(sorted(self.events), dtype=torch.float64).view(-1, 4)
        others["server updates"] = torch.tensor(self.updates)
        others["server staleness"] = torch.tensor(self.staleness)
        for number, replica in enumerate(self.replicas):
            values = [replica.pending, replica.away, bool(replica.gradients), *replica.versions]
            others[f"replica {number}"] = torch.tensor(values, dtype=torch.int64)
            for place, weight in enumerate(replica.weights):
                others[f"replica {number} weight {place}"] = weight
                if replica.gradients:
                    others[f"replica {number} gradient {place}"] = replica.gradients[place]
                else:
                    others.pop(f"replica {number} gradient {place}", None)
        return self.state.state()

    def _restore(self) -> None:
        others = self.state.others
        self.now, *counts = others["server clock"].tolist()
        self.drawn, self.numbered = map(int, counts)
        self.events = [
            (time, int(order), int(number), int(shard))
            for time, order, number, shard in others["server events"].tolist()
        ]
        heapify(self.events)
        self.updates = others["server updates"].tolist()
        self._stale = Counter(dict(enumerate(others["server staleness"].tolist())))
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
        """Let what arrives before the next gradient is computed reach its shards."""
        while self.events and (self.events[0][3] != COMPUTED or self.replicas[self.events[0][2]].away):
            self.now, _, number, shard = heappop(self.events)
            if not self.replicas[number].away:  # what a replica that left had under way is lost
                self._visit(number, shard)

    def _come_and_go(self) -> None:
        """Let replicas leave, with what they have under way, and come back, at the step that the settings say."""
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
        """Let a replica visit every shard, after a time of its own for each: uniform, with the mean of the settings."""
        self.replicas[number].pending = len(self.shards)
        for shard in range(len(self.shards)):
            self._schedule(number, shard, self.settings.transfer * 2 * self._random().random())

    def _visit(self, number: int, shard: int, last: bool = False) -> None:
        """At a shard: apply a replica's gradient, if it has one, and take the shard's newest weights back."""
        replica, places = self.replicas[number], self.shards[shard]
        if replica.gradients:
            self._stale[self.updates[shard] - replica.versions[shard]] += 1
            self._update(shard, [replica.gradients[place] for place in places])
        if last:
            return
        with torch.no_grad():
            for place in places:
                replica.weights[place].copy_(self.parameters[place])
        replica.versions[shard] = self.updates[shard]
        replica.pending -= 1
        if not replica.pending:
            replica.gradients = []
            self._schedule(number, COMPUTED, self._duration())

    def _update(self, shard: int, gradients: Sequence[Tensor]) -> None:
        """Descend a gradient of a shard's parameters, and average in their new values."""
        places, update = self.shards[shard], self.updates[shard]
        self.state.model.zero_grad()  # the optimiser leaves parameters without a gradient as they are
        for place, gradient in zip(places, gradients, strict=True):
            self.parameters[place].grad = gradient
        self.state.descend_some(self.rate(update), update, places)
        self.state.model.zero_grad()
        self.updates[shard] += 1

    def _exchange(self, replica: Replica) -> None:
        """Exchange the model's weights and a replica's."""
        for place, parameter in enumerate(self.parameters):
            parameter.data, replica.weights[place] = replica.weights[place], parameter.data

    def _schedule(self, number: int, shard: int, after: float) -> None:
        heappush(self.events, (self.now + after, self.numbered, number, shard))
        self.numbered += 1

    def _duration(self) -> float:
        """Of computing a gradient; its median is the unit of time."""
        return float(np.exp(self.settings.spread * self._random().standard_normal()))

    def _random(self) -> np.random.Generator:
        """A generator of its own for each draw, so that a resumed training goes on with the same numbers."""
        self.drawn += 1
        return np.random.Generator(np.random.Philox(key=[self.settings.schedule_seed, self.drawn]))


def start(state: TrainState[Any], settings: TrainClassifier, rate: Callable[[int], float]) -> ParameterServer:
    """Begin or continue."""
    return ParameterServer(state, settings.replicas, rate)
