"""The rows of the table of members: one is trained or imported, and has the keys of its kind alone."""

# Stages that have jobs for some of the members alone, and for which.
ONLY = {
    "train_classifier": lambda member: "weights" not in member,
    "import_weights": lambda member: "weights" in member,
}
# Keys that say nothing where weights are imported, and where they are trained.
OF_TRAINED = ("init_seed", "order_seed", "sampling_seed", "sampling", "repeat_modules")
OF_IMPORTED = ("weights", "origin")


def of_its_kind(row: dict) -> dict:
    """A row without the keys of the other kind; a detector's row as it is."""
    other = OF_TRAINED if row.get("weights") else OF_IMPORTED
    return {key: value for key, value in row.items() if key not in other}
