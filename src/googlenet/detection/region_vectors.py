"""A detector's outputs for regions, from logits to the last feature map, for scoring and for fitting heads."""

from collections.abc import Callable, Iterator
from math import isqrt
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn

from googlenet.config.schema.detection import RegionView
from googlenet.detection.regions import Warp
from googlenet.models.cost import multiply_adds
from googlenet.models.engine import EngineUse, engine_for
from googlenet.models.network import Network, Trunk
from googlenet.models.runtime import Runtime


class Seen(NamedTuple):
    """For n regions: logits float32 [n, 1 + classes], vectors float32 [n, channels], map [n, channels, h, w]."""

    logits: np.ndarray
    vectors: np.ndarray
    last_map: Tensor


See = Callable[[np.ndarray], Seen]  # from regions uint8 [n, px, px, 3]


class Outputs(nn.Module):
    """Wraps a network so that its outputs are logits, vectors and, with `maps`, the last map."""

    def __init__(self, network: Network, maps: bool):
        super().__init__()
        self.network, self.maps = cast(nn.Module, network.trunk), maps

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        trunk = cast(Trunk, self.network)
        last_map, _ = trunk.map_after(x)
        vectors = trunk.vector_of(last_map)
        outputs = trunk.logits_of(vectors), vectors
        return (*outputs, last_map) if self.maps else outputs


def in_engine(
    network: Network, view: RegionView, maps: bool, regions: int, sample: np.ndarray, runtime: Runtime
) -> tuple[See, EngineUse]:
    """Return a function that runs the network on regions in the requested engine, with or without maps, and the
    engine's description. regions: their total number; sample: the first ones, uint8 [n, px, px, 3]."""
    body = Outputs(network, maps)
    work = regions * multiply_adds(body, network.spec.input_px)
    engine = engine_for(body, network.spec, view.batch_size, work, sample, runtime)

    def see(crops: np.ndarray) -> Seen:
        logits, vectors, *last_map = engine(crops)
        return Seen(logits, vectors, torch.from_numpy(last_map[0] if maps else np.zeros(0, np.float32)))

    return see, engine.use


def as_it_is(network: Network, runtime: Runtime) -> See:
    """Return a function that runs the network with its current weights, as during training."""
    outputs = Outputs(network, maps=True)

    def see(crops: np.ndarray) -> Seen:
        x = network.to_input(crops, runtime.device)
        with torch.inference_mode(), runtime.autocast():
            logits, vectors, last_map = outputs.forward(x)
        return Seen(logits.float().cpu().numpy(), vectors.float().cpu().numpy(), last_map)

    return see


def views(
    network: Network, image: np.ndarray, boxes: np.ndarray, view: RegionView, see: See, mirrored: bool
) -> Iterator[list[Seen]]:
    """Yield outputs for an image's boxes [n, 4], a batch at a time: [upright], with `mirrored` [upright, mirrored]."""
    warp = Warp.of(network.spec, view.context_px)
    for start in range(0, len(boxes), view.batch_size):
        crops = warp.many(image, boxes[start : start + view.batch_size])
        both = [crops, np.ascontiguousarray(crops[:, :, ::-1])] if mirrored else [crops]
        yield [see(one) for one in both]


def whole_vectors(network: Network, image: np.ndarray, runtime: Runtime, mirrored: bool = False) -> list[np.ndarray]:
    """The vector, float32 [channels], of a whole image without a margin; with `mirrored` also its mirror image's."""
    height, width = image.shape[:2]
    whole, view = np.array([[0, 0, width - 1, height - 1]]), RegionView(batch_size=1, context_px=0)
    (seen,) = views(network, image, whole, view, as_it_is(network, runtime), mirrored)
    return [one.vectors[0] for one in seen]


def at_places(last_map: Tensor, cells: int) -> np.ndarray:
    """Average the last map [n, channels, h, w] to a grid with `cells` values per region in all: float32 [n, cells]."""
    grid = isqrt(cells // last_map.shape[1])
    with torch.inference_mode():
        pooled = nn.functional.adaptive_avg_pool2d(last_map.float(), grid)
    return pooled.flatten(1).cpu().numpy()


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return the softmax of logits, float32 [n, classes], as torch computes it."""
    return torch.softmax(torch.from_numpy(np.ascontiguousarray(logits, np.float32)), 1).numpy()
