"""What MLflow needs to serve a completed experiment: its members' weights, and all that makes predictions the same."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from googlenet.config.schema.base import StageSettings, selections
from googlenet.config.schema.classification import PredictCrops
from googlenet.config.schema.dataset import PrepareClassification
from googlenet.metrics.data import read_manifest
from googlenet.metrics.runs import RunRecord
from googlenet.metrics.served import Served, ServedMember
from googlenet.pipeline.code import PACKAGE, file_of, imported, module_digest, reached, resources_of
from googlenet.storage import checkpoint
from googlenet.tracking import Servable, Weights

LOADER = "googlenet.use.served_model"
PACKAGES = (
    "mlflow", "numpy", "opencv-contrib-python-headless", "pandas", "pillow", "pydantic", "pyyaml", "safetensors",
    "torch",
)  # fmt: skip
KindT = TypeVar("KindT", bound=StageSettings)
EXAMPLES = 16  # test images, from which the smallest file is chosen as the example


def engine_of(stored: Path) -> str:
    """The engine that computed a stored result; "" if there is no result or it does not record one."""
    if not stored.is_file():
        return ""
    _, described = checkpoint.read(stored, "np", lazy=True)
    return str((json.loads(described.get("engine", "null")) or {}).get("used", ""))


def servable(records: Sequence[RunRecord], results: Path, manifest: Path) -> Servable | None:
    """What can be served, from the records and results of an experiment's jobs; None for a former version's records."""
    predicted = {record.job: record for record in records if record.stage == "predict_crops"}
    prepared = [record for record in records if record.stage == "prepare_classification"]
    trained = {record.job: record.stage for record in records if record.stage in ("train_classifier", "import_weights")}
    settings: dict[str, PredictCrops] = {}
    with suppress(ValidationError, TypeError, IndexError):
        source = _settings(prepared[0], PrepareClassification).source
        settings = {name: _settings(record, PredictCrops) for name, record in sorted(predicted.items())}
    if not settings or not settings.keys() <= trained.keys():
        return None
    dataset = read_manifest(manifest)
    members, weights = list[ServedMember](), dict[str, Weights]()
    for name in settings:
        engine: Any = engine_of(results / "predict_crops" / name / "predictions.safetensors")
        members.append(ServedMember(name=name, weights=f"{name}.safetensors", engine=engine))
        path = results / trained[name] / name / "weights.safetensors"
        weights[name] = Weights(path, predicted[name].inputs["weights"])
    shared = Served(
        members=tuple(members),
        classes=dataset.classes,
        class_keys=dataset.class_keys,
        min_side_px=source.min_side_px,
        shorter_side_px=source.resize_shorter_side_px,
        predict_crops=next(iter(settings.values())),
    ).to_json()
    needed = PACKAGES + (("openvino",) if any(member.engine == "openvino" for member in members) else ())
    modules = sorted({module for each in settings.values() for module in selections(each)})
    return Servable(LOADER, shared, weights, code_of(modules), pinned(needed), example(manifest.parent))


def _settings(record: RunRecord, kind: type[KindT]) -> KindT:
    """The settings in a job's record. Raises ValidationError or TypeError for a former version's."""
    return kind.model_validate_json(json.dumps((record.job_file or {}).get("settings")))


def code_of(selected: Sequence[str]) -> Mapping[str, str]:
    """The files that serving imports, by path from the package's parent, with digests; "" if it affects no output."""
    counting = reached(LOADER, *selected)
    files: dict[str, str] = {}
    for module in sorted(imported(LOADER, *selected)):
        path = file_of(module)
        for each in (path, *resources_of(path)):
            files[str(each.relative_to(PACKAGE.parent))] = module_digest(module) if module in counting else ""
    return files


def pinned(packages: Sequence[str]) -> list[str]:
    """Requirements pinned to the installed versions, without a local build label (+cpu), which no index knows."""
    return [f"{name}=={metadata.version(name).partition('+')[0]}" for name in packages]


def example(folder: Path) -> bytes:
    """The encoded file of a small test image."""
    from googlenet.data.store import open_split

    test = open_split(folder, "test")
    return min((test[number].image for number in range(min(EXAMPLES, len(test)))), key=len, default=b"")
