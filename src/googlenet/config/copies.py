"""Keys that must equal another section's key, to which they refer by default. Other values would be accepted, and
either end a job late or give wrong results without an error."""

from collections.abc import Mapping
from typing import Any

from googlenet.config.schema.words import shown
from googlenet.config.sources import Where
from googlenet.errors import UserError

COPIES = {  # key -> the key that it repeats
    "compare_ablations.seeds": "ablations.seeds",
    "compare_ablations.rows": "ablations.rows",
    "make_report.scales": "predict_crops.scales",
    "measure_export.scales": "predict_crops.scales",
    "study_crops.scales": "predict_crops.scales",
    "study_crops.input_px": "model.input_px",
    "merge_proposals.parts": "propose_regions.parts",
    "fit_region_heads.positive_iou": "train_detector.positive_iou",
    "fit_region_heads.context_px": "train_detector.context_px",
    "score_regions.context_px": "train_detector.context_px",
    "evaluate_detection.switches": "score_regions.switches",
    "evaluate_detection.compare": "score_regions.compare",
}
# Keys of compute by which the workflow reserves threads and GPUs for every stage.
OF_ALL = ("device", "numeric_threads")


def check(values: Mapping[str, Any], where: Where) -> None:
    """Raise UserError, naming file and key, for a copy that differs. values: all sections, valid ones."""
    copies = dict(COPIES)
    for section in values:
        if isinstance(values[section], dict) and "compute" in values[section]:
            copies |= {f"{section}.compute.{name}": f"compute.{name}" for name in OF_ALL}
    for key, source in copies.items():
        if _at(values, key) != _at(values, source):
            reason = f"must equal {source} ({shown(_at(values, source))})"
            raise UserError(f"{where(key)}: '{key}': {reason}; remove it, and set {source}")


def _at(values: Mapping[str, Any], key: str) -> Any:
    for name in key.split("."):
        values = values[name]
    return values
