"""Metrics of an import of trained weights."""

from googlenet.config.schema.shared import ImportedMember
from googlenet.metrics.base import StageMetrics


class ImportMetrics(StageMetrics):
    """metrics.json of import_weights."""

    member: ImportedMember  # the row of the table
    format: str
    source_sha256: str  # of the file, or of a folder's files
    network: str
    channel_order: str
    input_mean: tuple[float, ...]  # in channel_order, as input_scale
    input_scale: float | tuple[float, ...]
    input_px: int
    aux_heads: tuple[str, ...]
    classes: int
    class_names: bool  # whether class names are known
    parameters: int
