"""What the arrays of each setting of the switches are called, which detection adds beyond the paper."""

from collections.abc import Sequence

from googlenet.config.schema.detection import Switches


def by_prefix(switches: Switches, compare: Sequence[Switches]) -> dict[str, Switches]:
    """Every setting by the prefix of its arrays: "" for the main one, "compare.<a+b>." for the others."""
    return {"": switches} | {f"compare.{'+'.join(row) or 'none'}.": row for row in compare}
