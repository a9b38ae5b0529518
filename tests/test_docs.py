"""The site of the documentation: it builds without a warning, fetches nothing, and is found and read in a browser."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest

from browser import DESKTOP, PHONE, started
from conf_copy import ROOT
from googlenet.cli.main import COMMANDS
from googlenet.pipeline.registry import STAGES

pytestmark = pytest.mark.long
PLACEHOLDERS = {"class", "commit", "dataset", "experiment", "image", "job", "member", "name", "stage"}
LOADED = {"img": "src", "script": "src", "link": "href", "source": "src", "iframe": "src"}


class Page(HTMLParser):
    """What a page loads, where its links lead, and its anchors."""

    def __init__(self, text):
        super().__init__()
        self.loaded, self.links, self.anchors, self.tags = [], [], set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.add(tag)
        if "id" in values:
            self.anchors.add(values["id"])
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag in LOADED and values.get(LOADED[tag]) and values.get("rel") not in ("index", "search", "next", "prev"):
            self.loaded.append(values[LOADED[tag]])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site; a warning ends the build."""
    pytest.importorskip("sphinx")
    folder = tmp_path_factory.mktemp("docs")
    words = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-d", str(folder / "doctrees"), "-c", "docs"]
    done = subprocess.run([*words, ".", str(folder / "site")], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "site"


def text_of(site, page):
    return re.sub(r"<[^>]+>", "", (site / page).read_text(encoding="utf-8"))


def test_every_page_stands_alone_and_every_link_leads_somewhere(site):
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    for path, page in pages.items():
        assert not page.tags & PLACEHOLDERS, f"{path.name}: a word in < > outside backquotes is hidden as a tag"
        for address in page.loaded:
            assert not urlsplit(address).netloc and (path.parent / unquote(urlsplit(address).path)).is_file(), address
        for address in page.links:
            parts = urlsplit(address)
            if not parts.scheme:
                target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
                assert target.is_file(), f"{path.name}: {address}"
                if parts.fragment and target in pages:
                    assert unquote(parts.fragment) in pages[target].anchors, f"{path.name}: {address}"
    sheets = [path.read_text(encoding="utf-8") for path in site.rglob("*.css")]
    assert sheets and not any(re.search(r"@import|url\([\"']?(https?:)?//", sheet) for sheet in sheets)


def test_the_references_name_every_command_and_every_stage(site):
    commands = text_of(site, "docs/commands.html")
    assert all(f"googlenet {name} [OPTIONS]" in commands for name in COMMANDS)
    assert "--min-score" in commands and "googlenet data verify" in commands
    settings = Page((site / "docs/configuration.html").read_text(encoding="utf-8"))
    assert settings.anchors >= {name.replace("_", "-") for name in STAGES}


def test_every_document_is_a_page_and_a_diagram_a_picture(site):
    names = [path.relative_to(ROOT).with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")]
    assert all((site / name).is_file() for name in names)
    start = (site / "README.html").read_text(encoding="utf-8")
    assert "pipeline.svg" in start and "flowchart TB" not in start


def test_the_picture_of_the_pipeline_is_that_of_its_source():
    names = re.compile(r"\b[a-z]+_[a-z_]+\b")
    source = re.search(r"```mermaid\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)[1]
    picture = (ROOT / "docs/images/pipeline.svg").read_text(encoding="utf-8").split("</style>")[1]
    assert set(names.findall(re.sub(r"<[^>]+>", " ", picture))) == set(names.findall(source))


@pytest.fixture(scope="module")
def browser(site):
    with started() as browser:
        yield browser


def test_a_reader_finds_a_page_by_its_words_without_a_server(browser, site):
    browser.look(DESKTOP)
    browser.open((site / "index.html").as_uri())
    browser.one("h1", "Documentation")
    browser.one(".sidebar-tree a", "Your own data")
    browser.one("input.sidebar-search").send_keys("labelImg\n")
    browser.one("#search-results a", "Your own data").click()
    browser.one("h1", "Your own data")
    assert not browser.errors()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_fit_a_telephone_and_are_legible_on_it(browser, site, dark):
    browser.look(PHONE, dark)
    for page in ("README", "docs/results", "docs/configuration", "docs/commands"):
        browser.open((site / f"{page}.html").as_uri())
        assert not browser.is_wider_than_its_screen() and not browser.missing_images(), page
        ink, ground = browser.brightness("article p")
        assert (ink > ground) == dark and abs(ink - ground) > 90
        assert not browser.errors()
