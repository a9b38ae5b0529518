"""Lines of progress by a clock of the test's own: when they come, and what they say."""

import pytest

from googlenet.tracking.progress import Progress, counted, duration, recording, reporting, speed


class Clock:
    """It stands still until the test sets it."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def lines(clock):
    seen = []
    with reporting(seen.append, clock):
        yield seen


def at(clock, seconds, progress, count, **words):
    """Count items at a moment."""
    clock.now = seconds
    progress.add(count, **words)


def test_the_first_line_is_early_and_no_two_are_close(clock, lines):
    progress = Progress("images", 36_000)
    for second in range(1, 101):
        at(clock, second, progress, 100)
    assert lines[0] == "images: 500 of 36,000, 100 a second, 6 min left"
    assert [line.split()[1] for line in lines] == ["500", "2,500", "4,500", "6,500", "8,500"]  # at 5, 25, 45, ...


def test_long_work_has_fewer_lines(clock, lines):
    progress = Progress("steps", 10**7)
    for minute in range(1, 24 * 60 + 1):
        at(clock, 60 * minute, progress, 60)
    assert 250 < len(lines) < 400  # every five minutes in the end


def test_what_an_earlier_attempt_did_says_nothing_of_the_speed(clock, lines):
    progress = Progress("images packed", 100_000)
    at(clock, 10, progress, 20_000, before=True)
    at(clock, 40, progress, 80)
    at(clock, 80, progress, 79_890, before=True)
    assert [line.split(", ", 1)[1] for line in lines] == [
        "time left unknown", "2.0 a second, 11 h 06 min left", "1.0 a second, 30 s left"
    ]  # fmt: skip
    resumed = Progress("steps", 100, done=90)
    at(clock, 90, resumed, 5)
    assert lines[-1] == "steps: 95 of 100, 2.0 s each, 10 s left"


def test_events_are_closer_than_lines_and_end_with_the_block(clock, lines):
    events = []
    with recording(lambda *event: events.append((clock.now, *event))):
        steps, again = Progress("steps", 10**7), Progress("images", 500, done=400)
        at(clock, 2, steps, 20)
        at(clock, 3, steps, 10)
        assert events == [(3, "steps", 30, 10**7, 0.1)]
        at(clock, 4, again, 10, before=True)  # says nothing of the speed
        for second in range(5, 50_001):
            at(clock, second, steps, 10)
    assert [event[0] for event in events[:4]] == [3, 6, 9, 12] and 300 < len(events) < 500
    at(clock, 60_000, Progress("steps", 10), 1)
    assert events[-1][0] < 50_001 and len(lines) > 2


def test_speeds_are_given_as_people_say_them():
    assert [speed(each) for each in (2.51, 0.4, 1 / 1234)] == ["2.5 s each", "2.5 a second", "1,234 a second"]


def test_items_are_counted_when_they_are_done_also_without_a_total(clock, lines):
    for number in counted(iter("abc"), "files of some.tar"):
        clock.now += 30
        assert number in "abc"
    assert lines == [f"files of some.tar: {done}, 30.0 s each" for done in (1, 2, 3)]
    assert list(counted([1, 2], "images")) == [1, 2]


def test_nothing_is_printed_outside_of_a_job(capsys, monkeypatch):
    monkeypatch.setattr("googlenet.tracking.progress.FIRST_S", 0.0)
    assert list(counted(range(3), "images")) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59, "59 s"), (61, "1 min"), (3599, "1 h 00 min"), (19_980, "5 h 33 min"), (4_838_400, "56 days")],
)
def test_times_are_given_as_people_say_them(seconds, text):
    assert duration(seconds) == text
