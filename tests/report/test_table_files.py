"""Tables beside the report: CSV that reads back, LaTeX in which no text is a command, both from the page's tables."""

import csv
import re

import pytest

from googlenet.report import sections, table_files
from googlenet.report.parts import OURS, PAPER, Column, Row, Table, texts
from report import sample

MINUS = "\N{MINUS SIGN}"
TABLE = Table(
    "A & B",
    "Errors in 50 % of _all_.",
    (Column("Name", words=True), Column("Error, %", PAPER), Column("Ours already", OURS)),
    (Row(('a,\n"b"', f"{MINUS}3.40", "[1.0, 2.0]")), Row(("=1+1", "4", f"{MINUS}x"), "sum")),
    "A note.",
)


@pytest.fixture(scope="module")
def report():
    return sections.build("demo", sample.results(), sample.runs(), {})


def test_every_table_of_the_report_has_two_files_that_are_the_same_when_made_twice(report):
    files = table_files.files(report)
    assert len(files) == 2 * len(report.tables) > 80
    assert table_files.files(sections.build("demo", sample.results(), sample.runs(), {})) == files
    for table in report.tables:
        rows = [*csv.reader(files[f"{table_files.slug(table.title)}.csv"].decode().splitlines(keepends=True))]
        assert len(rows) == 1 + len(table.rows) and {len(row) for row in rows} == {len(table.columns)}


def test_csv_by_hand():
    assert table_files.as_csv(TABLE) == (
        'Name,"Error, %",Ours already\n'.replace('"Error, %"', '"paper: Error, %"')
        + '"a,\n""b""",-3.40,"[1.0, 2.0]"\n'
        + "'=1+1,4,'-x\n"  # which a spreadsheet would otherwise run
    )


@pytest.mark.parametrize(
    "cell", ["+1+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", f"{MINUS}1-1", "+SUM(A1)", "@x", "\tx"]
)
def test_no_cell_is_a_formula(cell):
    row = table_files.as_csv(Table("A", "", texts("Name"), (Row((cell,)),))).splitlines()[-1]
    assert row.lstrip('"').startswith("'")


@pytest.mark.parametrize(
    "cell", ["+0.30", f"{MINUS}3.40", "-1,234", "+2.7 points", f"{MINUS}5 %", f"{MINUS}0.30 [{MINUS}1.2, 0.4]"]
)
def test_a_number_stays_one(cell):
    row = table_files.as_csv(Table("A", "", texts("Name"), (Row((cell,)),))).splitlines()[-1]
    assert row.strip('"') == cell.replace(MINUS, "-")


def test_latex_by_hand():
    lines = table_files.as_latex(TABLE).splitlines()
    assert lines[1:5] == [
        r"\caption{A \& B. Errors in 50 \% of \_all\_.}",
        r"\label{tab:a-b}",
        r"\begin{tabular}{lrr}",
        r"\toprule",
    ]
    assert lines[5] == r"Name & paper: Error, \% & Ours already \\"
    assert lines[7] == r'a, "b" & $-$3.40 & {}[1.0, 2.0] \\'
    assert lines[8] == r"\textbf{=1+1} & \textbf{4} & \textbf{$-$x} \\" and lines[-3:] == [
        "",
        "A note.",
        r"\end{table}",
    ]


@pytest.mark.parametrize("text", [r"\input{/etc/passwd}", "100 % & $x$ #1 ~^", "{}", "<b>|"])
def test_no_text_is_a_command(text):
    escaped = table_files.escape_latex(text)
    known = r"\\text(?:backslash|asciitilde|asciicircum|less|greater|bar)\{\}|\\[&%$#_{}]"
    assert not re.search(r"[\\&%$#_{}~^<>|]", re.sub(known, "", escaped))
