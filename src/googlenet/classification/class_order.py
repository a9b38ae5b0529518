"""Match a network's outputs to the classes of a data set: by name, never by guess."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from googlenet.errors import UserError, nearest


class Outputs(NamedTuple):
    """The columns of a network's predictions: their names, and the column of each class of the data set."""

    names: list[str]
    columns: list[int]

    def label_columns(self, labels: np.ndarray) -> np.ndarray:
        """Convert labels of the data set to columns of the predictions."""
        return np.asarray(np.array(self.columns)[labels])


def columns_of(network: Sequence[str], classes: Sequence[str], keys: Sequence[str], who: str) -> list[int]:
    """Return the output column of each class of a data set; network: the outputs' names, "" where unknown.

    classes: display names; keys: folder names (for example wnids). Raises UserError, naming `who`, for a class that the
    network lacks, or when the outputs have no names and differ in number from the classes.
    """
    if not any(network):
        if len(network) != len(classes):
            raise UserError(
                f"{who}: its {len(network)} outputs have no names, and the data set has {len(classes)} classes;"
                " name the outputs with `classes` of the member's origin (conf/origins.yaml)"
            )
        return list(range(len(classes)))
    place = {name: column for column, name in enumerate(network)}
    for names in (classes, keys):
        if all(name in place for name in names):
            return [place[name] for name in names]
    missing = next(key for key in keys if key not in place)
    near = nearest(missing, network) if len(network) <= 20 else ""
    raise UserError(
        f"{who}: the network has no class '{missing}', which the data set has (it has {len(network)}){near};"
        " take the class out, or name its folder as the network does"
    )


def outputs_of(network: Sequence[str], classes: Sequence[str], columns: Sequence[int]) -> Outputs:
    """Outputs of a network, named as in the data set where it has the class, and in its order if the classes agree."""
    if len(columns) == len(network):
        return Outputs(list(classes), list(range(len(classes))))
    names = dict(enumerate(network)) | dict(zip(columns, classes, strict=True))
    return Outputs(list(names.values()), list(columns))


def common_outputs(members: Mapping[str, Outputs]) -> Outputs:
    """Return the outputs that all members share. Raises UserError when they differ."""
    first, *others = members
    for name in others:
        if members[name] != members[first]:
            counts = " and ".join(str(len(members[member].names)) for member in (first, name))
            raise UserError(
                f"ensemble.members: {first} and {name} predict different classes ({counts}), so they cannot be averaged;"
                " put them in separate experiments"
            )
    return members[first]
