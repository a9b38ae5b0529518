"""Asynchronous updates across processes, as in the paper's DistBelief, with Ray actors as replicas and shards.

Shards apply gradients as in the simulation (asynchronous.py), but the order of arrival depends on the machine, so no
run is reproducible to the bit. An epoch ends when the gradients of all its batches have arrived or are lost. A replica
that dies is restarted, and only its gradient in flight is lost.
"""

import os
import signal
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module, util
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from googlenet.config.schema.classification import Absence, TrainClassifier
from googlenet.errors import UserError
from googlenet.metrics.training import AsynchronousTraining
from googlenet.models.determinism import prepare_machine
from googlenet.models.training import Average, GradientDescent, TrainState, gradient_of
from googlenet.models.updates import Gradient
from googlenet.models.updates.asynchronous import ParameterServer, Shard, ShardState

RESTARTS = 3  # of a replica; one that dies more often is not restarted
STORE_BYTES = 100_000_000  # of shared memory, in addition to the data in flight


def check_installed() -> None:
    """Raise UserError if Ray is missing."""
    if not util.find_spec("ray"):
        raise UserError(
            "train_classifier.update: asynchronous_ray needs ray, which is not installed; run `pip install ray`, or set"
            " asynchronous, which simulates it"
        )


def begun(cores: int, store_bytes: int) -> Any:
    """Start Ray with processes on this machine that end with this one; the job keeps its own signal handlers."""
    check_installed()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # otherwise it reports to its makers
    ray, handler = import_module("ray"), signal.getsignal(signal.SIGTERM)
    ray.init(
        address="local",
        num_cpus=cores,
        include_dashboard=False,
        object_store_memory=store_bytes,
        log_to_driver=False,
        logging_level="ERROR",
    )
    signal.signal(signal.SIGTERM, handler)
    return ray


def absent(absences: Sequence[Absence], step: int) -> set[int]:
    """The replicas that are away at a step at which a training continues."""
    return {row.replica for row in absences if row.from_step < step < row.to_step}


def shard_lost() -> UserError:
    """The error of a shard that has died: its weights and momentum are lost with it."""
    return UserError(
        "train_classifier.update: a process of the parameter server was lost, often for lack of memory; run the same"
        " command again, which resumes this training from its last state"
    )


class ShardActor:
    """A shard in its own process, with copies of its parameters."""

    def __init__(
        self,
        named: Mapping[str, Tensor],
        state: ShardState,
        settings: TrainClassifier,
        steps_per_epoch: int,
        rate: Callable[[int], float],
    ):
        """named: its parameters by name, by which the optimiser recognises biases. rate: of an update, by its index."""
        prepare_machine(1, "cpu")
        part = nn.Module()
        for name, value in named.items():
            part.register_parameter(name.replace(".", "/"), nn.Parameter(value))
        descent = GradientDescent(part, settings.momentum, settings.weight_decay, settings.bias_rate_factor)
        average = Average(part, steps_per_epoch, settings.averaging)
        self.shard = Shard(list(part.parameters()), descent, average, range(len(named)), rate)
        self.shard.restore(state)

    def visit(self, gradients: Sequence[Tensor], version: int) -> tuple[list[Tensor], int]:
        """Apply a replica's gradients, if it brings any; return the newest weights and their number of updates."""
        if gradients:
            self.shard.apply(gradients, version)
        return [p.detach() for p in self.shard.parameters], self.shard.updates

    def state(self) -> ShardState:
        """The current state of the shard."""
        return self.shard.state()


class ReplicaActor:
    """A model replica in its own process."""

    def __init__(self, gradient: Gradient, shards: Sequence[tuple[Any, Sequence[int]]], threads: int, seed: int):
        """shards: their actors, and the indices of their parameters. seed: of dropout."""
        prepare_machine(threads, "cpu")
        torch.manual_seed(seed)
        self.ray, self.gradient, self.shards = import_module("ray"), gradient, shards
        self.parameters, self.versions = list(gradient.model.parameters()), [0] * len(shards)
        gradient.model.train()
        self._visit([])

    def ready(self) -> None:
        """Return once it has the weights."""

    def compute(self, crops: np.ndarray, labels: np.ndarray) -> list[float]:
        """Compute the gradient of a batch and push it to every shard; return the losses."""
        losses = self.gradient(crops.copy(), labels.copy())  # Ray's arrays are read-only, about which torch warns
        self._visit([gradient_of(p) for p in self.parameters])
        return [loss.item() for loss in losses]

    @torch.no_grad()
    def _visit(self, gradients: Sequence[Tensor]) -> None:
        """Push gradients, if there are any, to the shards, and fetch the newest weights from them."""
        asked = [
            actor.visit.remote([gradients[place] for place in places] if gradients else [], version)
            for (actor, places), version in zip(self.shards, self.versions, strict=True)
        ]
        for number, (weights, version) in enumerate(self.ray.get(asked)):
            for place, weight in zip(self.shards[number][1], weights, strict=True):
                self.parameters[place].copy_(weight)
            self.versions[number] = version


