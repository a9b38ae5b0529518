"""What is checked before the first job of a real run, beyond keys and types: the world and the rooms' own settings."""

from pathlib import Path

from googlenet import tracking, variants, versions
from googlenet.classification import sampling
from googlenet.config import COMPUTING_STAGES, DATA_STAGES, Job, Settings, plain
from googlenet.data.prepare import check_source
from googlenet.detection import selective_search
from googlenet.errors import UserError, nearest
from googlenet.files import read_json
from googlenet.imports import bring
from googlenet.job import run_record
from googlenet.models import peers
from googlenet.models.table_1 import check_modules, module_above, order_of_modules

SEARCH_KEYS = tuple(selective_search.DEFAULTS)


def check(settings: Settings, local: bool) -> None:
    """Raise UserError, naming the key, for missing data, settings without sense, no GPU, no answer from MLflow's server.

    Data that are prepared already need no source. `local`: jobs run on this machine, so its GPU is the one that counts.
    """
    for stage in (stage for stage in DATA_STAGES if stage in settings.stages):
        kind = stage.removeprefix("prepare_")
        trains = (
            kind == "detection" or settings.jobs("train_classifier") or "train_baseline" in settings.stages
        )
        if trains and not settings.tree.dataset[kind].splits.train:
            raise UserError(
                f"dataset.{kind}.splits.train: not set, and this experiment trains; name the training pictures,"
                " or give every member weights and set train_baseline.enabled to false"
            )
        if not (settings.root / "data" / kind / settings.dataset / "manifest.json").exists():
            check_source(kind, settings.resolved(Job(stage, "all"))["source"])
    for job in settings.jobs("import_weights"):
        check_weights(settings, job)
    for key in ("aux_heads", "repeat_modules"):
        check_modules(plain(settings.tree.model[key]), f"model.{key}")
    for name, member in settings.rows("member").items():
        check_modules(member.get("repeat_modules", []), f"ensemble.members.{name}.repeat_modules")
    for name, row in variants.rows(settings.tree).items():
        for section, changes in row["changes"].items():
            for key in {"aux_heads", "repeat_modules"} & changes.keys():
                check_modules(
                    changes[key], f"conf/ablations.yaml: ablations.rows.{name}.changes.{section}.{key}"
                )
    for name, method in plain(settings.tree.sampling).items():
        sampling.check(method, f"sampling.{name}")
    if "analyse_units" in settings.stages:
        check_analysed(settings)
    if "train_multibox" in settings.stages:
        check_trunk(settings)
    peers.check(settings.resolved(Job("measure_cost", "all")))
    if "propose_regions" in settings.stages:
        selective_search.check({key: settings.tree.propose_regions[key] for key in SEARCH_KEYS})
    if local and settings.tree.compute.device == "cuda" and not Path("/dev/nvidiactl").exists():
        raise UserError("compute.device: cuda is asked for, but this machine has no NVIDIA GPU; set cpu")
    tracking.check(settings.root, settings.experiment)  # last: it can take seconds


def check_weights(settings: Settings, job: Job) -> None:
    """See that a member's weights are there to import, and that what starts from them can.

    Weights that are imported already need no source.
    """
    config = settings.resolved(job)
    key = f"ensemble.members.{job.name}.weights"
    rows = settings.rows("detector") if settings.tree.detection else {}
    starts = [name for name, row in rows.items() if row["init_from"] == job.name]
    if starts and config["origin"]["format"] == "torchvision":
        raise UserError(
            f"ensemble.detectors.{starts[0]}.init_from: {job.name} is torchvision's variant, and detectors start from"
            " the paper's network; name another member, or set detection to false"
        )
    if not (settings.root / f"results/{settings.experiment}/import_weights/{job.name}/metrics.json").exists():
        bring.check(Path(config["member"]["weights"]).expanduser(), config["origin"], key)


def check_analysed(settings: Settings) -> None:
    """See that there is a module above the one whose units are analysed."""
    name = settings.analysed_member
    member, model = settings.rows("member")[name], plain(settings.tree.model)
    if member.get("weights") and settings.tree.origins[member["origin"]].format == "torchvision":
        raise UserError(
            f"analyse_units.of_member: {name} is torchvision's network, which has other modules; name a member with"
            " the paper's, or set analyse_units.enabled to false"
        )
    deeper = [*model["repeat_modules"], *member.get("repeat_modules", [])]
    module_above(settings.tree.analyse_units.module, deeper, "analyse_units.module")


def check_trunk(settings: Settings) -> None:
    """See that MultiBox can start from the member that is named, and ends at a module that it has."""
    multibox, member = (
        settings.tree.train_multibox,
        settings.rows("member")[settings.tree.train_multibox.init_from],
    )
    if member.get("weights") and settings.tree.origins[member["origin"]].format == "torchvision":
        raise UserError(
            f"train_multibox.init_from: {member['name']} is torchvision's network, which is no trunk; name a member with"
            " the paper's, or set merge_proposals.multibox_boxes to 0"
        )
    deeper = [*settings.tree.model.repeat_modules, *member.get("repeat_modules", [])]
    known = list(order_of_modules(deeper))
    if multibox.last not in known:
        raise UserError(f"train_multibox.last: no module '{multibox.last}'{nearest(multibox.last, known)}")


def warnings(settings: Settings) -> list[str]:
    """What is said before the first job and stops nothing: one line for each library that made results in another version.

    With strict_versions such results are out of date, and nothing needs saying.
    """
    if settings.tree.strict_versions:
        return []
    found = []
    for stage in (stage for stage in settings.stages if stage in COMPUTING_STAGES):
        for name in (job.name for job in settings.jobs(stage)):
            record = settings.root / run_record(Path(settings.config_path(stage, name)), stage, name)
            found += [read_json(record)] if record.is_file() else []
    mend = "what runs now is mixed with them (strict_versions: true in params.yaml's overrides runs all anew)"
    return [f"warning: {line}; {mend}" for line in versions.differences(found, versions.installed())]
