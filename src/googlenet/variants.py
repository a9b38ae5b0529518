"""The table of ablations: a row and a seed make a variant, and a variant trains only where no one else trains alike.

A variant's training is a configuration of train_classifier, resolved as a member's is. Where the two are equal, apart from the
name, the variant takes the member's results; where two variants are equal, the second takes those of the first.
"""

from collections.abc import Callable
from typing import Any

from googlenet.config_checks import check_keys, check_rules, named
from googlenet.errors import UserError, nearest
from googlenet.files import json_bytes
from googlenet.members import OF_IMPORTED, of_its_kind

REFERENCE = "reference"
ROW = {"name": "", "about": "", "weights": "averaged", "changes": {}}
WEIGHTS = ("averaged", "last")
# Columns of a member that a variant's name and seed give, or that say nothing of a training.
NOT_CHANGED = ("name", "order_seed", "sampling_seed", *OF_IMPORTED)
FILE = "conf/ablations.yaml"


def rows(tree: Any) -> dict[str, dict]:
    """The reference and the rows of the table, by name; defaults filled in."""
    from omegaconf import OmegaConf

    table = OmegaConf.to_container(tree.ablations.rows)
    return {row["name"]: ROW | row for row in [{"name": REFERENCE}, *table]}


def variants(tree: Any) -> dict[str, dict]:
    """Every variant, by name: {"name", "row", "seed"}."""
    seeds = list(tree.ablations.seeds)
    found = [(row, seed) for row in rows(tree) for seed in seeds]
    return {f"{row}_{seed}": {"name": f"{row}_{seed}", "row": row, "seed": seed} for row, seed in found}


def trainings(tree: Any) -> dict[str, dict]:
    """Of every variant, its configuration of train_classifier with every reference filled in.

    A row is resolved once: its variants differ in their member's name and seeds alone, to which nothing refers (a test looks).
    """
    resolved = {name: training(tree, row, {}) for name, row in rows(tree).items()}
    found = {}
    for name, variant in variants(tree).items():
        own = resolved[variant["row"]]
        found[name] = own | {"member": own["member"] | member_columns(variant)}
    return found


def member_columns(variant: dict) -> dict:
    """The columns of the table of members that a variant's name and seed give."""
    return {"name": variant["name"], "order_seed": variant["seed"], "sampling_seed": variant["seed"]}


def training(tree: Any, row: dict, columns: dict) -> dict:
    """The configuration of train_classifier that a row's changes and a member's columns give."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    changes = dict(row["changes"])
    own = OmegaConf.to_container(tree.ensemble.member_defaults) | changes.pop("member", {}) | columns
    tree.member = of_its_kind(own)
    before = {section: tree[section] for section in changes}
    try:
        for section, change in changes.items():
            tree[section] = OmegaConf.merge(tree[section], change)
        return OmegaConf.to_container(tree.train_classifier, resolve=True)
    except OmegaConfBaseException as error:
        raise UserError(f"{FILE}: ablations.rows.{row['name']}: {str(error).splitlines()[0]}") from None
    finally:
        for section, kept in before.items():
            tree[section] = kept


def trained_as(training: dict) -> bytes:
    """A resolved configuration of train_classifier without what names it: equal where the results are."""
    member = {key: value for key, value in training["member"].items() if key != "name"}
    return json_bytes(training | {"member": member})


def sources(variants: dict[str, dict], members: dict[str, dict]) -> dict[str, tuple[str, str]]:
    """Of every variant, the stage and job whose results it takes: ("train_classifier", "m1"), or its own or a former
    variant's ("train_ablation", "reference_3").

    variants, members: the resolved configuration of train_classifier of each, by name.
    """
    first: dict[bytes, tuple[str, str]] = {}
    for name, own in members.items():
        first.setdefault(trained_as(own), ("train_classifier", name))
    return {
        name: first.setdefault(trained_as(own), ("train_ablation", name)) for name, own in variants.items()
    }


def check(tree: dict, schema: dict, samplings: Any, where: Callable[[str], str]) -> None:
    """Raise UserError, naming file, row and key, for what the table of ablations gets wrong.

    tree: the composed configuration as plain values. schema: every key with its default. where: the file that gives a key.
    """
    file = where("ablations.rows")
    seeds = tree["ablations"]["seeds"]
    whole = all(isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0 for seed in seeds)
    if not whole or len(set(seeds)) != len(seeds) or len(seeds) < 2:
        raise UserError(
            f"{where('ablations.seeds')}: 'ablations.seeds' must be two or more different whole numbers, not {seeds!r}"
        )
    allowed = {
        "model": schema["model"],
        "member": {k: v for k, v in tree["ensemble"]["member_defaults"].items() if k not in NOT_CHANGED},
        "train_classifier": schema["train_classifier"],
    }
    mend = f"such as no_lrn, and '{REFERENCE}' is taken"
    for name, row in named(tree["ablations"]["rows"], f"{file}: ablations.rows", mend, (REFERENCE,)):
        check_keys(row, ROW, file, f"ablations.rows.{name}.")
        weights, changes = (ROW | row)["weights"], row.get("changes") or {}
        if weights not in WEIGHTS:
            raise UserError(
                f"{file}: ablations.rows.{name}.weights: no '{weights}'{nearest(weights, WEIGHTS)}"
            )
        check_keys({"changes": changes}, {"changes": allowed}, file, f"ablations.rows.{name}.")
        sampling = changes.get("member", {}).get("sampling", "area")
        if sampling not in samplings:
            key = f"ablations.rows.{name}.changes.member.sampling"
            raise UserError(f"{file}: {key}: no '{sampling}'{nearest(sampling, samplings)}")
        check_rules(merged(tree, changes), lambda _, name=name: f"{file}: ablations.rows.{name}")


def merged(tree: dict, changes: dict) -> dict:
    """A tree of plain values with changes laid over it."""
    found = dict(tree)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(found.get(key), dict)
        found[key] = merged(found[key], value) if both else value
    return found
