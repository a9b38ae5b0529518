"""Lines of progress by a clock of the test's own: nobody sleeps."""

from itertools import count

from googlenet.tracking.progress import reporting


def lines_of(work):
    """The lines of progress of a call, with a minute between any two readings of the clock."""
    lines, minutes = [], count(0, 60)
    with reporting(lines.append, lambda: next(minutes)):
        work()
    return lines
