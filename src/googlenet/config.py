"""Configurations: conf/ is composed once and becomes one resolved file per job, which is that job's edge.

A job's file holds its stage's keys with every reference resolved, the row of its member, detector or part, and a
digest of its code. It is written only when its content changes; so a changed key re-runs the jobs whose files
change, under both engines, and a comment or a key changed back re-runs none.
"""

import shutil
from collections.abc import Iterator
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

from googlenet import given, members, switches, variants, versions
from googlenet.code import code_digest
from googlenet.config_checks import check_declared, check_keys, check_values
from googlenet.errors import UserError, nearest
from googlenet.files import json_bytes, load_yaml, write_bytes

# Stage: what it has one job for ("" for a single job), and whether its results belong to the data set.
PER = {
    "prepare_classification": "",
    "train_classifier": "member",
    "import_weights": "member",
    "predict_crops": "member",
    "train_baseline": "",
    "evaluate_ensemble": "",
    "study_crops": "",
    "analyse_units": "",
    "prepare_detection": "",
    "propose_regions": "part",
    "train_multibox": "",
    "merge_proposals": "part",
    "study_proposals": "",
    "train_detector": "detector",
    "fit_region_heads": "detector",
    "score_regions": "detector",
    "evaluate_detection": "",
    "measure_cost": "",
    "make_report": "",
    "train_ablation": "variant",
    "compare_ablations": "",
}
DATA_STAGES = ("prepare_classification", "prepare_detection")
DETECTION_STAGES = ("prepare_detection", "propose_regions", "train_multibox", "merge_proposals")
DETECTION_STAGES += ("study_proposals", "train_detector", "fit_region_heads", "score_regions")
DETECTION_STAGES += ("evaluate_detection",)
ABLATION_STAGES = ("train_ablation", "compare_ablations")  # a target of its own, in a folder of its own
# All but the report, which shows what others computed; their stamps make it anew when they run again.
COMPUTING_STAGES = tuple(stage for stage in PER if stage != "make_report")
GROUPS = ("dataset", "model", "ensemble")
FULL = {"dataset": "full", "model": "paper", "ensemble": "paper"}  # of each group, the file with every key


class Job(NamedTuple):
    """One job of the workflow: its stage, and the name of its member, detector, part or variant ("all" for a single job)."""

    stage: str
    name: str


