"""The documentation as a site (`make docs`), from the pages as they stand in the repository.

The sources are those of the whole repository: links between pages, and to files, are right on GitHub and on the site.
What GitHub would show as code is added here: the tables of contents and the reference of commands.
"""

import re
from pathlib import Path

import click
from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
HOME = "docs/index"
DIAGRAM = "docs/images/pipeline.svg"

project = "Going Deeper, reproduced"
root_doc = HOME
extensions = ["myst_parser", "sphinx_click"]
include_patterns = ["*.md", "benchmarks/README.md", "docs/**.md"]
exclude_patterns = [path.name for path in ROOT.iterdir() if path.is_dir() and path.name not in ("benchmarks", "docs")]
nitpicky = True
smartquotes = False
default_role = "code"  # of the commands' help, which is not Markdown
myst_heading_anchors = 4  # named as GitHub names them
html_theme = "furo"
html_title = project
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_show_copyright = html_show_sphinx = html_copy_source = False
html_show_search_summary = False  # it is fetched, which browsers refuse where pages are files

# The sidebar: pages by their path from docs/. Those that it does not name stand among the how-tos.
PARTS = {
    "Start": ["Overview and quick start <../README>", "usage", "using"],
    "Concepts": ["architecture", "agreement", "traps", "deviations", "decisions/README"],
    "How to": ["data", "extending", "planning", "tracking", "remotes"],
    "Reference": ["configuration", "commands", "safety"],
    "Results": ["results", "../benchmarks/README"],
    "Project": ["../CONTRIBUTING", "../CHANGELOG"],
}


def contents() -> str:
    """The sidebar, as directives that show nothing on the page itself."""
    named = {page for pages in PARTS.values() for page in pages} | {"index"}
    rest = sorted({path.stem for path in (ROOT / "docs").glob("*.md")} - named)
    parts = PARTS | {"How to": PARTS["How to"] + rest}
    return "".join(_toctree(f":hidden:\n:caption: {part}", pages) for part, pages in parts.items())


def _toctree(options: str, pages: list[str]) -> str:
    return "\n```{toctree}\n" + options + "\n\n" + "\n".join(pages) + "\n```\n"


ADDED = {
    HOME: contents(),
    "docs/decisions/README": _toctree(":glob:\n:maxdepth: 1", ["0*"]),
    "docs/commands": "\n```{eval-rst}\n.. click:: googlenet.cli.main:googlenet\n   :prog: googlenet\n   :nested: full\n```\n",
}


def complete(_: Sphinx, page: str, source: list[str]) -> None:
    """Add to a page what only the site can show, and show a diagram's picture in place of its source."""
    source[0] = re.sub(r"```mermaid\n.*?```", f"![The jobs of the pipeline](/{DIAGRAM})", source[0], flags=re.DOTALL)
    source[0] += ADDED.get(page, "")


def show_examples(_: Sphinx, __: click.Context, lines: list[str]) -> None:
    """Show the examples of a command's help as code; sphinx-click begins their lines with a bar."""
    text = "\n".join(lines)
    text = re.sub(r"(?m)^\|.*(\n\|.*)*", lambda bars: "::\n\n" + bars[0].replace("| ", "   "), text)
    lines[:] = text.split("\n")


def write_entry(app: Sphinx, error: Exception | None) -> None:
    """Let the site's first address lead to its first page."""
    if error is None:
        refresh = f'<!doctype html><meta http-equiv="refresh" content="0; url={HOME}.html"><a href="{HOME}.html">{project}</a>\n'
        (Path(app.outdir) / "index.html").write_text(refresh, encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Connect the functions above to Sphinx."""
    app.connect("source-read", complete)
    app.connect("sphinx-click-process-description", show_examples)
    app.connect("build-finished", write_entry)
