"""The figures printed in "Going Deeper with Convolutions", read from paper.yaml, as plain dicts and lists.

Units: errors, average precisions and coverage are percents. In Table 1's print K is 1024, M a million.
"""

import copy
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from googlenet.errors import UserError

UNITS = {"K": 1024.0, "M": 1e6, "G": 1e9}
BRANCHES = ("c1x1", "c3x3_reduce", "c3x3", "c5x5_reduce", "c5x5", "pool_proj")


@cache
def _loaded() -> dict[str, Any]:
    return yaml.safe_load(files("googlenet").joinpath("paper.yaml").read_text(encoding="utf-8"))


def facts(section: str) -> Any:
    """A copy of one top-level section of paper.yaml, such as "training_facts" or "ambiguous_in_the_paper"."""
    loaded = _loaded()
    if section not in loaded:
        raise UserError(f"paper.yaml has no section {section!r}; it has: {', '.join(loaded)}")
    return copy.deepcopy(loaded[section])


def number(printed: str | int | float) -> float:
    """What a printed figure such as "2.7K" (1024), "34M" or "1.50G" says, as a number."""
    text = str(printed).strip()
    unit = UNITS.get(text[-1:], 1.0)
    return float(text[:-1] if text[-1:] in UNITS else text) * unit


def table_1() -> list[dict[str, Any]]:
    """Table 1, a row per layer, with the print and our recount of the stated widths side by side.

    Keys: layer, output [h, w, c], depth, branches {name: channels}, printed_params and printed_ops (text
    or None), recount_weights (biases left out, as in the print), recount_macs, and params_disagree and
    ops_disagree: whether the recount is further from the print than one unit of the print's last digit.
    """
    rows, channels = [], 3
    for layer, row in facts("table_1_architecture").items():
        if layer == "totals":
            continue
        height, width, depth_out = row["out"]
        weights = _weights(layer, row, channels)
        macs = weights * height * width
        rows.append(
            {
                "layer": layer,
                "output": [height, width, depth_out],
                "depth": row.get("depth"),
                "branches": {name: row[name] for name in BRANCHES if name in row},
                "printed_params": row.get("params"),
                "printed_ops": row.get("ops"),
                "recount_weights": weights,
                "recount_macs": macs,
                "params_disagree": _disagree(row.get("params"), weights),
                "ops_disagree": _disagree(row.get("ops"), macs),
            }
        )
        channels = depth_out
    return rows


def _weights(layer: str, row: dict[str, Any], channels_in: int) -> int:
    """Weights, without biases, of one row of Table 1 that takes `channels_in` channels."""
    if layer.startswith("inception"):
        return (
            channels_in * (row["c1x1"] + row["c3x3_reduce"] + row["c5x5_reduce"] + row["pool_proj"])
            + 9 * row["c3x3_reduce"] * row["c3x3"]
            + 25 * row["c5x5_reduce"] * row["c5x5"]
        )
    if layer == "conv2":
        return channels_in * row["c3x3_reduce"] + 9 * row["c3x3_reduce"] * row["c3x3"]
    if layer == "conv1":
        return row["kernel"] ** 2 * channels_in * row["out"][2]
    return channels_in * row["out"][2] if layer == "linear" else 0


def _disagree(printed: str | None, counted: int) -> bool:
    """Whether `counted` is more than one unit of the last printed digit away from `printed`."""
    if printed is None:
        return False
    digits = printed.rstrip("".join(UNITS))
    last_digit = 10.0 ** -len(digits.partition(".")[2]) * UNITS.get(printed[-1], 1.0)
    return abs(counted - number(printed)) > last_digit


def table_1_totals() -> dict[str, Any]:
    """The sums of Table 1: the print's own, a recount's, and the numbers of layers."""
    return facts("table_1_architecture")["totals"]


def table_2() -> list[dict[str, Any]]:
    """Table 2, classification by team: team, year, place, top5_error_percent, external_data."""
    keys = ("year", "place", "top5_error_percent", "external_data")
    return [
        {"team": team, **dict(zip(keys, row, strict=True))}
        for team, entries in facts("classification")["table_2"].items()
        for row in entries
    ]


def table_3() -> list[dict[str, Any]]:
    """Table 3: models, crops, cost, top5_error_percent and against_base (points; None for the base)."""
    rows = []
    for models, crops, cost, error, against in facts("classification")["table_3"]:
        rows.append(
            {
                "models": models,
                "crops": crops,
                "cost": cost,
                "top5_error_percent": error,
                "against_base": None if against == "base" else against,
            }
        )
    return rows


def table_4() -> list[dict[str, Any]]:
    """Table 4, detection by team: team, year, place, mean_ap_percent, external_data, ensemble."""
    keys = ("year", "place", "mean_ap_percent", "external_data", "ensemble")
    return [
        {"team": team, **dict(zip(keys, row, strict=True))}
        for team, row in facts("detection")["table_4"].items()
    ]


def table_5() -> list[dict[str, Any]]:
    """Table 5, detection by one model: team, mean_ap_percent, contextual_model, box_regression (words)."""
    words = {True: "yes", False: "no"}  # YAML reads a bare yes and no as truth values
    return [
        {
            "team": team,
            "mean_ap_percent": mean_ap,
            "contextual_model": words.get(context, context),
            "box_regression": words.get(regression, regression),
        }
        for team, (mean_ap, context, regression) in facts("detection")["table_5"].items()
    ]
