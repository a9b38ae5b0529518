"""The figures printed in "Going Deeper with Convolutions", read from paper.yaml.

Units: errors, average precisions and coverage are percentages. In the printed Table 1, K is taken as 1024 and M as a
million. The paper has two versions, CVPR 2015 and arXiv 1409.4842; where they differ, both are in the file.
"""

import copy
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import yaml

from googlenet.errors import UserError

UNITS = {"K": 1024.0, "M": 1e6, "G": 1e9}
BRANCHES = ("c1x1", "c3x3_reduce", "c3x3", "c5x5_reduce", "c5x5", "pool_proj")


class LayerRow(NamedTuple):
    """A row of Table 1: the printed values (as text) and our recount from the stated widths, without biases.

    output: [h, w, channels]. Values disagree if they differ by more than one unit of the last printed digit.
    """

    layer: str
    output: tuple[int, int, int]
    depth: int | None
    branches: dict[str, int]
    printed_params: str | None
    printed_ops: str | None
    recount_weights: int
    recount_macs: int
    params_disagree: bool
    ops_disagree: bool


class TeamError(NamedTuple):
    """A row of Table 2, classification by team."""

    team: str
    year: int
    place: int
    top5_error_percent: float
    external_data: str


class ErrorRow(NamedTuple):
    """A row of Table 3. against_base: in points; None for the base."""

    models: int
    crops: int
    cost: int
    top5_error_percent: float
    against_base: float | None


class TeamPrecision(NamedTuple):
    """A row of Table 4, detection by team. ensemble: the number of models, in words."""

    team: str
    year: int
    place: int
    mean_ap_percent: float
    external_data: str
    ensemble: str
    approach: str


class ModelPrecision(NamedTuple):
    """A row of Table 5, detection by one model. contextual_model, box_regression: yes, no or ?."""

    team: str
    mean_ap_percent: float
    contextual_model: str
    box_regression: str


@cache
def _loaded() -> dict[str, Any]:
    text = files("googlenet.report").joinpath("paper.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def facts(section: str) -> Any:
    """A copy of one top-level section of paper.yaml, such as "training_facts" or "ambiguous_in_the_paper"."""
    loaded = _loaded()
    if section not in loaded:
        raise UserError(f"paper.yaml has no section {section!r}; it has: {', '.join(loaded)}")
    return copy.deepcopy(loaded[section])


def number(printed: str | int | float) -> float:
    """Convert a printed figure such as "2.7K" (1024), "34M" or "1.50G" to a number."""
    text = str(printed).strip()
    unit = UNITS.get(text[-1:], 1.0)
    return float(text[:-1] if text[-1:] in UNITS else text) * unit


def table_1() -> list[LayerRow]:
    """Table 1, one row per layer."""
    rows, channels = [], 3
    for layer, row in facts("table_1_architecture").items():
        if layer == "totals":
            continue
        height, width, channels_out = row["out"]
        branches = {name: row[name] for name in BRANCHES if name in row}
        weights = _weights(layer, row, channels, branches)
        printed, recount = (row.get("params"), row.get("ops")), (weights, weights * height * width)
        disagree = _disagree(printed[0], recount[0]), _disagree(printed[1], recount[1])
        output = (height, width, channels_out)
        rows.append(LayerRow(layer, output, row.get("depth"), branches, *printed, *recount, *disagree))
        channels = channels_out
    return rows


def printed_weights() -> float:
    """The sum of Table 1's printed parameters. They are weights: biases are not in them."""
    return sum(number(row.printed_params) for row in table_1() if row.printed_params)


def _weights(layer: str, row: dict[str, Any], channels_in: int, width: dict[str, int]) -> int:
    """Count the weights of a row of Table 1 with `channels_in` inputs, no biases; width: channels of its branches."""
    if layer.startswith("inception"):
        reduced = width["c1x1"] + width["c3x3_reduce"] + width["c5x5_reduce"] + width["pool_proj"]
        convolved = 9 * width["c3x3_reduce"] * width["c3x3"] + 25 * width["c5x5_reduce"] * width["c5x5"]
        return channels_in * reduced + convolved
    if layer == "conv2":
        return channels_in * width["c3x3_reduce"] + 9 * width["c3x3_reduce"] * width["c3x3"]
    full = channels_in * int(row["out"][2])
    return int(row["kernel"]) ** 2 * full if layer == "conv1" else full if layer == "linear" else 0


def _disagree(printed: str | None, counted: int) -> bool:
    """Whether `counted` is more than one unit of the last printed digit away from `printed`."""
    if printed is None:
        return False
    digits = printed.rstrip("".join(UNITS))
    last_digit = 10.0 ** -len(digits.partition(".")[2]) * UNITS.get(printed[-1], 1.0)
    return abs(counted - number(printed)) > last_digit


def mean_ap(models: int) -> float:
    """The paper's mean average precision of one GoogLeNet (Table 5) or of six (Table 4), in %."""
    rows: list[TeamPrecision] | list[ModelPrecision] = table_5() if models == 1 else table_4()
    return next(row.mean_ap_percent for row in rows if row.team == "GoogLeNet")


def mean_ap_in_the_text() -> tuple[float, float]:
    """The mean average precision of one GoogLeNet and of six in section 8's text, whose first differs from Table 5's."""
    one, six = facts("detection")["ensemble_in_the_text"]
    return one, six


def times_faster() -> str:
    """The paper's figures for the speed of networks with Inception modules, of both versions."""
    key = "times_faster_than_similarly_accurate_networks_without_inception"
    cvpr, arxiv = (f"{low} to {high}" for low, high in map(facts("architecture_facts")[key].get, ("cvpr", "arxiv")))
    return f"{cvpr} times faster (CVPR; arXiv: {arxiv})"


def table_2() -> list[TeamError]:
    """Table 2: a team may have several rows."""
    teams = facts("classification")["table_2"]
    return [TeamError(team, *row) for team, rows in teams.items() for row in rows]


def table_3() -> list[ErrorRow]:
    """Table 3, the base first."""
    return [
        ErrorRow(models, crops, cost, error, None if against == "base" else against)
        for models, crops, cost, error, against in facts("classification")["table_3"]
    ]


def table_4() -> list[TeamPrecision]:
    """Table 4."""
    return [TeamPrecision(team, *row) for team, row in facts("detection")["table_4"].items()]


def table_5() -> list[ModelPrecision]:
    """Table 5."""
    words = {True: "yes", False: "no"}  # YAML reads a bare yes and no as booleans
    return [
        ModelPrecision(team, mean_ap, *(words.get(word, word) for word in answers))
        for team, (mean_ap, *answers) in facts("detection")["table_5"].items()
    ]
