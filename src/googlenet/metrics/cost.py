"""Metrics of measure_cost: counts for the paper's network, the speed of this experiment's, other networks."""

from googlenet.metrics.base import Metrics, StageMetrics


class LayerCost(Metrics):
    """A row of Table 1."""

    layer: str
    type: str
    output: tuple[int, int, int]  # height, width, channels
    depth: int  # layers with parameters on the longest path
    parameters: int  # with biases
    weights: int  # without
    macs: int  # multiply-adds of convolutions and linear layers, for one image


class Totals(Metrics):
    """Sums over the layers needed for inference, and the parameters with the auxiliary heads."""

    parameters: int
    weights: int
    macs: int
    parameters_with_aux: int


class OwnCost(Metrics):
    """The network of this experiment, with as many classes as the paper's."""

    input_px: int
    width: float
    classes: int
    parameters: int
    macs: int


class Measured(Metrics):
    """Conditions of the time measurements."""

    device: str
    precision: str
    threads: int
    batch: int  # images per forward pass


class ForwardRate(Measured):
    """Images per second of this experiment's network at inference."""

    images_per_s: float


class TimesRatio(Metrics):
    """Ratio of a network's forward time to GoogLeNet's in the same turn: median, minimum and maximum over the turns."""

    median: float
    min: float
    max: float


class NetworkCost(Metrics):
    """One of the compared networks, for 1,000 classes, without auxiliary heads; its times are optional."""

    network: str
    title: str
    year: int | None  # of its challenge; None for GoogLeNet and its alternatives
    input_px: int
    layers: int  # with parameters, on the longest path
    parameters: int
    macs: int
    weights_mb: float
    activations_mb: float  # peak size of the tensors of one pass
    forward_ms: float | None = None  # for a whole batch, median over the turns
    times_googlenet: TimesRatio | None = None


class Comparison(Measured):
    repeats: int
    wider: float  # width of the wider GoogLeNet
    deeper: tuple[str, ...]  # modules that the deeper one repeats
    networks: tuple[NetworkCost, ...]

    def by_name(self) -> dict[str, NetworkCost]:
        """Return the rows by the name of their network."""
        return {row.network: row for row in self.networks}


class CostMetrics(StageMetrics):
    """metrics.json of measure_cost. layers, totals: of the paper's network at `input_px` with `classes` classes."""

    input_px: int
    classes: int
    layers: tuple[LayerCost, ...]
    totals: Totals
    ours: OwnCost
    forward: ForwardRate
    beside: Comparison
