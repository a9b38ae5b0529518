"""A structure: the widths of GoogLeNet's Inception modules as data; its cost, and the network that it describes.

All structures share a skeleton: the stem, the nine modules with the poolings between them, the heads, the classifier.
A budget of multiply-adds is divided among the modules as GoogLeNet divides it; within a module the widths keep given
proportions to each other, and one factor fits them to the module's share.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar, cast

from torch import nn

from googlenet.errors import UserError
from googlenet.models.googlenet import GoogLeNet, pooled
from googlenet.models.inception import AuxiliaryHead, Inception, convolution, scaled
from googlenet.models.network import Architecture, Network, NetworkSpec
from googlenet.models.table_1 import INCEPTION, POOL_BEFORE, Widths

KEY = "derive_structure.budget_macs"
TOLERANCE = 0.02  # of the budget, by which a structure's cost may miss it
EXACT = 0.002  # of the budget; single-unit steps stop when the cost is this close
REQUIRED = {"network": "paper", "inception": "reduced", "classifier": "average_pool", "repeat_modules": ()}
Modules = Mapping[str, Widths]
MadeT = TypeVar("MadeT")


class Skeleton(NamedTuple):
    """What all structures have in common. side_px: of each module's map."""

    stem_units: int  # channels of the map that 3a takes
    stem_macs: int
    side_px: dict[str, int]
    classes: int

    @classmethod
    def of(cls, shape: Architecture, classes: int) -> "Skeleton":
        """The skeleton of GoogLeNet in this shape, whose width applies to the stem."""
        c1, c2 = scaled(64, shape.width), scaled(192, shape.width)
        first = (shape.input_px - 1) // 2 + 1  # after conv1; then pool1, pool2
        second = pooled(first)
        px, side_px = pooled(second), dict[str, int]()
        for name in INCEPTION:
            px = pooled(px) if name in POOL_BEFORE and name != "3a" else px
            side_px[name] = px
        stem = 7 * 7 * 3 * c1 * first**2 + (c1 * c1 + 9 * c1 * c2) * second**2
        return cls(c2, stem, side_px, classes)

    @property
    def last(self) -> str:
        """The last module, whose output the classifier takes."""
        return list(self.side_px)[-1]

    def module_macs(self, name: str, n_in: int, widths: Widths) -> int:
        """Multiply-adds of a module that takes `n_in` channels; the last one's include the classifier's."""
        w = widths
        pointwise = n_in * (w.n1x1 + w.n3x3_reduce + w.n5x5_reduce + w.pool_proj)
        each = pointwise + 9 * w.n3x3_reduce * w.n3x3 + 25 * w.n5x5_reduce * w.n5x5
        return each * self.side_px[name] ** 2 + (outputs(widths) * self.classes if name == self.last else 0)

    def costs(self, modules: Modules) -> dict[str, int]:
        """Multiply-adds of every module."""
        n_in, costs = self.stem_units, dict[str, int]()
        for name, widths in modules.items():
            costs[name] = self.module_macs(name, n_in, widths)
            n_in = outputs(widths)
        return costs

    def macs(self, modules: Modules) -> int:
        """Multiply-adds of one image, without auxiliary heads."""
        return self.stem_macs + sum(self.costs(modules).values())


def outputs(widths: Widths) -> int:
    """The output channels of a module."""
    return widths.n1x1 + widths.n3x3 + widths.n5x5 + widths.pool_proj


def fitted(make: Callable[[float], MadeT], cost: Callable[[MadeT], int], target: float) -> MadeT:
    """Return make(factor) for the factor whose cost, which grows with it, comes closest to the target."""
    low, high = 0.0, 1.0
    while cost(make(high)) < target:
        high *= 2
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if cost(make(middle)) < target else (low, middle)
    return min(make(low), make(high), key=lambda made: abs(cost(made) - target))


def multiple(proportions: Sequence[float], factor: float) -> Widths:
    """Widths in these proportions, in Table 1's column order; a branch has at least one unit."""
    return Widths(*(scaled(1, factor * each) for each in proportions))


def of_googlenet(skeleton: Skeleton, budget: float) -> Modules:
    """GoogLeNet's modules scaled to a budget: one factor on all their widths, with the stem unchanged."""
    check(skeleton, budget)
    return fitted(
        lambda factor: {name: multiple(row, factor) for name, row in INCEPTION.items()}, skeleton.macs, budget
    )


