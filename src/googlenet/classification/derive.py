"""A structure derived from data, layer by layer, as section 3 describes the construction of Arora et al. (2014).

The stem is trained briefly with a linear classifier on top. Then, for each module: correlate its input units; cluster
them, each cluster becoming a unit of the module, with the kernel that covers the extent of its correlation; take the
reductions from the principal components of the clusters' units; fit all widths to the module's share of the budget;
and train the module briefly, with the layers below it frozen, so that its own units are meaningful.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from googlenet.classification.correlation import KERNELS, Cluster, clustered, components, correlations
from googlenet.classification.training_crops import batches
from googlenet.config.schema.classification import Variant
from googlenet.config.schema.structure import DeriveStructure
from googlenet.errors import UserError
from googlenet.metrics.structure import DerivedModule, ModuleWidths, Structure, StructureMetrics
from googlenet.models.googlenet import GoogLeNet
from googlenet.models.inception import Inception, initialise, max_pool
from googlenet.models.network import NetworkSpec
from googlenet.models.runtime import Runtime
from googlenet.models.structure import Allotment, Modules, Skeleton, check_shape, multiple, of_googlenet, outputs
from googlenet.models.table_1 import INCEPTION, POOL_BEFORE
from googlenet.models.training import GradientDescent
from googlenet.tracking.progress import counted

MOMENTUM, WEIGHT_DECAY = 0.9, 0.0002  # train_classifier's defaults
TINY = 1e-6  # avoids division by zero for maps that are zero everywhere
PASS = 64  # images per forward pass without training
EMPTY = MappingProxyType[str, DerivedModule]({})
STEM = ("conv1", "pool1", "lrn1", "conv2_reduce", "conv2", "lrn2", "pool2")


class Seen(NamedTuple):
    """The images of a derivation: crops, uint8 [images, px, px, 3], and labels, int64 [images]."""

    crops: np.ndarray
    labels: np.ndarray


class Probe(nn.Module):
    """A block with a linear classifier on its globally averaged outputs."""

    def __init__(self, block: nn.Module, units: int, classes: int):
        super().__init__()
        self.block, self.linear = block, nn.Linear(units, classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.linear(self.block(x).mean((2, 3)))
        return logits


def structures(
    spec: NetworkSpec, seen: Seen, settings: DeriveStructure, runtime: Runtime, log: Callable[..., None]
) -> StructureMetrics:
    """Return GoogLeNet and, for every seed, the derived and the random structures, all at the budget's cost. Raises
    UserError for a budget that none meets, too few images, or a network other than the paper's. log: Job.log."""
    check_shape(spec)
    skeleton, made = Skeleton.of(spec.architecture, len(spec.classes)), list[Structure]()
    googlenet: Modules = {name: multiple(row, spec.architecture.width) for name, row in INCEPTION.items()}
    budget = settings.budget_macs or skeleton.macs(googlenet)
    if settings.budget_macs:
        googlenet = of_googlenet(skeleton, budget)
    check_images(len(seen.labels), googlenet)
    for seed in settings.seeds:
        made.append(structure("googlenet", seed, skeleton, googlenet))
        allotment = Allotment(skeleton, googlenet, budget)
        derived = derive(spec, seen, allotment, settings, seed, runtime)
        made.append(structure("derived", seed, skeleton, allotment.finished(), derived))
        for number in range(1, settings.random_structures + 1):
            modules = drawn(Allotment(skeleton, googlenet, budget), seed, number)
            made.append(structure(f"random_{number}", seed, skeleton, modules))
        log({f"macs_{one.variant.name}": one.macs for one in made if one.variant.seed == seed})
    return StructureMetrics(budget_macs=budget, images=len(seen.labels), structures=tuple(made))


def structure(
    row: str, seed: int, skeleton: Skeleton, modules: Modules, derived: Mapping[str, DerivedModule] = EMPTY
) -> Structure:
    """Return a structure's record: its row of the comparison and seed; derived: what it was derived from, if any."""
    widths = {name: ModuleWidths(**each._asdict()) for name, each in modules.items()}
    return Structure(variant=Variant.of(row, seed), macs=skeleton.macs(modules), modules=widths, derived=dict(derived))


def drawn(allotment: Allotment, seed: int, number: int) -> Modules:
    """A random structure: in every module the shares of the three kernels are uniform on the simplex, and a reduction
    has between a quarter and all of its branch's units."""
    rng = np.random.Generator(np.random.Philox(key=[seed, number]))
    for name in INCEPTION:
        of_1x1, of_3x3, of_5x5 = rng.dirichlet((1.0, 1.0, 1.0))
        reduced = rng.uniform(0.25, 1, 2)
        allotment.add(name, proportions(name, (of_1x1, of_3x3, of_5x5), (of_3x3 * reduced[0], of_5x5 * reduced[1])))
    return allotment.finished()


def proportions(name: str, kernels: Sequence[float], reductions: Sequence[float]) -> tuple[float, ...]:
    """A module's relative widths, in Table 1's column order, from the units of its 1x1, 3x3 and 5x5 kernels and the
    reductions before the last two. The pooling branch keeps Table 1's share: correlations do not determine it."""
    row = INCEPTION[name]
    pooling = sum(kernels) * row.pool_proj / (row.n1x1 + row.n3x3 + row.n5x5)
    return kernels[0], reductions[0], kernels[1], reductions[1], kernels[2], pooling


