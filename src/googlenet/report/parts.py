"""The parts of a report: columns, rows, tables, figures, sections. All text in them is plain, not markup."""

import re
from dataclasses import dataclass

PAPER, OURS, RECOUNT = "paper", "ours", "recount"
LONG = 66  # characters


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
    """One text per column; mark is OURS for our own row, "sum" for a total, or ""."""

    cells: tuple[str, ...]
    mark: str = ""


def slug(title: str) -> str:
    """Return an anchor or file name of lower-case letters, digits and hyphens; of a long title, both ends."""
    name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    return name if len(name) <= 100 else f"{name[:50]}-{name[-49:]}"


@dataclass(frozen=True)
class Table:
    """A table of text. Raises ValueError unless every row has one cell per column.

    constant: a sentence that pages show instead of the rows if nothing varies in them. stacked: on a narrow screen each
    row becomes a block of lines.
    """

    title: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    note: str = ""
    constant: str = ""
    stacked: bool = False

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.cells) != len(self.columns):
                raise ValueError(f"{self.title}: {len(row.cells)} cells for {len(self.columns)} columns: {row.cells}")

    @property
    def sentence(self) -> str:
        """What pages show instead of the rows if only the first column varies; otherwise ""."""
        if (
            self.constant
            or len(self.rows) < 2
            or len({row.cells[1:] for row in self.rows}) > 1
            or len(self.columns) < 2
        ):
            return self.constant
        names = ", ".join(row.cells[0] for row in self.rows)
        shared = zip(self.columns[1:], self.rows[0].cells[1:], strict=True)
        return f"The same for {names}: {'; '.join(f'{column.label}: {cell}' for column, cell in shared)}."

    def is_long(self, column: int) -> bool:
        """Whether a column's texts are wrapped because one of them is too long to fit."""
        return any(len(row.cells[column]) > LONG for row in self.rows)


@dataclass(frozen=True)
class Figure:
    """A figure of the page: its file is figures/<name>.png; alt describes it in words.

    photographs: it shows pixels of images, whose colours a dark page must not change.
    """

    name: str
    png: bytes
    caption: str
    alt: str
    photographs: bool = False

    @property
    def shown_px(self) -> int:
        """Width on the page: 7/10 of the PNG header's, so that text has the same size in every figure."""
        return int.from_bytes(self.png[16:20]) * 7 // 10


Content = Table | Figure


@dataclass(frozen=True)
class Section:
    """A heading with paragraphs, then its tables and figures in the order given."""

    title: str
    text: tuple[str, ...] = ()
    content: tuple[Content, ...] = ()


@dataclass(frozen=True)
class Part:
    """Sections under one heading ("" for none). folded: their content is hidden until a reader opens it."""

    title: str
    sections: tuple[Section, ...]
    folded: bool = False


@dataclass(frozen=True)
class Report:
    """The whole page; the warning is shown at the very top, before any figure. Raises ValueError if two tables would
    have the same file."""

    title: str
    experiment: str
    about: tuple[str, ...]
    warning: str
    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        names = [slug(table.title) for table in self.tables]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two tables of one title: {', '.join(sorted(twice))}")

    @property
    def sections(self) -> tuple[Section, ...]:
        """The sections of all parts, in order."""
        return tuple(section for part in self.parts for section in part.sections)

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables of all sections, in order."""
        return tuple(item for section in self.sections for item in section.content if isinstance(item, Table))
