"""The order of names."""


def natural(name: str) -> tuple[int, str]:
    """Return the sort key used wherever the order of names matters: m2 before m10, whatever order a table has."""
    digits = "".join(letter for letter in name if letter.isdigit())
    return (int(digits) if digits else -1, name)
