"""What a person did that the program cannot work with: told in one line, never as a traceback."""

from collections.abc import Iterable
from difflib import get_close_matches

LONGEST = 2000  # letters of a line


class UserError(Exception):
    """One line that names the file or key, says what is wrong with it, and how to mend it."""

    def __init__(self, message: str):
        line = printable(" ".join(message.split()))
        if len(line) > LONGEST:  # a value without end would hide what is wrong with it, and the mend at the end
            line = f"{line[: LONGEST // 2]} ... {line[-LONGEST // 2 :]}"
        super().__init__(line)


class Stopped(UserError):
    """The job was told to stop (SIGTERM, or its engine died); what it had done is kept, and the same command goes on."""


def printable(text: str) -> str:
    """Text that does nothing to a terminal: what is no letter, sign or space is written as its code (\\x1b)."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def nearest(name: str, choices: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the nearest of the right names, or all of them when none is near."""
    names = sorted(str(choice) for choice in choices)
    close = get_close_matches(str(name), names, n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else f"; known: {', '.join(names) or 'none'}"
