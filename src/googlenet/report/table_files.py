"""Tables as CSV and LaTeX files beside the report, made from the same objects as the page."""

import csv
import io
import re
from collections.abc import Sequence

from googlenet.report.parts import Column, Report, Table, slug

# Characters special to LaTeX; those that need a Unicode engine are replaced by commands that work in every font.
SPECIAL = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"},
    **{"\N{MINUS SIGN}": "$-$", "\N{MULTIPLICATION SIGN}": r"$\times$", "±": r"$\pm$", "·": r"$\cdot$"},
    **{"—": "---", "\N{EN DASH}": "--", "…": r"\ldots{}", "‡": r"\textdaggerdbl{}"},
}

NUMBER = re.compile(r"[+-]?[\d.,]+( [A-Za-z%]+| \[-?[\d.]+, -?[\d.]+\])?")  # with its unit or interval


def files(report: Report) -> dict[str, bytes]:
    """Return the content of every file by its name, <title>.csv and <title>.tex."""
    made = {}
    for table in report.tables:
        made[f"{slug(table.title)}.csv"] = as_csv(table).encode()
        made[f"{slug(table.title)}.tex"] = as_latex(table).encode()
    return made


def heading(column: Column) -> str:
    """Return a column's label, with the origin of its figures unless the label states it."""
    named = not column.origin or column.origin in column.label.lower()
    return column.label if named else f"{column.origin}: {column.label}"


def as_csv(table: Table) -> str:
    """Return the table as CSV: headings, then rows, with ASCII minus signs so that programs read the numbers."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(heading, table.columns))
    writer.writerows([_plain(cell) for cell in row.cells] for row in table.rows)
    return text.getvalue()


def _plain(cell: str) -> str:
    """Return a cell that is not a formula: a spreadsheet would evaluate text that begins with one of these signs."""
    cell = cell.replace("\N{MINUS SIGN}", "-")
    formula = cell[:1] in ("=", "+", "-", "@", "\t", "\r") and not NUMBER.fullmatch(cell)
    return f"'{cell}" if formula else cell


def as_latex(table: Table) -> str:
    """Return a LaTeX table for the booktabs package: caption, label, rows, and the note below them."""
    places = "".join("l" if column.words else "r" for column in table.columns)
    lines = [
        r"\begin{table}",
        rf"\caption{{{escape_latex(f'{table.title}. {table.caption}'.strip())}}}",
        rf"\label{{tab:{slug(table.title)}}}",
        rf"\begin{{tabular}}{{{places}}}",
        r"\toprule",
        _line([heading(column) for column in table.columns]),
        r"\midrule",
        *(_line(row.cells, bold=bool(row.mark)) for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    if table.note:
        lines += ["", escape_latex(table.note)]
    return "\n".join([*lines, r"\end{table}", ""])


def _line(cells: Sequence[str], bold: bool = False) -> str:
    escaped = [escape_latex(cell) for cell in cells]
    return " & ".join(rf"\textbf{{{cell}}}" if bold and cell else cell for cell in escaped) + r" \\"


def escape_latex(text: str) -> str:
    """Escape text to one line that LaTeX sets literally; a bracket would be an argument of the preceding line end."""
    text = "".join(SPECIAL.get(letter, letter) for letter in " ".join(text.split()))
    return f"{{}}{text}" if text.startswith("[") else text
