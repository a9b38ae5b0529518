"""conf/ as one tree: composed by Hydra, checked against the schema, with the file that set each value."""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field

from googlenet.config import copies, former_keys, sources
from googlenet.config.problems import validated
from googlenet.config.schema import shared
from googlenet.config.schema.base import Settings, StageSettings, is_reference
from googlenet.config.schema.classification import Ablations
from googlenet.config.schema.dataset import Dataset
from googlenet.config.schema.words import shown
from googlenet.errors import UserError, nearest
from googlenet.storage.files import load_yaml

# Variables that each job fills in: its row of a table, and values derived from other settings.
JOB_VARIABLES = (
    "member", "detector", "part", "variant", "network", "heads", "training", "sources", "samplings", "structure",
)  # fmt: skip
SHARED: dict[str, type[Settings]] = {
    "compute": shared.Inference,
    "execution": shared.Execution,
    "dataset": Dataset,
    "model": shared.Model,
    "ensemble": shared.Ensemble,
    "ablations": Ablations,
    "detection": shared.Enabled,
}
# Section, table, and the defaults of its rows: the name of a sibling section, or values that a row may omit.
TABLES: tuple[tuple[str, str, str | dict[str, Any]], ...] = (
    ("ensemble", "members", "member_defaults"),
    ("ensemble", "detectors", "detector_defaults"),
    ("ablations", "rows", {"about": "", "weights": "averaged", "changes": {}}),
)
SectionT = TypeVar("SectionT", bound=Settings)


class Top(Settings):
    """Keys of no section, at the top level."""

    about: str = Field(description="One line for the top of the report")
    strict_versions: bool = Field(
        description="true: library versions count as settings, so that an upgrade runs all computing jobs again"
    )


class Composed:
    """An experiment's checked settings. values: with overrides; jobs resolve the remaining references."""

    def __init__(
        self,
        root: Path,
        experiment: str,
        values: dict[str, Any],
        stages: Mapping[str, type[StageSettings]],
        read: "tuple[Any, sources.Where] | None" = None,
    ):
        """read: the tree and where each key is set; None (for values known to be valid) to read conf/ when needed."""
        self.root, self.experiment, self.values, self._stages, self._read = root, experiment, values, stages, read
        where = read[1] if read else sources.Where(())
        top = {key: values[key] for key in Top.model_fields}
        self.strict_versions = validated(Top, top, "", values, where).strict_versions
        self._sections = {kind: validated(kind, values[key], key, values, where) for key, kind in SHARED.items()}
        self.sampling = table(shared.Sampling, "sampling", values, where)
        self.origins = table(shared.Origin, "origins", values, where)
        self._sections |= {kind: validated(kind, values[name], name, values, where) for name, kind in stages.items()}

    @cached_property
    def _composed(self) -> "tuple[Any, sources.Where]":
        return self._read or composed_tree(self.root, self._stages, self.experiment)[1:]

    @property
    def tree(self) -> Any:
        """The composed tree, in which jobs fill in references."""
        return self._composed[0]

    @property
    def where(self) -> sources.Where:
        """Finds the file that sets a key."""
        return self._composed[1]

    def of(self, kind: type[SectionT]) -> SectionT:
        """The section that has this class."""
        section = self._sections[kind]
        assert isinstance(section, kind)
        return section


def compose(root: Path, stages: Mapping[str, type[StageSettings]], experiment: str = "") -> Composed:
    """Compose and check the configuration of an experiment ("" for the one that params.yaml names).

    Raises UserError, naming file and key, for an unknown experiment, group or key, and for a wrong type or value.
    """
    name, tree, where = composed_tree(root, stages, experiment)
    values = plain(tree, where)
    check_defaults(values, where)
    composed = Composed(root, name, values, stages, (tree, where))
    copies.check(values, where)
    return composed


def composed_tree(root: Path, stages: Collection[str], experiment: str = "") -> tuple[str, Any, sources.Where]:
    """The experiment's name, its tree with filled-in table rows, and where each key is set. Raises as `compose`."""
    conf, (chosen, overrides) = root / "conf", params(root)
    experiment = experiment or chosen
    known = [path.stem for path in sources.yaml_files(conf / "experiment")]
    if experiment not in known:
        near = nearest(experiment, known)
        raise UserError(f"params.yaml or --config: no experiment '{experiment}' in conf/experiment{near}")
    if not sources.NAME.fullmatch(experiment):
        raise UserError(f"conf/experiment/{experiment}.yaml: must be {sources.NAME_WORDS}; rename the file")
    if chosen and experiment != chosen and "dataset" in overrides:
        # They would name its folder in data/, and replace what is there.
        raise UserError(
            f"params.yaml: overrides.dataset is for {chosen}, not for {experiment}; set experiment: {experiment}"
            f" there, or move the data set into conf/experiment/{chosen}.yaml"
        )
    # Check what Hydra's own errors would report without file, key or line.
    groups = sources.every_group_layer(conf)
    defaults = sources.default_layers(conf, groups)
    file = f"conf/experiment/{experiment}.yaml"
    over = [sources.Layer(file, load_yaml(root / file)), sources.Layer("params.yaml", overrides)]
    every = [*defaults, *groups, *over]
    former_keys.check(every)
    shape: dict[str, Any] = {}
    for layer in every:
        sources.lay_over(shape, layer.content, layer.file, "")
    sources.check_heads(conf, experiment)
    tree, choices = hydra_compose(conf, experiment, list(stages), every)
    between: list[sources.Layer] = []
    for group in sources.GROUPS:
        by = sources.choosing(every, f"{group}/{choices[group]}")
        between += sources.chosen_layers(groups, group, choices[group], by)
    layers = [*defaults, *between, *over]
    where = sources.Where(layers)
    sections = {*SHARED, *stages, *Top.model_fields, "sampling", "origins"}
    for key in map(str, tree):
        if key not in sections:
            raise UserError(f"{where(key)}: unknown key '{key}'{nearest(key, sections)}")
    for key in sorted(sections.difference(tree)):
        raise UserError(f"conf/config.yaml: lacks the key '{key}'; add it")
    sources.check_references(tree, layers, set(stages), JOB_VARIABLES)
    return experiment, with_filled_rows(tree), where


