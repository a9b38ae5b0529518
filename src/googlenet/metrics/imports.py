"""What import_weights writes: where a member's weights come from, and what belongs to them."""

from googlenet.config.schema.shared import ImportedMember
from googlenet.metrics.base import StageMetrics


class ImportMetrics(StageMetrics):
    """metrics.json of import_weights.

    member: the row of the table. source_sha256: of the file, or of a folder's files. input_mean, input_scale (one number, or
    one for each channel): in channel_order. classes: how many; class_names: whether they are known.
    """

    member: ImportedMember
    format: str
    source_sha256: str
    network: str
    channel_order: str
    input_mean: tuple[float, ...]
    input_scale: float | tuple[float, ...]
    input_px: int
    aux_heads: tuple[str, ...]
    classes: int
    class_names: bool
    parameters: int