def derive(
    spec: NetworkSpec, seen: Seen, allotment: Allotment, settings: DeriveStructure, seed: int, runtime: Runtime
) -> dict[str, DerivedModule]:
    """Derive the modules from the images, adding each to the allotment; return what each was derived from."""
    model = GoogLeNet(len(spec.classes), spec.architecture)
    stem = nn.Sequential(*(model.get_submodule(name) for name in STEM))
    training = Training(seen.labels, len(spec.classes), settings, seed, runtime)

    def crops(numbers: Sequence[int]) -> Tensor:
        return spec.to_input(seen.crops[list(numbers)], runtime.device)

    maps = training.maps_of(stem, allotment.skeleton.stem_units, crops, settings.stem_epochs)
    found = dict[str, DerivedModule]()
    for name in counted(list(INCEPTION), f"modules derived with seed {seed}"):
        if name in POOL_BEFORE and name != "3a":  # the pooling before 3a is part of the stem
            maps = max_pool(2)(maps)
        found[name], shares = of_units(name, maps, settings)
        widths = allotment.add(name, shares)
        if name == allotment.skeleton.last:
            break
        block = Inception(maps.shape[1], widths)
        maps = training.maps_of(block, outputs(widths), rows_of(maps), settings.module_epochs)
    return found


def rows_of(maps: Tensor) -> Callable[[Sequence[int]], Tensor]:
    """Return the maps as the inputs of a block: a function from image indices to their maps."""
    return lambda numbers: maps[list(numbers)]


def of_units(name: str, maps: Tensor, settings: DeriveStructure) -> tuple[DerivedModule, tuple[float, ...]]:
    """Return what a module is derived from, and its relative widths, given its input maps. Raises UserError if fewer
    than two units vary."""
    units = maps.shape[1]
    related = correlations((maps[at : at + PASS].numpy() for at in range(0, len(maps), PASS)), units)
    alive = np.flatnonzero(np.diagonal(related[0]))
    if len(alive) < 2:
        raise UserError(
            f"derive_structure.learning_rate: fewer than two units below {name} vary over the images; lower it"
        )
    related = related[:, alive][:, :, alive]
    clusters = clustered(related, settings.correlation, settings.units_per_cluster, settings.mass)
    by_kernel = [[one.units for one in clusters if one.kernel == kernel] for kernel in KERNELS]
    reductions = [
        components(related[0][np.ix_(members, members)], settings.embedding) if len(members) else 0
        for members in (np.concatenate([np.empty(0, int), *each]) for each in by_kernel[1:])
    ]
    counts = [len(each) for each in by_kernel]
    return described(units, related[0], clusters, counts), proportions(name, counts, reductions)


def check_images(images: int, googlenet: Modules) -> None:
    """Raise UserError for too few images to estimate the correlations of a layer's units."""
    widest = max(googlenet, key=lambda name: outputs(googlenet[name]))
    if images < outputs(googlenet[widest]):
        raise UserError(
            f"derive_structure.images: {images} images are fewer than the {outputs(googlenet[widest])} units of {widest},"
            " too few to estimate their correlations; set more images, or a smaller model.width"
        )


def described(units: int, related: np.ndarray, clusters: Sequence[Cluster], counts: Sequence[int]) -> DerivedModule:
    """Describe a module's clusters. related: correlations at the same position; counts: clusters by kernel."""
    blocks = [related[np.ix_(one.units, one.units)] for one in clusters]
    pairs = sum(len(block) * (len(block) - 1) for block in blocks)
    summed = sum(float(block.sum() - np.trace(block)) for block in blocks)
    first, second, third = (float(100 * share) for share in np.mean([one.mass for one in clusters], axis=0))
    return DerivedModule(
        units=units,
        left_out=units - len(related),
        clusters=len(clusters),
        largest_cluster=max(map(len, blocks)),
        clusters_by_kernel=(counts[0], counts[1], counts[2]),
        mean_correlation=summed / pairs if pairs else None,
        mass_percent=(first, second, third),
    )


class Training(NamedTuple):
    """Trains the blocks of one derivation, each alone, with its own linear classifier."""

    labels: np.ndarray
    classes: int
    settings: DeriveStructure
    seed: int
    runtime: Runtime

    def maps_of(self, block: nn.Module, units: int, inputs: Callable[[Sequence[int]], Tensor], epochs: int) -> Tensor:
        """Train a block with `units` outputs; return its maps of all images, float32 [images, units, h, w], in memory.
        They are scaled to a mean square of one: without normalisation, the blocks above would diverge. inputs: from
        image indices to the block's inputs. Raises UserError if the loss is not finite."""
        device, images = self.runtime.device, len(self.labels)
        probe = Probe(block, units, self.classes)
        initialise(probe, self.seed, "he")  # gets off the initial plateau within the few steps
        probe.to(device).to(memory_format=torch.channels_last)
        descent, loss = GradientDescent(probe, MOMENTUM, WEIGHT_DECAY), torch.zeros(())
        for keys in batches(images, min(images, self.settings.batch_size), epochs, self.seed):
            numbers = [number for _, number in keys]
            with self.runtime.autocast():
                logits = probe(inputs(numbers).to(device))
            loss = cross_entropy(logits.float(), torch.from_numpy(self.labels[numbers]).to(device))
            probe.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch has no types for it
            descent.step(self.settings.learning_rate)
        if not loss.isfinite():
            raise UserError("derive_structure.learning_rate: the loss of a brief training was not finite; lower it")
        maps = torch.empty(0)
        for at in range(0, images, PASS):
            with torch.inference_mode(), self.runtime.autocast():
                part = block(inputs(range(at, min(at + PASS, images))).to(device))
            if at == 0:
                maps = torch.empty(images, *part.shape[1:])
            maps[at : at + len(part)] = part  # into place: parts to be joined would take the memory of all maps again
        return maps.div_(maps.square().mean().sqrt().clamp(min=TINY))
