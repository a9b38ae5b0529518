"""The display of a run that Snakemake executes: it receives what Snakemake logs, polls the jobs, and shows both."""

import os
import time
from threading import Event, RLock, Thread
from typing import TYPE_CHECKING, TextIO

from googlenet.errors import UserError
from googlenet.pipeline import checked_out, reasons
from googlenet.pipeline.experiment import Experiment
from googlenet.planning.expected import expected
from googlenet.planning.remaining import Planned, remaining
from googlenet.progress import words
from googlenet.progress.jobs import JobLog
from googlenet.progress.timeline import Timeline, by_stage
from googlenet.tracking import job_name

if TYPE_CHECKING:
    from googlenet.progress.live import Terminal

LOOK_S = 1.0
FIRST_LINE_S, EVERY_S, RAREST_S = 15.0, 30.0, 600.0  # between two status lines: a thirtieth of the time so far
RECORDED_S = 10.0  # between two predictions in the run's file


class Display:
    """Shows a run on a stream: in place in a terminal, else as lines. stage: DVC's, if DVC runs this Snakemake."""

    def __init__(self, timeline: Timeline, experiment: Experiment, stream: TextIO, live: bool, stage: str = ""):
        self._timeline, self._experiment, self._stream, self._stage = timeline, experiment, stream, stage
        self._begun = self._recorded = time.time()
        self._line_due = self._begun + FIRST_LINE_S
        self._logs: dict[str, JobLog] = {}
        self._lock, self._ended = RLock(), Event()
        self._terminal = terminal(stream, experiment.name) if live else None
        self._threads = [Thread(target=self._watch, daemon=True)]
        self._dry_run: reasons.DryRun | None = None

    def begin(self, learn_later: tuple[list[str], list[str]] | None = None) -> None:
        """Start polling. learn_later: targets and options of the dry run that tells what DVC's next stages will run."""
        self._threads.append(Thread(target=self._learn, args=[learn_later], daemon=True))
        for thread in self._threads:
            thread.start()

    def started(self, job: Planned, at: float) -> None:
        """A job has started."""
        with self._lock:
            self._timeline.add("start", at, job=job.name)
            self._logs[job.name] = JobLog(self._experiment.root, self._experiment.name, job.name, at)

    def finished(self, job: Planned, at: float) -> None:
        """A job has succeeded."""
        self._end(job, at, failed=False)
        if self._terminal is None:
            self._line(at, f"{job.name} done in {words.span(self._took(job))}")

    def failed(self, job: Planned, at: float) -> None:
        """A job has failed; show the end of its log."""
        self._end(job, at, failed=True)
        lines = words.last_lines([job.log] if job.log else [], self._experiment.root)
        verb = "stopped" if any(line.startswith("stopped: ") for line in lines) else "failed"
        self._line(at, "; ".join([f"{job.name} {verb} after {words.span(self._took(job))}", *lines[:1]]), "red")
        if lines[1:]:
            self.say("\n".join(lines[1:]))

    def say(self, text: str, style: str = "") -> None:
        """Write lines outside the display."""
        with self._lock:
            if self._terminal:
                self._terminal.say(text, style)
            else:
                print(text, file=self._stream, flush=True)

    def close(self) -> None:
        """Print a summary, and stop the display."""
        with self._lock:
            if self._ended.is_set():
                return
            self._ended.set()
            if self._terminal:
                self._terminal.close()
            now = time.time()
            run, self._terminal = self._timeline.run, None
            text = words.end(run, self._begun, now, self._stage)
            if self._stage and run.later:
                text += f"; {words.left(remaining(run, now).all_s)} for the stages to come"
            self._line(now, text)
        if self._dry_run:  # it would go on beside DVC's next stage
            self._dry_run.end()
            self._threads[-1].join()  # until it has removed the dry run's folder

    def _end(self, job: Planned, at: float, failed: bool) -> None:
        with self._lock:
            if job.name not in self._timeline.run.states:  # it failed before it started
                self._timeline.add("start", at, job=job.name)
            self._timeline.add("end", at, job=job.name, failed=failed)
            self._logs.pop(job.name, None)

    def _took(self, job: Planned) -> float:
        state = self._timeline.run.states[job.name]
        return (state.ended or state.started) - state.started

    def _line(self, at: float, text: str, style: str = "") -> None:
        self.say(f"{words.clock(at)}  {text}", style)

    def _watch(self) -> None:
        """Poll the jobs until the end, and show what has changed."""
        while not self._ended.is_set():
            with self._lock:
                if not self._ended.is_set():
                    self._look(time.time())
            self._ended.wait(LOOK_S)

    def _look(self, now: float) -> None:
        for name, log in list(self._logs.items()):
            try:
                news = log.look()
            except UserError as error:  # a failing disk; the job itself may well go on
                self._logs.pop(name)
                self._line(now, f"the progress of {name} is not shown: {error}")
                continue
            if news and log.work:
                values = {key: value for key, value in vars(log.work).items() if key != "at" and value}
                self._timeline.add("work", log.work.at, job=name, **values)
        run = self._timeline.run
        total = remaining(run, now)
        if total.all_s is not None and now >= self._recorded + RECORDED_S:
            self._recorded = now
            self._timeline.add("left", now, seconds=round(total.all_s, 1))
        if self._terminal:
            self._terminal.show(run, total, self._timeline.begun, now)
        elif now >= self._line_due:
            self._line_due = now + min(max(EVERY_S, (now - self._begun) / 30), RAREST_S)
            self._line(now, words.status(run, total, now))

    def _learn(self, learn_later: tuple[list[str], list[str]] | None) -> None:
        """Find out how long jobs are expected to take, and under DVC what the remaining stages will run."""
        try:
            seconds = {name: round(value, 2) for name, value in expected(self._experiment).items()}
            with self._lock:
                self._timeline.add("expect", time.time(), seconds=seconds)
        except UserError as error:  # a damaged record of the last run
            self._line(time.time(), f"the time left is not known: {error}")
        if learn_later and self._timeline.run.later is None and not self._ended.is_set():
            self._ask_for_later(*learn_later)

    def _ask_for_later(self, targets: list[str], options: list[str]) -> None:
        """Ask a dry run what DVC's remaining stages will run, as if Snakemake were to run them itself."""
        environment = {name: value for name, value in os.environ.items() if name != "DVC_STAGE"}
        environment[checked_out.TAKE_OVER] = "1"
        with self._lock:
            if self._ended.is_set():
                return
            self._dry_run = reasons.DryRun(self._experiment.name, targets, *options, environment=environment)
        try:
            found = self._dry_run.reasons()
        except UserError as error:
            if not self._ended.is_set():
                self._line(time.time(), f"the time left for the stages to come is not known: {error}")
            return
        with self._lock:
            stages = by_stage(job_name(reason.stage, reason.job) for reason in found)
            self._timeline.add("later", time.time(), stages=stages)


def terminal(stream: TextIO, title: str) -> "Terminal | None":
    """The display in a terminal; rich is imported here because lines do not need it."""
    from googlenet.progress.live import Terminal

    return Terminal(stream, title)
