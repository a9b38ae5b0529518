"""Errors that the user can correct, reported in one line, never as a traceback."""

import errno
import io
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from unicodedata import normalize

LONGEST = 2000  # characters in one message


class UserError(Exception):
    """One line that names the file or key, what is wrong with it, and how to correct it."""

    def __init__(self, message: str):
        line = printable(" ".join(message.split()))
        if len(line) > LONGEST:  # a very long value would hide the problem and, at the end, the remedy
            line = f"{line[: LONGEST // 2]} ... {line[-LONGEST // 2 :]}"
        super().__init__(line)


class Stopped(BaseException):
    """The job received SIGTERM, or its engine died; the same command goes on with it. No Exception, like Python's own
    KeyboardInterrupt: no handler of what libraries raise, or of bad files, may take a stop for such an error."""


class PeerLost(Exception):
    """Another process of the same training has exited or does not respond; its starter reports why."""


def printable(text: str) -> str:
    """Text that is safe to print to a terminal: unprintable characters are replaced by their escape codes (\\x1b)."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def escape_output() -> None:
    """Make standard output and error print any text: characters that their encoding lacks become escape codes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def unusable(error: OSError) -> str:
    """What the system refused, as the text of an error."""
    name = error.filename2 or error.filename or "output"
    return f"{name}: {error.strerror or error}; correct the path or its permissions, or free some space"


def disk_is_full(error: BaseException) -> bool:
    """Whether the system refused to write for want of space; some libraries pass on only its text."""
    if not isinstance(error, OSError):
        return False
    return error.errno in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error)


def nearest(name: str, choices: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the closest of the valid names, or a list of all of them when none is close."""
    names = sorted(str(choice) for choice in choices)
    close = get_close_matches(str(name), names, n=1, cutoff=0.6)
    if close and normalize("NFC", close[0]) == normalize("NFC", str(name)):
        return f"; '{close[0]}' is the same in another Unicode form, so rename one of them"
    return f"; did you mean '{close[0]}'?" if close else f"; known: {', '.join(names) or 'none'}"
