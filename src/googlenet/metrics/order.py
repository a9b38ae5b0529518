"""The order in which names stand wherever something depends on it: not that of a table's rows."""


def natural(name: str) -> tuple[int, str]:
    """A sort key that puts m2 before m10."""
    digits = "".join(letter for letter in name if letter.isdigit())
    return (int(digits) if digits else -1, name)
