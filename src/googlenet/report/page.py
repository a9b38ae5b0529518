"""Render a Report as one self-contained HTML page, and as Markdown. All text is escaped here, and only here."""

import base64
import re
from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from googlenet.report import table_files
from googlenet.report.parts import Column, Figure, Report, Section, Table, slug
from googlenet.storage.files import write_bytes
from googlenet.storage.folder import write_folder

# Characters that Markdown (or the HTML inside it) could take for markup, in a table cell or a paragraph.
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
MARKUP = re.compile(r"([\\`*_{}\[\]|#$~])")


def write(report: Report, markdown: Path, html: Path) -> None:
    """Write both pages, with the tables' files beside them."""
    write_folder(markdown.parent / "tables", table_files.files(report))
    write_bytes(markdown, render_markdown(report).encode())
    write_bytes(html, render_html(report).encode())


def render_html(report: Report) -> str:
    """Render the page with its style and figures inlined; its content security policy forbids fetching anything."""
    pages = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    pages.loader = PackageLoader("googlenet", "report")
    pages.filters |= {"slug": slug, "base64": lambda content: base64.b64encode(content).decode("ascii")}
    pages.tests["figure"] = lambda item: isinstance(item, Figure)
    return pages.get_template("page.html.j2").render(report=report)


def escape_markdown(text: str) -> str:
    """Escape text to one line that Markdown shows literally, even inside a table cell."""
    text = " ".join(text.split())
    text = "".join(ENTITIES.get(letter, letter) for letter in text)
    text = MARKUP.sub(r"\\\1", text)
    text = text.replace("://", "&#58;//").replace("www.", "www&#46;")  # some renderers would turn these into links
    # escape what would begin a list or underline a heading at the start of a line
    return re.sub(r"^(\d+)(?=[.)]\s)|^(?=[-+=]+(?:\s|$|-))", r"\1\\", text)


def render_markdown(report: Report) -> str:
    """Render the same content as Markdown; figures are linked as figures/<name>.png."""
    lines = [f"# {escape_markdown(report.title)}", f"Experiment: **{escape_markdown(report.experiment)}**"]
    if report.warning:
        lines.append(f"> **{escape_markdown(report.warning)}**")
    lines += [escape_markdown(paragraph) for paragraph in report.about]
    for part in report.parts:
        lines += [f"## {escape_markdown(part.title)}"] if part.title else []
        for section in part.sections:
            lines += section_lines(section, 3 if part.title else 2)
    return "\n\n".join(lines) + "\n"


def section_lines(section: Section, level: int = 2) -> list[str]:
    """Render one section as Markdown paragraphs; level: of its heading."""
    lines = [f"{'#' * level} {escape_markdown(section.title)}", *map(escape_markdown, section.text)]
    for item in section.content:
        if isinstance(item, Figure):
            lines += [f"![{escape_markdown(item.alt)}](figures/{item.name}.png)", escape_markdown(item.caption)]
        else:
            lines += [f"{'#' * (level + 1)} {escape_markdown(item.title)}", *_table_lines(item)]
    return lines


def _table_lines(table: Table) -> list[str]:
    if table.sentence:
        return [escape_markdown(table.sentence)]
    rule = "|" + "|".join(" --- " if column.words else " ---: " for column in table.columns) + "|"
    rows = [_line(map(_heading, table.columns)), rule]
    for row in table.rows:
        cells = map(escape_markdown, row.cells)
        rows.append(_line(f"**{cell}**" if cell and row.mark else cell for cell in cells))
    lines = [escape_markdown(table.caption), "\n".join(rows)]
    return lines + ([escape_markdown(table.note)] if table.note else [])


def _heading(column: Column) -> str:
    """Return the label, prefixed by the origin of its figures, which Markdown cannot show by colour."""
    text = escape_markdown(column.label)
    named = not column.origin or column.origin in text.lower()
    return text if named else f"{column.origin.capitalize()}: {text}"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