def check(skeleton: Skeleton, budget: float) -> None:
    """Raise UserError if a budget is less than the cost of the smallest structure."""
    least = skeleton.macs({name: Widths(1, 1, 1, 1, 1, 1) for name in INCEPTION})
    if budget < least:
        raise UserError(
            f"{KEY}: {budget:,.0f} is less than the smallest structure's {least:,}, whose stem alone takes"
            f" {skeleton.stem_macs:,}; name more, or a smaller model.width or input_px"
        )


class Allotment:
    """A structure built module by module within a budget. Each module gets the fraction of the remaining budget that it
    has of GoogLeNet's cost in the remaining modules, so that rounding errors are passed on to the modules above."""

    def __init__(self, skeleton: Skeleton, googlenet: Modules, budget: int):
        self.skeleton, self.budget, self.modules = skeleton, budget, dict[str, Widths]()
        self._costs = skeleton.costs(googlenet)

    def add(self, name: str, proportions: Sequence[float]) -> Widths:
        """Add the next module, in these proportions (see `multiple`), and return its widths."""
        assert name == list(self.skeleton.side_px)[len(self.modules)]
        to_come = sum(cost for module, cost in self._costs.items() if module not in self.modules)
        target = (self.budget - self.skeleton.macs(self.modules)) * self._costs[name] / to_come
        n_in = outputs(list(self.modules.values())[-1]) if self.modules else self.skeleton.stem_units

        def cost(widths: Widths) -> int:
            return self.skeleton.module_macs(name, n_in, widths)

        self.modules[name] = fitted(lambda factor: multiple(proportions, factor), cost, target)
        return self.modules[name]

    def finished(self) -> Modules:
        """The whole structure, its cost fitted to the budget by greedily adding or removing the one unit that brings it
        closest. Raises UserError if it still misses the budget by more than the tolerance."""
        modules = dict(self.modules)
        while self._off(modules) > EXACT:
            nearest = min(neighbours(modules), key=self._off)
            if self._off(nearest) >= self._off(modules):
                break
            modules = nearest
        if self._off(modules) > TOLERANCE:
            raise UserError(
                f"{KEY}: no structure comes within {TOLERANCE:.0%} of {self.budget:,} multiply-adds (the closest has"
                f" {self.skeleton.macs(modules):,}): a unit more costs too much; name a larger budget"
            )
        return modules

    def _off(self, modules: Modules) -> float:
        return abs(self.skeleton.macs(modules) / self.budget - 1)


def neighbours(modules: Modules) -> list[dict[str, Widths]]:
    """All structures with one unit more or less in one branch or reduction."""
    steps = [(name, column, step) for name in modules for column in Widths._fields for step in (-1, 1)]
    moved = [
        (name, modules[name]._replace(**{column: getattr(modules[name], column) + step}))
        for name, column, step in steps
    ]
    return [{**modules, name: widths} for name, widths in moved if min(widths) > 0]


def check_shape(spec: NetworkSpec) -> None:
    """Raise UserError for a network whose modules are not the paper's."""
    values = {"network": spec.network, **{key: getattr(spec.architecture, key) for key in REQUIRED if key != "network"}}
    for key, value in REQUIRED.items():
        if values[key] != value:
            needed = value if isinstance(value, str) else "empty"
            raise UserError(
                f"model.{key}: {values[key]} has no structure to derive; it must be {needed} for `structures`"
            )


def build(spec: NetworkSpec, modules: Modules) -> Network:
    """Build GoogLeNet with these modules in place of Table 1's, with torch's default weights. With Table 1's own widths
    the network is bit-identical to GoogLeNet."""
    check_shape(spec)
    network = Network.build(spec)
    model, n_in = cast(GoogLeNet, network.model), cast(nn.Conv2d, cast(GoogLeNet, network.model).conv2[0]).out_channels
    for name, widths in modules.items():
        model.add_module(f"inception_{name}", Inception(n_in, widths))  # keeps the place of the module it replaces
        n_in = outputs(widths)
        if name in model.aux_heads:
            head = cast(AuxiliaryHead, model.get_submodule(f"aux_{name}"))
            head.conv = convolution(n_in, cast(nn.Conv2d, head.conv[0]).out_channels, 1)
    model.linear = nn.Linear(n_in, len(spec.classes))
    return network
