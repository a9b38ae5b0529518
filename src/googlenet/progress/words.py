"""A run's progress in words, for plain lines and for the terminal."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from googlenet.errors import printable
from googlenet.planning.remaining import Left, Run, State, stage_of
from googlenet.tracking.progress import duration, speed

SHOWN_LINES = 12  # of a failed job's log
SHOWN_STAGES = 6
UNKNOWN = "time left not known yet"


def clock(moment: float) -> str:
    """The local time of day."""
    return f"{datetime.fromtimestamp(moment):%H:%M:%S}"


def until(left_s: float | None, now: float) -> str:
    """When the run will be done: the time of day, with the date if that is far; "" if unknown."""
    if left_s is None:
        return ""
    end = datetime.fromtimestamp(now + left_s)
    return f"until {end:%H:%M:%S}" if left_s < 12 * 3600 else f"until {end:%a %d %b, %H:%M}"


def span(seconds: float) -> str:
    """A duration with a readable precision: 40 s, 7 min 20 s, 1 h 05 min."""
    whole = round(seconds)
    if 60 <= whole < 1200:
        return f"{whole // 60} min {whole % 60:02d} s"
    return duration(whole)


def left(seconds: float | None) -> str:
    """A time left, rounded according to its uncertainty."""
    if seconds is None:
        return UNKNOWN
    step = 1 if seconds < 20 else 5 if seconds < 120 else 10
    return f"{span(round(seconds / step) * step)} left"


def progress(state: State) -> list[str]:
    """How far a running job is: epoch or items, and speed."""
    parts: list[str] = []
    if (work := state.work) is None:
        return parts
    if work.epochs:
        parts.append(f"epoch {min(work.epoch + 1, work.epochs)} of {work.epochs}")
    if work.total and not work.epochs:
        parts.append(f"{work.done:,} of {work.total:,} {work.what}")
    elif work.what and not work.epochs:
        parts.append(f"{work.done:,} {work.what}")
    if work.each_s:
        rate = speed(work.each_s)
        parts.append(rate.replace(" a second", f" {work.what} a second") if work.epochs else rate)
    return parts


def counts(run: Run) -> tuple[int, int]:
    """Jobs done, and all jobs."""
    later = sum(len(names) for names in (run.later or {}).values())
    return len(run.ended(failed=False)), len(run.planned) + later


def head(run: Run, total: Left, now: float) -> str:
    """How many of all jobs are done, and how long the rest takes."""
    done, every = counts(run)
    failed = len(run.ended(failed=True))
    parts = [
        f"{done} of {every} jobs done",
        f"{failed} failed" * bool(failed),
        left(total.all_s),
        until(total.all_s, now),
    ]
    return ", ".join(filter(None, parts))


def status(run: Run, total: Left, now: float) -> str:
    """The run and its running jobs in one line."""
    running = []
    for name, state in run.running.items():
        parts = progress(state) + ([left(total.jobs[name])] if total.jobs[name] is not None else [])
        running.append(f"{name} ({', '.join(parts)})" if parts else name)
    return "; ".join([head(run, total, now), *running])


def to_come(run: Run) -> str:
    """The jobs that have not started, by stage."""
    blocked = run.blocked
    names = [name for name in run.planned if name not in run.states and name not in blocked]
    stages = Counter(map(stage_of, names)) + Counter({stage: len(each) for stage, each in (run.later or {}).items()})
    shown = [f"{count} {stage}" if count > 1 else stage for stage, count in stages.items()]
    more = len(shown) - SHOWN_STAGES
    return ", ".join(shown[:SHOWN_STAGES]) + (f" and {more} more stages" if more > 0 else "")


def last_lines(paths: Iterable[str], root: Path) -> list[str]:
    """The end of a failed job's logs, each after a line with its path."""
    lines = []
    for name in paths:
        path = root / name
        text = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
        lines += [
            f"its log, {name}, {'ends with' if text else 'is empty or missing'}:",
            *(printable(line.expandtabs()) for line in text[-SHOWN_LINES:]),
        ]
    return lines


def end(run: Run, begun: float, now: float, stage: str) -> str:
    """A summary of a run that has ended. stage: DVC's, if DVC runs this Snakemake."""
    own = [name for name in run.planned if not stage or stage_of(name) == stage]
    done = [name for name in own if name in run.states and not run.states[name].failed and run.states[name].ended]
    failed = [name for name in run.ended(failed=True) if name in own]
    what = f"{stage}: " if stage else ""
    jobs = "1 job" if len(done) == 1 else f"{len(done)} jobs"
    if len(done) == len(own):
        return f"{what}{jobs} done in {span(now - begun)}"
    rest = len(own) - len(done) - len(failed)
    parts = [f"{len(done)} of {len(own)} jobs done"]
    parts += [f"{len(failed)} failed ({', '.join(failed)})"] if failed else []
    parts += [f"{rest} did not end" if rest else ""]
    return f"{what}{', '.join(filter(None, parts))}, after {span(now - begun)}"
