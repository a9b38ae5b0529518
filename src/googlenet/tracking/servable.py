"""What a reproduction's models are registered from: a job writes it to its event log, where the mirror reads it."""

import os
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Weights(NamedTuple):
    """A file of weights, as it was when the reproduction was completed."""

    path: Path
    sha256: str


class Servable(NamedTuple):
    """Models to register. loader: the module that loads one; content: of the file next to the weights, whose list
    `members` has an entry for each; code: digests of source files, by path from the package's parent, "" for those that
    affect no prediction; requirements: pinned packages; example: an image file's content."""

    loader: str
    content: Mapping[str, Any]
    weights: Mapping[str, Weights]
    code: Mapping[str, str]
    requirements: Sequence[str]
    example: bytes

    def to_event(self, folder: Path) -> dict[str, Any]:
        """As JSON. folder: of the event log; paths are relative to it, because the project may be moved meanwhile."""
        weights = {name: [os.path.relpath(one.path, folder), one.sha256] for name, one in self.weights.items()}
        return self._asdict() | {"weights": weights, "example": b64encode(self.example).decode()}

    @classmethod
    def of_event(cls, content: Mapping[str, Any], folder: Path) -> "Servable":
        """The inverse of `to_event`."""
        weights = {
            name: Weights(Path(os.path.normpath(folder / file)), sha256)
            for name, (file, sha256) in content["weights"].items()
        }
        return cls(**{**content, "weights": weights, "example": b64decode(content["example"])})