def params(root: Path) -> tuple[str, dict[str, Any]]:
    """The content of params.yaml: the experiment's name ("" for none) and the overrides. Raises UserError."""
    content = load_yaml(root / "params.yaml", dates=False)
    for key in content:
        if key not in ("experiment", "overrides"):
            raise UserError(f"params.yaml: unknown key '{key}'{nearest(str(key), ['experiment', 'overrides'])}")
    name, overrides = content.get("experiment"), content.get("overrides")
    if name is not None and not isinstance(name, str):
        raise UserError(f"params.yaml: 'experiment' must be text, not {shown(name)}{sources.quotes(name)}")
    if overrides is not None and not isinstance(overrides, dict):
        raise UserError(f"params.yaml: 'overrides' must be keys, not {shown(overrides)}")
    return name or "", overrides or {}


def hydra_compose(
    conf: Path, experiment: str, stages: list[str], layers: Sequence[sources.Layer]
) -> tuple[Any, dict[str, str]]:
    """Compose with Hydra; return the tree and the chosen file of every group. layers: all files, params.yaml last."""
    from hydra import compose as compose_tree
    from hydra import initialize_config_dir
    from hydra.core.config_store import ConfigStore
    from hydra.errors import HydraException, MissingConfigException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    ConfigStore.instance().store(name="stages", node={"defaults": stages})  # one file each
    try:
        with initialize_config_dir(str(conf.resolve()), version_base="1.3"):
            tree = compose_tree("config", overrides=[f"experiment='{experiment}'"], return_hydra_config=True)
    except MissingConfigException as error:
        wanted = error.missing_cfg_file or ""
        near = nearest(wanted.split("/")[-1], [path.stem for path in sources.yaml_files((conf / wanted).parent)])
        raise UserError(f"{sources.choosing(layers, wanted)}: no conf/{wanted}.yaml{near}") from None
    except (HydraException, OmegaConfBaseException) as error:
        sources.check_syntax(layers)  # Hydra names no file
        reason = str(error) or str(error.__cause__ or "") or type(error).__name__  # some have only a cause
        raise UserError(f"conf/experiment/{experiment}.yaml: {reason.splitlines()[0]}") from None
    OmegaConf.set_struct(tree, False)
    choices = {key: str(value) for key, value in tree.pop("hydra").runtime.choices.items()}
    overrides = layers[-1].content
    try:
        return OmegaConf.merge(tree, overrides) if overrides else tree, choices
    except OmegaConfBaseException as error:
        raise UserError(f"params.yaml: 'overrides': {str(error).splitlines()[0]}; correct that value") from None


def plain(tree: Any, where: sources.Where) -> dict[str, Any]:
    """A composed tree as plain values; references to a job's own row stay references."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    def value_of(node: Any, key: Any, raw: Any) -> Any:
        if isinstance(raw, dict):
            return {name: value_of(node[key], name, value) for name, value in raw.items()}
        if isinstance(raw, list):
            return [value_of(node[key], number, value) for number, value in enumerate(raw)]
        if not is_reference(raw) or sources.of_job(raw, JOB_VARIABLES):
            return raw
        try:
            value = node[key]
            return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
        except OmegaConfBaseException as error:
            at, reason = str(getattr(error, "full_key", "") or key), str(error).splitlines()[0]
            raise UserError(f"{where(at)}: '{at}': {reason}; refer to a key that exists") from None

    values: dict[str, Any] = value_of({"": tree}, "", OmegaConf.to_container(tree))
    return values


def with_filled_rows(tree: Any) -> Any:
    """The tree with its tables' rows filled in from their defaults; anything but a table is left to later checks."""
    from omegaconf import OmegaConf

    for section, table, defaults in TABLES:
        values: Any = OmegaConf.to_container(tree[section]) if OmegaConf.is_dict(tree.get(section)) else {}
        filled = values.get(defaults) if isinstance(defaults, str) else defaults
        if isinstance(values.get(table), list) and isinstance(filled, dict):
            tree[section][table] = [filled | row if isinstance(row, dict) else row for row in values[table]]
    return tree


def check_defaults(values: dict[str, Any], where: sources.Where) -> None:
    """Raise UserError for wrong defaults in the tables of members and detectors; drop the defaults from the values."""
    ensemble = values["ensemble"]
    for kind, defaults in ((shared.MemberRow, "member_defaults"), (shared.Detector, "detector_defaults")):
        key, row = f"ensemble.{defaults}", ensemble.get(defaults) if isinstance(ensemble, dict) else None
        if not isinstance(row, dict):
            raise UserError(f"{where(key)}: '{key}' must be keys, not {shown(row)}")
        validated(kind, row | {"name": "defaults"}, key, values, where)
    values["ensemble"] = {key: value for key, value in ensemble.items() if not key.endswith("_defaults")}


def table(kind: type[SectionT], key: str, values: Mapping[str, Any], where: sources.Where) -> dict[str, SectionT]:
    """A section of named entries that all have the same keys."""
    if not isinstance(values[key], dict):
        raise UserError(f"{where(key)}: '{key}' must be keys, not {shown(values[key])}")
    return {name: validated(kind, row, f"{key}.{name}", values, where) for name, row in values[key].items()}
