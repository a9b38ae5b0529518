"""Snakemake's logger plugin `googlenet`: the display of progress in the place of Snakemake's own output.

The default profile switches it on (workflow/profiles/default). Snakemake's own output remains for a dry run, for its options that
ask for more or less (--quiet, --verbose, --printshellcmds, ...), for whatever runs no jobs of this project, and with
`--logger-googlenet-show snakemake`. Warnings and errors are always shown. Every start of Snakemake imports this module, before the
Snakefile has checked where the package googlenet is: it must not import that.
"""

import os
import sys
from dataclasses import dataclass, field
from logging import WARNING, LogRecord
from typing import Any, TextIO

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase

# What Snakemake says in the course of any run, and the display says better or not at all.
FAILED = "Exiting because a job execution failed"
CHATTER = (
    FAILED,
    "Assuming unrestricted shared filesystem usage",
    "Building DAG of jobs",
    "Complete log(s)",
    "Elapsed time",
    "Execute ",
    "Group jobs: inactive",
    "Removing output files of failed job",
    "Select jobs to execute",
    "Shutting down, this might take some time",
    "Using shell",
    "Using workflow specific profile",
    "host: ",
)


@dataclass
class LogHandlerSettings(LogHandlerSettingsBase):
    """Options of the command line: --logger-googlenet-show."""

    show: str | None = field(
        default="auto",
        metadata={
            "help": "Progress: live (drawn in place), lines, or auto (live in a terminal); or snakemake, its own output.",
            "choices": ["auto", "live", "lines", "snakemake"],
            "type": str,
            "env_var": True,
        },
    )


class LogHandler(LogHandlerBase):
    """Passes what Snakemake logs to the display, once `show` was called, or to Snakemake's own handler."""

    def __post_init__(self) -> None:
        from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter

        asked = self.common_settings
        choice = self.settings.show if isinstance(self.settings, LogHandlerSettings) else "auto"
        self.stream: TextIO = sys.stdout if asked.stdout else sys.stderr
        self._own = ColorizingTextHandler(nocolor=asked.nocolor, stream=self.stream)
        self._own.setFormatter(DefaultFormatter(asked.quiet, asked.show_failed_logs))
        more = asked.verbose or asked.debug_dag or asked.printshellcmds
        self._own.addFilter(
            DefaultFilter(asked.quiet, asked.debug_dag, asked.verbose, asked.dryrun, asked.printshellcmds)
        )
        self.is_plain = bool(choice == "snakemake" or asked.dryrun or asked.quiet or more)
        terminal = self.stream.isatty() and os.environ.get("TERM") != "dumb" and not asked.nocolor
        self.is_live = choice == "live" or (choice == "auto" and terminal)
        self._held: list[LogRecord] = []  # until it is clear what runs
        self._runs = False
        self._display: Any = None
        self._jobs: dict[int, Any] = {}

    @property
    def writes_to_stream(self) -> bool:
        """It takes the place of Snakemake's own handler."""
        return True

    @property
    def writes_to_file(self) -> bool:
        """Snakemake's file in .snakemake/log stays Snakemake's."""
        return False

    @property
    def has_filter(self) -> bool:
        """What is left out is decided here."""
        return True

    @property
    def has_formatter(self) -> bool:
        """And how the rest looks."""
        return True

    @property
    def needs_rulegraph(self) -> bool:
        """The Snakefile passes the jobs."""
        return False

    def show(self, display: Any, jobs: dict[int, Any]) -> None:
        """Pass the run of these jobs, by Snakemake's numbers, to a display."""
        self._runs = True  # the record that says so may yet wait in the queue of Snakemake's logger
        self._jobs, self._display = jobs, display

    def emit(self, record: LogRecord) -> None:
        """Show a record: in the display if there is one, else as Snakemake does; hold it back while that is not clear."""
        if self._display is not None:
            self._to_display(record)
        else:
            # Jobs without a display: those of another workflow, or of --touch and --no-hooks.
            self.is_plain |= event_of(record) in (LogEvent.JOB_INFO, LogEvent.PROGRESS)
            self._held.append(record)
            if self.is_plain or record.levelno >= WARNING:
                self._release()

    def close(self) -> None:
        """Show what was held back, and end the display."""
        if self._display is not None:
            self._display.close()
        self._release()
        super().close()

    def _release(self) -> None:
        """Show what was held back as Snakemake would; if jobs may yet run with a display, without the chatter."""
        held, self._held = self._held, []
        self._runs |= any(event_of(record) is LogEvent.WORKFLOW_STARTED for record in held)
        for record in held:
            if self.is_plain or not self._runs or is_news(record):
                self._own.handle(record)

    def _to_display(self, record: LogRecord) -> None:
        number = getattr(record, "jobid", getattr(record, "job_id", None))
        job = self._jobs.get(number) if isinstance(number, int) else None
        event = event_of(record)
        if job is not None and event is LogEvent.JOB_INFO:
            self._display.started(job, record.created)
        elif job is not None and event is LogEvent.JOB_FINISHED:
            self._display.finished(job, record.created)
        elif job is not None and event is LogEvent.JOB_ERROR:
            self._display.failed(job, record.created)
        elif is_end(record):
            self._display.close()
        elif is_news(record) and self._own.filter(record) and (text := self._own.format(record)) not in ("", "None"):
            self._display.say(text, "red" if record.levelno > WARNING else "yellow" * (record.levelno == WARNING))


def event_of(record: LogRecord) -> LogEvent | None:
    """What kind of record of Snakemake's it is; None for a message of any kind."""
    return getattr(record, "event", None)


def is_end(record: LogRecord) -> bool:
    """Whether no job will run after this record: all have, or Snakemake gives up."""
    done, total = getattr(record, "done", None), getattr(record, "total", 0)
    return (event_of(record) is LogEvent.PROGRESS and done == total) or record.getMessage().startswith(FAILED)


def is_news(record: LogRecord) -> bool:
    """Whether a record says what the display does not: a warning or error, or a message that is not among the usual ones."""
    if event_of(record) not in (None, LogEvent.ERROR, LogEvent.JOB_ERROR, LogEvent.GROUP_ERROR):
        return False
    text = str(record.getMessage())
    if getattr(record, "exception", "") == "RuleException" and "CalledProcessError" in text:
        return False  # a job's command ended with an error: the display shows the end of its log
    return not text.lstrip().startswith(CHATTER)
