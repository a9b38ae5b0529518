"""Bounds as text."""

from decimal import ROUND_CEILING, Context


def at_most(value: float, digits: int = 1) -> str:
    """Format an upper bound, rounded up so that it holds: with one digit 0.0021 as 0.003, 2e-07 as it is."""
    return f"{float(Context(prec=digits, rounding=ROUND_CEILING).create_decimal(str(value))):g}"
