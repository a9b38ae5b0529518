"""Which images are left out of a data set, and whether so many are that nothing should be trained on it."""

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from googlenet.config.schema.dataset import DataSource
from googlenet.data.records import SPLITS, Reading, Refused
from googlenet.errors import UserError
from googlenet.metrics.data import PackedSplit
from googlenet.storage.files import write_bytes

LIST = "quarantine.csv"


class RefusalLog:
    """Records every image that is refused, keeps the list of them, and stops what is too bad."""

    def __init__(self, source: DataSource, reading: Reading, folder: Path):
        self._key, self._limit = source.key, source.max_bad_fraction
        self._classes, self._list = reading.classes, folder / LIST
        self._total = len(reading.refused) + sum(map(len, reading.splits.values()))
        self._refused: list[Refused] = []
        self._looked_at = 0
        self._list.unlink(missing_ok=True)  # an earlier run's

    def record(self, refused: Iterable[Refused], looked_at: int) -> None:
        """Add to the list, of so many more files. Raises UserError once more are bad than may be at the end."""
        self._refused += refused
        self._looked_at += looked_at
        bad = len(self._refused)
        if bad > self._limit * self._total:
            self._write()
            first, percent = self.refused()[0], 100 * bad / self._total
            stopped = f" ({self._looked_at} looked at)" if self._looked_at < self._total else ""
            raise UserError(
                f"{self._key}: {bad} of {self._total} files{stopped} are bad ({percent:.2f} %), first in {first.split}: "
                f"{first.reason}; mend or remove what {self._list} lists, or raise {self._key}.max_bad_fraction"
                f" (now {self._limit})"
            )

    def close(self, splits: Mapping[str, PackedSplit]) -> None:
        """Write the list. Raises UserError when a split, or a class in it, has nothing left."""
        if self._refused:
            self._write()
        for name, split in splits.items():
            if not split.records:
                raise UserError(f"{self._key}.splits.{name}: no picture left in {name}; add some")
            for class_name, count in zip(self._classes, split.per_class, strict=True):
                if not count:
                    raise UserError(
                        f"{self._key}.splits.{name}: nothing of class '{class_name}' there; add some or remove the class"
                    )

    def refused(self) -> list[Refused]:
        """All of them, in the one order that does not depend on who was first."""
        return sorted(self._refused, key=lambda item: (SPLITS.index(item.split), item.name, item.reason))

    def _write(self) -> None:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("split", "name", "reason"))
        writer.writerows((item.split, item.name, item.reason) for item in self.refused())
        write_bytes(self._list, text.getvalue().encode("utf-8", "surrogateescape"))
