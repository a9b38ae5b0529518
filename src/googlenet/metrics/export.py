"""Metrics of measure_export: a member's export formats, compared with the network."""

from googlenet.metrics.base import Metrics, StageMetrics
from googlenet.metrics.classification import MeasuredErrors, TopDifferences


class Latency(Metrics):
    """Milliseconds per image; only these vary from run to run."""

    median_ms: float
    quartiles_ms: tuple[float, float]


class ExportRow(Metrics):
    """A format, or the network itself in torch and fp32."""

    computed_by: str  # a library and its version
    errors: MeasuredErrors  # on one centre crop of every test image
    latency: Latency


class FormatRow(ExportRow):
    """A format. gain: reduction in both errors from the network's, in points; negative: the format is worse."""

    format: str  # its name in measure_export.formats
    title: str
    precision: str  # of the weights
    file_bytes: int
    gain: TopDifferences
    same_first_answer_percent: float  # of images whose top class is the network's
    largest_difference: float  # of a probability, from the network's
    mean_difference: float  # the same, over images and classes


class ExportMetrics(StageMetrics):
    """metrics.json of measure_export."""

    member: str
    input_px: int
    parameters: int  # without auxiliary heads
    macs: int  # multiply-adds of one image
    classes: int
    images: int  # of test
    calibrated_on: int  # validation images; 0 if no format is calibrated
    threads: int
    warm_up: int  # untimed passes before the timed ones
    repeats: int  # timed passes
    network: ExportRow
    formats: tuple[FormatRow, ...]
