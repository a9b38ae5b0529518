"""What is checked before the first job of a real run, beyond keys and types: the world and the rooms' own settings."""

from pathlib import Path

from googlenet.classification import sampling
from googlenet.config import DATA_STAGES, Job, Settings, plain
from googlenet.data.prepare import check_source
from googlenet.detection import selective_search
from googlenet.errors import UserError

SEARCH_KEYS = tuple(selective_search.DEFAULTS)


def check(settings: Settings, local: bool) -> None:
    """Raise UserError, naming the key, for missing data, settings that make no sense, or a GPU that is not there.

    Data that are prepared already need no source. `local`: jobs run on this machine, so its GPU is the one that counts.
    """
    for stage in (stage for stage in DATA_STAGES if stage in settings.stages):
        kind = stage.removeprefix("prepare_")
        if not (settings.root / "data" / kind / settings.dataset / "manifest.json").exists():
            check_source(kind, settings.resolved(Job(stage, "all"))["source"])
    for name, method in plain(settings.tree.sampling).items():
        sampling.check(method, f"sampling.{name}")
    if "propose_regions" in settings.stages:
        selective_search.check({key: settings.tree.propose_regions[key] for key in SEARCH_KEYS})
    if local and settings.tree.compute.device == "cuda" and not Path("/dev/nvidiactl").exists():
        raise UserError("compute.device: cuda is asked for, but this machine has no NVIDIA GPU; set cpu")
