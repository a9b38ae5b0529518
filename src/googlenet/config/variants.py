"""The table of ablations: a row and a seed make a variant, which trains unless it equals a member or earlier variant.

A variant's training is the settings of train_classifier, resolved as for a member. If the two are equal, apart from the
name, the variant uses the member's results; if two variants are equal, the second uses the results of the first.
"""

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from googlenet.config import former_keys
from googlenet.config.compose import Composed
from googlenet.config.problems import problem
from googlenet.config.schema.base import replaced
from googlenet.config.schema.classification import AblationRow, Ablations, TrainClassifier, Variant
from googlenet.config.schema.shared import TrainedMember
from googlenet.config.schema.structure import TrainStructure
from googlenet.config.schema.words import shown
from googlenet.config.sources import Layer, Where, lay_over, quotes
from googlenet.errors import UserError, nearest

REFERENCE = AblationRow(name="reference", about="", weights="averaged", changes={})
Trainings = Mapping[str, TrainClassifier]
SECTIONS = ("model", "member", "train_classifier")
# A member's columns that a variant's name and seed set, or that do not affect training.
NOT_CHANGED = ("name", "order_seed", "sampling_seed", "weights", "origin")


def rows(composed: Composed) -> dict[str, AblationRow]:
    """The reference and the rows of the table, by name."""
    return {row.name: row for row in (REFERENCE, *composed.of(Ablations).rows)}


def variants(composed: Composed) -> dict[str, Variant]:
    """Every variant, by name."""
    every = [Variant.of(row, seed) for row in rows(composed) for seed in composed.of(Ablations).seeds]
    return {variant.name: variant for variant in every}


def trainings(composed: Composed) -> dict[str, TrainClassifier]:
    """The train_classifier settings of every variant, by name."""
    # Resolve each row once: its variants differ only in the member's name and seeds, which nothing refers to (tested).
    of_row = {name: training(composed, row) for name, row in rows(composed).items()}
    made = {}
    for name, variant in variants(composed).items():
        member = of_row[variant.row].member.model_dump()
        member |= {"name": name, "order_seed": variant.seed, "sampling_seed": variant.seed}
        made[name] = replaced(of_row[variant.row], member=member)
    return made


def of_structure(reference: TrainClassifier, variant: Variant, start: TrainStructure) -> TrainClassifier:
    """The reference's settings with a structure's name, seed and initialisation, and no other width or modules."""
    member = {"name": variant.name, "order_seed": variant.seed, "sampling_seed": variant.seed}
    same = {"width": 1.0, "repeat_modules": ()}
    begins = {"initialisation": start.initialisation, "input_scale": start.input_scale}
    columns, model = reference.member.model_dump() | member | same, reference.model.model_dump()
    return replaced(reference, member=columns, model=model | begins)


def training(composed: Composed, row: AblationRow) -> TrainClassifier:
    """The train_classifier settings after a row's changes. Raises UserError, naming row and key, if invalid."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    check_changes(composed, row)
    tree, changes = composed.tree, {section: change for section, change in row.changes.items() if section != "member"}
    member = member_columns(composed, row) | {"name": row.name}
    tree.member = {key: value for key, value in member.items() if key in TrainedMember.model_fields}
    before = {section: tree[section] for section in changes}
    try:
        for section, change in changes.items():
            tree[section] = OmegaConf.merge(tree[section], change)
        values = OmegaConf.to_container(tree.train_classifier, resolve=True)
        return TrainClassifier.model_validate(values)
    except OmegaConfBaseException as error:
        raise UserError(f"{location(composed, row)}: {str(error).splitlines()[0]}") from None
    except ValidationError as error:
        where = Where([Layer(location(composed, row), {"train_classifier": {}})])
        reported = problem(TrainClassifier, error, ("train_classifier",), {"train_classifier": values}, where)
        # Sections that train_classifier refers to are changed under their own key.
        words = re.sub(r"'train_classifier\.(?=(model|member)\.)", "'changes.", str(reported), count=1)
        raise UserError(words.replace("'train_classifier.", "'changes.train_classifier.", 1)) from None
    finally:
        for section, kept in before.items():
            tree[section] = kept


def member_columns(composed: Composed, row: AblationRow) -> dict[str, Any]:
    """The columns of the table of members, with the row's changes."""
    from omegaconf import OmegaConf

    changed: Any = row.changes.get("member", {})
    columns: Any = OmegaConf.to_container(composed.tree.ensemble.member_defaults)
    return {**columns, **changed}


def location(composed: Composed, row: AblationRow) -> str:
    """The location of a row, for error messages."""
    return f"{composed.where('ablations.rows')}: ablations.rows.{row.name}"


def check_changes(composed: Composed, row: AblationRow) -> None:
    """Raise UserError, naming row and key, for a section that a row cannot change or a sampling that does not exist."""
    file = location(composed, row)
    former_keys.check([Layer(file, row.changes)])
    for section in row.changes:
        if section not in SECTIONS:
            raise UserError(f"{file}: unknown key 'changes.{section}'{nearest(section, SECTIONS)}")
    shape = {section: composed.values[section] for section in ("model", "train_classifier")} | {"member": {}}
    lay_over(deepcopy(shape), row.changes, file, "changes.")
    allowed = [name for name in TrainedMember.model_fields if name not in NOT_CHANGED]
    member: Any = row.changes.get("member", {})
    for key in member:
        if key not in allowed:
            raise UserError(f"{file}: unknown key 'changes.member.{key}'{nearest(key, allowed)}")
    sampling = member_columns(composed, row)["sampling"]
    if not isinstance(sampling, str):
        must = f"must be text, not {shown(sampling)}{quotes(sampling)}"
        raise UserError(f"{file}: 'changes.member.sampling' {must}")
    if sampling not in composed.sampling:
        raise UserError(f"{file}: changes.member.sampling: no '{sampling}'{nearest(sampling, composed.sampling)}")


def trained_as(training: TrainClassifier) -> TrainClassifier:
    """Settings of train_classifier without the member's name: if they are equal, so are the results."""
    return replaced(training, member=training.member.model_dump() | {"name": "any"})


def sources(variants: Trainings, members: Trainings) -> dict[str, tuple[str, str]]:
    """The job whose results each variant uses: ("train_classifier", "m1"), ("train_ablation", "reference_3"), ..."""
    first: dict[TrainClassifier, tuple[str, str]] = {}
    # Not in the order of the table's rows, on which no result may depend.
    in_order = sorted(variants, key=lambda name: (not name.startswith(f"{REFERENCE.name}_"), name))
    for name, training in members.items():
        first.setdefault(trained_as(training), ("train_classifier", name))
    return {name: first.setdefault(trained_as(variants[name]), ("train_ablation", name)) for name in in_order}
