"""Metrics of derive_structure: structures as data, and what they were derived from."""

from pydantic import Field

from googlenet.config.schema.classification import Variant
from googlenet.metrics.base import Metrics, StageMetrics


class ModuleWidths(Metrics):
    """Channels of one Inception module, under the names of Table 1's columns."""

    n1x1: int = Field(ge=1)
    n3x3_reduce: int = Field(ge=1)
    n3x3: int = Field(ge=1)
    n5x5_reduce: int = Field(ge=1)
    n5x5: int = Field(ge=1)
    pool_proj: int = Field(ge=1)


class DerivedModule(Metrics):
    """What one module was derived from: the clusters of its input units."""

    units: int  # input units
    left_out: int  # input units that never vary
    clusters: int
    largest_cluster: int  # units
    clusters_by_kernel: tuple[int, int, int]  # covered by 1x1, 3x3, 5x5
    mean_correlation: float | None  # of two units in one cluster at the same position; None if every unit is alone
    mass_percent: tuple[float, float, float]  # of squared correlation: at the same position, one away, two away


class Structure(Metrics):
    """The widths of every module, and the network's cost without auxiliary heads. derived: by module, if derived."""

    variant: Variant
    macs: int  # multiply-adds of one image
    modules: dict[str, ModuleWidths]
    derived: dict[str, DerivedModule] = Field(default_factory=dict)


class StructureMetrics(StageMetrics):
    """metrics.json of derive_structure: the table of structures, from which each train_structure job takes one."""

    budget_macs: int
    images: int  # training images used in the derivation
    structures: tuple[Structure, ...]

    def of(self, name: str) -> Structure:
        """The structure of a variant, by its name."""
        return next(each for each in self.structures if each.variant.name == name)
