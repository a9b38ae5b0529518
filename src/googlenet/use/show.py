"""Answers for people and programs: bars in the terminal, JSON, CSV; each as soon as its image is done."""

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from googlenet.errors import UserError, printable
from googlenet.report.words import plural
from googlenet.storage.files import atomic

BAR = 32  # characters
DASH = "-"  # standard output


def check_outputs(*given: str) -> bool:
    """Whether the terminal is free for bars. given: the options that name files. UserError if two want it."""
    if given.count(DASH) > 1:
        raise UserError("--json and --csv: only one can go to standard output; name a file for the other")
    return DASH not in given


@contextmanager
def opened(path: str) -> Iterator[IO[str] | None]:
    """A file that is there when the block has ended, standard output for -, None for ""."""
    if path in ("", DASH):
        yield sys.stdout if path else None
        return
    with atomic(Path(path)) as part, open(part, "w", encoding="utf-8", newline="", errors="surrogateescape") as file:
        yield file


class JsonList:
    """A JSON list, an element a line, written as the elements come."""

    def __init__(self, file: IO[str] | None):
        self.file, self.count = file, 0

    def __enter__(self) -> "JsonList":
        return self

    def add(self, value: Any) -> None:
        """Write one element."""
        if self.file:
            self.file.write(("[\n" if not self.count else ",\n") + json.dumps(value))
            self.count += 1

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.file and kind is None:
            self.file.write("\n]\n" if self.count else "[]\n")


class Csv:
    """A table with a header."""

    def __init__(self, file: IO[str] | None, columns: Sequence[str]):
        self.writer = csv.writer(file, lineterminator="\n") if file else None
        if self.writer:
            self.writer.writerow(columns)

    def add(self, *cells: Any) -> None:
        """Write one row."""
        if self.writer:
            self.writer.writerow(cells)


class Terminal:
    """Bars on standard output, if it is free for them; what else a person should know on standard error."""

    def __init__(self, free: bool):
        from rich.console import Console  # takes a tenth of a second: only where bars are drawn

        self.console = Console(quiet=not free, highlight=False, soft_wrap=True)

    def bars(self, title: str, rows: Sequence[tuple[str, float]], note: str = "") -> None:
        """A title, a bar of 0 to 1 for each row, and a note."""
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 1))
        block = "█" if (self.console.encoding or "").startswith("utf") else "#"
        for place, (name, share) in enumerate(rows):
            bar = Text((block * round(BAR * share)).ljust(BAR), style="cyan" if place == 0 else "bright_black")
            grid.add_row("  ", Text(printable(name)), bar, Text(f"{100 * share:.1f} %".rjust(7)))
        self.console.print(Text(printable(title), style="bold"))
        self.console.print(grid)
        if note:
            self.console.print(Text(f"   {note}", style="bright_black"))

    @staticmethod
    def say(line: str) -> None:
        """Print a line to standard error."""
        print(printable(line), file=sys.stderr, flush=True)


def rate(what: str, count: int, seconds: float) -> str:
    """How many were done, how fast."""
    return f"{plural(count, what)} in {seconds:.1f} s: {count / max(seconds, 1e-9):,.1f} a second"


def unique(folder: Path, path: str, taken: set[str], suffix: str = ".png") -> Path:
    """A new name in a folder for a drawing of the image at `path`; images of one name get numbers."""
    stem = Path(path).name or "image"
    name, number = f"{stem}{suffix}", 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}{suffix}"
    taken.add(name)
    return folder / name
