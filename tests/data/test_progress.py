"""A line of progress every ten seconds, by a clock of the test's own."""

from googlenet.data.pack import Piece
from googlenet.data.workers import Progress


def piece(split, images):
    return Piece(split, 0, [None] * images, [0] * images)


def test_lines_say_split_totals_speed_and_the_time_left():
    now, lines = [0.0], []
    train, test = piece("train", 30_000), piece("test", 6_000)
    progress = Progress([train, test], lines.append, lambda: now[0])
    now[0] = 9
    progress.add(train, 500)
    assert lines == []
    now[0] = 10
    progress.add(train, 500)
    now[0] = 15
    progress.add(train, 1)
    assert lines == ["train: 1,000 of 30,000; all: 1,000 of 36,000 images, 100 a second, 6 min left"]
    now[0] = 110
    progress.add(test, 9_999)
    assert lines[1].startswith("test: 9,999 of 6,000; all: 11,000 of 36,000 images, 100 a second, 4 min left")


def test_what_was_packed_before_says_nothing_of_the_speed():
    now, lines = [0.0], []
    train = piece("train", 100_000)
    progress = Progress([train], lines.append, lambda: now[0])
    now[0] = 10
    progress.add(train, 20_000, before=True)
    now[0] = 20
    progress.add(train, 80)
    now[0] = 30
    progress.add(train, 79_890, before=True)
    assert [line.split("images, ")[1] for line in lines] == [
        "0 a second, time left unknown",
        "4 a second, 5 h 33 min left",
        "3 a second, 11 s left",
    ]
