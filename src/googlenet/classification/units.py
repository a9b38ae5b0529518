"""Test the idea behind Inception on a trained network: do correlated units form clusters that follow the branches?

Section 3 finds a good sparse layer by clustering the units of the layer below by their correlation (Arora et al.);
section 4 builds the module as a dense approximation of such clusters. Here the units (output channels) of a module are
clustered on half of the images; the other half shows how correlated clusters are, and over what distance on the map.
The branches that a cluster's units come from, and those above that they feed, are tested against chance.
"""

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from googlenet.classification.crops import POLICIES, crops_144, cut
from googlenet.config.schema.classification import AnalyseUnits
from googlenet.errors import UserError
from googlenet.metrics import classification_studies as studies
from googlenet.models.network import Network
from googlenet.tracking.progress import counted

BRANCHES = ("1x1", "3x3", "5x5", "pool")
BATCH = 50  # images per pass
FARTHEST = 3  # map positions
SHOWN = 256  # units in the correlation matrix that is kept for the report


def inception(network: Network, module: str) -> nn.Module:
    """Return an Inception module by name. Raises UserError for a kind of network without such modules."""
    return cast(nn.Module, network.trunk).get_submodule(f"inception_{module}")


def branches_of(network: Network, module: str) -> dict[str, list[nn.Conv2d]]:
    """Return the convolutions of each branch of an Inception module, by the names in BRANCHES."""
    inside = inception(network, module)
    layers = {name: inside.get_submodule(f"branch_{name}").modules() for name in BRANCHES}
    return {name: [one for one in each if isinstance(one, nn.Conv2d)] for name, each in layers.items()}


def activations(network: Network, images: Sequence[np.ndarray], module: str, device: str) -> np.ndarray:
    """Return the output of an Inception module on the centre crops of images: float32 [images, units, h, w]."""
    px, (centre,) = network.spec.input_px, POLICIES[1]
    maps = list[Tensor]()
    hook = inception(network, module).register_forward_hook(lambda _, x, y: maps.append(y))
    boxes = [crops_144(image.shape[1], image.shape[0], px)[centre] for image in images]
    crops = np.concatenate([cut(image, [box], px) for image, box in zip(images, boxes, strict=True)])
    with torch.inference_mode():
        for start in counted(range(0, len(crops), BATCH), f"batches of {BATCH} images"):
            network.model(network.to_input(crops[start : start + BATCH], device))
    hook.remove()
    return torch.cat(maps).float().cpu().contiguous().numpy()


def branch_of_units(network: Network, module: str, units: int) -> np.ndarray:
    """Return the branch that each of a module's units comes from, as an index into BRANCHES: int64 [units]."""
    convolutions = branches_of(network, module).values()
    sizes = [layers[-1].out_channels if layers else 0 for layers in convolutions]
    sizes = [size if size else units - sum(sizes) for size in sizes]  # the naive module pools its input
    return np.repeat(np.arange(len(BRANCHES)), sizes)


def fed_branches(network: Network, module: str) -> tuple[list[str], np.ndarray]:
    """Names of a module's branches with weights, and its input units' shares in them, float64 [units, branches].
    A share is the mean absolute weight of a unit in the branch's first convolution; a row is scaled to sum to one."""
    firsts = {name: layers[0].weight for name, layers in branches_of(network, module).items() if layers}
    sizes = [weight.detach().double().abs().mean((0, 2, 3)).cpu().numpy() for weight in firsts.values()]
    shares = np.stack(sizes, axis=1)
    return list(firsts), shares / shares.sum(1, keepdims=True)


def standardised(maps: np.ndarray) -> np.ndarray:
    """Standardise maps [images, units, h, w] to mean 0 and variance 1 per unit, over images and positions; float64."""
    maps = maps.astype(np.float64)
    centred = maps - maps.mean((0, 2, 3), keepdims=True)
    return np.asarray(centred / centred.std((0, 2, 3), keepdims=True))


def correlation(maps: np.ndarray, dy: int = 0, dx: int = 0) -> np.ndarray:
    """Correlation of unit u at a position with unit v at (dy, dx) from it, in standardised maps: [units, units]."""
    h, w = maps.shape[2:]
    here = maps[:, :, max(0, -dy) : h - max(0, dy), max(0, -dx) : w - max(0, dx)]
    there = maps[:, :, max(0, dy) : h - max(0, -dy), max(0, dx) : w - max(0, -dx)]
    a, b = (part.transpose(1, 0, 2, 3).reshape(part.shape[1], -1) for part in (here, there))
    return np.asarray(a @ b.T / a.shape[1])


def clustered(correlations: np.ndarray, clusters: int) -> tuple[np.ndarray, np.ndarray]:
    """Average linkage, distance 1 - correlation: each unit's cluster, largest first, and the units in chart order."""
    from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
    from scipy.spatial.distance import squareform

    distance = np.clip(1 - (correlations + correlations.T) / 2, 0, 2)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average")
    raw = fcluster(tree, clusters, "maxclust") - 1
    leaves = leaves_list(tree)
    place = np.argsort(leaves)  # position of each unit among the leaves
    first = [place[raw == c].min() for c in range(raw.max() + 1)]
    cluster = np.argsort(np.lexsort((first, -np.bincount(raw))))[raw]
    return cluster, leaves[np.argsort(cluster[leaves], kind="stable")]


