"""Checks of configurations before any job starts: keys, types, values."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from googlenet import switches
from googlenet.errors import UserError, nearest
from googlenet.given import NAME, NAME_WORDS

Where = Callable[[str], str]  # the file that gives a key

KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "keys",
}

TABLES = ("sampling", "origins")  # sections of named entries that all have the same keys


def check_keys(given: dict, schema: dict, file: str, prefix: str = "") -> None:
    """Raise UserError, naming file and key, when a key is unknown or its value has another type than its default."""
    for key, value in given.items():
        if key == "defaults":
            continue
        name = f"{prefix}{key}"
        if key not in schema:
            raise UserError(f"{file}: unknown key '{name}'{nearest(key, schema)}")
        default = schema[key]
        if is_reference(value) or is_reference(default) or free(default):
            continue
        if not same_kind(value, default):
            raise UserError(f"{file}: '{name}' must be {KINDS[type(default)]}, not {value!r}")
        if isinstance(default, dict):
            check_keys(value, default, file, f"{name}.")


def check_declared(schema: dict, files: dict[str, str]) -> None:
    """Hold conf/ itself against the declared keys: raise UserError for one that is unknown, lacking or of another kind.

    files: the file of every section.
    """
    declared = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    for section, keys in declared.items():
        file = files.get(section, "conf/config.yaml")
        given = schema.get(section, {})
        rows = given.items() if section in TABLES else [(section, given)]
        for name, row in rows:
            prefix = f"{section}.{name}" if section in TABLES else name
            check_lacking(row, keys, file, prefix)
            check_keys({prefix: row}, {prefix: prototype(keys)}, file)


def check_lacking(given: Any, declared: Any, file: str, prefix: str) -> None:
    """Raise UserError when a declared key is not there."""
    if not isinstance(declared, dict):
        return
    for key, kind in declared.items():
        if not isinstance(given, dict) or key not in given:
            near = nearest(key, given) if isinstance(given, dict) else ""
            raise UserError(f"{file}: lacks the key '{prefix}.{key}'{near}")
        check_lacking(given[key], kind, file, f"{prefix}.{key}")


def prototype(declared: Any) -> Any:
    """A value of a declared kind, to compare others with."""
    if isinstance(declared, dict):
        return {key: prototype(kind) for key, kind in declared.items()}
    return {"bool": False, "int": 0, "float": 0.0, "str": "", "list": [], "reference": "${}"}[declared]


def is_reference(value: Any) -> bool:
    """Whether a value is a reference to another key, such as ${model}."""
    return isinstance(value, str) and value.startswith("${")


def free(default: Any) -> bool:
    """Whether a key takes any keys below it (an empty mapping as default)."""
    return default == {}


def same_kind(value: Any, default: Any) -> bool:
    """Whether a value has its default's type; a whole number also serves where a number does."""
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, float):
        return isinstance(value, int | float)
    return isinstance(value, type(default))


def ascending(pair: Any) -> bool:
    """Whether a value is two numbers above zero, the first no larger than the second."""
    return len(pair) == 2 and 0 < pair[0] <= pair[1]


