"""Results for people and programs: bars in the terminal, JSON, CSV; each as soon as its image is done."""

import csv
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from googlenet.errors import UserError, printable
from googlenet.report.words import plural
from googlenet.storage.files import atomic, check_target

BAR = 32  # characters
DASH = "-"  # standard output


def check_outputs(*given: str) -> bool:
    """Whether standard output is free for bars. given: options that name files.

    Raises UserError if two name the same file or standard output, or one names a folder.
    """
    if given.count(DASH) > 1:
        raise UserError("--json and --csv: only one can go to standard output; name a file for the other")
    files = [path for path in given if path not in ("", DASH)]
    for path in files:
        check_target(path)
    if len(set(map(os.path.realpath, files))) < len(files):
        raise UserError(f"--json and --csv: both name {files[0]}; name two files")
    return DASH not in given


@contextmanager
def opened(path: str) -> Iterator[IO[str] | None]:
    """A file that appears when the block ends; standard output for -; None for ""."""
    if path in ("", DASH):
        yield sys.stdout if path else None
        return
    with atomic(Path(path)) as part, open(part, "w", encoding="utf-8", newline="", errors="surrogateescape") as file:
        yield file


class JsonList:
    """A JSON list with an element per line, written element by element."""

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
    """A CSV table with a header, written row by row."""

    def __init__(self, file: IO[str] | None, columns: Sequence[str]):
        self.writer = csv.writer(file, lineterminator="\n") if file else None
        if self.writer:
            self.writer.writerow(columns)

    def add(self, *cells: Any) -> None:
        """Write one row."""
        if self.writer:
            self.writer.writerow(cells)


class Terminal:
    """Bars on standard output, if it is free for them; other messages on standard error."""

    def __init__(self, free: bool):
        from rich.console import Console  # imported late: takes a tenth of a second

        self.console = Console(quiet=not free, highlight=False, soft_wrap=True)

    def bars(self, title: str, rows: Sequence[tuple[str, float]], note: str = "") -> None:
        """Print a title, a bar for each row's value from 0 to 1, and a note."""
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
    """How many were done, and how fast, as text."""
    return f"{plural(count, what)} in {seconds:.1f} s: {count / max(seconds, 1e-9):,.1f} a second"


def unique(folder: Path, path: str, taken: set[str], suffix: str = ".png") -> Path:
    """A new name in a folder for a drawing of the image at `path`; images of the same name get numbers."""
    stem = Path(path).name or "image"
    name, number = f"{stem}{suffix}", 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}{suffix}"
    taken.add(name)
    return folder / name