class Actors(ParameterServer):
    """The actors of replicas and shards; `shards` holds the state last fetched from the latter."""

    real = True

    def __init__(
        self, state: TrainState[Any], settings: TrainClassifier, rate: Callable[[int], float], gradient: Gradient
    ):
        """As ParameterServer. Raises UserError if Ray is missing."""
        super().__init__(state, settings, rate, gradient)
        threads, batch = settings.compute.numeric_threads, settings.batch_size
        of_replica = batch * 3 * settings.model.input_px**2 + 8 * sum(p.numel() for p in self.parameters)  # bytes
        self.ray = ray = begun(threads * self.settings.count, STORE_BYTES + 3 * of_replica * self.settings.count)
        self.errors, named = ray.exceptions, list(state.model.named_parameters())
        shard = ray.remote(ShardActor).options(num_cpus=0)
        self.servers = [
            shard.remote(
                {named[place][0]: named[place][1].detach() for place in own.places},
                own.state(),
                settings,
                state.steps_per_epoch,
                rate,
            )
            for own in self.shards
        ]
        reached = [(server, own.places) for server, own in zip(self.servers, self.shards, strict=True)]
        restarts = RESTARTS + len(self.settings.absences)
        replica = ray.remote(ReplicaActor).options(num_cpus=threads, max_restarts=restarts)
        seeds = [settings.member.order_seed + number for number in range(self.settings.count)]
        self.kept = ray.put(gradient)  # for replicas that are restarted
        self.replicas = [replica.remote(self.kept, reached, threads, seed) for seed in seeds]
        ray.get([each.ready.remote() for each in self.replicas])
        self.away, self.deaths = absent(self.settings.absences, state.step), Counter[int]()
        present = (number for number in range(self.settings.count) if number not in self.away)
        self.idle, self.busy = deque(present), dict[Any, int]()

    def step(self, crops: np.ndarray, labels: np.ndarray) -> None:
        """Give a batch to the next replica that is idle."""
        self._come_and_go()
        while not self.idle:
            if not self.busy:
                raise UserError(
                    f"train_classifier.replicas: every replica was lost, each {RESTARTS + 1} times; often for lack of memory:"
                    " lower replicas.count, and run the same command again"
                )
            self._collect(1)
        number = self.idle.popleft()
        self.busy[self.replicas[number].compute.remote(crops, labels)] = number
        self.state.count()

    def end_epoch(self) -> None:
        """Wait for all gradients, and fetch weights, averages and momenta."""
        self._collect(len(self.busy))
        try:
            states = self.ray.get([server.state.remote() for server in self.servers])
        except self.errors.RayActorError:
            raise shard_lost() from None
        for own, state in zip(self.shards, states, strict=True):
            own.restore(state)
        self.state.descent.rate = self.rate(max(0, max(own.updates for own in self.shards) - 1))

    def saved(self) -> tuple[dict[str, Tensor], Any]:
        """The state of the training, once all gradients have arrived."""
        self.end_epoch()
        return super().saved()

    def finish(self) -> AsynchronousTraining:
        """Wait for all gradients, and end the actors."""
        self.end_epoch()
        self.ray.shutdown()
        return self.measured()

    def _collect(self, count: int) -> None:
        """Wait until `count` of the busy replicas have pushed their gradients to the shards, or died."""
        if not count:
            return
        for done in self.ray.wait(list(self.busy), num_returns=count)[0]:
            number = self.busy.pop(done)
            try:
                losses = self.ray.get(done)
            except self.errors.RayTaskError as error:
                raise shard_lost() if isinstance(error.cause, self.errors.RayActorError) else error from None
            except self.errors.RayActorError:
                print(f"replica {number} was lost, and its gradient with it", flush=True)
                if number not in self.away:
                    self.deaths[number] += 1
                    self._come_back(number)
                continue
            if losses is not None:
                self.state.see(torch.tensor(losses).unbind())
            if number not in self.away:
                self.idle.append(number)

    def _come_back(self, number: int) -> None:
        """Give a replica that Ray restarts no batch before it is ready, and none at all if it has died too often."""
        if self.deaths[number] <= RESTARTS:
            self.busy[self.replicas[number].ready.options(max_task_retries=-1).remote()] = number

    def _come_and_go(self) -> None:
        """Let replicas leave, losing their gradients in flight, and come back, at the steps in the settings."""
        for row in self.settings.absences:
            if self.state.step == row.from_step:
                self.away.add(row.replica)
                self.ray.kill(self.replicas[row.replica], no_restart=False)
                self.idle = deque(number for number in self.idle if number != row.replica)
            elif self.state.step == row.to_step and row.replica in self.away:
                self.away.remove(row.replica)
                if row.replica not in self.busy.values():
                    self._come_back(row.replica)


def start(
    state: TrainState[Any], settings: TrainClassifier, rate: Callable[[int], float], gradient: Gradient
) -> Actors:
    """Begin or continue."""
    return Actors(state, settings, rate, gradient)
