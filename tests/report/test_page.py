"""The page as HTML and as Markdown: whole, self-contained, and safe against hostile names."""

import re

import numpy as np
import pytest

from googlenet.metrics.results import Results
from googlenet.report import page, run_tables, sections, style
from googlenet.report.parts import Column, Part, Report, Row, Section, Table
from report import sample
from report.reading import read
from settings import changed


@pytest.fixture(scope="module")
def report(plain_figures):
    return sections.build("demo", sample.results(), sample.runs(), plain_figures)


@pytest.fixture(scope="module")
def html(report):
    return page.render_html(report)


@pytest.fixture(scope="module")
def markdown(report):
    return page.render_markdown(report)


def test_html_is_balanced_and_its_contents_have_targets(html, report):
    reader = read(html)
    assert reader.open == []
    links = [value for tag, key, value in reader.attributes if (tag, key) == ("a", "href")]
    assert len(report.sections) == 19 and len(links) == 2 * (19 + 4)  # beside the page or above it, with four parts
    assert all(link.removeprefix("#") in reader.ids for link in links)


def test_html_fetches_nothing(html):
    reader = read(html)
    assert not {"script", "link", "iframe", "object", "base"} & set(reader.tags)
    assert "://" not in html and "@import" not in html and "url(" not in html
    sources = [value for _, key, value in reader.attributes if key == "src"]
    assert len(sources) == 24 and all(source.startswith("data:image/png;base64,iVBOR") for source in sources)
    assert any(value and "default-src 'none'" in value for _, key, value in reader.attributes if key == "content")


def test_html_shows_hostile_names_as_text(report):
    results = sample.results(sample.manifest("classification", '"><img src=x onerror=alert(1)>'))
    hostile = page.render_html(sections.build("<b>demo</b>", results, sample.runs(), {}))
    reader = read(hostile)
    assert "script" not in reader.tags and "b" not in reader.tags[: reader.tags.index("p")]
    assert "img" not in reader.tags and sample.HOSTILE in reader.text
    assert "<b>demo</b>" in reader.text and "a|b<i>.jpg" in reader.text


@pytest.mark.parametrize(
    "printed",
    [
        *("10.07", "6.67", "\N{MINUS SIGN}3.45", "7.30 ± 0.61", "\N{MINUS SIGN}3.30", "43.9", "38.02", "89.5 ± 1.9"),
        *("6,998,552", "13,378,280", "2.7K ‡", "54M ‡", "1.583G", "2,403", "92 to 93", "93.1 %", "43.11 %"),
        *("not a JPEG", "Example 9000"),
    ],
)
def test_figures_appear_on_both_pages(html, markdown, printed):
    assert printed in read(html).text
    assert printed in markdown


def test_provenance_lists_commits_and_data(html):
    text = read(html).text
    assert sample.digest("commit")[:10] + "+dirty" in text
    assert sample.digest("classificationtest") in text and sample.digest("m3")[:32] in text
    assert sample.digest("train_classifierm1")[:10] in text


def test_mixed_versions_are_reported():
    runs = sample.runs()
    assert run_tables.mixed_versions(runs) == ()
    runs[0] = changed(runs[0], versions={"torch": "2.14.0"})
    runs.append(changed(runs[1], stage="make_report", versions={"torch": "1.0"}))  # computes nothing
    mixed = f"Mixed: torch was 2.14.0 for 1 job and 2.15.0 for {len(runs) - 2} jobs."
    assert sections.provenance((), runs).text[1:] == (mixed,)


def test_markdown_tables_have_as_many_cells_in_every_row(markdown):
    blocks = re.findall(r"(?:^\|.*\n)+", markdown, flags=re.MULTILINE)
    assert len(blocks) == 38  # of 44 tables, less those in which nothing varies
    for block in blocks:
        counts = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(counts) == 1, block


def test_markdown_links_its_figures_and_holds_no_markup_of_others(markdown, report):
    figures = [item.name for section in report.sections for item in section.content if hasattr(item, "png")]
    assert re.findall(r"\]\(figures/(\w+)\.png\)", markdown) == figures
    assert "<script" not in markdown and "<i>" not in markdown and "a\\|b&lt;i&gt;.jpg" in markdown


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("<script>|", "&lt;script&gt;\\|"),
        ("a\nb", "a b"),
        ("[a](b) `c` $d$ \\", "\\[a\\](b) \\`c\\` \\$d\\$ \\\\"),
        ("- item", "\\- item"),
        ("1. item", "1\\. item"),
        ("12 items", "12 items"),
        ("# head & tail", "\\# head &amp; tail"),
        ("---", "\\---"),
    ],
)
def test_escape_markdown(text, escaped):
    assert page.escape_markdown(text) == escaped


def test_rendering_depends_on_the_values_alone(html, markdown, plain_figures):
    results = Results(reversed(sample.jobs()))
    again = sections.build("demo", results, list(reversed(sample.runs())), plain_figures)
    assert page.render_html(again) == html
    assert page.render_markdown(again) == markdown


