"""The switches of region classification: names of their combinations."""

from collections.abc import Sequence

from googlenet.config.schema.detection import Switches


def by_prefix(switches: Switches, compare: Sequence[Switches]) -> dict[str, Switches]:
    """Map array prefixes to settings of the switches: "" for the main one, "compare.<a+b>." for the others."""
    return {"": switches} | {f"compare.{'+'.join(row) or 'none'}.": row for row in compare}
