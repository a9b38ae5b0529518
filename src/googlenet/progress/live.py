"""A run's progress in a terminal, redrawn in place: a header with a bar, a row per running job, what remains."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TextIO

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from googlenet.planning.remaining import Left, Run, State
from googlenet.progress import words

ROWS = 12  # running jobs that are shown
BAR = 20  # columns
WIDE = 90  # columns from which the jobs' bars fit


class Terminal:
    """A display at the end of a terminal's output; other lines go above it."""

    def __init__(self, stream: TextIO, title: str):
        self._console, self._title = Console(file=stream), title
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._live.start()

    def show(self, run: Run, total: Left, begun: float, now: float) -> None:
        """Draw the present state."""
        self._live.update(Picture(self._title, run, total, begun, now), refresh=True)

    def say(self, text: str, style: str = "") -> None:
        """Write lines above the display."""
        self._console.print(Text(text, style), soft_wrap=True)

    def close(self) -> None:
        """Remove the display; what was written above it stays."""
        self._live.stop()


class Picture(NamedTuple):
    """The display at a moment, as wide as the terminal."""

    title: str
    run: Run
    total: Left
    begun: float
    now: float

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """What rich draws: all parts in a table of one column."""
        parts = Table.grid(expand=True)
        parts.add_column(no_wrap=True, overflow="ellipsis")
        for part in self._parts(options.max_width):
            parts.add_row(part)
        yield parts

    def _parts(self, width: int) -> Iterator[RenderableType]:
        run, total, now = self.run, self.total, self.now
        done, every = words.counts(run)
        failed = len(run.ended(failed=True))
        count = f"  {done} of {every} jobs done"
        state = Text.assemble((self.title, "bold"), count, (f", {failed} failed" * bool(failed), "red"))
        end = f" ({words.until(total.all_s, now)})" if width >= WIDE and total.all_s is not None else ""
        head = Table.grid(expand=True)
        head.add_column(no_wrap=True)
        head.add_column(justify="right", no_wrap=True)
        head.add_row(state, f"{words.span(now - self.begun)} so far, {words.left(total.all_s)}{end}")
        yield head
        yield bar(now - self.begun, total.all_s)
        running = list(run.running.items())
        if running:
            yield self._rows(running[:ROWS], width >= WIDE)
        if len(running) > ROWS:
            yield Text(f"and {len(running) - ROWS} more jobs run", "dim")
        if waiting := words.to_come(run):
            yield Text(f"to come: {waiting}", "dim")

    def _rows(self, running: Sequence[tuple[str, State]], bars: bool) -> Table:
        rows = Table.grid(padding=(0, 2), expand=True)
        rows.add_column(no_wrap=True, style="cyan")
        rows.add_column(width=BAR if bars else 0)
        rows.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        rows.add_column(justify="right", no_wrap=True)
        for name, job in running:
            left_s = self.total.jobs.get(name)
            passed = bar(self.now - job.started, left_s, BAR) if bars else ""
            rows.add_row(name, passed, ", ".join(words.progress(job)), "" if left_s is None else words.left(left_s))
        return rows


def bar(passed_s: float, left_s: float | None, width: int | None = None) -> ProgressBar:
    """The share of a time that has passed; empty if the rest is unknown. width: None for the full width."""
    share = 0.0 if left_s is None else passed_s / max(passed_s + left_s, 1e-3)
    return ProgressBar(1.0, share, width=width, complete_style="green", finished_style="green")
