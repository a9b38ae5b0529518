"""Shared by training a classifier and fine-tuning a detector: the optimiser, its schedule, and Polyak averaging."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.optim.sgd import sgd

from googlenet.config.schema.shared import Averaging, Optimisation
from googlenet.metrics.base import Metrics
from googlenet.models.determinism import return_freed_memory
from googlenet.tracking.progress import Progress

STEPS_BETWEEN_RETURNS = 500  # of freed memory; each takes some milliseconds


class ParameterGroup(NamedTuple):
    """Parameters that share a weight decay and a factor on the learning rate."""

    parameters: list[Tensor]
    weight_decay: float
    rate_factor: float


class GradientDescent:
    """Stochastic gradient descent with momentum (section 6); as in the Caffe replica, with weight decay on weights only
    and a factor on the learning rate of biases, which include batch normalisation's shifts.

    torch.optim.SGD calls the same function, but imports torch's compiler: 1.5 seconds at a job's start. rate: of the
    last step, for weights. velocities: by parameter, in the model's order.
    """

    def __init__(self, model: nn.Module, momentum: float, weight_decay: float, bias_rate_factor: float = 1.0):
        self.momentum, self.rate = momentum, 0.0
        named = dict(model.named_parameters())
        self.velocities: dict[Tensor, Tensor] = {p: torch.zeros_like(p) for p in named.values()}
        biases = {name for name, p in named.items() if p.ndim == 1 and name.endswith("bias")}
        gains = {name for name, p in named.items() if p.ndim == 1} - biases  # of batch normalisation
        self.groups = (
            ParameterGroup([p for p in named.values() if p.ndim > 1], weight_decay, 1.0),
            ParameterGroup([p for name, p in named.items() if name in gains], 0.0, 1.0),
            ParameterGroup([p for name, p in named.items() if name in biases], 0.0, bias_rate_factor),
        )

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Update the parameters from their gradients at a learning rate; those without a gradient are unchanged."""
        self.rate = rate
        for group in self.groups:
            moved = {p: p.grad for p in group.parameters if p.grad is not None}
            sgd(
                list(moved),
                list(moved.values()),
                [self.velocities[p] for p in moved],
                fused=True,
                lr=rate * group.rate_factor,
                momentum=self.momentum,
                weight_decay=group.weight_decay,
                dampening=0,
                nesterov=False,
                maximize=False,
            )