def against_chance(
    branches: Sequence[str], values: np.ndarray, cluster: np.ndarray, permutations: int, seed: int
) -> studies.BranchTest:
    """Test whether the clusters differ in `values` [units, branches] by more than random clusters of the same sizes.

    over_chance [clusters][branches]: a cluster's mean over that of all units. beyond: whether it deviates more, in
    standard deviations, than the furthest cell in 95 % of the permutations. explained: share of the units' variation
    between clusters; its mean and 95th percentile by chance; p: share of draws, this one included, at least as high.
    """
    member = np.eye(cluster.max() + 1)[cluster].T  # [clusters, units]
    sizes = member.sum(1, keepdims=True)
    centred = values - values.mean(0)
    total = (centred**2).sum()
    spread = np.sqrt((centred**2).mean(0) * (len(values) - sizes) / (sizes * max(1, len(values) - 1)))
    spread = np.where(spread > 0, spread, np.inf)

    def cells(order: np.ndarray) -> np.ndarray:
        return np.asarray(member @ centred[order] / sizes)

    def explained(means: np.ndarray) -> float:
        return float((sizes * means**2).sum() / total) if total > 0 else 0.0

    rng = np.random.Generator(np.random.Philox(seed))
    drawn = [cells(rng.permutation(len(values))) for _ in range(permutations)]
    by_chance = np.array([explained(means) for means in drawn])
    furthest = np.array([np.abs(means / spread).max() for means in drawn])
    ours = cells(np.arange(len(values)))
    at_least = (by_chance >= explained(ours) - 1e-12).sum()
    overall = values.mean(0)
    means = np.divide(ours + overall, overall, out=np.ones_like(ours), where=overall > 0)
    return studies.BranchTest(
        branches=tuple(branches),
        over_chance=means.tolist(),
        beyond=(np.abs(ours / spread) > np.percentile(furthest, 95)).tolist(),
        explained=explained(ours),
        explained_by_chance=float(by_chance.mean()),
        explained_by_chance_95=float(np.percentile(by_chance, 95)),
        p=float((1 + at_least) / (1 + permutations)),
    )


def by_distance(maps: np.ndarray, cluster: np.ndarray) -> tuple[studies.DistanceCorrelation, ...]:
    """Mean correlation of unit pairs, within and between clusters, by distance on the map (the larger of its steps)."""
    same = cluster[:, None] == cluster[None, :]
    pairs = ~np.eye(len(cluster), dtype=bool)
    rows = []
    for distance in range(min(FARTHEST + 1, *maps.shape[2:])):
        steps = range(-distance, distance + 1)
        # Half of the offsets: the others give the same pairs in reverse.
        offsets = [(y, x) for y in steps for x in steps if max(abs(y), abs(x)) == distance and (y, x) >= (0, 0)]
        correlations = np.mean([correlation(maps, y, x) for y, x in offsets], axis=0)
        kinds = (same & pairs, ~same & pairs)
        inside, between = (float(correlations[kind].mean()) if kind.any() else None for kind in kinds)
        rows.append(studies.DistanceCorrelation(distance=distance, same_cluster=inside, other_clusters=between))
    return tuple(rows)


def analyse(
    network: Network, maps: np.ndarray, module: str, above: str, settings: AnalyseUnits
) -> studies.NetworkUnits:
    """Analyse one network, trained or not: clusters from the even-numbered images, correlations from the odd-numbered.
    above: the module that takes the maps as input. Raises UserError when fewer than two units vary in both halves."""
    halves = maps[0::2], maps[1::2]
    # By the range: the rounded deviation of a constant need not be zero.
    alive = np.logical_and(*(np.ptp(half, axis=(0, 2, 3)) > 0 for half in halves))
    if alive.sum() < 2:
        raise UserError(
            f"analyse_units.module: fewer than two units of {module} vary over the images; name another module,"
            " or leave the stage out (analyse_units.enabled: false)"
        )
    chosen, held_out = (standardised(half[:, alive]) for half in halves)
    cluster, order = clustered(correlation(chosen), settings.clusters)
    branch = branch_of_units(network, module, len(alive))[alive]
    names, shares = fed_branches(network, above)
    pairs, clusters = correlation(held_out), []
    for members in (cluster == c for c in range(cluster.max() + 1)):
        block = pairs[np.ix_(members, members)]
        mean = float(block[~np.eye(len(block), dtype=bool)].mean()) if len(block) > 1 else None
        by_branch = np.bincount(branch[members], minlength=len(BRANCHES)).tolist()
        clusters.append(studies.UnitCluster(units=len(block), units_by_branch=by_branch, mean_correlation=mean))
    chance = settings.permutations, settings.seed
    shown = order[np.linspace(0, len(order) - 1, min(SHOWN, len(order))).round().astype(int)]  # evenly spaced
    return studies.NetworkUnits(
        units=len(alive),
        left_out=int((~alive).sum()),
        shown=studies.ShownUnits(
            cluster=cluster[shown].tolist(),
            branch=branch[shown].tolist(),
            correlation_percent=np.rint(100 * pairs[np.ix_(shown, shown)]).astype(int).tolist(),
        ),
        clusters=tuple(clusters),
        by_distance=by_distance(held_out, cluster),
        out_of=against_chance(BRANCHES, np.eye(len(BRANCHES))[branch], cluster, *chance),
        feeds=against_chance(names, shares[alive], cluster, *chance),
    )
