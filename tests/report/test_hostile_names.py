"""Names that try to be markup change no tag of either page: classes, images, reasons, data sets, titles, ablations."""

from dataclasses import dataclass, replace

import pytest
from markdown_it import MarkdownIt

from googlenet.report import ablations, exports, page, sections
from googlenet.report.parts import Figure, Part, Report, Section
from report import ablations_sample, exports_sample, sample
from report.reading import read
from settings import changed
from tables import quick

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</td></tr></table><h1>x",
    "' onmouseover='alert(1)",
    "<!-- ",
    "a|b | c",
    "`code` ``` ~~~",
    "[a](javascript:alert(1)) ![b](x) [c]: x",
    "**b** _i_ ~~s~~ <b>x</b>",
    "&lt;script&gt; &amp; &#60;",
    "{{ 7 * 7 }} {% raw %} ${x} %s {0}",
    "line\n\n# heading\n- item\n1. item\n> quote\n| a | b |\n| --- | --- |",
    "www.example.org and http" + "://example.org and a@example.org",
    "\x1b[31m \u202e \x00 \ufeff",
    "$\\frac{1}{$",
)


@dataclass(frozen=True)
class Pages:
    """What the two pages are made of, without their words."""

    tags: list
    attributes: list
    tokens: list


def pages(report) -> Pages:
    """The tags and attributes of the HTML, and the tokens that Markdown sees."""
    reader = read(page.render_html(report))
    assert reader.open == []
    free = {"alt", "aria-label", "class"}  # their values are words, or follow the length of words
    attributes = [(tag, key, None if key in free else value) for tag, key, value in reader.attributes]
    markdown = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(page.render_markdown(report))
    words = {"text", "text_special", "softbreak", "inline"}
    flat = [one.type for token in markdown for one in (token, *(token.children or ()))]
    return Pages(reader.tags, attributes, [kind for kind in flat if kind not in words])


def experiment(monkeypatch, name, **head):
    """The sample's report with this name in every place that a person's files or settings fill."""
    classes = [f"{name}{number}" for number in range(10)]
    monkeypatch.setattr(sample, "CLASSES", classes)
    refused = [{"split": "train", "name": name, "reason": f"{name}: {name}"}]
    look = {"refused": [{"split": "train", "kind": name, "count": 1}]}
    manifests = [
        changed(manifest, dataset=name, about=name, refused=refused, look=look)
        for manifest in sample.results().manifests
    ]
    return sections.build(name, sample.results(*manifests), sample.runs(), {}, title=name, purpose=name)


def shown(report):
    """Every name as the page shows it is there: it was escaped, not dropped."""
    return read(page.render_html(report)).text


@pytest.fixture(scope="module")
def plain():
    """The pages of the sample's report with harmless names."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        return pages(experiment(monkeypatch, "plain"))


@pytest.mark.long
@pytest.mark.parametrize("name", quick(HOSTILE, 5))
def test_no_name_is_markup_in_the_report(monkeypatch, plain, name):
    hostile = experiment(monkeypatch, name)
    assert pages(hostile) == plain
    assert "://" not in page.render_markdown(hostile) and "www." not in page.render_markdown(hostile)
    assert shown(hostile).count(name.replace("\x00", "\ufffd")) >= 20 or "\x00" in name


def exports_pages(name):
    """The pages of the sample's exports, likewise."""
    manifest = changed(sample.manifest("classification"), dataset=name, about=name)
    return pages(exports.build(name, exports_sample.measure_export(), manifest, name))


@pytest.mark.parametrize("name", quick(HOSTILE, 5))
def test_no_name_is_markup_in_the_page_of_exports(name):
    assert exports_pages(name) == exports_pages("plain")


def ablations_pages(name):
    """The pages of the sample's ablations with this name in every place that a person's files or settings fill."""
    sample_rows = ablations_sample.compare_ablations()
    compared = changed(sample_rows, rows=[changed(row, about=name) for row in sample_rows.rows])
    manifest = changed(sample.manifest("classification"), dataset=name, about=name)
    return pages(ablations.build(name, compared, manifest, ablations.drawings(compared), {}, name))


@pytest.fixture(scope="module")
def plain_ablations():
    return ablations_pages("plain")


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_is_markup_in_the_page_of_ablations(plain_ablations, name):
    hostile = ablations_pages(name)
    differ = {
        (tag, key)
        for (tag, key, value), (_, _, plain_value) in zip(hostile.attributes, plain_ablations.attributes, strict=True)
        if value != plain_value
    }
    assert differ <= {("img", "src"), ("img", "width")}  # the figure shows the names
    assert [row[:2] for row in hostile.attributes] == [row[:2] for row in plain_ablations.attributes]
    assert (hostile.tags, hostile.tokens) == (plain_ablations.tags, plain_ablations.tokens)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_of_a_figure_is_markup(name):
    figure = Figure("crops_144", b"\x89PNG" + bytes(20), name, name)
    report = experiment_of(figure)
    plain = experiment_of(replace(figure, caption="plain", alt="plain"))
    assert pages(report) == pages(plain)


def experiment_of(figure: Figure):
    """A report of one figure."""
    return Report("title", "demo", (), "", (Part("", (Section("One", (), (figure,)),)),))


@pytest.mark.long
def test_every_figure_is_drawn_whatever_the_names(monkeypatch):
    monkeypatch.setattr(sample, "CLASSES", list(HOSTILE[:10]))
    first = sample.figures(sample.results())
    monkeypatch.setattr(sample, "CLASSES", list(HOSTILE[5:]))
    second = sample.figures(sample.results())
    assert first.keys() == second.keys() and all(png.startswith(b"\x89PNG") for png in second.values())