class Settings:
    """The composed configuration of one experiment."""

    def __init__(self, root: Path, experiment: str, tree: Any):
        self.root, self.experiment, self.tree = root, experiment, tree
        self.dataset: str = tree.dataset.name

    @property
    def stages(self) -> list[str]:
        """The stages that this experiment has."""
        left_out = [] if self.tree.detection else list(DETECTION_STAGES)
        left_out += [] if self.tree.merge_proposals.multibox_boxes else ["train_multibox"]
        left_out += [] if self.tree.train_baseline.enabled else ["train_baseline"]
        left_out += [] if self.tree.predict_crops.per_crop_images else ["study_crops"]
        left_out += [] if self.tree.analyse_units.enabled else ["analyse_units"]
        left_out += [] if switches.heads(self.tree.score_regions) else ["fit_region_heads"]
        return [stage for stage in PER if stage not in left_out]

    def rows(self, per: str) -> dict[str, dict]:
        """The rows of the member or detector table, or the parts, by name; defaults filled in.

        A member's row has the keys of its kind, trained or imported, and not those of the other.
        """
        from omegaconf import OmegaConf

        if per == "part":
            parts = range(self.tree.propose_regions.parts)
            return {f"p{i + 1}": {"name": f"p{i + 1}", "index": i} for i in parts}
        if per == "variant":
            return self.own_variants
        if not per:
            return {"all": {}}
        table = OmegaConf.to_container(self.tree.ensemble)
        return {row["name"]: members.of_its_kind(table[f"{per}_defaults"] | row) for row in table[f"{per}s"]}

    @property
    def analysed_member(self) -> str:
        """The member whose units are analysed: the one that the settings name, or the first."""
        return self.tree.analyse_units.of_member or next(iter(self.rows("member")))

    @cached_property
    def ablation_sources(self) -> dict[str, tuple[str, str]]:
        """Of every variant of the table of ablations, the stage and job whose results it takes."""
        trained = {job.name: self.of_stage(job) for job in self.jobs("train_classifier")}
        return variants.sources(self.trainings, trained)

    @cached_property
    def own_variants(self) -> dict[str, dict]:
        """The variants that no member and no variant before them trains alike."""
        own, every = set(self.ablation_sources.values()), variants.variants(self.tree)
        return {name: row for name, row in every.items() if ("train_ablation", name) in own}

    @cached_property
    def trainings(self) -> dict[str, dict]:
        """Of every variant of the table of ablations, its configuration of train_classifier."""
        return variants.trainings(self.tree)

    def jobs(self, stage: str) -> list[Job]:
        """The jobs of a stage."""
        wanted = members.ONLY.get(stage, lambda row: True)
        return [Job(stage, name) for name, row in self.rows(PER[stage]).items() if wanted(row)]

    def resolved(self, job: Job) -> dict:
        """What a job's file holds."""
        own = self.of_stage(job)
        if PER[job.stage] == "part":
            own["part"] = self.rows("part")[job.name]
        if job.stage == "fit_region_heads":
            own["heads"] = switches.heads(self.tree.score_regions)
        if job.stage == "train_ablation":
            own["training"] = self.trainings[job.name]
        if job.stage == "compare_ablations":
            own["sources"] = {name: "/".join(source) for name, source in self.ablation_sources.items()}
        if self.tree.strict_versions and job.stage in COMPUTING_STAGES:
            own["versions"] = versions.installed()
        head = {"stage": job.stage, "job": job.name, "code": code_digest(f"googlenet.stages.{job.stage}")}
        return own | head | {"experiment": self.dataset if job.stage in DATA_STAGES else self.experiment}

    def of_stage(self, job: Job) -> dict:
        """A stage's keys for one of its jobs, with every reference filled in."""
        from omegaconf import OmegaConf
        from omegaconf.errors import OmegaConfBaseException

        per = PER[job.stage]
        if per:
            self.tree[per] = self.rows(per)[job.name]
        try:
            return OmegaConf.to_container(self.tree[job.stage], resolve=True)
        except OmegaConfBaseException as error:
            raise UserError(f"conf/{job.stage}.yaml: {str(error).splitlines()[0]}") from None

    def results(self, stage: str) -> str:
        """The folder that holds a stage's results and configurations, relative to the root."""
        return f"results/{self.experiment}" + ("/ablations" if stage in ABLATION_STAGES else "")

    def config_path(self, stage: str, name: str) -> str:
        """Where a job's file lies, relative to the root. Data stages' files are shared by experiments."""
        if stage in DATA_STAGES:
            return f"data/config/{self.dataset}/{stage}.json"
        leaf = f"{stage}/{name}" if PER[stage] else f"{stage}/all"
        return f"{self.results(stage)}/config/{leaf}.json"


def compose(root: Path, experiment: str = "") -> Settings:
    """Compose and check the configuration of an experiment ("" for the one that params.yaml names).

    Raises UserError, naming file and key, for an unknown experiment, group or key, and for a wrong type or value.
    """
    conf = root / "conf"
    params = load_yaml(root / "params.yaml")
    unknown = [key for key in params if key not in ("experiment", "overrides")]
    if unknown:
        raise UserError(
            f"params.yaml: unknown key '{unknown[0]}'{nearest(unknown[0], ['experiment', 'overrides'])}"
        )
    experiment = experiment or str(params.get("experiment") or "")
    known = [path.stem for path in (conf / "experiment").glob("*.yaml")]
    if experiment not in known:
        raise UserError(
            f"params.yaml or --config: no experiment '{experiment}' in conf/experiment{nearest(experiment, known)}"
        )
    if not given.NAME.fullmatch(experiment):
        raise UserError(f"conf/experiment/{experiment}.yaml: must be {given.NAME_WORDS}; rename the file")
    schema = schema_of(conf)
    sections = {name: f"conf/{name}.yaml" for name in schema if (conf / f"{name}.yaml").is_file()}
    check_declared(schema, sections | {group: f"conf/{group}/{FULL[group]}.yaml" for group in GROUPS})
    overrides = params.get("overrides") or {}
    check_keys({"overrides": overrides}, {"overrides": schema}, "params.yaml")
    check_keys(
        load_yaml(conf / "experiment" / f"{experiment}.yaml"), schema, f"conf/experiment/{experiment}.yaml"
    )
    for path in (path for group in GROUPS for path in sorted((conf / group).glob("*.yaml"))):
        load_yaml(path)  # Hydra's own error would name no line
    tree, choices = hydra_compose(conf, experiment)
    for group in GROUPS:
        file = f"{group}/{choices[group]}.yaml"
        check_keys(load_yaml(conf / file), schema[group], f"conf/{file}")
    from omegaconf import OmegaConf

    tree = OmegaConf.merge(tree, overrides)
    own = given.own_layers(conf, {group: choices[group] for group in GROUPS}, experiment, overrides)
    given.check_references(tree, own)
    values = OmegaConf.to_container(tree)
    values["dataset"]["name"] = tree.dataset.name  # it may be a reference, and becomes a path
    where = partial(given.file_of, layers=[*given.default_layers(schema, sections), *own])
    check_values(values, where)
    variants.check(values, schema, values["sampling"], where)
    return Settings(root, experiment, tree)