def learning_rate(step: int, steps_per_epoch: int, settings: Optimisation) -> float:
    """The learning rate of a step after a linear warm-up: the paper's, x 0.96 every 8 epochs; or decay to zero over all
    epochs, as a power of the share of steps left (Caffe's `poly`, of the replica's quick solver) or as a cosine."""
    base = settings.learning_rate * min(1.0, (step + 1) / max(1, settings.warmup_steps))
    done = step / max(1, settings.epochs * steps_per_epoch)
    if settings.schedule == "poly":
        return float(base * (1 - done) ** settings.poly_power)
    if settings.schedule == "cosine":
        return base * 0.5 * (1 + torch.cos(torch.tensor(done * torch.pi, dtype=torch.float64)).item())
    return base * settings.drop_factor ** (step // steps_per_epoch // settings.drop_every_epochs)


class Average:
    """Polyak averaging of weights (section 6), and of batch normalisation's statistics; the paper gives no formula.

    Exponential: decay min(decay, (step + 1) / (step + 10)), so that the first steps fade quickly. Equal: the running
    mean of all weights from `start_epoch` on, the latest ones before it.
    """

    def __init__(self, model: nn.Module, steps_per_epoch: int, settings: Averaging):
        self.form, self.decay = settings.form, settings.decay
        self.start_step = settings.start_epoch * steps_per_epoch
        self.latest = [value.detach() for value in averaged(model)]  # the model's own; listed only once
        self.weights = [value.clone() for value in self.latest]

    @torch.no_grad()
    def update(self, step: int, places: Sequence[int] | None = None) -> None:
        """Include the weights after step `step` (from 0). places: indices of those that it changed; all if None."""
        if self.form == "exponential":
            share = 1 - min(self.decay, (step + 1) / (step + 10))
        else:
            share = 1 / max(1, step - self.start_step + 1)
        weights, latest = self.weights, self.latest
        if places is not None:
            weights, latest = ([values[place] for place in places] for values in (weights, latest))
        torch._foreach_lerp_(weights, latest, share)

    @torch.no_grad()
    def swap(self, model: nn.Module) -> None:
        """Exchange the model's weights and the averaged ones; a second call undoes it."""
        for kept, present in zip(self.weights, averaged(model), strict=True):
            former = present.detach().clone()
            present.copy_(kept)
            kept.copy_(former)


def averaged(model: nn.Module) -> list[Tensor]:
    """Return the averaged tensors of a model: its parameters, then the running statistics of batch normalisation."""
    layers = [layer for layer in model.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
    statistics = [value for layer in layers for value in (layer.running_mean, layer.running_var)]
    return [*model.parameters(), *(value for value in statistics if value is not None)]


RowT = TypeVar("RowT", bound=Metrics)
Kept = tuple[Mapping[str, Tensor], Any] | None  # the state of an interrupted training: tensors and plain values


class TrainState(Generic[RowT]):
    """State that training steps change, saved so that an interrupted training resumes bit-identically (resume.py).

    step: steps done. rows: one of the class `row` for each finished epoch. seen: by name, a tensor of every step since
    then. others: anything else that a step depends on.
    """

    def __init__(
        self, model: nn.Module, settings: Optimisation, steps_per_epoch: int, kept: Kept, row: type[RowT], *seen: str
    ):
        """Start with a new optimiser and average, or resume an interrupted training from `kept`, its `state`."""
        self.model, self.row, self.steps_per_epoch = model, row, steps_per_epoch
        self.descent = GradientDescent(model, settings.momentum, settings.weight_decay, settings.bias_rate_factor)
        self.average = Average(model, steps_per_epoch, settings.averaging)
        self.step, self.rows = 0, list[RowT]()
        self.seen: dict[str, list[Tensor]] = {name: [] for name in seen}
        self.others, self._random = dict[str, Tensor](), dict[str, Tensor]()
        if kept is not None:
            self._restore(*kept)
        self.progress = Progress("steps", settings.epochs * steps_per_epoch, self.step)

    def state(self) -> tuple[dict[str, Tensor], Any]:
        """All of it, as tensors and plain values."""
        tensors = {f"model {name}": value for name, value in self.model.state_dict().items()}
        tensors |= {f"average {i:04d}": value for i, value in enumerate(self.average.weights)}
        tensors |= {f"momentum {i:04d}": value for i, value in enumerate(self.descent.velocities.values())}
        tensors |= {f"seen {name}": torch.stack(values) for name, values in self.seen.items() if values}
        tensors |= {f"other {name}": value for name, value in self.others.items()}
        tensors["random cpu"] = torch.get_rng_state()
        if self.average.weights[0].is_cuda:
            tensors["random cuda"] = torch.cuda.get_rng_state()
        return tensors, {"step": self.step, "rows": [row.to_json() for row in self.rows]}

    @torch.no_grad()
    def _restore(self, tensors: Mapping[str, Tensor], rest: Any) -> None:
        """Restore a state."""
        self.step, self.rows = rest["step"], [self.row.model_validate(row) for row in rest["rows"]]
        of = defaultdict[str, dict[str, Tensor]](dict)
        for key, value in tensors.items():
            kind, name = key.split(" ", 1)
            of[kind][name] = value
        self.model.load_state_dict(of["model"])
        velocities = list(self.descent.velocities.values())
        for i, value in of["average"].items():
            self.average.weights[int(i)].copy_(value)
        for i, value in of["momentum"].items():
            velocities[int(i)].copy_(value)
        device = velocities[0].device
        for name, value in of["seen"].items():
            self.seen[name] = list(value.to(device).unbind())
        self.others, self._random = of["other"], of["random"]

    def fingerprint(self) -> tuple[float, ...]:
        """Numbers that practically identify the state, to compare two processes or two runs."""
        sums = (
            sum(value.double().sum().item() for value in group)
            for group in (averaged(self.model), self.average.weights)
        )
        return self.step, *sums

    def begin_step(self) -> None:
        """Restore the random state at the first step after a restart (loaders draw from it); regularly free memory."""
        if self.step % STEPS_BETWEEN_RETURNS == 0:
            return_freed_memory()
        if self._random:
            torch.set_rng_state(self._random["cpu"])
            if "cuda" in self._random and torch.cuda.is_available():
                torch.cuda.set_rng_state(self._random["cuda"])
            self._random = {}

    def descend(self, loss: Tensor, rate: float) -> None:
        """Finish a step: backpropagate its loss, update the weights at a learning rate, and average them in."""
        forget_gradients(self.descent.velocities)
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no types for it
        self.descend_gradient(rate)

    def descend_gradient(self, rate: float) -> None:
        """As `descend`, for a gradient that has been computed."""
        self.descent.step(rate)
        self.average.update(self.step)
        self.count()

    def see(self, values: Sequence[Tensor]) -> None:
        """Append a step's values to the lists in `seen`, in their order."""
        for kept, value in zip(self.seen.values(), values, strict=True):
            kept.append(value)

    def count(self) -> None:
        """Count a step as done."""
        self.step += 1
        self.progress.add()


def loss_of(output: tuple[Tensor, list[Tensor]], labels: Tensor, aux_weight: float) -> Tensor:
    """Cross-entropy of the main logits plus `aux_weight` (0.3, section 5) times that of every auxiliary head."""
    logits, aux = output
    loss = nn.functional.cross_entropy(logits.float(), labels)
    for head in aux:
        loss = loss + aux_weight * nn.functional.cross_entropy(head.float(), labels)
    return loss


def forget_gradients(parameters: Iterable[Tensor]) -> None:
    """Remove the gradients of a step, as `Module.zero_grad` does. That looks for a model's parameters in all its
    modules, which takes a millisecond."""
    for parameter in parameters:
        parameter.grad = None


def gradient_of(parameter: Tensor) -> Tensor:
    """The gradient of a parameter after a backward pass."""
    assert parameter.grad is not None  # every trained parameter contributes to the loss
    return parameter.grad