# Key, what must hold, how to say it.
RULES = [
    ("dataset.name", lambda v: NAME.fullmatch(v), NAME_WORDS),
    ("compute.device", lambda v: v in ("cpu", "cuda"), "cpu or cuda"),
    ("compute.precision", lambda v: v in ("bf16", "fp32"), "bf16 or fp32"),
    ("compute.numeric_threads", lambda v: v >= 1, "at least 1"),
    ("plumbing.prepare_workers", lambda v: v >= 1, "at least 1"),
    ("model.width", lambda v: v > 0, "above 0"),
    ("model.input_px", lambda v: v >= 32, "at least 32"),
    ("model.dropout", lambda v: 0 <= v < 1, "from 0 to below 1"),
    ("model.aux_dropout", lambda v: 0 <= v < 1, "from 0 to below 1"),
    ("model.inception", lambda v: v in ("reduced", "naive"), "reduced or naive"),
    (
        "model.classifier",
        lambda v: v in ("average_pool", "fully_connected"),
        "average_pool or fully_connected",
    ),
    ("predict_crops.policies", lambda v: v and set(v) <= {1, 10, 144}, "some of 1, 10, 144"),
    ("predict_crops.per_crop_images", lambda v: v >= 0, "0 or more"),
    ("evaluate_ensemble.resamples", lambda v: v >= 1, "at least 1"),
    ("evaluate_ensemble.calibration.bins", lambda v: v >= 1, "at least 1"),
    (
        "evaluate_ensemble.calibration.binning",
        lambda v: v in ("equal_width", "equal_mass"),
        "equal_width or equal_mass",
    ),
    (
        "study_crops.budgets",
        lambda v: v and all(type(b) is int and b >= 1 for b in v),
        "a list of whole numbers from 1",
    ),
    ("study_crops.random_subsets", lambda v: v >= 1, "at least 1"),
    ("study_crops.resamples", lambda v: v >= 1, "at least 1"),
    ("propose_regions.parts", lambda v: v >= 1, "at least 1"),
    ("propose_regions.superpixel_scale", lambda v: v > 0, "above 0"),
    ("train_multibox.input_px", lambda v: v >= 32, "at least 32"),
    ("train_multibox.head", lambda v: v in ("flat", "grid"), "flat or grid"),
    ("train_multibox.head_channels", lambda v: v >= 1, "at least 1"),
    ("train_multibox.priors", lambda v: v >= 1, "at least 1"),
    ("train_multibox.match_iou", lambda v: 0 < v <= 1, "above 0, at most 1"),
    ("train_multibox.location_weight", lambda v: v > 0, "above 0"),
    ("train_multibox.crop_area", lambda v: ascending(v) and v[1] <= 1, "two numbers above 0, up to 1"),
    ("train_multibox.crop_aspect", lambda v: ascending(v), "two numbers above 0, the lower first"),
    ("merge_proposals.multibox_boxes", lambda v: v >= 0, "0 or more"),
    ("merge_proposals.multibox_nms_iou", lambda v: 0 < v <= 1, "above 0, at most 1"),
    ("merge_proposals.duplicate_iou", lambda v: 0 < v <= 1, "above 0, at most 1"),
    ("study_proposals.compare.superpixel_scale", lambda v: v > 0, "above 0"),
    ("study_proposals.compare.images", lambda v: v >= 1, "at least 1"),
    ("study_proposals.iou", lambda v: 0 < v <= 1, "above 0, at most 1"),
    ("study_proposals.resamples", lambda v: v >= 1, "at least 1"),
    ("train_detector.positives", lambda v: v >= 1, "at least 1"),
    ("train_detector.positive_iou", lambda v: 0 < v <= 1, "above 0, at most 1"),
    ("train_detector.hard_negatives.share", lambda v: 0 <= v <= 1, "from 0 to 1"),
    ("train_detector.hard_negatives.scored", lambda v: v >= 1, "at least 1"),
    ("train_detector.hard_negatives.hardest", lambda v: v >= 1, "at least 1"),
    ("fit_region_heads.objects", lambda v: v >= 1, "at least 1"),
    ("fit_region_heads.positives", lambda v: v >= 1, "at least 1"),
    ("fit_region_heads.negatives", lambda v: v >= 1, "at least 1"),
    ("fit_region_heads.held_out", lambda v: 0 < v < 1, "between 0 and 1"),
    ("fit_region_heads.bbox_regression.iou", lambda v: 0 < v <= 1, "above 0, at most 1"),
    (
        "fit_region_heads.bbox_regression.lambdas",
        lambda v: v and all(strength > 0 for strength in v),
        "a list of numbers above 0",
    ),
    ("fit_region_heads.bbox_regression.grid", lambda v: v >= 1, "at least 1"),
    ("fit_region_heads.svm.c", lambda v: v > 0, "above 0"),
    ("fit_region_heads.svm.negative_iou", lambda v: 0 < v <= 1, "above 0, at most 1"),
    ("fit_region_heads.svm.first_negatives", lambda v: v >= 1, "at least 1"),
    ("fit_region_heads.svm.most_added", lambda v: v >= 1, "at least 1"),
    ("fit_region_heads.svm.passes", lambda v: v >= 0, "0 or more"),
    ("fit_region_heads.context_feature.c", lambda v: v > 0, "above 0"),
    ("fit_region_heads.context_feature.max_iterations", lambda v: v >= 1, "at least 1"),
    ("score_regions.batch_size", lambda v: v >= 1, "at least 1"),
    ("evaluate_detection.nms_iou", lambda v: 0 < v <= 1, "above 0, at most 1"),
    ("analyse_units.split", lambda v: v in ("train", "validation", "test"), "train, validation or test"),
    ("analyse_units.pictures", lambda v: v >= 4, "at least 4"),
    ("analyse_units.clusters", lambda v: v >= 2, "at least 2"),
    ("analyse_units.permutations", lambda v: v >= 100, "at least 100"),
    ("measure_cost.wider", lambda v: v > 0, "above 0"),
    ("measure_cost.peer_batch_size", lambda v: v >= 1, "at least 1"),
    ("measure_cost.peer_repeats", lambda v: v >= 1, "at least 1"),
    ("evaluate_detection.max_per_image", lambda v: v >= 1, "at least 1"),
]
for _stage in ("train_classifier", "train_detector", "train_multibox"):
    RULES += [
        (f"{_stage}.epochs", lambda v: v >= 1, "at least 1"),
        (f"{_stage}.learning_rate", lambda v: v > 0, "above 0"),
        (f"{_stage}.momentum", lambda v: 0 <= v < 1, "from 0 to below 1"),
        (f"{_stage}.schedule", lambda v: v in ("steps", "cosine"), "steps or cosine"),
        (f"{_stage}.drop_every_epochs", lambda v: v >= 1, "at least 1"),
        (f"{_stage}.averaging.form", lambda v: v in ("exponential", "equal"), "exponential or equal"),
        (f"{_stage}.averaging.decay", lambda v: 0 <= v < 1, "from 0 to below 1"),
        (f"{_stage}.averaging.start_epoch", lambda v: v >= 0, "at least 0"),
    ]
