"""What detection adds beyond the paper, each a switch of its own: names, which go together, which need a fit."""

from collections.abc import Mapping, Sequence

from googlenet.errors import UserError, nearest

SWITCHES = ("bbox_regression", "context_feature", "svm", "mirror")
# What is fitted on the frozen network (fit_region_heads); mirror needs nothing.
HEADS = ("bbox_regression", "context_feature", "svm")
CLASSIFIERS = ("context_feature", "svm")  # each takes the place of the softmax, so there is one at most
KEY = "score_regions.{}"


def heads(scored: Mapping) -> list[str]:
    """What has to be fitted, by the settings of score_regions: for its own setting and for those that are compared."""
    asked = set(scored["switches"]).union(*scored["compare"])
    return [name for name in HEADS if name in asked]


def by_prefix(switches: Sequence[str], compare: Sequence[Sequence[str]]) -> dict[str, list[str]]:
    """Every setting by the prefix of its arrays: "" for the main one, "compare.<a+b>." for the others."""
    compared = {f"compare.{'+'.join(row) or 'none'}.": list(row) for row in compare}
    return {"": list(switches)} | compared


def check(switches: list, compare: list, file: str) -> None:
    """Raise UserError, naming file and key, for an unknown switch, two classifiers, or a setting given twice."""
    key = KEY.format("switches")
    _check_setting(switches, file, key)
    seen = {frozenset(switches): key}
    for number, row in enumerate(compare):
        key = f"{KEY.format('compare')}[{number}]"
        if not isinstance(row, list):
            raise UserError(f"{file}: '{key}' must be a list of switches, such as [mirror], not {row!r}")
        _check_setting(row, file, key)
        if frozenset(row) in seen:
            raise UserError(
                f"{file}: '{key}' is {said(row)}, as '{seen[frozenset(row)]}' is; take one of them out"
            )
        seen[frozenset(row)] = key


def said(row: Sequence[str]) -> str:
    """A setting in one word."""
    return "+".join(row) or "no switch"


def _check_setting(row: list, file: str, key: str) -> None:
    for name in row:
        if name not in SWITCHES:
            raise UserError(f"{file}: '{key}': no switch {name!r}{nearest(name, SWITCHES)}")
    if len(set(row)) < len(row):
        raise UserError(f"{file}: '{key}' names a switch twice; take one of them out")
    if set(CLASSIFIERS) <= set(row):
        raise UserError(
            f"{file}: '{key}': context_feature and svm each classify the regions; name one of them"
        )
