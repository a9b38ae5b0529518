"""The report of the smoke experiment in a browser, from a wide screen to a telephone's, light and dark."""

import pytest

from browser import DESKTOP, PHONE, started

pytestmark = pytest.mark.engine
FOLDED = "details.section"


@pytest.fixture(scope="module")
def browser(snakemake_build):
    with started() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(snakemake_build):
    return (snakemake_build.folder / "results/smoke/make_report/report.html").as_uri()


def is_at_the_top(browser, selector):
    return browser.run(
        "return Math.abs(document.querySelector(arguments[0]).getBoundingClientRect().top) < 100", selector
    )


def test_the_contents_stay_beside_the_page_and_lead_to_every_section(browser, address):
    browser.look(DESKTOP)
    browser.open(address)
    links = browser.all("nav.beside a")
    targets = [link.get_attribute("hash") for link in links]
    assert len(targets) > 10 and all(browser.all(target) for target in targets)
    for place in (len(links) // 2, 0):
        links[place].click()
        browser.until(lambda place=place: is_at_the_top(browser, targets[place]), f"the page moves to {targets[place]}")
        assert is_at_the_top(browser, "nav.beside")
    assert not browser.errors()


def test_folded_sections_open_by_a_click_and_by_the_contents(browser, address):
    browser.look(DESKTOP)
    browser.open(address)
    sections = browser.all(FOLDED)
    assert len(sections) >= 3 and not any(section.get_property("open") for section in sections)
    browser.one("nav.beside a", "Provenance").click()
    browser.until(lambda: sections[-1].get_property("open"), "the contents open a section")
    assert not any(section.get_property("open") for section in sections[:-1])
    for section in sections[:-1]:
        section.find_element("tag name", "summary").click()
        assert section.get_property("open") and section.find_element("css selector", "div").is_displayed()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_page_fits_its_screen_and_is_legible_on_it(browser, address, size, dark):
    browser.look(size, dark)
    browser.open(address)
    browser.run("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    assert browser.run("return innerWidth") == size[0] and not browser.is_wider_than_its_screen()
    assert browser.run("return document.images.length") > 10 and not browser.missing_images()
    for selector in ("main p", "thead th", "td.ours", "figcaption", "nav a"):
        ink, ground = browser.brightness(selector)
        assert (ink > ground) == dark and abs(ink - ground) > 90, f"{selector}: {ink:.0f} on {ground:.0f}"
    charts = browser.run("return getComputedStyle(document.querySelector('.chart')).filter")
    assert ("invert" in charts) == dark
    assert not browser.errors()


def test_a_telephone_has_the_contents_in_a_bar_that_stays(browser, address):
    browser.look(PHONE)
    browser.open(address)
    browser.one("details.above > summary").click()
    browser.one("details.above a", "Region proposals").click()
    browser.until(lambda: is_at_the_top(browser, "#region-proposals"), "the page moves to the section")
    assert is_at_the_top(browser, "details.above")
