"""The parts of a report: columns, rows, tables, figures, sections. All text in them is plain, not markup."""

from dataclasses import dataclass

PAPER, OURS, RECOUNT = "paper", "ours", "recount"
LONG = 66  # letters


@dataclass(frozen=True)
class Column:
    """A heading, the origin of its figures (PAPER, OURS, RECOUNT or "") and whether the cells are words."""

    label: str
    origin: str = ""
    words: bool = False


def texts(*labels: str) -> tuple[Column, ...]:
    """Columns of words."""
    return tuple(Column(label, words=True) for label in labels)


def numbers(*labels: str) -> tuple[Column, ...]:
    """Columns of figures with no stated origin."""
    return tuple(Column(label) for label in labels)


def our_numbers(*labels: str) -> tuple[Column, ...]:
    """Columns of figures measured here."""
    return tuple(Column(label, OURS) for label in labels)


@dataclass(frozen=True)
class Row:
    """One text per column; mark is OURS for our own row among others, "sum" for a total, or ""."""

    cells: tuple[str, ...]
    mark: str = ""


@dataclass(frozen=True)
class Table:
    """A table of text. Raises ValueError unless every row has one cell per column."""

    title: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    note: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.cells) != len(self.columns):
                raise ValueError(f"{self.title}: {len(row.cells)} cells for {len(self.columns)} columns: {row.cells}")

    def is_long(self, column: int) -> bool:
        """Whether a column's texts are wrapped, because one of them would not fit beside the other columns."""
        return any(len(row.cells[column]) > LONG for row in self.rows)


@dataclass(frozen=True)
class Figure:
    """A figure of the page: its file is figures/<name>.png; alt describes it in words."""

    name: str
    png: bytes
    caption: str
    alt: str

    @property
    def shown_px(self) -> int:
        """Width on the page: 7/10 of the PNG header's, so that letters have the same size in every figure."""
        return int.from_bytes(self.png[16:20]) * 7 // 10


Content = Table | Figure


@dataclass(frozen=True)
class Section:
    """A heading with paragraphs, then its tables and figures in the order given."""

    title: str
    text: tuple[str, ...] = ()
    content: tuple[Content, ...] = ()


@dataclass(frozen=True)
class Card:
    """One result at a glance."""

    label: str
    value: str
    detail: str = ""


@dataclass(frozen=True)
class Report:
    """The whole page; the warning is shown at the very top, before any figure."""

    title: str
    experiment: str
    about: tuple[str, ...]
    warning: str
    cards: tuple[Card, ...]
    sections: tuple[Section, ...]
