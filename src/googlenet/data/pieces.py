"""A data set cut into pieces of work, before any picture is opened: each becomes one shard.

The cut depends on the source alone, on the order of its pictures and the sizes of their files; so a shard's bytes do
not depend on who packs it, on how many pack at once, or on what was packed before.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from googlenet.data.records import Candidate


@dataclass(frozen=True)
class Piece:
    """The pictures of one shard: shard `number` of `split`, with the sizes of their files in bytes."""

    split: str
    number: int
    candidates: list[Candidate]
    sizes: list[int]

    @property
    def name(self) -> str:
        """The shard's name without its ending."""
        return f"{self.split}-{self.number:05d}"

    def digest(self, scratch: Path) -> str:
        """SHA-256 of all that is known of the pictures before they are opened.

        `scratch`, the folder of a reader that makes its files, has another name in every run and is left out.
        """
        digest = hashlib.sha256()
        for item, size in zip(self.candidates, self.sizes, strict=True):
            path, offset = item.place
            shown = path.relative_to(scratch) if path.is_relative_to(scratch) else path
            known = (item.name, str(shown), offset, size, item.label, item.annotation, item.partial)
            digest.update(f"{known!r}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()


def cut(split: str, candidates: list[Candidate], shard_mb: float) -> Iterator[Piece]:
    """Cut a split in order, closing each piece once its files reach `shard_mb` * 10**6 bytes."""
    start, total, number, sizes = 0, 0, 0, []
    for place, item in enumerate(candidates):
        sizes.append(size_of(item))
        total += sizes[-1]
        if total >= shard_mb * 1e6 or place == len(candidates) - 1:
            yield Piece(split, number, candidates[start : place + 1], sizes)
            start, total, number, sizes = place + 1, 0, number + 1, []


def size_of(candidate: Candidate) -> int:
    """Bytes of a picture's file; 0 for one that is not there, which is told when it is opened."""
    if candidate.size >= 0:
        return candidate.size
    try:
        return candidate.path.stat().st_size
    except OSError:
        return 0