def schema_of(conf: Path) -> dict:
    """Every key that exists, with its default: conf/config.yaml, the stages' files, and each group's full file."""
    top = load_yaml(conf / "config.yaml")
    names = [entry for entry in top["defaults"] if isinstance(entry, str) and entry != "_self_"]
    schema = {key: value for key, value in top.items() if key != "defaults"}
    schema |= {name: load_yaml(conf / f"{name}.yaml") for name in names}
    return schema | {group: load_yaml(conf / group / f"{FULL[group]}.yaml") for group in GROUPS}


def hydra_compose(conf: Path, experiment: str) -> tuple[Any, dict]:
    """Let Hydra compose; returns the tree and the chosen file of every group."""
    from hydra import compose as compose_tree
    from hydra import initialize_config_dir
    from hydra.errors import HydraException, MissingConfigException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        with initialize_config_dir(str(conf.resolve()), version_base="1.3"):
            tree = compose_tree("config", overrides=[f"experiment={experiment}"], return_hydra_config=True)
    except MissingConfigException as error:
        wanted = error.missing_cfg_file or ""
        near = nearest(wanted.split("/")[-1], error.options or [])
        raise UserError(f"conf/experiment/{experiment}.yaml: no conf/{wanted}.yaml{near}") from None
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(f"conf/experiment/{experiment}.yaml: {str(error).splitlines()[0]}") from None
    OmegaConf.set_struct(tree, False)
    return tree, dict(tree.pop("hydra").runtime.choices)


def files(settings: Settings) -> Iterator[tuple[Path, bytes]]:
    """Every job's file, as path and content."""
    for stage in settings.stages:
        for job in settings.jobs(stage):
            yield settings.root / settings.config_path(*job), json_bytes(settings.resolved(job))


def write_configs(settings: Settings) -> list[Path]:
    """Write the jobs' files whose content changed; remove those of jobs that are no more. Returns the written ones."""
    current = dict(files(settings))
    changed = [
        path for path, content in current.items() if not path.is_file() or path.read_bytes() != content
    ]
    for path in changed:
        write_bytes(path, current[path])
    for folder in {settings.results(stage) for stage in settings.stages}:
        for path in (settings.root / folder / "config").glob("*/*.json"):
            if path not in current:
                path.unlink()
    return changed


def plain(tree: Any) -> Any:
    """A composed tree, or a part of it, as plain values with every reference resolved."""
    from omegaconf import OmegaConf

    return OmegaConf.to_container(tree, resolve=True)


def remove_former_jobs(settings: Settings) -> list[Path]:
    """Remove the results of members, detectors, parts and variants that are no longer in their tables; returns their folders.

    What was committed to DVC's cache comes back with the table and `make restore`.
    """
    removed = []
    for stage, per in PER.items():
        results = settings.root / settings.results(stage)
        kept = {job.name for job in settings.jobs(stage)} if stage in settings.stages else set()
        if not per and stage in DATA_STAGES:
            continue
        found = sorted((results / stage).glob("*/")) if per else [results / stage]
        for folder in found:
            name = folder.name if per else "all"
            if name not in kept and folder.is_dir() and (per or any(folder.iterdir())):
                shutil.rmtree(folder)
                if not per:
                    folder.mkdir()  # DVC wants the folder of every stage, also of one that is left out
                (results / "runs" / stage / f"{name}.json").unlink(missing_ok=True)
                removed.append(folder)
    return removed


@cache
def current(root: Path, experiment: str = "") -> Settings:
    """`compose`, once in a process."""
    return compose(root, experiment)