RULES += [
    ("train_classifier.batch_size", lambda v: v >= 1, "at least 1"),
    ("train_multibox.batch_size", lambda v: v >= 1, "at least 1"),
    ("train_classifier.stall.epochs", lambda v: v >= 0, "at least 0"),
    ("train_classifier.stall.margin", lambda v: 0 <= v < 1, "from 0 to below 1"),
]
RULES += [
    (f"{_key}.confidence_percent", lambda v: 50 <= v < 100, "from 50 to below 100")
    for _key in (
        "evaluate_ensemble",
        "study_crops",
        "study_proposals",
        "evaluate_detection",
        "compare_ablations",
    )
]


def check_values(tree: dict, where: Where) -> None:
    """Raise UserError when a value makes no sense, or a table names what does not exist."""
    check_rules(tree, where)
    check_table(tree, "member", "sampling", tree["sampling"], where)
    check_table(tree, "member", "origin", tree["origins"], where)
    members = [row["name"] for row in tree["ensemble"]["members"]]
    if tree["detection"]:
        check_table(tree, "detector", "init_from", members, where)
        trunk, key = tree["train_multibox"]["init_from"], "train_multibox.init_from"
        if tree["merge_proposals"]["multibox_boxes"] and trunk not in members:
            raise UserError(f"{where(key)}: {key}: no '{trunk}'{nearest(trunk, members)}")
    scored = tree["score_regions"]
    switches.check(scored["switches"], [], where("score_regions.switches"))
    switches.check(scored["switches"], scored["compare"], where("score_regions.compare"))
    analysed, key = tree["analyse_units"]["of_member"], "analyse_units.of_member"
    if analysed and analysed not in members:
        raise UserError(f"{where(key)}: {key}: no '{analysed}'{nearest(analysed, members)}")


def check_rules(tree: dict, where: Where) -> None:
    """Raise UserError for the first value that its rule does not hold for."""
    for key, holds, words in RULES:
        value = tree
        for part in key.split("."):
            if not isinstance(value, dict) or part not in value:
                raise UserError(f"conf/{key.split('.')[0]}.yaml: lacks '{key}', which must be {words}")
            value = value[part]
        try:
            sound = is_reference(value) or holds(value)
        except TypeError:  # of another type than what the rule compares it with
            sound = False
        if not sound:
            raise UserError(f"{where(key)}: '{key}' must be {words}, not {value!r}")


def check_table(tree: dict, kind: str, column: str, known: Any, where: Where) -> None:
    """Check the table of members or detectors: names, keys, types, and that `column` names something known."""
    table, defaults = f"ensemble.{kind}s", tree["ensemble"][f"{kind}_defaults"]
    rows, file = tree["ensemble"][f"{kind}s"], where(table)
    if not rows:
        raise UserError(f"{file}: {table} is empty; give at least one row")
    for name, row in named(rows, f"{file}: {table}", "such as m8"):
        check_keys(row, defaults, file, f"{table}.{name}.")
        value = (defaults | row)[column]
        if value not in known:
            raise UserError(f"{file}: {table}.{name}.{column}: no '{value}'{nearest(value, known)}")


def named(rows: list, where: str, mend: str, taken: tuple[str, ...] = ()) -> Iterator[tuple[str, dict]]:
    """The rows of a table by their names. Raises UserError, at `where`, for one without a name of its own."""
    seen = set(taken)
    for row in rows:
        name = row.get("name", "") if isinstance(row, dict) else ""
        if not isinstance(name, str) or not name.isidentifier() or name in seen:
            raise UserError(f"{where} has a row {row!r}; every row needs a name of its own, {mend}")
        seen.add(name)
        yield name, row
