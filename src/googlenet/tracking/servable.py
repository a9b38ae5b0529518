"""What a reproduction's models are registered from, as a job says it and as the mirror reads it from the event log."""

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
    """Models to register. loader: the module that loads one; content: of the file beside the weights, whose list `members`
    has an entry for each of them; code: digests of files below the folder that holds this package, "" for those that can
    change no answer; requirements: pinned packages; example: an image's file."""

    loader: str
    content: Mapping[str, Any]
    weights: Mapping[str, Weights]
    code: Mapping[str, str]
    requirements: Sequence[str]
    example: bytes

    def to_event(self, folder: Path) -> dict[str, Any]:
        """As JSON. folder: of the event log, from which files are named, as the project may be moved meanwhile."""
        weights = {name: [os.path.relpath(one.path, folder), one.sha256] for name, one in self.weights.items()}
        return self._asdict() | {"weights": weights, "example": b64encode(self.example).decode()}

    @classmethod
    def of_event(cls, content: Mapping[str, Any], folder: Path) -> "Servable":
        """Read what `to_event` made."""
        weights = {
            name: Weights(Path(os.path.normpath(folder / file)), sha256)
            for name, (file, sha256) in content["weights"].items()
        }
        return cls(**{**content, "weights": weights, "example": b64decode(content["example"])})
