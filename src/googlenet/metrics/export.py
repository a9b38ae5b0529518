"""Metrics of measure_export: a member as files for other programs, beside the network itself."""

from googlenet.metrics.base import Metrics, StageMetrics
from googlenet.metrics.classification import MeasuredErrors, TopDifferences


class Latency(Metrics):
    """Milliseconds of one image; they alone vary from run to run."""

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
    same_first_answer_percent: float  # of the images: the network's
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
    calibrated_on: int  # images of validation; 0 if no format takes ranges from them
    threads: int
    warm_up: int  # passes before the timed ones
    repeats: int  # timed passes
    network: ExportRow
    formats: tuple[FormatRow, ...]