@pytest.mark.long
def test_figures_depend_on_the_values_alone(drawn):
    assert sample.figures(Results(reversed(sample.jobs()))) == drawn


def test_every_confidence_level_is_that_of_the_intervals(markdown, plain_figures):
    results = Results((name, at_level(metrics, 90)) for name, metrics in sample.jobs())
    text = page.render_markdown(sections.build("demo", results, sample.runs(), plain_figures))
    shuffles = "the furthest cell of its kind in 95 % of 2,000 shuffles"  # which no setting changes
    assert "95 %" not in text.replace(shuffles, "")
    assert text.count("90 % interval") == markdown.count("95 % interval") > 50


def at_level(metrics, percent):
    """Metrics whose intervals have another level, and the same bounds."""

    def with_level(value):
        if isinstance(value, dict):
            return {
                key: percent if (key, each) == ("confidence_percent", 95) else with_level(each)
                for key, each in value.items()
            }
        return [with_level(each) for each in value] if isinstance(value, list) else value

    return type(metrics).model_validate(with_level(metrics.to_json()))


def test_an_empty_warning_and_an_untitled_part_leave_no_trace():
    table = Table("T", "C", (Column("A"),), (Row(("1",)),))
    report = Report("Title", "x", (), "", (Part("", (Section("One", (), (table,)),)),))
    assert 'class="warning"' not in page.render_html(report) and '<h2 class="part"' not in page.render_html(report)
    assert "## One\n\n### T\n" in page.render_markdown(report)
    assert "| A |\n| ---: |\n| 1 |" in page.render_markdown(report)


def test_a_column_is_wrapped_when_one_of_its_texts_is_long():
    rows = (Row(("a" * 67, "b")), Row(("a", "b" * 66)))
    table = Table("title", "caption", (Column("first"), Column("second")), rows)
    assert [table.is_long(column) for column in (0, 1)] == [True, False]


def test_the_last_part_is_folded_and_a_link_opens_it(html, report):
    *open_parts, last = report.parts
    assert last.title == "Data and provenance" and last.folded and not any(part.folded for part in open_parts)
    folded = html.split('<details class="section">')[1:]
    assert len(folded) == len(last.sections) == 3
    for section, text in zip(last.sections, folded, strict=True):
        # The target is inside the details, not in its summary: a browser opens the details of what a link points to.
        assert text.index("</summary>") < text.index(f'id="{page.slug(section.title)}"')


def test_a_table_in_which_nothing_varies_is_a_sentence_on_both_pages():
    rows = tuple(Row((name, "7", "none")) for name in ("a", "b"))
    table = Table("Same", "C", (Column("Name"), Column("Number"), Column("Kind")), rows)
    report = Report("Title", "x", (), "", (Part("", (Section("One", (), (table,)),)),))
    sentence = "The same for a, b: Number: 7; Kind: none."
    assert (
        table.sentence == sentence and sentence in page.render_html(report) and sentence in page.render_markdown(report)
    )
    assert "<table" not in page.render_html(report)
    varied = Table("Same", "C", table.columns, (*rows, Row(("c", "8", "none"))))
    assert not varied.sentence and not Table("Same", "C", table.columns, rows[:1]).sentence


def test_two_tables_of_one_title_are_refused():
    table = Table("A table", "", (Column("A"),), ())
    with pytest.raises(ValueError, match="two tables of one title: a-table"):
        Report("Title", "x", (), "", (Part("", (Section("One", (), (table, table)),)),))


def test_tables_of_a_data_set_with_a_long_name_have_files_of_their_own():
    manifests = [sample.manifest(kind, "a long name " * 20) for kind in ("classification", "detection")]
    tables = sections.build("demo", sample.results(*manifests), [], {}).tables
    assert max(len(page.slug(table.title)) for table in tables) == 100


@pytest.mark.parametrize("colour", [*style.PALETTE, style.GREY])
def test_no_colour_of_a_chart_is_harder_to_see_on_a_dark_page(html, colour):
    """The contrast (WCAG 2) of every colour with its ground, on a dark page at least that on a light one."""
    invert, brightness = re.search(
        r"\.chart \{ filter: invert\(([.\d]+)\) hue-rotate\(180deg\) brightness\(([.\d]+)\)", html
    ).groups()

    def dark(rgb):
        turned = rotation @ (rgb * (1 - 2 * float(invert)) + float(invert))
        return np.clip(np.clip(turned, 0, 1) * float(brightness), 0, 1)

    grey = np.array([0.213, 0.715, 0.072])
    rotation = 2 * grey - np.eye(3)  # hue-rotate(180deg) of CSS
    rgb, white = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255, np.ones(3)
    assert contrast(dark(rgb), dark(white)) >= min(contrast(rgb, white), 4.5)


def contrast(one, other):
    """The ratio of two colours' relative luminances."""

    def luminance(rgb):
        linear = np.where(rgb <= 0.03928, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722] + 0.05

    darker, lighter = sorted((luminance(one), luminance(other)))
    return lighter / darker
